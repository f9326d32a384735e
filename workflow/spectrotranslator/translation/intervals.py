"""Percentiles that hold all that makes a translation uncertain, calibrated on stars left out.

Around the unperturbed prediction the width of star i is::

    s_i^2 = residual^2 + (input * u_i)^2 + (network * v_i)^2

with u_i the scatter of the realisations about it and v_i that of the members. What is left out of
the published percentiles, which are those of the realisations alone, is the first and the last.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json


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
        calibration = read_json(path)
        found = calibration.get("outputs") if isinstance(calibration, dict) else None
        if not isinstance(found, dict):
            raise InputError(f"{path}: no calibration; calibrate again")
        if missing := [name for name in outputs if name not in found]:
            raise InputError(f"{path}: no width for {missing[0]!r}; calibrate again")
        try:
            return cls([Widths(**found[name]["widths"]) for name in outputs])
        except (KeyError, TypeError):
            raise InputError(f"{path}: a width is damaged; calibrate again") from None

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
