"""Ids as text: every digit of them, and nothing where there is none."""

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype

from spectrotranslator.errors import InputError

LARGEST = 2**53  # beyond it a double no longer tells every integer from the next


def lossy(values: pd.Series) -> bool:
    """Whether a double does not tell all of these numbers from their neighbours."""
    return bool((values.abs() > LARGEST).any())


def id_texts(values: pd.Series, table: str) -> pd.Series:
    """Ids as text without blanks at their ends, empty where there is none.

    Floating-point numbers that are all whole are written as whole numbers.

    Parameters
    ----------
    values
        Numbers or text, missing where there is no id.
    table
        What errors call the table.

    Raises
    ------
    InputError
        The ids are floating-point numbers that have lost digits.

    Examples
    --------
    >>> id_texts(pd.Series([7.0, float("nan")]), "mine.csv").tolist()
    ['7', '']
    """
    lacking = values.isna()
    if is_float_dtype(values):
        exact = 2.0 ** (np.finfo(values.dtype).nmant + 1)
        known = values[~lacking]
        if (known.abs() > exact).any():
            raise InputError(
                f"{table}: column {values.name!r} holds floating-point numbers beyond {exact:.0f}, "
                "which have lost digits; write identifiers as whole numbers or text"
            )
        lacking |= ~np.isfinite(values)
        if (values[~lacking] % 1 == 0).all():
            values = values.mask(lacking, 0).astype(np.int64)
    texts = values.astype(object).where(~lacking, "").map(_text)
    return texts.astype(str).str.strip()


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
