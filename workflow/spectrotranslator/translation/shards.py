"""Translated rows as Parquet: row groups of a fixed size, however the rows were cut up."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from spectrotranslator.files import atomic

GROUP_ROWS = 16_384


def write_groups(
    path: Path,
    tables: Iterable[pd.DataFrame | pa.Table],
    describe: Callable[[pa.Schema], pa.Schema] = lambda schema: schema,
) -> int:
    """Write ``tables``, at least one, in row groups of GROUP_ROWS rows; the number of rows.

    ``describe`` adds to the schema what it says of the columns and of itself.
    """
    written = 0
    with atomic(path) as temporary:
        pieces = _regrouped(map(_as_arrow, tables))
        first = next(pieces)
        writer = pq.ParquetWriter(temporary, describe(first.schema))
        for table in chain([first], pieces):
            writer.write_table(table, row_group_size=GROUP_ROWS)
            written += len(table)
        writer.close()
    return written


def read_parts(paths: Sequence[Path], columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
    """Rows of several files in order, a row group's worth at a time."""
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(GROUP_ROWS, columns=columns):
            yield pa.Table.from_batches([batch]).to_pandas()


def _as_arrow(table: pd.DataFrame | pa.Table) -> pa.Table:
    if isinstance(table, pa.Table):
        return table
    return pa.Table.from_pandas(table, preserve_index=False)


def _regrouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    held = 0
    for table in tables:
        waiting.append(table)
        held += len(table)
        if held < GROUP_ROWS:
            continue
        whole = pa.concat_tables(waiting)
        full = held // GROUP_ROWS * GROUP_ROWS
        yield whole.slice(0, full)
        waiting, held = [whole.slice(full)], held - full
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()
