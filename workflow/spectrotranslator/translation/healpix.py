"""HEALPix numbers of positions."""

import numpy as np

#: Finest order of 64-bit numbers; a number of order k is this one shifted right by 2 (29 - k).
ORDER = 29


def nested_index(ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """HEALPix numbers in the nested scheme, of order ``ORDER``.

    Parameters
    ----------
    ra, dec : ndarray
        Right ascension and declination, deg, shape (rows,).

    Returns
    -------
    numbers, known : ndarray
        Shape (rows,), int64 and bool; a position that is not finite is not known and has 0.

    References
    ----------
    Gorski et al. 2005, ApJ 622, 759, section 5 and appendix A.
    """
    known = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    phi, z = np.where(known, ra, 0.0), np.sin(np.deg2rad(np.where(known, dec, 0.0)))
    quarter = np.mod(phi, 360.0) / 90.0
    belt = np.abs(z) <= 2 / 3
    face, x, y = (
        np.where(belt, *pair)
        for pair in zip(_belt(quarter, z), _caps(quarter, z, dec, known), strict=True)
    )
    numbers = (face << 2 * ORDER) | _spread(x) | (_spread(y) << 1)
    return np.where(known, numbers, 0), known


def _belt(quarter: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Face and place within it, of positions in the equatorial belt."""
    side = 1 << ORDER
    falling = np.floor(side * (0.5 + quarter - 0.75 * z)).astype(np.int64)
    rising = np.floor(side * (0.5 + quarter + 0.75 * z)).astype(np.int64)
    below, above = falling >> ORDER, rising >> ORDER
    face = np.where(below == above, below | 4, np.where(below < above, below, above + 8))
    return face, rising & (side - 1), side - 1 - (falling & (side - 1))


def _caps(
    quarter: np.ndarray, z: np.ndarray, dec: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Face and place within it, of positions in the polar caps."""
    side = 1 << ORDER
    first = np.minimum(3, quarter.astype(np.int64))
    within = quarter - first
    cosine = np.cos(np.deg2rad(np.where(known, dec, 0.0)))
    from_pole = side * cosine * np.sqrt(3 / (1 + np.abs(z)))
    falling, rising = (
        np.clip((part * from_pole).astype(np.int64), 0, side - 1) for part in (within, 1 - within)
    )
    north = z >= 0
    face = np.where(north, first, first + 8)
    x = np.where(north, side - 1 - rising, falling)
    y = np.where(north, side - 1 - falling, rising)
    return face, x, y


def _spread(bits: np.ndarray) -> np.ndarray:
    """The bits of numbers below 2**32 at every second place."""
    spread = bits.astype(np.int64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        spread = (spread | (spread << shift)) & mask
    return spread
