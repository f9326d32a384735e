"""Write a FITS binary table row chunk by row chunk, with the same bytes every time."""

import csv
import re
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from astropy.io import fits

_BLOCK = 2880
_TYPES = {"J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "I": ">i2"}


class Column(NamedTuple):
    """Name, TFORM (``30A``, ``27E``, ``K``) and unit of a column."""

    name: str
    form: str
    unit: str


def read_layout(name: str) -> list[Column]:
    """The columns of one of the surveys' files, from ``layouts/NAME.csv``."""
    path = Path(__file__).parent / "layouts" / f"{name}.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        return [Column(row["column"], row["form"], row["unit"]) for row in csv.DictReader(stream)]


def row_type(columns: list[Column]) -> np.dtype:
    """The big-endian numpy type of one row."""
    return np.dtype([(column.name, *_field(column.form)) for column in columns])


def _field(form: str) -> tuple:
    count, code = re.fullmatch(r"(\d*)([A-Z])", form).groups()
    if code == "A":
        return (f"S{count}",)
    kind = "S1" if code == "L" else _TYPES[code]
    return (kind, (int(count),)) if count and int(count) > 1 else (kind,)


class TableWriter:
    """A FITS file with one table in HDU 1; ``write`` takes rows of ``row_type``."""

    def __init__(self, stream: BinaryIO, columns: list[Column], rows: int, name: str):
        self.dtype = row_type(columns)
        self._stream = stream
        self._bytes = 0
        self._expected = rows * self.dtype.itemsize
        stream.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        stream.write(_header(columns, rows, self.dtype.itemsize, name).tostring().encode("ascii"))

    def write(self, rows: np.ndarray) -> None:
        """Append rows."""
        self._bytes += self._stream.write(rows.astype(self.dtype, copy=False).tobytes())

    def close(self) -> None:
        """Pad to a whole block; the promised number of rows must have been written."""
        if self._bytes != self._expected:
            raise ValueError(f"{self._bytes} bytes of rows written, {self._expected} promised")
        self._stream.write(b"\0" * (-self._bytes % _BLOCK))


def _header(columns: list[Column], rows: int, width: int, name: str) -> fits.Header:
    header = fits.Header()
    for key, value in (
        ("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", width), ("NAXIS2", rows),
        ("PCOUNT", 0), ("GCOUNT", 1), ("TFIELDS", len(columns)), ("EXTNAME", name),
    ):  # fmt: skip
        header[key] = value
    for number, column in enumerate(columns, 1):
        header[f"TTYPE{number}"] = column.name
        header[f"TFORM{number}"] = column.form
        if column.unit:
            header[f"TUNIT{number}"] = column.unit
    return header
