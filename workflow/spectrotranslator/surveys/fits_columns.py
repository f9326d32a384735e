"""Chosen columns of a FITS table, read in row chunks without mapping the file."""

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from astropy.table import Column, MaskedColumn, Table
from astropy.units import Unit
from pandas.api.extensions import ExtensionArray

from spectrotranslator.download.fits_layout import FitsColumn, TableLayout, table_layout
from spectrotranslator.download.nullable import nullable_numbers
from spectrotranslator.download.require_columns import require_columns
from spectrotranslator.errors import InputError

CHUNK_BYTES = 64 << 20
GZIP = b"\x1f\x8b"
UNSIGNED = 2**63  # TZERO of unsigned 64-bit integers; it only flips their highest bit


def read_columns(path: str | Path, columns: Iterable[str], hdu: int = 1) -> pd.DataFrame:
    """The named columns of table ``hdu``, in native byte order; text stripped.

    Parameters
    ----------
    path
        FITS file, plain or gzip; a packed one is unpacked into a temporary file.
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
    with _opened(path) as stream:
        layout = table_layout(stream, str(path), hdu)
        require_columns(path, columns, layout.columns)
        wanted = [_single(path, layout.columns[name]) for name in columns]
        return pd.DataFrame(_read(stream, path, layout, wanted))


def read_first_table(path: Path) -> Table:
    """All columns of the first table of a FITS file, with units, masked where there are gaps.

    Raises
    ------
    InputError
        As ``read_columns``.
    """
    with _opened(path) as stream:
        hdu = _first_table(stream, path)
        if hdu is None:
            return Table.read(path, format="fits")  # a table of text (XTENSION = 'TABLE')
        layout = table_layout(stream, str(path), hdu)
        wanted = list(layout.columns.values())
        values = _read(stream, path, layout, wanted)
    return Table([_astropy(column, values[column.name]) for column in wanted])


def _first_table(stream: BinaryIO, path: Path) -> int | None:
    """Number of the first extension that is a binary table; None where no extension is one."""
    for hdu in range(1, 1000):
        try:
            table_layout(stream, str(path), hdu)
        except InputError as error:
            if str(error).endswith("is not a table"):
                continue
            if hdu > 1 and "no extension" in str(error):
                return None
            raise
        return hdu
    return None


def _astropy(column: FitsColumn, values: np.ndarray | ExtensionArray) -> Column:
    about = {"name": column.name, "unit": _unit(column.unit)}
    if not isinstance(values, np.ndarray):
        gaps = np.asarray(values.isna())
        plain = values.to_numpy(values.dtype.numpy_dtype, na_value=0)
        return MaskedColumn(plain, mask=gaps, **about)
    return Column(values.astype(str) if values.dtype.kind == "O" else values, **about)


def _unit(text: str) -> Unit | None:
    return Unit(text, format="fits", parse_strict="silent") if text else None


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A FITS file for reading, unpacked into a temporary file where it is gzip."""
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == GZIP
            stream.seek(0)
            if not packed:
                yield stream
                return
            with tempfile.TemporaryFile() as unpacked:
                shutil.copyfileobj(gzip.GzipFile(fileobj=stream), unpacked, CHUNK_BYTES)
                unpacked.seek(0)
                yield unpacked
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def _read(
    stream: BinaryIO, path: Path, layout: TableLayout, wanted: list[FitsColumn]
) -> dict[str, np.ndarray | ExtensionArray]:
    dtype = layout.dtype
    values = {c.name: np.zeros((layout.rows, *_shape(c)), _stored(c)) for c in wanted}
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
            if column.width:
                values[column.name][first : first + count] = block[column.name]
    return {column.name: _meant(column, values[column.name]) for column in wanted}


def _shape(column: FitsColumn) -> tuple[int, ...]:
    return (column.count,) if column.count > 1 else ()


def _single(path: Path, column: FitsColumn) -> FitsColumn:
    if column.count != 1 and column.width:
        raise InputError(f"{path}: column {column.name!r} holds {column.count} values a row, not 1")
    return column


def _stored(column: FitsColumn) -> np.dtype:
    return column.dtype if column.dtype.kind == "S" else column.dtype.newbyteorder("=")


def _meant(column: FitsColumn, values: np.ndarray) -> np.ndarray | ExtensionArray:
    """What stored values stand for: text without padding, truth values, scaled numbers, gaps."""
    if column.kind == "text":
        return np.char.strip(np.char.decode(values, "latin-1")).astype(object)
    if column.kind == "logical":
        gaps = (values != b"T") & (values != b"F")
        truth = values == b"T"
        return pd.arrays.BooleanArray(truth, gaps) if gaps.any() and truth.ndim == 1 else truth
    scaled = _scaled(column, values)
    if column.null is None or scaled.ndim != 1:
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
