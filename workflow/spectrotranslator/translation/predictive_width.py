"""Fit the width of a network's predictive interval to stars that were left out of its training.

Apart from its use in ``intervals``: a translation need not load an optimiser. The interval is
normalised conformal prediction within groups of similar width: its coverage of new labels does not
rest on the shape of the residuals.

References
----------
Lei et al. 2018, JASA 113, 1094 (normalised conformal prediction); Vovk 2012, ACML (groups).
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

from .intervals import Pulls, Uncertainty, WidthModel

CAP = 3.0  # pulls beyond it are gross failures: they count, but no more than this
# Mean square of a standard normal's pulls, those beyond the cap as nothing.
KEPT = float(2 * ndtr(CAP) - 1 - 2 * CAP * np.exp(-(CAP**2) / 2) / np.sqrt(2 * np.pi))
GROUPS, FEWEST = 5, 300


def fit_predictive(
    residual: np.ndarray, uncertainty: Uncertainty, fewer: np.ndarray, percentiles: list[float]
) -> tuple[WidthModel, Pulls]:
    """Width and pulls of new measurements.

    Parameters
    ----------
    residual : ndarray
        Label less prediction of stars that did not train the members used, shape (stars,).
    uncertainty : Uncertainty
        Of the same stars.
    fewer : ndarray
        How much larger than the whole ensemble's is the variance of the mean of those members
        that left the star out, in units of the members' variance: 1/m - 1/M, shape (stars,).
    percentiles : list of float
        Percentiles to be written.
    """
    known = fewer * uncertainty.scatter**2
    squares = _maximum_likelihood(residual, uncertainty.terms(), known)
    model = WidthModel.of_squares(squares)
    width = model.width(uncertainty)
    pull = residual / np.sqrt(width**2 + known)
    edges = _edges(width)
    group = np.searchsorted(edges, width)
    quantiles = {
        f"{p:g}": [observed_quantile(pull[group == g], p) for g in range(len(edges) + 1)]
        for p in percentiles
    }
    return model, Pulls(edges, quantiles)


def _maximum_likelihood(residual: np.ndarray, terms: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Squared factors on ``terms`` beside the ``known`` variance.

    Normal likelihood with capped pulls, over the logarithms of the squared factors.
    """
    scatter = robust_scatter(residual)
    size = terms.mean(axis=1)
    used = size > 0
    scale = scatter**2 / size[used]
    inner = terms[used] * scale[:, None]
    square = residual**2

    def objective(logarithms: np.ndarray) -> tuple[float, np.ndarray]:
        shares = np.exp(logarithms)
        total = shares @ inner + known + 1e-12 * scatter**2
        pull = square / total
        loss = (np.log(total) + np.minimum(pull, CAP**2) / KEPT).mean()
        slope = (1 - np.where(pull < CAP**2, pull, 0) / KEPT) / total
        return float(loss), shares * (inner @ slope) / len(square)

    first = np.full(used.sum(), np.log(0.3 / used.sum()))
    found = minimize(objective, first, jac=True, method="L-BFGS-B", bounds=[(-20, 8)] * used.sum())
    squares = np.zeros(len(terms))
    squares[used] = np.exp(found.x) * scale
    return squares


def robust_scatter(residual: np.ndarray) -> float:
    """1.4826 times the median absolute residual; never 0, in the unit of ``residual``."""
    return float(np.median(np.abs(residual)) / ndtri(0.75)) or float(residual.std()) or 1e-12


def _edges(width: np.ndarray) -> list[float]:
    """Widths that part the stars into groups of at least FEWEST."""
    groups = max(1, min(GROUPS, len(width) // FEWEST))
    edges = np.unique(np.quantile(width, np.arange(1, groups) / groups))
    return edges[(edges > width.min()) & (edges < width.max())].tolist()


def observed_quantile(pull: np.ndarray, percentile: float) -> float:
    """Quantile at rank (n + 1) p, as conformal prediction asks; 0 at the median."""
    if percentile == 50:
        return 0.0
    return float(np.quantile(pull, percentile / 100, method="weibull"))
