"""How many realisations the percentiles were taken over.

Where the network is nearly linear over a star's errors, its five percentiles are those of some
normal draws and one value without noise, at an unknown place and an unknown scale. What is left of
them when place and scale are taken out has a distribution that hangs on the number of realisations
alone: its widths go with 1/sqrt(n), and its fine shape with where (n - 1) times 0.05, 0.16 and 0.5
fall between whole numbers. A curved network skews the percentiles as well, outer and inner ones in
the known proportion of the squares of their normal quantiles: that part is projected out, and
outputs that show much of it are left aside. The likelihood is that of counts in cells.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import ndtri

from spectrotranslator.translation.order_statistics import simulate

from .answer import Answer, unknown

MOST, MOST_STARS, FEWEST_STARS = 2000, 20_000, 100
COARSE, FINE, AT_ONCE = 40_000, (60_000, 600_000), 25
DROP = 3.84
CURVED = (ndtri(0.95) / ndtri(0.84)) ** 2
# How curved an output may be to count with others, and alone; what is left of the curvature makes
# the scatter larger and the number too small, by at most this share of its excess (docs).
LINEAR, BENT, LEFT, MISFIT = 1.1, 1.3, 0.25, 4.0
WIDTH_RATIO = (ndtri(0.95) - ndtri(0.05)) / (ndtri(0.84) - ndtri(0.16))


def shapes(percentiles: np.ndarray) -> np.ndarray:
    """What is left of five percentiles, shape (stars, 5), without place and scale: (stars, 4).

    The inner width over the outer one, the part of the skewness that a curved network does not
    give, and the outer and the inner skewness.
    """
    p5, p16, p50, p84, p95 = percentiles.T
    width = p95 - p5
    outer, inner = (p95 + p5 - 2 * p50) / width, (p84 + p16 - 2 * p50) / width
    return np.stack([(p84 - p16) / width, outer - CURVED * inner, outer, inner], axis=1)


class Cells:
    """Cells of equal content over the first two shapes of some stars, and counts in them."""

    def __init__(self, values: np.ndarray, sides: Sequence[int] = (6, 6)):
        self.edges = [
            np.quantile(column, np.linspace(0, 1, side + 1)[1:-1])
            for column, side in zip(self._folded(values).T, sides, strict=True)
        ]
        self.sides = tuple(len(edges) + 1 for edges in self.edges)

    @staticmethod
    def _folded(values: np.ndarray) -> np.ndarray:
        """Left and right are alike: only the size of the skewness."""
        return np.stack([values[:, 0], np.abs(values[:, 1])], axis=1)

    def counts(self, values: np.ndarray) -> np.ndarray:
        """Stars in each cell."""
        places = [
            np.searchsorted(edges, column)
            for edges, column in zip(self.edges, self._folded(values).T, strict=True)
        ]
        flat = np.ravel_multi_index(places, self.sides)
        return np.bincount(flat, minlength=int(np.prod(self.sides)))


def read_realisations(
    percentiles: Mapping[str, np.ndarray],
    output: str,
    errors: np.ndarray,
    allowed: Callable[[int], bool] = lambda n: True,
    lattice: dict | None = None,
) -> Answer:
    """The number of realisations, the unperturbed one among them.

    Parameters
    ----------
    percentiles
        By output, shape (stars, 5), of stars whose inputs and errors are all there.
    output
        The one (the velocity) whose own ``errors`` before translation, shape (stars,), are given:
        its widths over them go into the evidence.
    allowed
        Which numbers the lattice of the percentiles leaves (``lattice.py``).
    lattice
        Its figures, for the evidence.
    """
    columns = {name: values[_usable(values)] for name, values in percentiles.items()}
    evidence = {"stars": {name: len(c) for name, c in columns.items()}, "lattice": lattice}
    if len(errors) >= FEWEST_STARS and not any(len(c) for c in columns.values()):
        return unknown("the percentiles are one number: no realisation is perturbed", **evidence)
    columns = {name: c for name, c in columns.items() if len(c) >= FEWEST_STARS}
    if not columns:
        return unknown(f"fewer than {FEWEST_STARS} stars have all inputs and errors", **evidence)
    evidence |= _widths(percentiles[output], errors)
    values = {name: shapes(_some(c, MOST_STARS // len(columns))) for name, c in columns.items()}
    curved = _curvatures(values)
    straight = [name for name in values if curved[name] <= LINEAR]
    chosen = straight or [min(curved, key=curved.__getitem__)]
    pooled = np.concatenate([values[name] for name in chosen])
    cells = Cells(pooled)
    scores, spread, noise = _likelihoods(cells.counts(pooled), cells, allowed)
    fits = spread <= MISFIT
    spread *= _together([shapes(percentiles[name]) for name in chosen])
    best = max(scores, key=scores.__getitem__)
    drop = DROP / 2 * spread + 2 * noise
    inside = sorted(n for n, score in scores.items() if scores[best] - score <= drop)
    kinked = _kinks({name: values[name] for name in chosen}, best)
    outer = max(curved[name] for name in chosen)
    excess = LEFT * max(0.0, outer**2 - 1) + max(0.0, kinked**2 - 1)
    highest = int(inside[-1] * (1 + excess))
    highest = max(n for n in range(inside[-1], highest + 1) if n == inside[-1] or allowed(n))
    evidence |= {
        "curvature": curved,
        "kinks": kinked,
        "outputs": chosen,
        "overdispersion": spread,
        "noise_of_the_simulation": noise,
        "log_likelihood": {str(n): round(scores[n] - scores[best], 2) for n in inside},
    }
    if curved[chosen[0]] > BENT or not fits:
        return unknown("every output is too curved over the errors of its inputs", **evidence)
    if highest >= MOST:
        return unknown(f"at least {inside[0]}: more cannot be told apart", **evidence)
    return Answer(estimate=best, interval=[inside[0], highest], evidence=evidence)


def _usable(percentiles: np.ndarray) -> np.ndarray:
    return np.isfinite(percentiles).all(axis=1) & (percentiles[:, 4] > percentiles[:, 0])


def _some(rows: np.ndarray, most: int) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return rows[np.sort(np.random.default_rng(1).choice(len(rows), most, replace=False))]


def _curvatures(values: Mapping[str, np.ndarray]) -> dict[str, float]:
    """By output: scatter of the outer skewness over that of its straight part; 1 if linear.

    In units of what normal draws give, at the number that all outputs roughly point to.
    """
    pooled = np.concatenate(list(values.values()))
    cells = Cells(pooled)
    rough = _rough(cells.counts(pooled), cells)
    straight = _curvature(shapes(_simulated(rough, COARSE)))
    return {name: _curvature(one) / straight for name, one in values.items()}


def _kinks(values: Mapping[str, np.ndarray], realisations: int) -> float:
    """Scatter of the inner skewness over that of the widths' ratio, mean over outputs; 1 if linear.

    Kinks within the errors skew the inner percentiles; all of that excess passes for fewer
    realisations.
    """
    straight = _kink(shapes(_simulated(realisations, COARSE)))
    return float(np.mean([_kink(one) for one in values.values()]) / straight)


def _kink(values: np.ndarray) -> float:
    low, high = np.percentile(values[:, [0, 3]], [16, 84], axis=0)
    ratio, inner = high - low
    return float(inner / max(ratio, 1e-300))


def _curvature(values: np.ndarray) -> float:
    low, high = np.percentile(values[:, 1:3], [16, 84], axis=0)
    part, whole = high - low
    return float(whole / max(part, 1e-300))


def _together(values: list[np.ndarray]) -> float:
    """By how much outputs of one star repeat each other: 1 if not at all, their number at most."""
    scatter = [np.abs(np.nan_to_num(one[:, 1])) for one in values]
    if len(scatter) == 1:
        return 1.0
    table = pd.DataFrame(np.stack(scatter, axis=1)).rank().to_numpy()
    correlation = np.corrcoef(table.T)
    return float(1 + (correlation.sum() - len(scatter)) / len(scatter))


def _widths(percentiles: np.ndarray, errors: np.ndarray) -> dict:
    """Mean widths over the error and over each other: what a person would look at first."""
    good = np.isfinite(percentiles).all(axis=1) & np.isfinite(errors) & (errors > 0)
    if not good.any():
        return {}
    percentiles, errors = percentiles[good], errors[good]
    outer = percentiles[:, 4] - percentiles[:, 0]
    inner = percentiles[:, 3] - percentiles[:, 1]
    return {
        "outer_width_over_error": float(np.median(outer / errors)),
        "outer_over_inner_width": float(np.median(outer[inner > 0] / inner[inner > 0])),
        "outer_over_inner_width_of_a_normal": float(WIDTH_RATIO),
    }


def _likelihoods(counts, cells: Cells, allowed) -> tuple[dict[int, float], float, float]:
    """Log likelihood by number near the best one, how much too far the counts scatter, and noise.

    The noise is that of a difference of two likelihoods, from the finite simulations.
    """
    place = _rough(counts, cells)
    reach = max(3, int(place * (0.1 + 5 / np.sqrt(counts.sum()))))
    window = [n for n in range(max(2, place - reach), place + reach + 1) if allowed(n)]
    fine = int(np.clip(30 * counts.sum(), *FINE))
    left = _narrowed(counts, cells, window or [place])
    scores = {n: _score(counts, cells, n, fine) for n in left}
    best = max(scores, key=scores.__getitem__)
    expected = counts.sum() * _shares(cells, best, fine)
    chi2 = float(((counts - expected) ** 2 / expected).sum()) / (len(counts) - 1)
    noise = float(np.sqrt(2 * len(counts) * counts.sum() / fine)) if len(scores) > 1 else 0.0
    return scores, max(chi2, 1.0), noise


def _narrowed(counts, cells: Cells, window: list[int]) -> list[int]:
    """The numbers of a wide window that a quicker look does not exclude, at most ``AT_ONCE``."""
    if len(window) <= AT_ONCE:
        return window
    quick = {n: _score(counts, cells, n, COARSE) for n in window}
    least = max(quick.values()) - 4 * DROP * (1 + counts.sum() / COARSE)
    left = [n for n in window if quick[n] >= least]
    places = np.unique(np.linspace(0, len(left) - 1, AT_ONCE).round().astype(int))
    return [left[place] for place in places]


def _rough(counts: np.ndarray, cells: Cells) -> int:
    """The most likely number of a ladder of them."""
    first = {n: _score(counts, cells, n, COARSE) for n in _ladder()}
    return max(first, key=first.__getitem__)


def _ladder() -> list[int]:
    steps = np.unique(np.round(np.geomspace(30, MOST, 45)).astype(int))
    return [*range(2, 30), *steps.tolist()]


def _score(counts: np.ndarray, cells: Cells, n: int, stars: int) -> float:
    return float((counts * np.log(_shares(cells, n, stars))).sum())


def _shares(cells: Cells, n: int, stars: int) -> np.ndarray:
    counts = cells.counts(shapes(_simulated(n, stars)))
    return (counts + 0.5) / (counts.sum() + 0.5 * len(counts))


@lru_cache(maxsize=80)
def _simulated(n: int, stars: int) -> np.ndarray:
    return simulate(n, stars, np.random.default_rng([n, stars]))
