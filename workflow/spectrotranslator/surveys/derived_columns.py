"""Values made of several columns: a colour of two magnitudes, an error of several parts."""

from collections.abc import Sequence

import numpy as np

SENTINEL = -9999.0
#: How the fingerprint calls the rule that such a value counts as missing.
SENTINEL_RULE = "value of -9999"


def difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``first - second``, shape (rows,); a -9999 in either stays one, for the method to see."""
    marked = (first <= SENTINEL) | (second <= SENTINEL)
    return np.where(marked, SENTINEL, first - second)


def quadrature(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Root of the sum of squares of one part or more, shape (rows,); one alone is itself.

    A -9999 goes in as the number it is, as in the authors' code: the sum is then 9999 or more.
    """
    if len(parts) == 1:
        return parts[0]
    return np.sqrt(np.sum(np.square(parts), axis=0))
