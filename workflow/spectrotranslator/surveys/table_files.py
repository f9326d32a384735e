"""One reader for each kind of table file: CSV, ECSV, FITS, VOTable and Parquet, plain or gzip.

Every value comes as the file states it. Integers never pass through a floating-point number, gaps
are masked, text stays text, and no column becomes an index.
"""

import csv
import gzip
import io
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from astropy.table import Column, MaskedColumn, Table

from cdstables.votable_file import parse_votable
from spectrotranslator.download.require_columns import require_columns
from spectrotranslator.errors import InputError

from .fits_columns import read_first_table

#: Texts of a CSV that stand for no value, as pandas and astropy write them.
MISSING = (
    "", "#N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    "-nan", "-NaN", "--",
)  # fmt: skip
_WHOLE = r"^-?(0|[1-9][0-9]{0,18})$"
_FLOAT = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$|^[-+]?(?i:inf|infinity)$"
_LEADING_ZERO = r"^[-+]?0[0-9]+$"
_TRUTH = r"^(?i:true|false)$"


def kind_of(path: Path) -> str:
    """The suffix that says what kind of table a file is, in small letters and without ``.gz``.

    Raises
    ------
    InputError
        The suffix is of no known kind; the known ones are listed.
    """
    name = path.name.lower().removesuffix(".gz")
    suffix = Path(name).suffix
    if suffix not in KINDS or (suffix == ".parquet" and path.suffix.lower() == ".gz"):
        raise InputError(f"{path}: the suffix is of no known table; give one of {', '.join(KINDS)}")
    return suffix


def read_table_file(path: Path) -> Table:
    """A table with all its columns, masked where there are gaps, with the units of the file.

    Parameters
    ----------
    path
        Its suffix says what it is; all but Parquet may be packed by gzip (``.gz``).

    Raises
    ------
    InputError
        Not there, of no known kind, not readable, or a value that does not fit its type.
    """
    kind = kind_of(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return KINDS[kind](path)
    except InputError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{path}: not a readable table ({reason})") from None


def to_frame(path: Path, table: Table, columns: list[str]) -> pd.DataFrame:
    """The named columns; those with gaps are nullable (``Int64``) or hold NaN.

    Raises
    ------
    InputError
        A column is not there, or holds several values a row.
    """
    require_columns(path, columns, table.colnames)
    return pd.DataFrame({name: _series(path, table[name]) for name in columns})


def _series(path: Path, column: Column) -> pd.Series:
    values, gaps = np.asarray(np.ma.getdata(column)), np.ma.getmaskarray(column)
    if column.ndim != 1 or _holds_arrays(values):
        raise InputError(f"{path}: column {column.name!r} holds several values a row, not 1")
    if values.dtype.kind in "SUO":
        texts = [None if gap else _text(v) for v, gap in zip(values.tolist(), gaps, strict=True)]
        return pd.Series(texts, dtype=object)
    values = values.astype(values.dtype.newbyteorder("="))
    if not gaps.any():
        return pd.Series(values)
    if values.dtype.kind in "iu":
        return pd.Series(pd.arrays.IntegerArray(values, gaps.copy()))
    if values.dtype.kind == "b":
        return pd.Series(pd.arrays.BooleanArray(values, gaps.copy()))
    return pd.Series(np.where(gaps, np.nan, values))


def _holds_arrays(values: np.ndarray) -> bool:
    return values.dtype.kind == "O" and any(
        isinstance(value, list | tuple | dict | np.ndarray) for value in values.tolist()
    )


def _text(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("latin-1").strip()
    return value.strip() if isinstance(value, str) else value


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip ({error})") from None


def _read_csv(path: Path) -> Table:
    content = _content(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    names = _names(path, text)
    data = pa.csv.read_csv(
        pa.py_buffer(text.encode()),
        pa.csv.ReadOptions(column_names=[str(n) for n in range(len(names))], skip_rows=0),
        pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(names) > 1),
        pa.csv.ConvertOptions(
            column_types={str(n): pa.string() for n in range(len(names))}, strings_can_be_null=False
        ),
    ).slice(1)
    columns = [_from_texts(column.combine_chunks()) for column in data.columns]
    return Table(columns, names=names)


def _names(path: Path, text: str) -> list[str]:
    """Names of the first line; a blank one, as pandas writes for an index, is ``colN``."""
    first = next(csv.reader(io.StringIO(text, newline="")), [])
    names = [name.strip() or f"col{number}" for number, name in enumerate(first, 1)]
    if not names:
        raise InputError(f"{path}: holds no row")
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{path}, line 1: two columns are called {twice[0]!r}; name them apart")
    return names


def _from_texts(texts: pa.Array) -> np.ndarray | MaskedColumn:
    """Texts of a column as integers, floats or truth values where all of them are, else as text.

    Digits behind a leading zero and integers beyond 64 bits are text.
    """
    texts = pc.utf8_trim_whitespace(texts)
    gaps = pc.is_in(texts, pa.array(MISSING))
    known = texts.filter(pc.invert(gaps))

    def all_are(pattern: str) -> bool:
        return pc.all(pc.match_substring_regex(known, pattern)).as_py() is not False

    plain = pc.if_else(gaps, pa.scalar(None, pa.string()), texts)
    if not len(known):
        return _column(pa.nulls(len(texts), pa.float64()))
    if all_are(_WHOLE):
        for kind in (pa.int64(), pa.uint64()):
            try:
                return _column(plain.cast(kind))
            except pa.ArrowInvalid:
                continue
        return _column(plain)
    zeros = pc.any(pc.match_substring_regex(known, _LEADING_ZERO)).as_py()
    if all_are(_FLOAT) and not zeros and not all_are(r"^-?[0-9]+$"):
        return _column(plain.cast(pa.float64()))
    if all_are(_TRUTH):
        return _column(pc.equal(pc.utf8_lower(plain), "true"))
    return _column(plain)


def _column(values: pa.Array) -> np.ndarray | MaskedColumn:
    """An Arrow array as astropy holds it, exact, masked where there are gaps."""
    values = _simple(values)
    gaps = values.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_string(values.type):
        plain = np.array(values.fill_null("").to_pylist(), dtype=str)
    elif pa.types.is_nested(values.type):
        plain = np.empty(len(values), dtype=object)
        plain[:] = values.to_pylist()
    elif pa.types.is_floating(values.type):
        return values.fill_null(np.nan).to_numpy(zero_copy_only=False)
    else:
        nothing = pa.scalar(0, pa.int8()).cast(values.type)
        plain = values.fill_null(nothing).to_numpy(zero_copy_only=False)
    return MaskedColumn(plain, mask=gaps) if gaps.any() else plain


def _simple(values: pa.Array) -> pa.Array:
    """Arrow's many types as integers, floats, truth values, text or nested values."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _simple(values.dictionary_decode())
    if pa.types.is_null(kind):
        return values.cast(pa.float64())
    if pa.types.is_decimal(kind):
        return values.cast(pa.int64() if kind.scale == 0 else pa.float64())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        texts = [None if v is None else v.decode("latin-1") for v in values.to_pylist()]
        return pa.array(texts, pa.string())
    known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_nested)
    return values if any(is_of(kind) for is_of in known) else values.cast(pa.string())


def _read_parquet(path: Path) -> Table:
    """All columns; an index that pandas wrote is a column too."""
    with pq.ParquetFile(path) as file:
        return from_arrow(file.read(), path)


def from_arrow(data: pa.Table, path: Path) -> Table:
    """An Arrow table as astropy has it, exact, masked where there are gaps; ``path`` names it.

    Raises
    ------
    InputError
        Two columns have one name.
    """
    for name, values in _ranges(data.schema).items():
        if name not in data.column_names and len(values) == len(data):
            data = data.append_column(name, pa.array(values, pa.int64()))
    columns = {}
    for name, values in zip(data.column_names, data.columns, strict=True):
        if name in columns:
            raise InputError(f"{path}: two columns are called {name!r}; name them apart")
        plain = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
        columns[name] = _column(plain)
    return Table(columns)


def _ranges(schema: pa.Schema) -> dict[str, range]:
    """Named indexes of equally spaced integers, which pandas writes as three numbers alone."""
    described = (schema.pandas_metadata or {}).get("index_columns", [])
    return {
        index["name"]: range(index["start"], index["stop"], index["step"])
        for index in described
        if isinstance(index, dict) and index.get("kind") == "range" and index.get("name")
    }


def _read_ecsv(path: Path) -> Table:
    return Table.read(_content(path).decode("utf-8-sig"), format="ascii.ecsv")


def _read_votable(path: Path) -> Table:
    tables = parse_votable(_content(path), str(path))
    if not tables:
        raise InputError(f"{path}: no table in this VOTable")
    return tables[0].to_table(use_names_over_ids=True)


KINDS: dict[str, Callable[[Path], Table]] = {
    ".csv": _read_csv,
    ".ecsv": _read_ecsv,
    ".fits": read_first_table,
    ".fit": read_first_table,
    ".fts": read_first_table,
    ".vot": _read_votable,
    ".votable": _read_votable,
    ".xml": _read_votable,
    ".parquet": _read_parquet,
}
