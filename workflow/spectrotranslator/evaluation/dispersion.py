"""Dispersion of values that should be equal, against what their errors imply."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from .residual_statistics import errors_of, weights_of_draws

#: Fewer stars than this have a number and a median alone.
FEWEST = 10
#: Of more differences than this about as many are looked at, evenly spread over all.
MOST = 10_000


def implied_dispersion(error: np.ndarray) -> float:
    """Robust scatter of normal deviates whose standard deviations differ.

    Parameters
    ----------
    error : ndarray, shape (n,)
        Standard deviations, positive, in the unit of the result.

    Returns
    -------
    float
        What 1.4826 times the median absolute deviation is of many such deviates.
    """

    def beyond_half(deviation: float) -> float:
        return float((2 * ndtr(deviation / error) - 1).mean() - 0.5)

    width = ndtri(0.75)
    return float(brentq(beyond_half, 0.5 * width * error.min(), 2 * width * error.max()) / width)


def dispersion(values: np.ndarray, error: np.ndarray) -> dict:
    """Median of ``values``, their dispersion, and its ratio to what ``error`` implies.

    The dispersion is 1.4826 times the median absolute deviation, times n / (n - 0.8), which takes
    out its bias in small samples.

    Parameters
    ----------
    values, error : ndarray, shape (n,)
        Finite values and their positive errors, in one unit.

    Returns
    -------
    dict
        ``stars`` and ``median``; from ``FEWEST`` stars on also ``dispersion``, ``implied``,
        ``ratio`` with its 95% bootstrap interval, and ``left``: what is left of the dispersion in
        quadrature, 0 where the errors imply as much.

    References
    ----------
    Croux & Rousseeuw 1992, Computational Statistics 1, 411: the factor of small samples.
    """
    n = len(values)
    found = {"stars": n, "median": float(np.median(values)) if n else None}
    if n < FEWEST:
        return found
    factor = n / (n - 0.8)
    told = errors_of(values, weights_of_draws(np.arange(n)))["robust"]
    width, implied = factor * told["value"], implied_dispersion(error)
    return found | {
        "dispersion": width,
        "implied": implied,
        "ratio": {
            "value": width / implied,
            "interval": [factor * bound / implied for bound in told["interval"]],
        },
        "left": float(np.sqrt(max(width**2 - implied**2, 0))),
    }


def pull_scatter(pull: np.ndarray) -> dict:
    """Robust scatter of ``pull`` (n,), differences over their errors.

    Returns
    -------
    dict
        ``number``; from ``FEWEST`` on ``robust``, 1 where the errors are right, with its 95%
        bootstrap interval, from every k-th where there are more than ``MOST``.
    """
    number = len(pull)
    if number < FEWEST:
        return {"number": number}
    pull = pull[:: -(-number // MOST)]
    figures = errors_of(pull, weights_of_draws(np.arange(len(pull))))
    return {"number": number, "robust": figures["robust"]}
