"""A table as a VOTable: version 1.3, whose units are those of the CDS, serialised as BINARY2."""

import base64
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pyarrow as pa

from .errors import InputError
from .layout import Column, Table

_LINE = 57


def write_votable(path: Path, table: Table, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches as a VOTable; nulls are flagged, units are the description's own text."""
    with path.open("wb") as stream:
        stream.write(_head(table).encode())
        rest = b""
        for batch in batches:
            rest += _rows(batch, table)
            whole = len(rest) - len(rest) % _LINE
            stream.write(_lines(rest[:whole]))
            rest = rest[whole:]
        stream.write(_lines(rest))
        stream.write(b"</STREAM>\n</BINARY2>\n</DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n")


def read_votable(path: Path, table: Table) -> Iterator[pa.RecordBatch]:
    """The columns of a layout from the first table of a VOTable."""
    from astropy.io.votable import parse_single_table

    from .astropy_file import from_astropy

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = parse_single_table(path).to_table(use_names_over_ids=True)
    except (OSError, ValueError, IndexError, SyntaxError) as error:
        raise InputError(f"{path}: no VOTable ({error})") from error
    yield from from_astropy(path, data, table)


def _head(table: Table) -> str:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
        "<RESOURCE>",
        f"<TABLE name={quoteattr(table.name)}>",
    ]
    if table.explanation:
        lines.append(f"<DESCRIPTION>{escape(table.explanation)}</DESCRIPTION>")
    lines += [_field(column) for column in table.named]
    lines += ["<DATA>", "<BINARY2>", '<STREAM encoding="base64">']
    return "\n".join(lines) + "\n"


def _field(column: Column) -> str:
    kind, _ = _kind(column)
    attributes = f"name={quoteattr(column.label)} datatype={quoteattr(kind)}"
    if kind == "char":
        attributes += f' arraysize="{column.width}"'
    if column.unit != "---":
        attributes += f" unit={quoteattr(column.unit)}"
    if column.ucd:
        attributes += f" ucd={quoteattr(column.ucd)}"
    words = escape(column.explanation)
    return f"<FIELD {attributes}><DESCRIPTION>{words}</DESCRIPTION></FIELD>"


def _kind(column: Column) -> tuple[str, str]:
    """VOTable datatype and type in memory."""
    if column.kind == "I":
        return "long", ">i8"
    if column.kind != "A":
        return "double", ">f8"
    if column.boolean:
        return "boolean", "S1"
    return "char", f"S{column.width}"


def _rows(batch: pa.RecordBatch, table: Table) -> bytes:
    columns = table.named
    flags = -(-len(columns) // 8)
    layout = [("flags", np.uint8, (flags,))]
    layout += [(f"c{number}", _kind(column)[1]) for number, column in enumerate(columns)]
    rows = np.zeros(batch.num_rows, dtype=np.dtype(layout))
    null = np.zeros((batch.num_rows, len(columns)), dtype=bool)
    for number, column in enumerate(columns):
        values = batch.column(column.label)
        null[:, number] = values.is_null().to_numpy(zero_copy_only=False)
        rows[f"c{number}"] = _cells(values)
    rows["flags"] = np.packbits(null, axis=1)
    return rows.tobytes()


def _cells(values: pa.Array) -> np.ndarray | list[bytes]:
    if pa.types.is_boolean(values.type):
        truth = values.fill_null(False).to_numpy(zero_copy_only=False)
        known = values.is_valid().to_numpy(zero_copy_only=False)
        return np.where(known, np.where(truth, b"T", b"F"), b"?")
    if pa.types.is_string(values.type):
        return [text.encode() for text in values.fill_null("").to_pylist()]
    if pa.types.is_integer(values.type):
        return values.fill_null(0).to_numpy(zero_copy_only=False)
    return values.fill_null(np.nan).to_numpy(zero_copy_only=False)


def _lines(content: bytes) -> bytes:
    return base64.encodebytes(content)
