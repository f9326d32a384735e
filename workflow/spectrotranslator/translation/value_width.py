"""Fit the width of a network's value interval: the label's measurement error taken out.

Squared residuals hold the network's own variance and the label's. Where the label's error dwarfs
the network's, residuals alone cannot tell the two apart: the variance of 13,680 residuals is known
to 1.2%, and the network's share may be 3% of it. The network itself says how far off it is: by the
noise of its inputs and by how its members differ. Both are put together as a posterior: every
squared factor of `Uncertainty.terms`, and that on the squared label errors, is log-normal about an
expectation, and the residuals move it as far as they can. What remains uncertain of the width
widens the tails of the interval.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import ndtr, ndtri

from .intervals import Pulls, Uncertainty, WidthModel
from .predictive_width import CAP, KEPT, observed_quantile, robust_scatter

#: Expected squared factor on the members' variance.
NETWORK = 1.0
#: Expected share of the network's own variance that is residual, and that all stated errors of
#: the inputs explain beyond the realisations' scatter.
RESIDUAL, ERRORS = 0.1, 0.05
#: Standard deviations of the logarithms of the squared factors about their expectations.
KNOWN = {"residual": 1.5, "input": 0.3, "network": 0.4, "errors": 1.5, "label": 0.7}
PRECISE = {"ftol": 1e-12, "gtol": 1e-6}
#: How many of these a factor may lie from its expectation.
FARTHEST = 20
#: The likelihood counts half, as the residuals are not quite normal.
TEMPER = 0.5
#: Least expected residual width, as a share of the residuals' scatter.
LEAST = 0.05
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(21)


#: Stated errors within 3% of the residuals do not exceed them: their scatter is known to 1 to 2%.
BEYOND = 1.03


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
        return self.stated > BEYOND * self.residual


@dataclass(frozen=True)
class _Posterior:
    """Squared factors, those of the terms before that on the label errors, shape (terms + 1,).

    ``covariance`` is that of their logarithms; a term that is 0 everywhere has 0 in both.
    """

    squares: np.ndarray
    covariance: np.ndarray


def fit_value(
    residual: np.ndarray,
    label_error: np.ndarray,
    uncertainty: Uncertainty,
    fewer: np.ndarray,
    percentiles: list[float],
) -> tuple[WidthModel, Pulls, LabelErrors]:
    """Width and pulls of values on the target's scale, and what is believed of the label errors.

    Parameters
    ----------
    residual : ndarray
        Label less prediction of stars that did not train the members used, shape (stars,).
    label_error : ndarray
        The label's stated error, shape (stars,), in its unit.
    uncertainty : Uncertainty
        Of the same stars.
    fewer : ndarray
        How much larger than the whole ensemble's is the variance of the mean of those members
        that left the star out, in units of the members' variance: 1/m - 1/M, shape (stars,).
    percentiles : list of float
        Percentiles to be written.

    Returns
    -------
    WidthModel, Pulls, LabelErrors

    Notes
    -----
    Quantiles of the pulls are the observed ones as far as the width outweighs the label's error,
    and as far as it does not those of a normal whose width is log-normal: what lies under the
    label's noise cannot be seen.
    """
    own, known = uncertainty.terms(), fewer * uncertainty.scatter**2
    terms = np.vstack([own, label_error**2])
    scatter = robust_scatter(residual)
    found = _posterior(residual, terms, known, scatter)
    model = WidthModel.of_squares(found.squares[:-1])
    variance = model.width(uncertainty) ** 2
    whole = variance + known + found.squares[-1] * label_error**2
    pull, seen = residual / np.sqrt(whole), float((variance / whole).mean())
    uncertain = _width_uncertainty(found, terms.mean(axis=1))
    quantiles = {
        f"{p:g}": seen * observed_quantile(pull, p) + (1 - seen) * _mixture_quantile(p, uncertain)
        for p in percentiles
    }
    return (
        model,
        Pulls([], {name: [value] for name, value in quantiles.items()}),
        LabelErrors(float(np.median(label_error)), scatter, *_factor(found)),
    )


def _expectation(terms: np.ndarray, scatter: float) -> tuple[np.ndarray, np.ndarray]:
    """Expected squared factors and the standard deviations of their logarithms."""
    _, noise, members, *errors, _ = terms.mean(axis=1)
    variance = noise + NETWORK * members
    floor = (LEAST * scatter) ** 2
    stated = [
        ERRORS * (variance + floor) / (len(errors) * size) if size else 1.0 for size in errors
    ]
    expected = [RESIDUAL * variance + floor, 1.0, NETWORK, *stated, 1.0]
    kinds = ["residual", "input", "network", *["errors"] * len(errors), "label"]
    return np.array(expected), np.array([KNOWN[kind] for kind in kinds])


def _posterior(
    residual: np.ndarray, terms: np.ndarray, known: np.ndarray, scatter: float
) -> _Posterior:
    """Squared factors on ``terms`` beside the ``known`` variance: the mode, and its curvature.

    Normal likelihood with capped pulls, over the logarithms of the squared factors.
    """
    size = terms.mean(axis=1)
    used = size > 0
    expected, deviation = (values[used] for values in _expectation(terms, scatter))
    used_terms, square = terms[used], residual**2

    def objective(logarithms: np.ndarray) -> tuple[float, np.ndarray]:
        shares = np.exp(logarithms)
        total = shares @ used_terms + known
        pull = square / total
        away = (logarithms - np.log(expected)) / deviation
        loss = (np.log(total) + np.minimum(pull, CAP**2) / KEPT).sum()
        slope = (1 - np.where(pull < CAP**2, pull, 0) / KEPT) / total
        gradient = shares * (used_terms @ slope)
        return (TEMPER * loss + away @ away) / 2, TEMPER * gradient / 2 + away / deviation

    start = np.log(expected)
    if used[-1]:
        left = scatter**2 - expected[:-1] @ size[used][:-1]
        start[-1] = np.log(max(left, 0.1 * scatter**2) / size[-1])
    reach = FARTHEST * deviation
    bounds = np.column_stack([np.log(expected) - reach, np.log(expected) + reach])
    mode = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=PRECISE).x
    shares = np.exp(mode)[:, None] * used_terms
    shares /= shares.sum(axis=0) + known
    information = TEMPER / 2 * shares @ shares.T + np.diag(deviation**-2)
    squares, covariance = np.zeros(len(terms)), np.zeros((len(terms), len(terms)))
    squares[used] = np.exp(mode)
    covariance[np.ix_(used, used)] = np.linalg.inv(information)
    return _Posterior(squares, covariance)


def _width_uncertainty(found: _Posterior, size: np.ndarray) -> float:
    """Standard deviation of the logarithm of the width of a star with terms of ``size``."""
    parts = (found.squares * size)[:-1]
    slope = parts / parts.sum() / 2
    return float(np.sqrt(slope @ found.covariance[:-1, :-1] @ slope))


def _factor(found: _Posterior) -> tuple[float, list[float]]:
    """Factor on the label errors and its central 95%; 1 where none is stated."""
    if not found.squares[-1]:
        return 1.0, [1.0, 1.0]
    factor = np.sqrt(found.squares[-1])
    spread = ndtri(0.975) * np.sqrt(found.covariance[-1, -1]) / 2
    return float(factor), [float(factor * np.exp(sign * spread)) for sign in (-1, 1)]


def _mixture_quantile(percentile: float, deviation: float) -> float:
    """Quantile of a normal whose width is log-normal about 1; 0 at the median."""
    if percentile == 50:
        return 0.0
    weights, inverse = WEIGHTS / WEIGHTS.sum(), np.exp(-deviation * NODES)
    return float(brentq(lambda z: weights @ ndtr(z * inverse) - percentile / 100, -1e3, 1e3))
