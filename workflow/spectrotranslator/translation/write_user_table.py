"""A translated table of a user: their own columns, then the translation with its descriptions."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table
from astropy.units import Unit
from astropy.units.function.logarithmic import DexUnit

from spectrotranslator.errors import InputError

from .product_columns import Description, configured_unit

FORMATS = {
    ".csv": "ascii.csv",
    ".fits": "fits",
    ".fit": "fits",
    ".ecsv": "ascii.ecsv",
    ".vot": "votable",
    ".xml": "votable",
    ".parquet": "parquet",
}
CLASH = "_translated"


def with_translation(
    path: Path, table: Table, translated: pd.DataFrame, about: Mapping[str, Description]
) -> tuple[Table, dict[str, str]]:
    """A user's columns in their order, then the translated ones with units and descriptions.

    Names are compared without regard to case, as FITS does. A translated column whose name the
    table has already ends in ``_translated``.

    Returns
    -------
    The table, and the names of the translated columns that were renamed.

    Raises
    ------
    InputError
        The longer name is there as well.
    """
    whole = table.copy(copy_data=False)
    there = {name.casefold() for name in table.colnames}
    renamed = {name: name + CLASH for name in translated if name.casefold() in there}
    if twice := [new for new in renamed.values() if new.casefold() in there]:
        raise InputError(
            f"{path}: has a column {twice[0]!r}, the name of a translated one; rename it"
        )
    for name in translated:
        column = Column(_plain(translated[name]), name=renamed.get(name, name))
        if told := about.get(name):
            unit = configured_unit(told.unit)
            column.unit = Unit(unit) if unit else None
            column.description = told.text
            column.meta["ucd"] = told.ucd
        whole.add_column(column)
    return whole, renamed


def _plain(values: pd.Series) -> np.ndarray:
    if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
        return np.array(values.astype(str).tolist(), dtype=str)
    return values.to_numpy()


def write_table(path: Path, table: Table, kind: str, statements: list[str]) -> None:
    """Write as the suffix ``kind`` says; all but CSV carry units, descriptions and UCDs.

    Parameters
    ----------
    statements
        Sentences for the header of the file, where its kind has one.

    Raises
    ------
    InputError
        The kind of file cannot hold a column.
    """
    table = table.copy(copy_data=False)
    table.meta["comments"] = [*_comments(table), *statements]
    writers = {"fits": _write_fits, "parquet": _write_parquet}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if writer := writers.get(FORMATS[kind]):
                writer(path, table)
                return
            if kind == ".csv":
                table.meta.clear()
            table.write(path, format=FORMATS[kind])
        except UnicodeEncodeError as error:
            raise InputError(
                f"{_place(table, str(error.object))}: FITS holds ASCII alone, which "
                f"{error.object!r} is not; give the translated table another suffix, such as .vot "
                "or .parquet"
            ) from None
        except (ValueError, TypeError, pa.ArrowException) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise InputError(
                f"{kind} cannot hold a column of the table ({reason}); give the translated table "
                "another suffix, such as .vot or .ecsv"
            ) from None


def _comments(table: Table) -> list[str]:
    comments = table.meta.get("comments", [])
    return [str(line) for line in comments] if isinstance(comments, list) else []


def _write_fits(path: Path, table: Table) -> None:
    for name in table.colnames:
        if isinstance(table[name], MaskedColumn):
            table[name] = _fits_gaps(table[name])
    columns = [table[name] for name in table.colnames]
    units = [_fits_unit(column.unit) for column in columns]
    bare = Table([column.copy() for column in columns], names=table.colnames)
    for column in bare.itercols():
        column.unit = None
    hdu = fits.table_to_hdu(bare)
    for number, (column, unit) in enumerate(zip(columns, units, strict=True), 1):
        about = {"TUNIT": unit, "TCOMM": column.description, "TUCD": column.meta.get("ucd")}
        for keyword, text in about.items():
            if text:
                hdu.header[f"{keyword}{number}"] = _ascii(text)
    for statement in table.meta["comments"]:
        hdu.header["COMMENT"] = _ascii(statement)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, output_verify="silentfix")


def _fits_gaps(column: MaskedColumn) -> MaskedColumn:
    """A column whose gaps FITS can show: truth values as 1, 0 and null."""
    if column.dtype.kind == "b" and column.mask.any():
        numbers = MaskedColumn(
            column.data.astype(np.int16),
            name=column.name,
            mask=column.mask,
            description=column.description,
        )
        numbers.fill_value = -1
        return numbers
    if column.dtype.kind == "i":
        column.fill_value = np.iinfo(column.dtype).min
    return column


def _fits_unit(unit: object) -> str:
    if unit is None:
        return ""
    try:
        if isinstance(unit, DexUnit):
            return f"log({unit.physical_unit.to_string('fits')})"
        return unit.to_string("fits")
    except ValueError:
        return str(unit)


def _ascii(text: str) -> str:
    return "".join(mark if " " <= mark <= "~" else "?" for mark in str(text))


def _write_parquet(path: Path, table: Table) -> None:
    fields, arrays = [], []
    for column in table.itercols():
        values = np.ma.getdata(column)
        mask = np.ma.getmaskarray(column)
        plain = values if values.ndim == 1 else values.tolist()
        arrays.append(pa.array(plain, mask=mask if values.ndim == 1 else None))
        about = {"unit": column.unit, "description": column.description}
        about |= {"ucd": column.meta.get("ucd")}
        told = {name: str(text) for name, text in about.items() if text}
        fields.append(pa.field(column.name, arrays[-1].type, metadata=told))
    about = {"comments": "\n".join(table.meta["comments"])}
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=about)), path)


def _place(table: Table, text: str) -> str:
    """Row (from 1) and column where a text stands."""
    for name in table.colnames:
        if table[name].dtype.kind in "UO" and table[name].ndim == 1:
            found = np.asarray(table[name]).astype(str) == text
            if found.any():
                return f"row {int(found.argmax()) + 1}, column {name}"
    return f"column {text}"
