"""Rows of a survey's stars that fulfil cuts, read piece by piece."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from spectrotranslator.config.configuration import Bits, Cut

from .cuts import apply_cuts

ROWS_AT_ONCE = 50_000


def count_rows(path: Path, cuts: list[Cut], bits: Bits | None = None) -> int:
    """How many rows of ``path`` fulfil ``cuts``, which may use the survey's named ``bits``.

    Raises
    ------
    InputError
        A cut names a column that is not there or is not a condition.
    """
    return sum(len(table) for table in _kept(path, cuts, bits))


def read_rows(
    path: Path, cuts: list[Cut], rows: slice, block: int, bits: Bits | None = None
) -> Iterator[pd.DataFrame]:
    """Rows ``rows`` (from 0) of those that fulfil ``cuts``, in blocks of ``block`` rows.

    The last block may be shorter; where there is no row it is the only one, and empty.
    """
    waiting: list[pd.DataFrame] = []
    first = held = 0
    empty = True
    for table in _kept(path, cuts, bits):
        start, stop = (np.clip(place - first, 0, len(table)) for place in (rows.start, rows.stop))
        first += len(table)
        waiting.append(table.iloc[start:stop])
        held += stop - start
        if held < block:
            continue
        whole = pd.concat(waiting, ignore_index=True)
        full = held // block * block
        for place in range(0, full, block):
            yield whole.iloc[place : place + block]
        waiting, held, empty = [whole.iloc[full:]], held - full, False
    if held or empty:
        yield pd.concat(waiting, ignore_index=True)


def _kept(path: Path, cuts: list[Cut], bits: Bits | None) -> Iterator[pd.DataFrame]:
    file = pq.ParquetFile(path)
    if not file.metadata.num_rows:
        yield apply_cuts(file.schema_arrow.empty_table().to_pandas(), cuts, bits)[0]
    for batch in file.iter_batches(ROWS_AT_ONCE):
        yield apply_cuts(pa.Table.from_batches([batch]).to_pandas(), cuts, bits)[0]
