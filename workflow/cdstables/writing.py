"""Write tables of fixed-width text to a given layout: exact, aligned, whole or not at all.

What is written passes ``check``: a value that the layout does not allow is refused.
"""

import gzip
import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .errors import InputError
from .files import atomic
from .layout import Column, Table
from .numbers import null_number
from .shortest import float_texts, widened

THREADS = max(1, min(8, os.cpu_count() or 1))
_CHUNK_BYTES = 16 << 20
_UNPRINTABLE = r"[^\x20-\x7e]"


class TableWriter:
    """Write records to a file that appears under its name only when it is whole.

    Use it as a context manager; an exception within leaves no file. A name that ends in ``.gz``
    is compressed, without name or time in its header. ``records`` counts what was written. Pieces
    are made on two sheets by turns: while one goes to the disk the other is filled.
    """

    def __init__(self, path: str | Path, table: Table):
        self.path = Path(path)
        self.table = table
        self.records = 0
        self._rows = max(1, _CHUNK_BYTES // (table.width + 1))
        self._sheets = cycle(_blank_records(table, self._rows) for _ in range(2))
        self._stack = ExitStack()
        self._stream: BinaryIO | None = None
        self._disk: ThreadPoolExecutor | None = None
        self._under_way: Future | None = None

    def __enter__(self) -> "TableWriter":
        temporary = self._stack.enter_context(atomic(self.path))
        stream = self._stack.enter_context(temporary.open("wb"))
        if self.path.suffix == ".gz":
            zipped = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=stream, mtime=0)
            stream = self._stack.enter_context(zipped)
        self._stream = stream
        self._disk = self._stack.enter_context(ThreadPoolExecutor(1))
        self._stack.callback(self._settle)
        return self

    def __exit__(self, *failure) -> bool | None:
        return self._stack.__exit__(*failure)

    def write(self, data: pa.RecordBatch | pa.Table) -> None:
        """Append the rows of ``data``, whose columns are those of the layout, by label."""
        for start in range(0, data.num_rows, self._rows):
            piece = data.slice(start, self._rows)
            records = next(self._sheets)[: piece.num_rows]
            _fill_all(records, piece, self.table, self.records + 1)
            self._settle()
            self._under_way = self._disk.submit(self._stream.write, records.view(np.uint8))
            self.records += piece.num_rows

    def _settle(self) -> None:
        """Wait for the piece under way; what hindered it is raised here."""
        if self._under_way is not None:
            self._under_way.result()


def encode(data: pa.RecordBatch | pa.Table, table: Table, first_row: int = 1) -> bytes:
    """The records of ``data`` as bytes, each with its newline.

    Records written apart and joined are the same bytes as records written at once.

    Parameters
    ----------
    data
        Columns by label, every one of the layout and no other. Floats for F, E, D (integers and
        narrower floats are widened), integers for I, text or booleans for A. NaN is null.
    first_row
        Number of the first row in errors.

    Raises
    ------
    InputError
        A value cannot be written; row, column and value are named.
    """
    records = _blank_records(table, data.num_rows)
    _fill_all(records, data, table, first_row)
    return records.tobytes()


def _blank_records(table: Table, rows: int) -> np.ndarray:
    """Records with nothing but their newline and the bytes that are the same in every record."""
    record = bytearray(b" " * table.width + b"\n")
    for column in table.columns:
        if column.label == "---" and column.width == 1 and len(column.allowed or ()) == 1:
            record[column.start - 1] = next(iter(column.allowed))
    return np.frombuffer(bytearray(record * rows), table.record_type)


def _fill_all(
    records: np.ndarray, data: pa.RecordBatch | pa.Table, table: Table, first_row: int
) -> None:
    """Fill every field of records; what lies between fields stays as it is."""
    _same_columns(data, table)
    if not data.num_rows:
        return
    fill = partial(_fill, records, data, table, first_row)
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(fill, table.named):
            pass


def write(path: str | Path, table: Table, data: pa.Table) -> None:
    """Write a whole table; see ``TableWriter``."""
    with TableWriter(path, table) as writer:
        writer.write(data)


def _same_columns(data: pa.RecordBatch | pa.Table, table: Table) -> None:
    given = list(data.schema.names)
    wanted = [column.label for column in table.named]
    if missing := [label for label in wanted if label not in given]:
        raise InputError(f"{table.name}: column {missing[0]} is missing from the data")
    if extra := [label for label in given if label not in wanted]:
        raise InputError(f"{table.name}: the layout has no column {extra[0]!r}")
    if len(set(given)) != len(given):
        raise InputError(f"{table.name}: the data hold a column twice")


@dataclass(frozen=True)
class _Texts:
    """The texts of a column, and the texts to put over some of its rows."""

    texts: pa.Array
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, np.intp))
    over: pa.Array | None = None


class _Refusal(Exception):
    """A row of a column that cannot be written, counted from 0."""

    def __init__(self, row: int, reason: str):
        super().__init__(reason)
        self.row = row


def _fill(
    records: np.ndarray,
    data: pa.RecordBatch | pa.Table,
    table: Table,
    first_row: int,
    column: Column,
) -> None:
    values = data.column(column.label)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    try:
        made = _texts(values, column)
        field = records[column.place]
        field[:] = _padded(made.texts, column)
        if len(made.rows):
            field[made.rows] = _padded(made.over, column)
    except _Refusal as refusal:
        value = values[refusal.row].as_py()
        raise InputError(
            f"{table.name}, row {first_row + refusal.row}, column {column.label}: "
            f"{value!r} {refusal} (bytes {column.start}-{column.end}, {column.format})"
        ) from None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(
            f"{table.name}, column {column.label} ({column.format}): {values.type} data do not "
            f"fit the format ({str(error).splitlines()[0]})"
        ) from error


def _texts(values: pa.Array, column: Column) -> _Texts:
    """The texts of a column, each short enough for its field, nulls as the layout writes them."""
    make = {"A": _text_texts, "I": _integer_texts}.get(column.kind, _float_texts)
    if pa.types.is_floating(values.type) and pc.any(pc.is_nan(values)).as_py():
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    if pa.types.is_null(values.type):
        values = values.cast(column.arrow_type)
    null = values.is_null() if values.null_count else None
    if null is not None and column.null is None:
        if column.kind != "A":
            raise _Refusal(_first(null), "is null, which the description does not allow")
        raise _Refusal(_first(null), "is null; a text that may be null has a ? in its description")
    made = make(values, column)
    texts = made.texts
    if (pc.max(pc.binary_length(texts)).as_py() or 0) > column.width:
        too_long = pc.greater(pc.binary_length(texts), column.width)
        raise _Refusal(_first(too_long), f"is longer than the {column.width} bytes of its field")
    if not texts.null_count:
        return made
    return replace(made, texts=pc.fill_null(texts, _null_code(column)))


def _null_code(column: Column) -> str:
    """What is written for a null."""
    return column.null if len(column.null) <= column.width else ""


def _padded(texts: pa.Array, column: Column) -> np.ndarray:
    """The texts with blanks to the column's width, shape (rows,)."""
    pad = pc.ascii_lpad if column.align == "right" else pc.ascii_rpad
    padded = pad(texts, column.width)
    _, _, buffer = padded.buffers()
    return np.frombuffer(buffer, column.bytes_type, len(padded), padded.offset * column.width)


def _float_texts(values: pa.Array, column: Column) -> _Texts:
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise pa.ArrowInvalid("numbers are needed")
    values = values.cast(pa.float64()) if pa.types.is_integer(values.type) else values
    known = values.fill_null(0) if values.null_count else values
    plain = known.to_numpy(zero_copy_only=False)
    if not np.isfinite(plain).all():
        raise _Refusal(int(np.argmax(np.isinf(plain))), "is no finite number")
    texts, written, rows, over = float_texts(widened(plain), column.kind, column.width)
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    if values.null_count:
        rows, over = rows[valid[rows]], over.filter(pa.array(valid[rows]))
    if over.null_count:
        raise _Refusal(int(rows[_first(over.is_null())]), "does not fit its field")
    if column.limits or column.null:
        _allowed_number(written, valid, column)
    if values.null_count:
        nulls = np.flatnonzero(~valid)
        code = pa.array([_null_code(column)] * len(nulls))
        rows, over = np.concatenate([rows, nulls]), pa.concat_arrays([over, code])
    return _Texts(texts, rows, over)


def _integer_texts(values: pa.Array, column: Column) -> _Texts:
    if not pa.types.is_integer(values.type):
        raise pa.ArrowInvalid("integers are needed")
    values = values.cast(pa.int64())
    texts = values.cast(pa.string())
    if column.limits or column.null:
        plain = values.fill_null(0).to_numpy(zero_copy_only=False)
        valid = values.is_valid().to_numpy(zero_copy_only=False)
        _allowed_number(plain, valid, column)
    return _Texts(texts)


def _allowed_number(written: np.ndarray, valid: np.ndarray, column: Column) -> None:
    if column.limits is not None:
        _refuse_any(pa.array(outside(written, column) & valid), f"is outside {column.limits}")
    if column.null:
        code = null_number(column)
        if code is not None:
            _refuse_any(pa.array((written == code) & valid), "would read back as the null code")


def outside(values: np.ndarray, column: Column) -> np.ndarray:
    """Which values lie outside the limits of a column."""
    limits = column.limits
    low = values <= limits.low if limits.low_open else values < limits.low
    high = values >= limits.high if limits.high_open else values > limits.high
    return low | high


def _text_texts(values: pa.Array, column: Column) -> _Texts:
    if pa.types.is_boolean(values.type):
        texts = pc.if_else(values, "true", "false")
    elif pa.types.is_string(values.type):
        texts = values
    elif pa.types.is_large_string(values.type) or pa.types.is_dictionary(values.type):
        texts = values.cast(pa.string())
    else:
        raise pa.ArrowInvalid("text or booleans are needed")
    if not _printable(texts):
        odd = pc.match_substring_regex(texts, _UNPRINTABLE)
        _refuse_any(odd, "holds a character that is not plain ASCII")
    edges = pc.or_(pc.starts_with(texts, " "), pc.ends_with(texts, " "))
    _refuse_any(edges, "has a blank at an end, which the padding would swallow")
    _refuse_any(foreign(texts, column), f"holds what [{column.characters}] does not allow")
    if column.null:
        _refuse_any(pc.equal(texts, column.null), "would read back as the null code")
    return _Texts(texts)


def _printable(texts: pa.Array) -> bool:
    """Whether every byte of the texts is printable ASCII; a null's bytes count as well."""
    content = texts.buffers()[2]
    if content is None:
        return True
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    cells = np.frombuffer(content, np.uint8)[offsets[0] : offsets[-1]] if len(texts) else content
    return not len(cells) or bool(((cells - np.uint8(32)) <= 94).all())


def foreign(texts: pa.Array, column: Column) -> pa.Array:
    """Which texts (trimmed) hold what the brackets of their column do not allow; blank is fine."""
    if column.choices:
        known = pa.array(["", *column.choices])
        return pc.invert(pc.is_in(texts, known, skip_nulls=True))
    if column.allowed is None:
        return pa.nulls(len(texts), pa.bool_())
    unwanted = np.ones(256, dtype=bool)
    unwanted[list(column.allowed)] = False
    lengths = pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
    joined = b"".join(text.encode() for text in texts.to_pylist() if text)
    hits = np.flatnonzero(unwanted[np.frombuffer(joined, np.uint8)])
    owners = np.searchsorted(np.cumsum(lengths), hits, side="right")
    mask = np.zeros(len(texts), dtype=bool)
    mask[owners] = True
    return pa.array(mask)


def _refuse_any(mask: pa.Array, reason: str) -> None:
    if pc.any(mask).as_py():
        raise _Refusal(_first(mask), reason)


def _first(mask: pa.Array) -> int:
    return int(np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False))[0])
