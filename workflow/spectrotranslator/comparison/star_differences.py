"""One line a matched star: what differs, by how much, and in units of the published errors."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from cdstables.layout import Table

from .flag_agreement import Style, reasons_apart
from .percentile_groups import Group
from .read_catalogues import flag_labels, number_labels, text_labels
from .row_matching import Pairing


def star_lines(
    p: pd.DataFrame, r: pd.DataFrame, table: Table, pairing: Pairing, groups: Sequence[Group]
) -> pa.Table:
    """A table of as many rows as there are matched stars.

    For a number ``X``: ``X_difference``, regenerated less published. For a median also
    ``X_pull_systematic`` and ``X_pull_interval``, the difference over the published systematic
    error and over half the published 16-84% interval (NaN where that is not positive). For flags
    and text ``X_differs``; for text also ``X_reasons``, what one side names and the other does not
    (``-`` published only, ``+`` regenerated only).
    """
    columns: dict[str, np.ndarray | pa.Array] = {
        table.columns[0].label: pa.array(p.iloc[:, 0]),
        "row_published": pairing.published,
        "row_regenerated": pairing.regenerated,
    }
    for label in number_labels(table):
        columns[f"{label}_difference"] = r[label].to_numpy() - p[label].to_numpy()
    for group in groups:
        difference = columns[f"{group.centre}_difference"]
        if group.systematic:
            unit = p[group.systematic].to_numpy()
            columns[f"{group.centre}_pull_systematic"] = _over(difference, unit)
        if {16, 84} <= group.percentiles.keys():
            low, high = (p[group.percentiles[n]].to_numpy() for n in (16, 84))
            columns[f"{group.centre}_pull_interval"] = _over(difference, (high - low) / 2)
    for label in flag_labels(table):
        columns[f"{label}_differs"] = p[label].to_numpy() != r[label].to_numpy()
    for label in text_labels(table):
        columns[f"{label}_differs"] = (p[label] != r[label]).to_numpy(bool)
        columns[f"{label}_reasons"] = reasons_apart(p[label], r[label], Style.of(table))
    return pa.table(columns)


def _over(difference: np.ndarray, unit: np.ndarray) -> np.ndarray:
    good = np.isfinite(unit) & (unit > 0)
    return np.where(good, difference / np.where(good, unit, 1.0), np.nan)
