"""Chosen columns of a FITS table, read in row chunks without mapping the file."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from spectrotranslator.download.fits_layout import FitsColumn, TableLayout, table_layout
from spectrotranslator.download.nullable import nullable_numbers
from spectrotranslator.download.require_columns import require_columns
from spectrotranslator.errors import InputError

CHUNK_BYTES = 64 << 20
UNSIGNED = 2**63  # TZERO of unsigned 64-bit integers; it only flips their highest bit


def read_columns(path: str | Path, columns: Iterable[str], hdu: int = 1) -> pd.DataFrame:
    """The named columns of table ``hdu``, in native byte order; text stripped.

    Parameters
    ----------
    path
        FITS file; gzip is not supported.
    columns
        Names as in the file; each must hold one value a row.

    Returns
    -------
    One row a row of the file, in its order, floats and integers of the width they have there.
    Integers that the header scales come as what they stand for; those that it calls null
    (``TNULL``) are missing: ``Int64`` where they have 64 bits, else float64 with NaN.

    Raises
    ------
    InputError
        Not FITS, no such table, cut short, or a column that is not there (its nearest relatives
        are named) or holds several values a row.
    """
    columns = list(dict.fromkeys(columns))
    path = Path(path)
    try:
        with path.open("rb") as stream:
            layout = table_layout(stream, str(path), hdu)
            require_columns(path, columns, layout.columns)
            wanted = [_single(path, layout.columns[name]) for name in columns]
            return _read(stream, path, layout, wanted)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def _read(
    stream: BinaryIO, path: Path, layout: TableLayout, wanted: list[FitsColumn]
) -> pd.DataFrame:
    dtype = layout.dtype
    values = {column.name: np.empty(layout.rows, _stored(column)) for column in wanted}
    chunk = max(1, CHUNK_BYTES // layout.row_bytes)
    stream.seek(layout.start)
    for first in range(0, layout.rows, chunk):
        count = min(chunk, layout.rows - first)
        block = np.fromfile(stream, dtype=dtype, count=count)
        if len(block) < count:
            raise InputError(
                f"{path}: cut short after row {first + len(block)} of {layout.rows}; fetch it again"
            )
        for column in wanted:
            values[column.name][first : first + count] = block[column.name]
    return pd.DataFrame({column.name: _meant(column, values[column.name]) for column in wanted})


def _single(path: Path, column: FitsColumn) -> FitsColumn:
    if column.count != 1:
        raise InputError(f"{path}: column {column.name!r} holds {column.count} values a row, not 1")
    return column


def _stored(column: FitsColumn) -> np.dtype:
    return column.dtype if column.dtype.kind == "S" else column.dtype.newbyteorder("=")


def _meant(column: FitsColumn, values: np.ndarray) -> np.ndarray | ExtensionArray:
    """What stored values stand for: text without padding, truth values, scaled numbers, gaps."""
    if column.kind == "text":
        return np.char.strip(np.char.decode(values, "latin-1")).astype(object)
    if column.kind == "logical":
        return values == b"T"
    scaled = _scaled(column, values)
    if column.null is None:
        return scaled
    return nullable_numbers(scaled, values == column.null)


def _scaled(column: FitsColumn, values: np.ndarray) -> np.ndarray:
    if (column.scale, column.zero) == (1, 0):
        return values
    if column.kind == "integer" and column.zero == UNSIGNED and values.dtype.itemsize == 8:
        return values.view(np.uint64) ^ np.uint64(UNSIGNED)
    if column.kind == "integer" and float(column.zero).is_integer() and abs(column.zero) < 2**62:
        return values.astype(np.int64) + int(column.zero)
    return values * np.float64(column.scale) + column.zero
