"""A table as a VOTable: version 1.3, whose units are those of the CDS, serialised as BINARY2."""

import base64
import io
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pyarrow as pa

from .errors import InputError
from .layout import Column, Table
from .records import read_all

if TYPE_CHECKING:
    from astropy.io.votable.tree import TableElement, VOTableFile

_LINE = 57
_OUTSIDE = re.compile(rb"<(?:[\w.-]+:)?STREAM\b[^>]*\shref\s*=|<!ENTITY\b", re.I)


def write_votable(
    path: Path,
    table: Table,
    batches: Iterable[pa.RecordBatch],
    unicode: frozenset[str] = frozenset(),
) -> None:
    """Write batches as a VOTable; nulls are flagged, units are the description's own text.

    The table's metadata become INFO elements.

    ``unicode`` names the text columns that become ``unicodeChar``; the others hold ASCII alone.
    """
    with path.open("wb") as stream:
        stream.write(_head(table, unicode).encode())
        rest = b""
        for batch in batches:
            rest += _rows(batch, table, unicode)
            whole = len(rest) - len(rest) % _LINE
            stream.write(_lines(rest[:whole]))
            rest = rest[whole:]
        stream.write(_lines(rest))
        stream.write(b"</STREAM>\n</BINARY2>\n</DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n")


def read_votable(path: Path, table: Table) -> Iterator[pa.RecordBatch]:
    """The columns of a layout from the first table of a VOTable."""
    from .astropy_file import from_astropy

    tables = parse_votable(read_all(path), str(path))
    if not tables:
        raise InputError(f"{path}: no table in this VOTable")
    yield from from_astropy(path, tables[0].to_table(use_names_over_ids=True), table)


def parse_votable(content: bytes, name: str) -> list["TableElement"]:
    """The tables of a VOTable; see ``parse_document``."""
    return list(parse_document(content, name).iter_tables())


def parse_document(content: bytes, name: str) -> "VOTableFile":
    """A VOTable, each value as it stands there.

    Parameters
    ----------
    content
        The whole document.
    name
        What errors call it.

    Raises
    ------
    InputError
        No VOTable; or one that names another file for its data, defines entities, or holds a
        value that does not fit the type of its column (which readers otherwise cut to fit).
    """
    from astropy.io.votable import parse
    from astropy.io.votable.exceptions import W46, W51

    if found := _OUTSIDE.search(content):
        told = found[0].decode("latin-1")[:60]
        raise InputError(f"{name}: {told!r} refers to data outside the VOTable, which is not read")
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            document = parse(io.BytesIO(content), verify="warn")
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{name}: no VOTable ({reason})") from error
    for warning in heard:
        if isinstance(warning.message, (W46, W51)):
            raise InputError(
                f"{name}: a value does not fit the type its column is declared with "
                f"({_plain(warning.message)}); ask its author for a wider type"
            )
    return document


def _plain(warning: Warning) -> str:
    """Place and reason of a warning of astropy, without its number."""
    found = re.search(r":(\d+):\d+: \w\d+: (.*)", str(warning), re.S)
    return f"line {found[1]}: {found[2]}" if found else str(warning)


def _head(table: Table, unicode: frozenset[str]) -> str:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
        "<RESOURCE>",
        *(
            f"<INFO name={quoteattr(name)} value={quoteattr(_info(value))}/>"
            for name, value in table.metadata.items()
        ),
        f"<TABLE name={quoteattr(table.name)}>",
    ]
    if table.explanation:
        lines.append(f"<DESCRIPTION>{escape(table.explanation)}</DESCRIPTION>")
    lines += [_field(column, unicode) for column in table.named]
    lines += ["<DATA>", "<BINARY2>", '<STREAM encoding="base64">']
    return "\n".join(lines) + "\n"


def _info(value: str | bool) -> str:
    return "FT"[value] if isinstance(value, bool) else value


def _field(column: Column, unicode: frozenset[str]) -> str:
    kind, _ = _kind(column, unicode)
    attributes = f"name={quoteattr(column.label)} datatype={quoteattr(kind)}"
    if kind in ("char", "unicodeChar"):
        attributes += f' arraysize="{column.width}"'
    if column.unit != "---":
        attributes += f" unit={quoteattr(column.unit)}"
    if column.ucd:
        attributes += f" ucd={quoteattr(column.ucd)}"
    words = escape(column.explanation)
    return f"<FIELD {attributes}><DESCRIPTION>{words}</DESCRIPTION></FIELD>"


def _kind(column: Column, unicode: frozenset[str]) -> tuple[str, str]:
    """VOTable datatype and type in memory."""
    if column.kind == "I":
        return "long", ">i8"
    if column.kind != "A":
        return "double", ">f8"
    if column.boolean:
        return "boolean", "S1"
    if column.label in unicode:
        return "unicodeChar", f"S{2 * column.width}"
    return "char", f"S{column.width}"


def _rows(batch: pa.RecordBatch, table: Table, unicode: frozenset[str]) -> bytes:
    columns = table.named
    flags = -(-len(columns) // 8)
    layout = [("flags", np.uint8, (flags,))]
    layout += [(f"c{number}", _kind(column, unicode)[1]) for number, column in enumerate(columns)]
    rows = np.zeros(batch.num_rows, dtype=np.dtype(layout))
    null = np.zeros((batch.num_rows, len(columns)), dtype=bool)
    for number, column in enumerate(columns):
        values = batch.column(column.label)
        null[:, number] = values.is_null().to_numpy(zero_copy_only=False)
        rows[f"c{number}"] = _cells(values, column.label in unicode)
    rows["flags"] = np.packbits(null, axis=1)
    return rows.tobytes()


def _cells(values: pa.Array, unicode: bool) -> np.ndarray | list[bytes]:
    if pa.types.is_boolean(values.type):
        truth = values.fill_null(False).to_numpy(zero_copy_only=False)
        known = values.is_valid().to_numpy(zero_copy_only=False)
        return np.where(known, np.where(truth, b"T", b"F"), b"?")
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        encoding = "utf-16-be" if unicode else "ascii"
        return [text.encode(encoding) for text in values.fill_null("").to_pylist()]
    if pa.types.is_integer(values.type):
        return values.fill_null(0).to_numpy(zero_copy_only=False)
    return values.fill_null(np.nan).to_numpy(zero_copy_only=False)


def _lines(content: bytes) -> bytes:
    return base64.encodebytes(content)
