"""Tables whose ids keep all their digits, also where some are missing."""

from pathlib import Path

import pandas as pd
from pandas.api.types import is_float_dtype, is_integer_dtype

LARGEST = 2**53  # beyond it a double no longer tells every integer from the next
_READERS = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
_CHOOSE = {".csv": "usecols", ".parquet": "columns"}


def read_frame(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file; integers beyond 2**53 with gaps among them are ``Int64``."""
    read = _READERS[path.suffix]
    table = read(path)
    large = [name for name in table if is_float_dtype(table[name]) and lossy(table[name])]
    if not large:
        return table
    again = read(path, **{_CHOOSE[path.suffix]: large}, dtype_backend="numpy_nullable")
    return table.assign(**{n: again[n] for n in large if is_integer_dtype(again[n])})


def lossy(values: pd.Series) -> bool:
    """Whether a double does not tell all of these numbers from their neighbours."""
    return bool((values.abs() > LARGEST).any())
