"""A table as ECSV, and astropy tables as Arrow batches of a layout."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from astropy.table import Column as AstropyColumn
from astropy.table import Table as AstropyTable

from .errors import InputError
from .layout import Column, Table

_ROWS = 20_000
_TYPES = {"I": np.int64, "A": str}


def write_ecsv(path: Path, table: Table, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches as comma-separated ECSV; a null is an empty field."""
    options = pyarrow.csv.WriteOptions(include_header=False, delimiter=",")
    with path.open("wb") as stream:
        stream.write(_header(table).encode())
        for batch in batches:
            pyarrow.csv.write_csv(_spelt(batch), stream, options)


def read_ecsv(path: Path, table: Table) -> Iterator[pa.RecordBatch]:
    """The columns of a layout from an ECSV file."""
    try:
        data = AstropyTable.read(path, format="ascii.ecsv")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no ECSV file ({error})") from error
    yield from from_astropy(path, data, table)


def from_astropy(path: Path, data: AstropyTable, table: Table) -> Iterator[pa.RecordBatch]:
    """The columns of a layout from an astropy table, in batches."""
    if missing := [column.label for column in table.named if column.label not in data.colnames]:
        raise InputError(f"{path}: no column {missing[0]!r}")
    for start in range(0, len(data), _ROWS):
        piece = data[start : start + _ROWS]
        arrays = {column.label: _array(piece[column.label]) for column in table.named}
        yield pa.record_batch(arrays)


def _array(values: AstropyColumn) -> pa.Array:
    mask = np.ma.getmaskarray(values)
    plain = np.ma.getdata(values)
    if plain.dtype.kind in "SUO":
        texts = [
            None if hidden else text.decode() if isinstance(text, bytes) else str(text)
            for text, hidden in zip(plain.tolist(), mask.tolist(), strict=True)
        ]
        return pa.array(texts, pa.string())
    return pa.array(plain.astype(plain.dtype.newbyteorder("=")), mask=mask)


def _header(table: Table) -> str:
    columns = [_empty(column) for column in table.named]
    meta = {"name": table.name, "description": table.explanation}
    text = io.StringIO()
    AstropyTable(columns, meta=meta).write(text, format="ascii.ecsv", delimiter=",")
    return text.getvalue()


def _empty(column: Column) -> AstropyColumn:
    kind = bool if column.boolean else _TYPES.get(column.kind, np.float64)
    return AstropyColumn(
        np.empty(0, dtype=kind),
        name=column.label,
        unit=column.astropy_unit,
        description=column.explanation or None,
        meta={"ucd": column.ucd} if column.ucd else None,
    )


def _spelt(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Booleans as ECSV spells them."""
    arrays = {
        name: pc.if_else(values, "True", "False") if pa.types.is_boolean(values.type) else values
        for name, values in zip(batch.schema.names, batch.columns, strict=True)
    }
    return pa.record_batch(arrays)
