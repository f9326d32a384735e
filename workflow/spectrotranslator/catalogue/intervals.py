"""Percentiles that hold all that makes a translation uncertain, calibrated on stars left out.

Around the unperturbed prediction the width of star i is::

    s_i^2 = residual^2 + (input * u_i)^2 + (network * v_i)^2

with u_i the scatter of the realisations about it and v_i that of the members. What is left out of
the published percentiles, which are those of the realisations alone, is the first and the last.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtri

from ..errors import InputError
from ..files import read_json

CAP = 3.0  # pulls beyond it are gross failures: they count, but no more than this
_KEPT = 0.9707091134651118  # mean square of a standard normal's pulls within the cap


@dataclass(frozen=True)
class Widths:
    """What the width of one output is made of: ``residual`` in its unit, factors on the others.

    ``pulls`` are the quantiles of (truth - prediction) / width at each percentile written.
    """

    residual: float
    input: float
    network: float
    pulls: dict[str, float]

    def width(self, input_noise: np.ndarray, network_scatter: np.ndarray) -> np.ndarray:
        """Standard deviation of (truth - prediction), in the output's unit."""
        parts = (self.input * input_noise) ** 2 + (self.network * network_scatter) ** 2
        return np.sqrt(self.residual**2 + parts)


@dataclass(frozen=True)
class Intervals:
    """The widths of every output of one network."""

    widths: list[Widths]

    @classmethod
    def read(cls, path: Path, outputs: list[str]) -> "Intervals":
        """From the file of the calibration.

        Raises
        ------
        InputError
            It lacks an output.
        """
        found = read_json(path)["outputs"]
        if missing := [name for name in outputs if name not in found]:
            raise InputError(f"{path}: no width for {missing[0]!r}; calibrate again")
        return cls([Widths(**found[name]["widths"]) for name in outputs])

    def percentiles(
        self, centre: np.ndarray, members: np.ndarray, wanted: list[float]
    ) -> np.ndarray:
        """Percentiles, shape (percentiles, rows, outputs).

        Parameters
        ----------
        centre
            Combined prediction, shape (rows, realisations, outputs), the first unperturbed.
        members
            Unperturbed prediction of each member, shape (members, rows, outputs).
        """
        noise, scatter = input_noise(centre), members.std(axis=0)
        result = np.empty((len(wanted), len(centre), len(self.widths)))
        for i, widths in enumerate(self.widths):
            width = widths.width(noise[:, i], scatter[:, i])
            pulls = np.array([widths.pulls[f"{percentile:g}"] for percentile in wanted])
            result[:, :, i] = centre[:, 0, i] + pulls[:, None] * width
        return result


def input_noise(centre: np.ndarray) -> np.ndarray:
    """Root mean square of the realisations about the unperturbed one, shape (rows, outputs)."""
    return np.sqrt(((centre[:, 1:] - centre[:, :1]) ** 2).mean(axis=1))


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
        capped = np.minimum(residual**2 / total, CAP**2) / _KEPT
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
