"""Standardising: mean 0 and standard deviation 1 over the training stars."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError


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
