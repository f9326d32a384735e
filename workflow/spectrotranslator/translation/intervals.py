"""Two calibrated intervals of a translation: for a new measurement, and for the value itself.

The *predictive* interval holds what the target survey would measure for the star, its measurement
error included. The *value* interval holds the star's value on the target's scale, with the
measurement error of the labels taken out. Both lie around the unperturbed prediction; the variance
of star i is::

    residual^2 + (input * u_i)^2 + (network * v_i)^2 + sum over inputs j of (errors_j * e_ij)^2

with u_i the scatter of the realisations, v_i that of the members, e_ij the stated errors of its
inputs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Uncertainty:
    """What the width of stars' intervals follows from.

    Attributes
    ----------
    noise : ndarray
        Scatter of the realisations about the unperturbed one, shape (stars,), in the output's unit.
    scatter : ndarray
        Scatter of the members, shape (stars,), in the output's unit.
    errors : ndarray
        Stated errors of the inputs, shape (stars, inputs), in the inputs' units.
    """

    noise: np.ndarray
    scatter: np.ndarray
    errors: np.ndarray

    def terms(self) -> np.ndarray:
        """Squares that the factors multiply, shape (3 + inputs, stars); the first is 1."""
        one = np.ones_like(self.noise)
        return np.stack([one, self.noise**2, self.scatter**2, *(self.errors**2).T])


@dataclass(frozen=True)
class WidthModel:
    """Width of one output's interval: ``residual`` in its unit, factors on the other terms."""

    residual: float
    input: float
    network: float
    errors: list[float]

    @classmethod
    def of_squares(cls, squares: np.ndarray) -> "WidthModel":
        """From the squared factors in the order of `Uncertainty.terms`."""
        residual, noise, network, *errors = np.sqrt(squares).tolist()
        return cls(residual, noise, network, errors)

    def width(self, uncertainty: Uncertainty) -> np.ndarray:
        """Standard deviation, shape (stars,), in the output's unit."""
        factors = np.array([self.residual, self.input, self.network, *self.errors])
        return np.sqrt(factors**2 @ uncertainty.terms())


@dataclass(frozen=True)
class Pulls:
    """Quantiles of (label - prediction) / width in groups of stars of similar width.

    ``edges`` (ascending, in the output's unit) part the groups; ``quantiles`` holds, for every
    percentile, one quantile a group.
    """

    edges: list[float]
    quantiles: dict[str, list[float]]

    def of(self, percentile: float, width: np.ndarray) -> np.ndarray:
        """Quantile of each star's group, shape (stars,)."""
        return np.array(self.quantiles[f"{percentile:g}"])[np.searchsorted(self.edges, width)]


@dataclass(frozen=True)
class Calibration:
    """Calibrated intervals of one output: for its value, and for a new measurement."""

    value: WidthModel
    value_pulls: Pulls
    predictive: WidthModel
    predictive_pulls: Pulls

    @classmethod
    def of_dict(cls, found: dict[str, Any]) -> "Calibration":
        """From what ``calibration.json`` holds of an output."""
        return cls(
            WidthModel(**found["value"]["width"]),
            Pulls(**found["value"]["pulls"]),
            WidthModel(**found["predictive"]["width"]),
            Pulls(**found["predictive"]["pulls"]),
        )


@dataclass(frozen=True)
class Intervals:
    """Calibrations of every output of one network, and its inputs' typical errors.

    ``typical_errors``, shape (inputs,), stand in for a stated error that a star lacks.
    """

    outputs: list[Calibration]
    typical_errors: np.ndarray

    @classmethod
    def read(cls, path: Path, outputs: list[str]) -> "Intervals":
        """From ``calibration.json``.

        Raises
        ------
        InputError
            It is of another version or lacks an output.
        """
        return cls.of_dict(read_json(path), outputs, str(path))

    @classmethod
    def of_dict(cls, found: dict[str, Any], outputs: Iterable[str], where: str) -> "Intervals":
        """From the content of ``calibration.json``; ``where`` is how errors call it."""
        try:
            calibrations = [Calibration.of_dict(found["outputs"][name]) for name in outputs]
            typical = np.array(found["typical_errors"], dtype=np.float64)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{where}: not a calibration ({error}); calibrate again") from None
        return cls(calibrations, typical)

    def percentiles(
        self, centre: np.ndarray, members: np.ndarray, errors: np.ndarray, wanted: list[float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Percentiles of values and of new measurements.

        Parameters
        ----------
        centre : ndarray
            Combined prediction, shape (rows, realisations, outputs), the first unperturbed.
        members : ndarray
            Unperturbed prediction of each member, shape (members, rows, outputs).
        errors : ndarray
            Stated errors of the inputs, shape (rows, inputs); NaN where a star has none.
        wanted : list of float
            Percentiles.

        Returns
        -------
        value, predictive : ndarray
            Shape (percentiles, rows, outputs), in the outputs' units.
        """
        noise, scatter = input_noise(centre), members.std(axis=0)
        errors = np.where(np.isfinite(errors), errors, self.typical_errors)
        value = np.empty((len(wanted), len(centre), len(self.outputs)))
        predictive = np.empty_like(value)
        for i, found in enumerate(self.outputs):
            uncertainty = Uncertainty(noise[:, i], scatter[:, i], errors)
            middle = centre[:, 0, i]
            for result, model, pulls in (
                (value, found.value, found.value_pulls),
                (predictive, found.predictive, found.predictive_pulls),
            ):
                width = model.width(uncertainty)
                for p, percentile in enumerate(wanted):
                    result[p, :, i] = middle + pulls.of(percentile, width) * width
        return value, predictive


def input_noise(centre: np.ndarray) -> np.ndarray:
    """Root mean square of the realisations about the unperturbed one, shape (rows, outputs)."""
    return np.sqrt(((centre[:, 1:] - centre[:, :1]) ** 2).mean(axis=1))
