"""Pairs of rows of two surveys that lie at one place, each carried along by its proper motion."""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

ARCSEC = np.pi / 180 / 3600
POLE_DEG = 1e-6


def moved(stars: pd.DataFrame, to_epoch: float) -> tuple[np.ndarray, np.ndarray]:
    """Right ascension and declination (deg) at ``to_epoch`` (Julian year), to first order.

    Needs the columns ra, dec (deg) and epoch; pmra (with cos dec) and pmdec (mas/yr) where known,
    elsewhere the star is taken to stand still.
    """
    years = to_epoch - stars["epoch"].to_numpy(np.float64)
    ra, dec = (stars[name].to_numpy(np.float64) for name in ("ra", "dec"))
    pmra, pmdec = (
        np.nan_to_num(stars[name].to_numpy(np.float64)) if name in stars else 0.0
        for name in ("pmra", "pmdec")
    )
    later = np.clip(dec + pmdec * years / 3.6e6, -90, 90)
    wide = np.maximum(np.cos(np.radians(dec)), POLE_DEG)
    return (ra + pmra * years / 3.6e6 / wide) % 360, later


def unit_vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Directions (n, 3) of positions in deg."""
    alpha, delta = np.radians(ra), np.radians(dec)
    return np.stack(
        [np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)], axis=1
    )


def separation(first: pd.DataFrame, second: pd.DataFrame) -> np.ndarray:
    """Angle (arcsec) between row i of ``first`` and row i of ``second``, NaN without positions.

    The smaller of two: the first moved to the second's epoch, and the other way round.
    """
    angles = []
    for here, there in ((first, second), (second, first)):
        one = unit_vectors(*moved(here, _epoch(there)))
        other = unit_vectors(*moved(there, _epoch(there)))
        angles.append(_angle(np.linalg.norm(one - other, axis=1)))
    return np.fmin(*angles)


def _epoch(stars: pd.DataFrame) -> float:
    return float(stars["epoch"].iloc[0]) if len(stars) else 2000.0


def _angle(chord: np.ndarray) -> np.ndarray:
    return 2 * np.arcsin(np.clip(chord / 2, 0, 1)) / ARCSEC


def neighbours(first: pd.DataFrame, second: pd.DataFrame, radius: float) -> pd.DataFrame:
    """Mutually nearest rows within ``radius`` (arcsec): columns first, second (positions), arcsec.

    Rows without a position have no neighbour. Where one survey knows no motion the other's serves.
    """
    found = [
        _mutual(first, second, _epoch(second), radius),
        _mutual(first, second, _epoch(first), radius),
    ]
    pairs = pd.concat(found).sort_values(["arcsec", "first", "second"], kind="stable")
    single = pairs.drop_duplicates("first").drop_duplicates("second")
    return single.sort_values("first", ignore_index=True)


def _mutual(first: pd.DataFrame, second: pd.DataFrame, epoch: float, radius: float) -> pd.DataFrame:
    places = [moved(stars, epoch) for stars in (first, second)]
    known = [np.flatnonzero(np.isfinite(ra) & np.isfinite(dec)) for ra, dec in places]
    if not (known[0].size and known[1].size):
        return pd.DataFrame({"first": np.zeros(0, int), "second": np.zeros(0, int), "arcsec": []})
    points = [
        unit_vectors(ra[rows], dec[rows]) for (ra, dec), rows in zip(places, known, strict=True)
    ]
    chord = 2 * np.sin(radius * ARCSEC / 2)
    trees = [cKDTree(point) for point in points]
    distance, there = trees[1].query(points[0], distance_upper_bound=chord)
    _, back = trees[0].query(points[1], distance_upper_bound=chord)
    rows = np.flatnonzero(np.isfinite(distance))
    rows = rows[back[there[rows]] == rows]
    return pd.DataFrame(
        {
            "first": known[0][rows],
            "second": known[1][there[rows]],
            "arcsec": _angle(distance[rows]),
        }
    )
