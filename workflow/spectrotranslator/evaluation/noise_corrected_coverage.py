"""How many true values intervals hold, as far as residuals and the label's own errors tell."""

import numpy as np
from scipy.special import ndtr, ndtri

from spectrotranslator.translation.predictive_width import CAP, KEPT

from .residual_statistics import INTERVALS, interval

DRAWS = 100
# Mean of a standard normal's square, what lies beyond the cap counted as the cap.
CAPPED = KEPT + 2 * CAP**2 * ndtr(-CAP)
STEPS = 25
WIDEST = 100.0


def noise_corrected_coverage(
    table: dict[int, np.ndarray], label: np.ndarray, error: np.ndarray, weights: np.ndarray
) -> dict:
    """Share of true values within each interval, and its 95% interval over bootstrapped stars.

    None where no label has an error.

    Parameters
    ----------
    table
        Percentile to its values, shape (stars,): 5, 16, 50, 84 and 95.
    label, error
        The target's value and its catalogue error, shape (stars,); a label without an error does
        not count.
    weights
        How often each star is drawn, shape (draws, stars).

    Notes
    -----
    True values are taken to scatter normally about the median, f times as wide as the interval
    says, and labels about them by their errors. f makes the capped squares of the residuals, in
    units of both together, what a normal distribution gives. Where labels are much noisier than
    the translation f is hardly known, and the 95% interval says so; it is off where the label's
    errors are.
    """
    known = np.isfinite(error) & np.isfinite(label) & np.isfinite(table[50])
    if not known.any():
        return {f"{low}-{high}": None for low, high in INTERVALS}
    residual = (label - table[50])[known]
    found = {}
    for low, high in INTERVALS:
        below, above = (np.abs(table[p] - table[50])[known] for p in (low, high))
        half = np.where(residual < 0, below, above)
        # A halfwidth of 0 leaves nothing to be scaled.
        unit = np.maximum(half / ndtri(high / 100), np.finfo(float).tiny)
        drawn = np.vstack([np.ones(len(residual)), weights[:DRAWS, known]])
        widths = _widths(residual**2, unit**2, error[known] ** 2, drawn)
        shares = 2 * ndtr(ndtri(high / 100) / widths) - 1
        found[f"{low}-{high}"] = {"value": float(shares[0]), "interval": interval(shares[1:])}
    return found


def _widths(
    square: np.ndarray, unit: np.ndarray, noise: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """The factor f of every draw, shape (draws,), by bisection; between 1/100 and 100."""
    low = np.full(len(weights), -2 * np.log(WIDEST))
    high = -low
    total = np.maximum(weights.sum(axis=1), 1)
    for _ in range(STEPS):
        middle = (low + high) / 2
        pulls = np.minimum(square / (np.exp(middle)[:, None] * unit + noise), CAP**2)
        too_narrow = np.einsum("ij,ij->i", weights, pulls) / total > CAPPED
        low, high = np.where(too_narrow, middle, low), np.where(too_narrow, high, middle)
    return np.exp((low + high) / 4)
