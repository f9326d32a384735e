"""The widths of a network's outputs, fitted to stars that were left out.

Apart from their use in ``intervals``: a translation need not load an optimiser.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

from .intervals import Widths

CAP = 3.0  # pulls beyond it are gross failures: they count, but no more than this
# Mean square of a standard normal's pulls, those beyond the cap as nothing.
KEPT = float(2 * ndtr(CAP) - 1 - 2 * CAP * np.exp(-(CAP**2) / 2) / np.sqrt(2 * np.pi))


def fit_widths(
    residual: np.ndarray,
    label_error: np.ndarray,
    noise: np.ndarray,
    scatter: np.ndarray,
    fewer: np.ndarray,
    percentiles: list[float],
) -> Widths:
    """Widths of one output by maximum likelihood, the label's own error taken out.

    Parameters
    ----------
    residual
        Label less prediction of stars that did not train the members used, shape (stars,).
    label_error
        Catalogue error of the label.
    noise, scatter
        Scatter of the realisations and of all members.
    fewer
        How much larger than the whole ensemble's is the variance of the mean of those members
        that left the star out, in units of the members' variance: 1/m - 1/M.

    Notes
    -----
    Normal likelihood with capped pulls. The quantiles of the pulls are the observed ones as far
    as the width outweighs the label's error, and those of the normal as far as it does not: what
    lies under the label's noise cannot be seen.
    """
    known = label_error**2 + fewer * scatter**2
    typical = np.median(np.abs(residual)) / ndtri(0.75)
    start = np.sqrt(max(typical**2 - np.median(known), 0.01 * typical**2))

    def terms(logarithms: np.ndarray) -> np.ndarray:
        a, b, c = np.exp(logarithms)
        return (a * typical) ** 2 + (b * noise) ** 2 + (c * scatter) ** 2

    def objective(logarithms: np.ndarray) -> float:
        total = terms(logarithms) + known
        capped = np.minimum(residual**2 / total, CAP**2) / KEPT
        return float((np.log(total) + capped).mean())

    first = np.log([start / typical, 0.5, 1.0])
    found = minimize(objective, first, method="Nelder-Mead", options={"maxiter": 2000})
    a, b, c = np.exp(found.x)
    square = terms(found.x)
    pulls = residual / np.sqrt(square + known)
    seen = float((square / (square + known)).mean())
    return Widths(
        residual=float(a * typical),
        input=float(b),
        network=float(c),
        pulls={
            f"{p:g}": 0.0
            if p == 50
            else float(seen * np.percentile(pulls, p) + (1 - seen) * ndtri(p / 100))
            for p in percentiles
        },
    )
