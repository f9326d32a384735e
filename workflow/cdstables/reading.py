"""Read tables of fixed-width text into Arrow, pandas and astropy, whole or in chunks."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .errors import InputError
from .layout import Column, Table
from .numbers import parse
from .readme import decode, is_delimiter, is_end, is_heading, load_readme, parse_header
from .records import Block, blocks, parts, read_all

if TYPE_CHECKING:
    import pandas as pd
    from astropy.table import Table as AstropyTable

THREADS = max(1, min(8, os.cpu_count() or 1))


def read(
    path: str | Path,
    table: Table,
    columns: Sequence[str] | None = None,
    rows: slice | range | None = None,
    booleans: bool = False,
    skip: int = 0,
) -> pa.Table:
    """Read a table.

    Parameters
    ----------
    path
        Plain or gzip; the name that numbered parts share does as well.
    table
        What the file looks like.
    columns
        Labels to read, in this order; all by default.
    rows
        Records to read, counted from 0; a step other than 1 is refused.
    booleans
        Whether columns whose words are ``true`` and ``false`` become booleans; else they are text.
    skip
        Lines of a header before the first record.

    Returns
    -------
    A table of 64-bit integers, 64-bit floats and text, null where the field is blank or holds the
    null code. A blank text is an empty text where the description allows no null. The metadata
    of a field hold ``unit`` and ``description``.

    Raises
    ------
    InputError
        The file cannot be read or a text is no value; line, bytes, column and text are named.
    """
    batches = list(_batches(path, table, columns, None, rows, booleans, skip))
    return pa.Table.from_batches(batches, _schema(table, columns, booleans))


def iter_batches(
    path: str | Path,
    table: Table,
    columns: Sequence[str] | None = None,
    chunk_rows: int | None = None,
    booleans: bool = False,
    skip: int = 0,
    rows: slice | range | None = None,
) -> Iterator[pa.RecordBatch]:
    """Read a table chunk by chunk, in constant memory; parameters as in ``read``.

    ``chunk_rows`` bounds the rows of a chunk; by default a chunk is about 16 MiB of text.
    """
    yield from _batches(path, table, columns, chunk_rows, rows, booleans, skip)


def read_described(path: str | Path, booleans: bool = False) -> tuple[pa.Table, Table]:
    """Read a file that carries its own description (an MRT file): the data and their layout."""
    found = described(path)
    rows = None if found.records is None else range(found.records)
    return read(path, found.table, None, rows, booleans, found.skip), found.table


@dataclass(frozen=True)
class Described:
    """Where the records of a file lie: its layout, the lines before them, and how many they are.

    ``records`` is None where they go on to the end of the file.
    """

    table: Table
    skip: int = 0
    records: int | None = None


def layout_of(readme: Path, file: Path) -> Described:
    """The layout of ``file`` by ``readme``, which is ``file`` itself where it describes itself."""
    if readme == file or (readme.exists() and file.exists() and readme.samefile(file)):
        return described(file)
    return Described(load_readme(readme).table(file))


def described(path: str | Path) -> Described:
    """The layout that a file carries in its own header, and where its records lie.

    The records begin behind the description, its notes and whatever sections follow up to a line
    of dashes. A line of dashes at the very end closes them.

    Raises
    ------
    InputError
        No description, several of them, or a line of dashes among the records; the line is named.
    """
    files = parts(path)
    lines = [line.rstrip("\r") for line in decode(read_all(files[0])).split("\n")]
    if not any(map(is_delimiter, lines)):
        raise InputError(f"{path}: no line of dashes, so no description before the data")
    if not lines[-1]:
        lines.pop()
    readme, start = parse_header(lines, str(path))
    start = _behind_sections(lines, start)
    end = len(lines)
    while end > start and _closes(lines[end - 1]):
        end -= 1
    among = [number for number in range(start, end) if is_delimiter(lines[number])]
    if among:
        raise InputError(
            f"{path}, line {among[0] + 1}: a line of dashes among the records, which begin at line "
            f"{start + 1}; give each table a file of its own"
        )
    table = readme.tables[0]
    if table.notes and start >= end:
        _refuse_records_in_notes(path, lines, table)
    return Described(table, start, None if len(files) > 1 else end - start)


def _behind_sections(lines: list[str], start: int) -> int:
    """The first record: behind sections, notes and blank lines that a line of dashes ends."""
    position = start
    while position < len(lines):
        line = lines[position]
        if is_heading(line):
            ends = [n for n in range(position, len(lines)) if is_delimiter(lines[n])]
            if not ends:
                return position
            position = ends[0]
        elif not _closes(line):
            return position
        position += 1
    return position


def _refuse_records_in_notes(path: str | Path, lines: list[str], table: Table) -> None:
    """Refuse a file without records whose notes hold lines that read as records.

    Without their own line of dashes, notes reach to the one that closes the records.
    """
    last = max(number for number, line in enumerate(lines) if is_delimiter(line))
    first = max(number for number, line in enumerate(lines[:last]) if is_delimiter(line)) + 1
    notes = [line.encode("utf-8")[: table.width] for line in lines[first:last]]
    cells = np.frombuffer(b"".join(n.ljust(table.width) for n in notes), np.uint8)
    cells = cells.reshape(len(notes), table.width)
    numbers = [column for column in table.columns if column.kind != "A"]
    reads = np.full(len(notes), bool(numbers)) & (cells != ord(" ")).any(axis=1)
    for column in numbers:
        fields = parse(cells, column)
        reads[list(fields.bad)] = False
        if fields.blank is not None and column.null is None:
            reads &= ~fields.blank
    if reads.any():
        raise InputError(
            f"{path}, line {first + 1}: the notes that begin here have no last line of dashes, so "
            f"nothing tells them from the records, such as line {first + int(reads.argmax()) + 1}"
        )


def _closes(line: str) -> bool:
    """Whether a line is blank, of dashes or ``(End)``: no record."""
    return not line.strip() or is_delimiter(line) or is_end(line)


def to_pandas(data: pa.Table) -> "pd.DataFrame":
    """The data as a pandas frame; nulls stay nulls (``Int64``, ``Float64``, ``boolean``)."""
    import pandas as pd

    types = {
        pa.int64(): pd.Int64Dtype(),
        pa.float64(): pd.Float64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    return data.to_pandas(types_mapper=types.get)


def to_astropy(data: pa.Table, table: Table) -> "AstropyTable":
    """The data as an astropy table with units, descriptions and masks (where there are nulls)."""
    from astropy.table import Column as PlainColumn
    from astropy.table import MaskedColumn
    from astropy.table import Table as AstropyTable

    columns = []
    for name in data.column_names:
        column = table.column(name)
        values = data[name].combine_chunks()
        about = {
            "name": name,
            "unit": column.astropy_unit,
            "description": column.explanation or None,
        }
        if values.null_count:
            plain = _numpy(values.fill_null(_fill(values.type)))
            mask = values.is_null().to_numpy(zero_copy_only=False)
            columns.append(MaskedColumn(plain, mask=mask, **about))
        else:
            columns.append(PlainColumn(_numpy(values), **about))
    return AstropyTable(columns, meta={"name": table.name, "description": table.explanation})


def _fill(kind: pa.DataType) -> object:
    if pa.types.is_string(kind):
        return ""
    return False if pa.types.is_boolean(kind) else 0


def _numpy(values: pa.Array) -> np.ndarray:
    if pa.types.is_string(values.type):
        return np.array(values.to_pylist(), dtype=str)
    return values.to_numpy(zero_copy_only=False).copy()


def _schema(table: Table, columns: Sequence[str] | None, booleans: bool) -> pa.Schema:
    schema = table.schema
    if columns is not None:
        schema = pa.schema([schema.field(table.column(label).label) for label in columns])
    for number, field in enumerate(schema):
        if booleans and table.column(field.name).boolean:
            schema = schema.set(number, field.with_type(pa.bool_()))
    return schema


def _batches(
    path: str | Path,
    table: Table,
    columns: Sequence[str] | None,
    chunk_rows: int | None,
    rows: slice | range | None,
    booleans: bool,
    skip: int,
) -> Iterator[pa.RecordBatch]:
    schema = _schema(table, columns, booleans)
    wanted = [table.column(field.name) for field in schema]
    start, stop = _range(path, rows)
    first_line = skip + 1
    with ThreadPoolExecutor(THREADS) as pool:
        for block in blocks(path, table.width, chunk_rows, skip):
            if stop is not None and block.first >= stop:
                break
            low = max(0, start - block.first)
            high = len(block) if stop is None else min(len(block), stop - block.first)
            if low >= high:
                continue
            read_column = partial(_read_column, path, block, low, high, first_line, booleans)
            yield pa.record_batch(list(pool.map(read_column, wanted)), schema=schema)


def _range(path: str | Path, rows: slice | range | None) -> tuple[int, int | None]:
    if rows is None:
        return 0, None
    start, stop = rows.start or 0, rows.stop
    if rows.step not in (None, 1) or start < 0 or (stop is not None and stop < 0):
        raise InputError(f"{path}: rows {rows} are no range of rows counted from 0 with step 1")
    return start, stop


def _read_column(
    path: str | Path,
    block: Block,
    low: int,
    high: int,
    first_line: int,
    booleans: bool,
    column: Column,
) -> pa.Array:
    fields = parse(block.cells[low:high], column)
    bad = fields.bad
    values = fields.data
    if booleans and column.boolean:
        values, bad = _booleans(fields.texts)
    if bad:
        row = min(bad)
        text = block.cells[low + row, column.start - 1 : column.end].tobytes()
        raise InputError(
            f"{path}, line {first_line + block.first + low + row}, bytes {column.start}-"
            f"{column.end}, column {column.label}: {text.decode('latin-1')!r} is {bad[row]}"
        )
    return values


def _booleans(texts: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    known = pc.is_in(texts, pa.array(["true", "false", ""]))
    bad = np.flatnonzero(~known.to_numpy(zero_copy_only=False))
    values = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.bool_()), pc.equal(texts, "true"))
    return values, dict.fromkeys(bad.tolist(), "neither true nor false")
