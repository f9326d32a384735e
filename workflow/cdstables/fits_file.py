"""A table as a FITS binary table, written and read chunk by chunk."""

import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy import units
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning

from .errors import InputError
from .layout import Column, Table

_NULL = -(2**63)
_BLOCK = 2880
_ROWS = 20_000
_KEYWORD = 8
_HIERARCH = 40  # letters of a value that fit such a card, which knows no continuation


@contextmanager
def quietly() -> Iterator[None]:
    """Read FITS without a warning for every label and unit of the CDS that the standard lacks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        warnings.simplefilter("ignore", units.UnitsWarning)
        yield


def write_fits(path: Path, table: Table, batches: Iterable[pa.RecordBatch], records: int) -> None:
    """Write batches as the first extension of a FITS file.

    Labels, units, descriptions and UCDs become TTYPE, TUNIT, TCOMM and TUCD; the table's metadata
    stand in both headers. A null integer is
    the TNULL value, a null float NaN, a null text blank. Booleans are logical. Descriptions lose
    the accents that FITS cannot hold.

    Raises
    ------
    InputError
        A text or a label is not ASCII, the only text of FITS; row and column are named.
    """
    kinds = {column.label: _kind(column) for column in table.named}
    layout = np.dtype([(label, kind) for label, (_, kind) in kinds.items()])
    with path.open("wb") as stream:
        primary = fits.PrimaryHDU().header
        _add_metadata(primary, table)
        stream.write(primary.tostring().encode("ascii"))
        stream.write(_header(table, kinds, records).tostring().encode("ascii"))
        first = 1
        for batch in batches:
            rows = np.zeros(batch.num_rows, dtype=layout)
            for column in table.named:
                rows[column.label] = _cells(batch.column(column.label), column, first)
            stream.write(rows.tobytes())
            first += batch.num_rows
        stream.write(b"\0" * (-records * layout.itemsize % _BLOCK))


def read_fits(path: Path, table: Table) -> Iterator[pa.RecordBatch]:
    """The columns of a layout from the first table of a FITS file."""
    try:
        with quietly():
            hdus = fits.open(path, memmap=True)
        with hdus:
            yield from _rows(path, *_first_table(path, hdus), table)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: holds text that is not ASCII, which FITS does not allow ({error}); give the "
            "table as VOTable, Parquet or ECSV"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: no FITS file ({error})") from error


def _first_table(path: Path, hdus: fits.HDUList) -> tuple[fits.FITS_rec, fits.ColDefs]:
    with quietly():
        tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
        if not tables:
            raise InputError(f"{path}: no binary table in it")
        return tables[0].data, tables[0].columns


def _rows(
    path: Path, data: fits.FITS_rec, columns: fits.ColDefs, table: Table
) -> Iterator[pa.RecordBatch]:
    if missing := [column.label for column in table.named if column.label not in columns.names]:
        raise InputError(f"{path}: no column {missing[0]!r}")
    for start in range(0, len(data), _ROWS):
        arrays = {
            column.label: _array(
                data.field(column.label)[start : start + _ROWS], columns[column.label].null
            )
            for column in table.named
        }
        yield pa.record_batch(arrays)


def _array(values: np.ndarray, null: int | None) -> pa.Array:
    if values.dtype.kind in "SU":
        return pa.array([text.rstrip(" ") for text in values.tolist()], pa.string())
    native = values.astype(values.dtype.newbyteorder("="))
    if values.dtype.kind in "iu" and null is not None:
        return pa.array(native, mask=native == null)
    return pa.array(native)


def _kind(column: Column) -> tuple[str, str]:
    """TFORM and type in memory."""
    if column.kind == "I":
        return "K", ">i8"
    if column.kind != "A":
        return "D", ">f8"
    if column.boolean and column.null is None:
        return "L", "S1"
    return f"{column.width}A", f"S{column.width}"


def fits_unit(column: Column) -> str | None:
    """The unit in the notation of the FITS standard, whose logarithm is ``log(cm s-2)``.

    What that notation cannot say keeps the text of the CDS.
    """
    unit = column.astropy_unit
    if unit is None:
        return None
    try:
        if isinstance(unit, units.DexUnit):
            inner = unit.physical_unit.to_string("fits")
            return f"log({inner})" if inner not in ("", "---") else "dex"
        return unit.to_string("fits")
    except ValueError:
        return column.unit


def _header(table: Table, kinds: dict[str, tuple[str, str]], records: int) -> fits.Header:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VerifyWarning)
        columns = [
            fits.Column(
                name=_ascii_label(column),
                format=kinds[column.label][0],
                unit=_plain(fits_unit(column)),
                null=_NULL if column.kind == "I" else None,
            )
            for column in table.named
        ]
        header = fits.BinTableHDU.from_columns(columns, nrows=0).header
    header["NAXIS2"] = records
    header["EXTNAME"] = _plain(table.name)
    for number, column in enumerate(table.named, 1):
        if column.explanation:
            header[f"TCOMM{number}"] = _plain(column.explanation)
        if column.ucd:
            header[f"TUCD{number}"] = column.ucd
    _add_metadata(header, table)
    return header


def _add_metadata(header: fits.Header, table: Table) -> None:
    """Keywords of the whole table; one of more than eight letters is a HIERARCH card."""
    for name, value in table.metadata.items():
        text = value if isinstance(value, bool) else _plain(value)
        if len(name) <= _KEYWORD:
            header[name] = text
        else:
            header[f"HIERARCH {name}"] = text if isinstance(text, bool) else text[:_HIERARCH]


def _ascii_label(column: Column) -> str:
    if not column.label.isascii():
        raise InputError(
            f"column {column.label}: FITS names columns in ASCII alone; convert to VOTable (.vot), "
            "Parquet or ECSV"
        )
    return column.label


def _plain(text: str | None) -> str | None:
    """Words of a header in printable ASCII: without accents, ``?`` for what has no such form."""
    if text is None or (text.isascii() and text.isprintable()):
        return text
    bare = unicodedata.normalize("NFKD", text.replace("\u00b5", "u"))
    bare = "".join(mark for mark in bare if not unicodedata.combining(mark))
    return "".join(mark if " " <= mark <= "~" else "?" for mark in bare)


def _ascii_texts(values: pa.Array, column: Column, first: int) -> list[bytes]:
    texts = values.fill_null("").to_pylist()
    for row, text in enumerate(texts, first):
        if not text.isascii():
            raise InputError(
                f"row {row}, column {column.label}: {text!r} is not ASCII, the only text that FITS "
                "holds; convert to VOTable (.vot), Parquet or ECSV"
            )
    return [text.encode() for text in texts]


def _cells(values: pa.Array, column: Column, first: int) -> np.ndarray | list[bytes]:
    if pa.types.is_boolean(values.type):
        truth = values.fill_null(False).to_numpy(zero_copy_only=False)
        known = values.is_valid().to_numpy(zero_copy_only=False)
        return np.where(known, np.where(truth, b"T", b"F"), b"\0")
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return _ascii_texts(values, column, first)
    if pa.types.is_integer(values.type):
        if (values.null_count < len(values)) and _NULL in (values.drop_null().to_numpy()):
            raise InputError(f"column {column.label}: {_NULL} is FITS's mark of a null here")
        return values.fill_null(_NULL).to_numpy(zero_copy_only=False)
    return values.fill_null(np.nan).to_numpy(zero_copy_only=False)
