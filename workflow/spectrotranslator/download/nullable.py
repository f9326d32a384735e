"""Numbers of which some are blank, in a type that says so and keeps the digits of the others."""

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray


def nullable_numbers(values: np.ndarray, blank: np.ndarray) -> np.ndarray | ExtensionArray:
    """``values``, shape (rows,), missing where ``blank``; as they are where none is.

    64-bit integers, which may be ids, become ``Int64`` or ``UInt64``; narrower ones, which a double
    holds exactly, become float64 with NaN.
    """
    if not blank.any():
        return values
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
        return pd.arrays.IntegerArray(values, blank)
    return np.where(blank, np.nan, values)
