"""Fit the widths of a network's intervals to stars that were left out of its training.

Apart from their use in ``intervals``: a translation need not load an optimiser.

The predictive interval is normalised conformal prediction within groups of similar width: its
coverage of new labels does not rest on the shape of the residuals. For the value, the labels' own
errors are taken out as far as they can be believed: the factor on the stated errors is estimated
from how the squared residuals grow with them, and what remains uncertain of it widens the interval.

References
----------
Lei et al. 2018, JASA 113, 1094 (normalised conformal prediction); Vovk 2012, ACML (groups).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

from .intervals import Pulls, Uncertainty, WidthModel

CAP = 3.0  # pulls beyond it are gross failures: they count, but no more than this
# Mean square of a standard normal's pulls, those beyond the cap as nothing.
KEPT = float(2 * ndtr(CAP) - 1 - 2 * CAP * np.exp(-(CAP**2) / 2) / np.sqrt(2 * np.pi))
#: Factors on the stated label errors that are tried, and how far from 1 they are expected.
FACTORS = np.exp(np.linspace(np.log(0.25), np.log(3.0), 16))
EXPECTED = 0.35
#: The likelihood counts half, as the residuals are not quite normal.
TEMPER = 0.5
#: Least value width, as a share of the residuals' scatter.
LEAST = 0.05
GROUPS, FEWEST = 5, 300


@dataclass(frozen=True)
class LabelErrors:
    """How far the stated errors of a label can be believed.

    Attributes
    ----------
    stated, residual : float
        Median stated error and robust scatter of the residuals, in the label's unit.
    factor : float
        By which the stated errors are multiplied.
    interval : list of float
        Its central 95%.
    """

    stated: float
    residual: float
    factor: float
    interval: list[float]

    @property
    def exceed(self) -> bool:
        """Whether the stated errors are larger than the residuals that they are part of."""
        return self.stated > self.residual


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
    squares, _ = _maximum_likelihood(residual, uncertainty.terms(), known)
    model = WidthModel.of_squares(squares)
    width = model.width(uncertainty)
    pull = residual / np.sqrt(width**2 + known)
    edges = _edges(width)
    group = np.searchsorted(edges, width)
    quantiles = {
        f"{p:g}": [_quantile(pull[group == g], p) for g in range(len(edges) + 1)]
        for p in percentiles
    }
    return model, Pulls(edges, quantiles)


def fit_value(
    residual: np.ndarray,
    label_error: np.ndarray,
    uncertainty: Uncertainty,
    fewer: np.ndarray,
    percentiles: list[float],
) -> tuple[WidthModel, Pulls, LabelErrors]:
    """Width and pulls of values on the target's scale, and what is believed of the label errors.

    Parameters are those of `fit_predictive`; ``label_error`` is the label's stated error, shape
    (stars,), in its unit.

    Notes
    -----
    Variances are averaged over the factors on the stated errors, weighted by likelihood and by an
    expectation that is log-normal about 1. Quantiles of the pulls are the observed ones as far as
    the width outweighs the label's error, and those of the normal as far as it does not: what lies
    under the label's noise cannot be seen.
    """
    terms, known = uncertainty.terms(), fewer * uncertainty.scatter**2
    scatter = _scatter(residual)
    factors = FACTORS if label_error.any() else np.ones(1)
    fits = []
    start = None
    for factor in factors:
        squares, loss = _maximum_likelihood(
            residual, terms, known + (factor * label_error) ** 2, start
        )
        fits.append((squares, loss))
        start = np.log(np.maximum(squares, 1e-12 * scatter**2 / terms.mean(axis=1).clip(1e-300)))
    weight = _posterior(factors, np.array([loss for _, loss in fits]), len(residual))
    squares = weight @ np.stack([found for found, _ in fits])
    squares[0] = max(squares[0], (LEAST * scatter) ** 2)
    believed = float(np.exp(weight @ np.log(factors)))
    model = WidthModel.of_squares(squares)
    own = model.width(uncertainty) ** 2
    whole = own + known + (believed * label_error) ** 2
    pull, seen = residual / np.sqrt(whole), float((own / whole).mean())
    quantiles = {
        f"{p:g}": [
            seen * _quantile(pull, p) + (1 - seen) * float(ndtri(p / 100)) if p != 50 else 0.0
        ]
        for p in percentiles
    }
    cumulative = np.cumsum(weight)
    interval = [
        float(factors[np.searchsorted(cumulative, q).clip(0, len(factors) - 1)])
        for q in (0.025, 0.975)
    ]
    errors = LabelErrors(float(np.median(label_error)), scatter, believed, interval)
    return model, Pulls([], quantiles), errors


def _maximum_likelihood(
    residual: np.ndarray, terms: np.ndarray, known: np.ndarray, start: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Squared factors on ``terms`` beside the ``known`` variance, and the loss a star.

    Normal likelihood with capped pulls, over the logarithms of the squared factors.
    """
    scatter = _scatter(residual)
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
    if start is not None:
        first = np.clip(start[used] - np.log(scale), -18, 6)
    found = minimize(objective, first, jac=True, method="L-BFGS-B", bounds=[(-20, 8)] * used.sum())
    squares = np.zeros(len(terms))
    squares[used] = np.exp(found.x) * scale
    return squares, float(found.fun)


def _posterior(factors: np.ndarray, losses: np.ndarray, stars: int) -> np.ndarray:
    """Weights of the factors, which add up to 1."""
    logarithm = -0.5 * TEMPER * stars * (losses - losses.min())
    logarithm -= 0.5 * (np.log(factors) / EXPECTED) ** 2
    weight = np.exp(logarithm - logarithm.max())
    return weight / weight.sum()


def _central(factors: np.ndarray, weight: np.ndarray) -> list[float]:
    """Central 95% of the factors."""
    places = np.searchsorted(np.cumsum(weight), [0.025, 0.975])
    return factors[places.clip(0, len(factors) - 1)].tolist()


def _scatter(residual: np.ndarray) -> float:
    return float(np.median(np.abs(residual)) / ndtri(0.75)) or float(residual.std()) or 1e-12


def _edges(width: np.ndarray) -> list[float]:
    """Widths that part the stars into groups of at least FEWEST."""
    groups = max(1, min(GROUPS, len(width) // FEWEST))
    edges = np.unique(np.quantile(width, np.arange(1, groups) / groups))
    return edges[(edges > width.min()) & (edges < width.max())].tolist()


def _quantile(pull: np.ndarray, percentile: float) -> float:
    """Quantile at rank (n + 1) p, as conformal prediction asks; 0 at the median."""
    if percentile == 50:
        return 0.0
    return float(np.quantile(pull, percentile / 100, method="weibull"))
