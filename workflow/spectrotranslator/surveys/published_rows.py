"""Which of our rows the published catalogue holds, by its identifiers."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from cdstables.layout import Table, layout_from_yaml
from cdstables.reading import iter_batches
from spectrotranslator.errors import InputError

NAMES = ["identifier", "source_id"]


def published_rows(path: Path, layout: Path) -> pd.DataFrame:
    """Identifier (text) and Gaia source id of every published row, in its order.

    Raises
    ------
    InputError
        The layout says of no column that it holds the identifier and the source id.
    """
    table = layout_from_yaml(layout)
    labels = _labels(table, layout)
    rows = pd.concat(map(_plain, iter_batches(path, table, labels)), ignore_index=True)
    return rows.assign(identifier=rows["identifier"].str.strip())


def _plain(batch: pa.RecordBatch) -> pd.DataFrame:
    """Blanks are filled first: pandas would make a double of every integer beside one."""
    identifier, source_id = batch.columns
    columns = [identifier.cast(pa.string()).fill_null(""), source_id.fill_null(0)]
    return pa.table(columns, names=NAMES).to_pandas()


def _labels(table: Table, layout: Path) -> list[str]:
    named = {dict(c.value)["identifier"]: c.label for c in table.columns
             if c.value and "identifier" in c.value}  # fmt: skip
    others = [label for what, label in named.items() if what != "source_id"]
    if "source_id" not in named or len(others) != 1:
        raise InputError(f"{layout}: one identifier and one source_id column are expected")
    return [others[0], named["source_id"]]


def is_published(stars: pd.DataFrame, published: pd.DataFrame) -> pd.Series:
    """Whether each of ``stars`` is published: as many rows of one name and id as there are.

    Of rows that share both, the first ones in the survey's file are meant.
    """
    ours = stars[NAMES].assign(identifier=stars["identifier"].astype(str).str.strip())
    counts = published.value_counts(NAMES)
    allowed = counts.reindex(pd.MultiIndex.from_frame(ours)).fillna(0).to_numpy()
    return pd.Series(ours.groupby(NAMES).cumcount().to_numpy() < allowed, index=stars.index)
