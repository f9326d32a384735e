"""How the rows of a FITS binary table lie, from its header alone.

The header may come from a file or, by byte ranges, from an archive: any binary stream that can
seek and read will do.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from astropy.io import fits

from spectrotranslator.errors import InputError

BLOCK = 2880
END = b"END" + b" " * 77
MOST_BLOCKS = 2000
TYPES = {
    "L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8",
    "C": ">c8", "M": ">c16", "P": ">i4", "Q": ">i8",
}  # fmt: skip


@dataclass(frozen=True)
class FitsColumn:
    """One column: its type in the file, how many values a row holds, its scale and its null."""

    name: str
    form: str
    unit: str
    dtype: np.dtype
    count: int
    scale: float
    zero: float
    null: int | None = None

    @property
    def width(self) -> int:
        """Bytes of a row."""
        return self.dtype.itemsize * self.count

    @property
    def kind(self) -> str:
        """``integer``, ``float``, ``text``, ``logical`` or ``other``."""
        code = self.form.lstrip("0123456789")[:1]
        if code in "BIJK" and self.scale == 1:
            return "integer"
        return {"E": "float", "D": "float", "A": "text", "L": "logical"}.get(
            code, "float" if code in "BIJK" else "other"
        )


@dataclass(frozen=True)
class TableLayout:
    """Where the rows start, how many there are and how wide they are (bytes)."""

    columns: dict[str, FitsColumn]
    start: int
    rows: int
    row_bytes: int

    @property
    def dtype(self) -> np.dtype:
        """Big-endian type of one row; columns without a byte are not in it."""
        return np.dtype(
            [
                (name, column.dtype, (column.count,) if column.count != 1 else ())
                for name, column in self.columns.items()
                if column.width
            ]
        )

    @property
    def end(self) -> int:
        """Byte after the last row."""
        return self.start + self.rows * self.row_bytes


def table_layout(stream: BinaryIO, name: str, hdu: int = 1) -> TableLayout:
    """Layout of the binary table in extension ``hdu``; ``name`` is how errors call the file.

    Raises
    ------
    InputError
        Not FITS, header cut short or damaged, no such extension, or the extension is no binary
        table.
    """
    try:
        return _layout(stream, name, hdu)
    except (KeyError, ValueError, TypeError, AttributeError, fits.VerifyError) as error:
        raise InputError(f"{name}: its header is damaged ({error})") from None


def _layout(stream: BinaryIO, name: str, hdu: int) -> TableLayout:
    position = 0
    for number in range(hdu + 1):
        if number and not _something(stream, position):
            raise InputError(f"{name}: no extension {hdu}")
        header, start = _header(stream, position, name, number)
        position = start + _padded(_data_bytes(header))
    if header.get("XTENSION", "").strip() != "BINTABLE":
        raise InputError(f"{name}: extension {hdu} is not a table")
    columns = [_column(header, number) for number in range(1, _count(header, "TFIELDS") + 1)]
    layout = TableLayout(
        _by_name(columns),
        start,
        _count(header, "NAXIS2"),
        _count(header, "NAXIS1"),
    )
    if len(layout.columns) != len(columns) or layout.dtype.itemsize != layout.row_bytes:
        raise InputError(
            f"{name}: its columns are {layout.dtype.itemsize} bytes wide, its rows "
            f"{layout.row_bytes}; the header is damaged"
        )
    return layout


def _by_name(columns: list[FitsColumn]) -> dict[str, FitsColumn]:
    """Columns by name; those that share one are told apart by their number."""
    counts = Counter(column.name for column in columns)
    named = {}
    for number, column in enumerate(columns, 1):
        shared = counts[column.name] > 1
        name = f"{column.name}_{number}" if shared else column.name
        named[name] = replace(column, name=name)
    return named


def _something(stream: BinaryIO, position: int) -> bool:
    stream.seek(position)
    return bool(stream.read(80).strip(b"\0 "))


def _header(stream: BinaryIO, position: int, name: str, number: int) -> tuple[fits.Header, int]:
    blocks = []
    while not blocks or not _last(blocks[-1]):
        stream.seek(position + BLOCK * len(blocks))
        block = stream.read(BLOCK)
        if not blocks:
            _refuse_strange(block, name, number)
        if len(block) < BLOCK or len(blocks) == MOST_BLOCKS:
            raise InputError(f"{name}: cut short within a header; fetch it again")
        blocks.append(block)
    return fits.Header.fromstring(b"".join(blocks)), position + BLOCK * len(blocks)


def _refuse_strange(block: bytes, name: str, number: int) -> None:
    if number == 0 and not block.startswith(b"SIMPLE  ="):
        raise InputError(f"{name}: not a FITS file; it begins with {block[:20]!r}")
    if number and not block.startswith(b"XTENSION"):
        raise InputError(f"{name}: extension {number} does not begin where it should")


def _last(block: bytes) -> bool:
    return any(block[i : i + 80] == END for i in range(0, len(block), 80))


def _data_bytes(header: fits.Header) -> int:
    axes = [_count(header, f"NAXIS{i}") for i in range(1, _count(header, "NAXIS") + 1)]
    if not axes:
        return 0
    values = header.get("PCOUNT", 0) + math.prod(axes)
    return abs(header["BITPIX"]) // 8 * header.get("GCOUNT", 1) * values


def _count(header: fits.Header, keyword: str) -> int:
    value = header[keyword]
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{keyword} is {value!r}")
    return value


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _column(header: fits.Header, number: int) -> FitsColumn:
    form = header[f"TFORM{number}"].strip()
    repeat, code = re.match(r"(\d*)([A-Z])", form).groups()
    count = int(repeat) if repeat else 1
    if code == "A":
        width = _text_width(header, number, form, count)
        dtype, count = np.dtype(f"S{width}"), count // width if width else 0
    elif code == "X":
        dtype, count = np.dtype("u1"), -(-count // 8)
    else:
        dtype = np.dtype(TYPES[code])
        count *= 2 if code in "PQ" else 1
    return FitsColumn(
        str(header.get(f"TTYPE{number}", "")).strip() or f"col{number}",
        form,
        str(header.get(f"TUNIT{number}", "")).strip(),
        dtype,
        count,
        _number(header, f"TSCAL{number}", 1),
        _number(header, f"TZERO{number}", 0),
        _number(header, f"TNULL{number}", None) if code in "BIJK" else None,
    )


def _text_width(header: fits.Header, number: int, form: str, count: int) -> int:
    """Bytes of one text of a column, which may hold several (``60A10``, or by ``TDIM``)."""
    several = re.fullmatch(r"\d+A(\d+)", form) or re.match(
        r"\(\s*(\d+)\s*,", str(header.get(f"TDIM{number}", ""))
    )
    width = int(several[1]) if several else count
    return width if width and count % width == 0 else count


def _number(header: fits.Header, keyword: str, usual: int | None) -> int | float | None:
    value = header.get(keyword, usual)
    if not isinstance(value, int | float | None):
        raise ValueError(f"{keyword} is {value!r}")
    return value
