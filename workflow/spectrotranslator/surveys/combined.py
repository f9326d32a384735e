"""Values made of several columns: a colour of two magnitudes, an error of several parts.

A -9999 among them stays one in what is made of them, so that the method sees it.
"""

from collections.abc import Sequence

import numpy as np

SENTINEL = -9999.0


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``first - second``, shape (rows,)."""
    return _kept((first, second), first - second)


def quadrature(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Root of the sum of squares of one part or more, shape (rows,); one alone is itself."""
    if len(parts) == 1:
        return parts[0]
    return _kept(parts, np.sqrt(np.sum(np.square(parts), axis=0)))


def _kept(parts: Sequence[np.ndarray], made: np.ndarray) -> np.ndarray:
    return np.where((np.stack(parts) <= SENTINEL).any(axis=0), SENTINEL, made)
