"""What the last digits say: networks compute in single precision, catalogues are written in double.

A network's answer is a 24-bit number, so it lies on a lattice whose step is known from its size. It
is then brought to the output's unit (times the training rows' standard deviation, plus their mean),
averaged over the members that trimming leaves, and interpolated between two realisations. Averages
of k members lie on a lattice k times as fine; the 50th percentile of an even number of realisations
halves it, the 16th divides it by up to 25, the 5th by up to 20. The finest step of each percentile
gives k, and which of 2, 4, 5 and 25 divide the number of realisations less one.

The mean and the standard deviation are those of a candidate training sample, so only the right one
shows a lattice at all; without one, answers that were restored in single precision still do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd

import numpy as np

MOST_MEMBERS = 120
STARS, FEWEST, NEAR, NEEDED, SPREADS = 2000, 20, 0.005, 0.75, 2.5
BITS = 23


@dataclass(frozen=True)
class Lattice:
    """How often the steps are divided: by the members kept, and what divides n - 1."""

    kept: int
    by_four: int
    by_twentyfive: int

    def allows(self, realisations: int) -> bool:
        """Whether a number of realisations would divide the steps so."""
        n = realisations - 1
        return gcd(n, 4) == self.by_four and gcd(n, 25) == self.by_twentyfive


def finest_divisor(standard: np.ndarray, most: int) -> int | None:
    """The least number that brings the values onto the lattice of 24-bit numbers, if any does.

    ``standard`` holds values as the network gave them, averaged or interpolated.
    """
    step = 2.0 ** (np.floor(np.log2(np.abs(standard))) - BITS)
    units = standard / step
    divisors = np.arange(1, most + 1)
    places = units[:, None] * divisors
    share = (np.abs(places - np.round(places)) < NEAR).mean(axis=0)
    found = np.flatnonzero(share >= NEEDED)
    return int(divisors[found[0]]) if len(found) else None


def read_lattice(
    percentiles: Mapping[str, np.ndarray],
    systematic: Mapping[str, np.ndarray],
    scalings: Mapping[str, tuple[float, float]],
) -> tuple[Lattice | None, dict]:
    """The lattice that all outputs share, if any, and the divisors of each.

    Parameters
    ----------
    percentiles
        Output to its five percentiles, shape (stars, 5), of stars whose inputs are all there.
    systematic
        Output to its systematic error, shape (stars,).
    scalings
        Output to mean and standard deviation of the training rows; (0, 1): restored in single
        precision.
    """
    found, figures = {}, {}
    for name, columns in percentiles.items():
        mean, std = scalings[name]
        divisors = _divisors((columns - mean) / std, systematic[name] / std)
        figures[name] = divisors
        lattice = _lattice(*divisors) if divisors else None
        if lattice:
            found[name] = lattice
    different = set(found.values())
    return (different.pop() if len(different) == 1 else None), figures


def _divisors(standard: np.ndarray, spread: np.ndarray) -> list[int] | None:
    """Finest divisors of the 5th, 16th and 50th percentiles."""
    size = np.abs(standard)
    with np.errstate(divide="ignore", invalid="ignore"):
        octave = np.floor(np.log2(size))
        inside = np.isfinite(octave).all(axis=1) & (octave == octave[:, :1]).all(axis=1)
        # No member below the octave, where steps are finer; far from zero.
        least = size.min(axis=1)
        inside &= least - SPREADS * spread > 1.02 * 2.0 ** octave[:, 0]
        inside &= least > 0.25
    inside &= standard[:, 0] < standard[:, 4]
    rows = np.flatnonzero(inside)[:STARS]
    if len(rows) < FEWEST:
        return None
    found = []
    for column, most in ((0, 20), (1, 25), (2, 2)):
        divisor = finest_divisor(standard[rows, column], most * MOST_MEMBERS)
        if divisor is None:
            return None
        found.append(divisor)
    return found


def _lattice(fifth: int, sixteenth: int, half: int) -> Lattice | None:
    """From the three divisors; none where no number of members and realisations gives them."""
    for even in (1, 2):
        if half % even:
            continue
        kept = half // even
        if sixteenth % kept or fifth % kept:
            continue
        by_25, by_20 = sixteenth // kept, fifth // kept
        if by_25 not in (1, 5, 25) or 20 % by_20:
            continue
        by_four = 4 // gcd(by_20, 4)
        fives_agree = (by_20 % 5 == 0) == (by_25 == 25)
        if fives_agree and (even == 2) == (by_four == 1):
            return Lattice(kept, by_four, 25 // by_25)
    return None
