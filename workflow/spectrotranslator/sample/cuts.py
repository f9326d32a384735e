"""Named cuts over a table of stars, each counted."""

from collections.abc import Sequence

import pandas as pd

from spectrotranslator.config.configuration import Bits, Cut
from spectrotranslator.expressions import compile_cut


def apply_cuts(
    table: pd.DataFrame, cuts: Sequence[Cut], bits: Bits | None = None
) -> tuple[pd.DataFrame, list[dict]]:
    """Rows that fulfil every cut, and a ledger line for each cut in turn.

    Where a nullable integer is missing, what is asked of it does not hold.

    Parameters
    ----------
    table : pandas.DataFrame
        Stars, one a row.
    cuts : sequence of Cut
        The cuts, in order.
    bits : mapping of str to mapping of str to int, optional
        The survey's named bits: column to the name and number of each.

    Returns
    -------
    tuple of pandas.DataFrame and list of dict
        The rows left, and what each cut kept.

    Raises
    ------
    InputError
        A cut names a column that is not there or is not a condition.
    """
    lines = []
    for cut in cuts:
        kept = table[compile_cut(cut.cut, bits).evaluate(table)]
        lines.append({"what": cut.cut, "source": cut.source, "in": len(table), "out": len(kept)})
        table = kept
    return table, lines
