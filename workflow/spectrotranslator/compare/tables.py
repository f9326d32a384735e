"""Two catalogues of one layout, read to the same columns."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table as AstropyTable

from ..cds.layout import ReadMe, Table
from ..cds.read import read
from ..cds.readme import parse_readme
from ..errors import InputError

FLAGS = {"true": True, "false": False}


@dataclass
class Catalogue:
    """A catalogue's columns by label; text columns are stripped, flags are booleans."""

    path: Path
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


def read_readme(path: Path) -> ReadMe:
    """Parse a ReadMe file; ``InputError`` names the line that cannot be read."""
    try:
        return parse_readme(path.read_text(encoding="utf-8", errors="replace"), str(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such ReadMe") from None


def read_catalogue(path: Path, table: Table) -> Catalogue:
    """Read a CDS table, FITS or Parquet file that holds the columns of ``table``.

    Raises
    ------
    InputError
        The file is absent, is not of this layout, or lacks a column.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    columns = _read(path, table)
    lacking = [column.label for column in table.columns if column.label not in columns]
    if lacking:
        raise InputError(f"{path}: no column {lacking[0]!r} of {table.name}; is it that table?")
    columns = columns[[column.label for column in table.columns]]
    return Catalogue(path, columns.assign(**_flags(columns, table)))


def _read(path: Path, table: Table) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".fits":
        frame = AstropyTable.read(path, hdu=1)
        for name in frame.colnames:
            if frame[name].dtype.kind == "S":
                frame[name] = frame[name].astype(str)
        return frame.to_pandas()
    return read(path, table, booleans=True).to_pandas(split_blocks=True, self_destruct=True)


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
    for label in flag_labels(table):
        values = columns[label]
        if values.dtype != bool:
            values = values.map(FLAGS)
            if values.isna().any():
                raise InputError(f"column {label}: neither true nor false in some row")
        found[label] = values.astype(bool)
    return found
