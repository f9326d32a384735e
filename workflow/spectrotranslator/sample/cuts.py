"""Named cuts over a table of stars, each counted."""

import pandas as pd

from spectrotranslator.config.configuration import Cut
from spectrotranslator.errors import InputError


def apply_cuts(table: pd.DataFrame, cuts: list[Cut]) -> tuple[pd.DataFrame, list[dict]]:
    """Rows that fulfil every cut, and a ledger line for each cut in turn.

    Where a nullable integer is missing, what is asked of it does not hold.

    Raises
    ------
    InputError
        A cut names a column that is not there or is not a condition.
    """
    lines = []
    for cut in cuts:
        kept = table[_fulfils(table, cut.cut)]
        lines.append({"what": cut.cut, "source": cut.source, "in": len(table), "out": len(kept)})
        table = kept
    return table, lines


def _fulfils(table: pd.DataFrame, expression: str) -> pd.Series:
    try:
        keep = table.eval(expression, engine="python")
    except Exception as error:
        raise InputError(f"cut {expression!r}: {error}") from None
    if not isinstance(keep, pd.Series) or keep.dtype not in (bool, pd.BooleanDtype()):
        raise InputError(f"cut {expression!r}: a condition on columns is expected")
    return keep.fillna(False).astype(bool)
