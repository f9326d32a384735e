"""Two catalogues of one layout, read to the same columns."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.table import Table as AstropyTable

from cdstables.fits_file import quietly
from cdstables.layout import Table
from cdstables.reading import read
from spectrotranslator.errors import InputError

FLAGS = {"true": True, "false": False}
NO_NUMBER = -(2**63)


@dataclass
class Catalogue:
    """A catalogue's columns by label, as far as its layout, ``table``, has them.

    Text columns are stripped, flags are booleans.
    """

    path: Path
    table: Table
    columns: pd.DataFrame

    def matched(self, rows: np.ndarray) -> pd.DataFrame:
        """Rows ``rows`` in that order; the catalogue gives its columns away, to hold them once."""
        columns, self.columns = self.columns, self.columns.iloc[:0]
        taken = {}
        for label in list(columns):
            taken[label] = columns.pop(label).array.take(rows)
        return pd.DataFrame(taken, copy=False)

    def __len__(self) -> int:
        return len(self.columns)


def read_catalogue(path: Path, table: Table, whole: bool = True) -> Catalogue:
    """Read a CDS table, FITS or Parquet file that holds the columns of ``table``.

    Raises
    ------
    InputError
        The file is absent, a folder, or is not of this layout: it lacks the identifier or, where it
        is to be ``whole``, any column.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the catalogue's file in it")
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    found = _read(path, table)
    labels = [column.label for column in table.named]
    lacking = [label for label in (labels if whole else labels[:1]) if label not in found]
    if lacking:
        raise InputError(f"{path}: no column {lacking[0]!r} of {table.name}; is it that table?")
    columns = found[[label for label in labels if label in found]]
    return Catalogue(path, table, columns.assign(**_flags(columns, table)))


def _read(path: Path, table: Table) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return _frame(pq.read_table(path))
        if path.suffix == ".fits":
            with quietly():
                found = AstropyTable.read(path, format="fits", hdu=1)
            found.convert_bytestring_to_unicode()
            return _whole_numbers(found.to_pandas())
    except (OSError, ValueError, TypeError, IndexError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be read as {path.suffix[1:]} ({reason})") from None
    return _frame(read(path, table, booleans=True))


def _frame(table: pa.Table) -> pd.DataFrame:
    """As pandas has it, but blank texts empty and lacking whole numbers ``NO_NUMBER``.

    Beside a lacking one pandas would make doubles of them all, and ids would lose their digits.
    """
    for i, field in enumerate(table.schema):
        if table[i].null_count and (
            pa.types.is_integer(field.type) or pa.types.is_string(field.type)
        ):
            blank = NO_NUMBER if pa.types.is_integer(field.type) else ""
            table = table.set_column(i, field.name, pc.fill_null(table[i], blank))
    return table.to_pandas(split_blocks=True, self_destruct=True)


def _whole_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    masked = [name for name in frame if frame[name].dtype == "Int64"]
    return frame.assign(**{n: frame[n].fillna(NO_NUMBER).astype("int64") for n in masked})


def flag_labels(table: Table) -> list[str]:
    """Columns of true and false."""
    return [column.label for column in table.columns if column.boolean]


def text_labels(table: Table) -> list[str]:
    """Text columns that are neither flags nor the identifier."""
    flags = flag_labels(table)
    return [c.label for c in table.columns[1:] if c.kind == "A" and c.label not in flags]


def number_labels(table: Table) -> list[str]:
    """Columns of real numbers."""
    return [c.label for c in table.columns if c.kind in "FED"]


def _flags(columns: pd.DataFrame, table: Table) -> dict[str, pd.Series]:
    found = {}
    for label in filter(columns.__contains__, flag_labels(table)):
        values = columns[label]
        if values.dtype != bool:
            values = values.map(FLAGS)
            if values.isna().any():
                raise InputError(f"column {label}: neither true nor false in some row")
        found[label] = values.astype(bool)
    return found
