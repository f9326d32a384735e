"""Standardising: mean 0 and standard deviation 1 over the training stars."""

from dataclasses import dataclass

import numpy as np

from spectrotranslator.errors import InputError


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation (ddof 0) of each column, in the columns' units."""

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, names: list[str]) -> "Scaling":
        """From training ``values``, shape (stars, columns).

        Raises
        ------
        InputError
            A value is not finite or a column is constant; it is named.
        """
        for name, column in zip(names, values.T, strict=True):
            if not np.isfinite(column).all():
                row = int(np.flatnonzero(~np.isfinite(column))[0])
                raise InputError(f"training column {name!r}, row {row}: not a finite number")
            if np.ptp(column) == 0:
                raise InputError(f"training column {name!r} is constant: nothing to learn from it")
        return cls(values.mean(axis=0), values.std(axis=0))

    def standardise(self, values: np.ndarray) -> np.ndarray:
        """To mean 0 and standard deviation 1; the last axis holds the columns."""
        return (values - self.mean) / self.std

    def restore(self, values: np.ndarray) -> np.ndarray:
        """Back to the columns' units."""
        return values * self.std + self.mean


def on_own_scale(
    inputs: np.ndarray, outputs: np.ndarray, scaling: Scaling
) -> tuple[Scaling, np.ndarray]:
    """Output scaling with which no correction means input plus offset, and the correction's unit.

    Parameters
    ----------
    inputs, outputs
        The corrected inputs and their outputs over the training stars, shape (stars, outputs).
    scaling
        Scaling of those inputs.

    Returns
    -------
    The outputs' scaling: the inputs' own, moved by the median difference; and the robust scatter
    of the difference in standardised units, shape (outputs,): medians, so that gross failures
    move neither.
    """
    difference = outputs - inputs
    offset = np.median(difference, axis=0)
    scatter = 1.4826 * np.median(np.abs(difference - offset), axis=0)
    scatter = np.where(scatter > 0, scatter, difference.std(axis=0))
    unit = np.where(scatter > 0, scatter / scaling.std, 1.0)
    return Scaling(scaling.mean + offset, scaling.std), unit
