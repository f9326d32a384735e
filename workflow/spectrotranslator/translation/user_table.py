"""A user's own table of stars, brought to the features a direction's networks read."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table
from astropy.units import Unit as unit_of
from astropy.units import UnitBase, UnrecognizedUnit, dex, dimensionless_unscaled

from spectrotranslator.config.configuration import Feature, Survey
from spectrotranslator.download.require_columns import require_columns
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.derived_columns import difference, quadrature
from spectrotranslator.surveys.exact_integers import id_texts
from spectrotranslator.surveys.table_files import read_table_file, to_frame

# Units as surveys write them though no standard does, by the unit that is meant.
SPELLINGS = {
    "K": r"kelvins?|deg\.? ?k",
    "dex": r"[-\[\]]*|dex|\[?log.*|\[cm.*\]",
    "km/s": r"km ?/ ?sec|km ?s\^?-1|km\.s\^-1|kms",
    "mag": r"mags?|magnitudes?|mag ?\(\w+\)",
}
SUFFIXES = {
    ".csv": "ascii.csv",
    ".fits": "fits",
    ".fit": "fits",
    ".ecsv": "ascii.ecsv",
    ".vot": "votable",
    ".xml": "votable",
}


def read_table(path: Path) -> Table:
    """A table by its suffix: CSV, FITS, VOTable, ECSV or Parquet; see ``read_table_file``.

    Raises
    ------
    InputError
        Not there, of no known kind, not readable, or without a row.
    """
    table = read_table_file(path)
    if not len(table):
        raise InputError(f"{path}: holds no row")
    return table


def renamed(path: Path, table: Table, names: dict[str, str]) -> Table:
    """The table with columns also under the names a model knows, ``names`` of ours to theirs.

    Raises
    ------
    InputError
        A column is not there.
    """
    require_columns(path, names.values(), table.colnames)
    columns = {ours: table[theirs].copy() for ours, theirs in names.items()}
    for ours, column in columns.items():
        table[ours] = column
    return table


def write_table(path: Path, table: pd.DataFrame, units: dict[str, str], kind: str) -> None:
    """Write as the suffix ``kind`` says; FITS, VOTable and ECSV carry units."""
    if kind == ".parquet":
        table.to_parquet(path, index=False)
        return
    written = Table.from_pandas(table)
    if kind != ".csv":
        for name, unit in units.items():
            written[name].unit = unit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            written.write(path, format=SUFFIXES[kind])
        except UnicodeEncodeError as error:
            raise InputError(
                f"{_place(table, str(error.object))}: FITS holds ASCII alone, which "
                f"{error.object!r} is not; give the translated table another suffix, such as .vot "
                "or .parquet"
            ) from None


def _place(table: pd.DataFrame, text: str) -> str:
    """Row (from 1) and column where a text stands."""
    for name in table.select_dtypes(exclude=["number", "bool"]):
        if (found := (table[name].astype(str) == text).to_numpy()).any():
            return f"row {int(found.argmax()) + 1}, column {name}"
    return f"column {text}"


def features(
    path: Path, table: Table, survey: Survey, names: list[str], units: dict[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """Values and errors of the inputs ``names``, and those of them that have no error.

    An input ``X`` is the column ``X``, or the columns that the survey's configuration makes it
    of; its error is ``X_error``, or likewise. An input without errors is taken as exact.

    Raises
    ------
    InputError
        A column is missing, is no number, or is in another unit than the network was trained in.
    """
    columns, exact = {}, []
    for name in names:
        feature = survey.features[name]
        columns[name] = _value(path, table, name, feature, units.get(name, ""))
        error = _error(path, table, name, feature, units.get(name, ""))
        if error is None:
            exact.append(name)
        columns[f"{name}_error"] = np.zeros(len(table)) if error is None else error
        if feature.difference and len(feature.error) == 2:
            for magnitude, column in zip(feature.difference, feature.error, strict=True):
                if column in table.colnames:
                    unit = units.get(name, "")
                    columns[f"{magnitude}_error"] = _numbers(path, table, column, unit)
    return pd.DataFrame(columns), exact


def flags(path: Path, table: Table, masked: dict[str, str]) -> pd.DataFrame:
    """The flag columns that mask an input of the method: input to flag column.

    Raises
    ------
    InputError
        One is missing or is no number.
    """
    for name, flag in masked.items():
        if flag not in table.colnames:
            raise InputError(f"{path}: no column {flag!r}, which says where {name} is not used")
    return pd.DataFrame({flag: _numbers(path, table, flag, "") for flag in masked.values()})


def keys(path: Path, table: Table, survey: Survey, named: str | None = None) -> pd.DataFrame:
    """Row, key and identifier; the key is the survey's where it is there whole, else the row.

    The noise of a row hangs on its key, so a star has the same one in every table of its survey.

    Parameters
    ----------
    named
        The column that is the key and the identifier; by default those of the survey.

    Raises
    ------
    InputError
        Identifiers are floating-point numbers that have lost digits, or ``named`` is not there.
    """
    key_columns, identifier_column = survey.key, survey.identifier
    if named:
        require_columns(path, [named], table.colnames)
        key_columns, identifier_column = [named], named
    rows = np.arange(len(table))
    key = pd.Series(rows.astype(str))
    if key_columns and all(name in table.colnames for name in key_columns):
        parts = [_texts(path, table, name) for name in key_columns]
        lacking = np.any([part == "" for part in parts], axis=0)
        joined = parts[0].str.cat(parts[1:], sep="|") if parts[1:] else parts[0]
        key = joined.mask(lacking, "row " + key)
    there = identifier_column in table.colnames
    identifier = _texts(path, table, identifier_column) if there else rows.astype(str)
    return pd.DataFrame({"row": rows, "key": key, "identifier": identifier})


def _texts(path: Path, table: Table, name: str) -> pd.Series:
    """A column of identifiers as text, empty where there is none; whole numbers as such."""
    return id_texts(to_frame(path, table, [name])[name], str(path))


def _value(path: Path, table: Table, name: str, feature: Feature, unit: str) -> np.ndarray:
    for column in (name, feature.column):
        if column in table.colnames:
            return _numbers(path, table, column, unit)
    pair = feature.difference
    if pair and all(column in table.colnames for column in pair):
        first, second = (_numbers(path, table, column, unit) for column in pair)
        return difference(first, second)
    asked = f"{name!r}" + (f" (or {pair[0]!r} and {pair[1]!r})" if pair else "")
    raise InputError(
        f"{path}: no column {asked}, an input of the network; there are {', '.join(table.colnames)}"
    )


def _error(path: Path, table: Table, name: str, feature: Feature, unit: str) -> np.ndarray | None:
    if f"{name}_error" in table.colnames:
        return _numbers(path, table, f"{name}_error", unit)
    if feature.error and all(column in table.colnames for column in feature.error):
        parts = [_numbers(path, table, column, unit) for column in feature.error]
        return quadrature(parts)
    return None


def _numbers(path: Path, table: Table, name: str, unit: str) -> np.ndarray:
    """A column as float64, masked values as NaN, its unit checked."""
    column = table[name]
    if column.ndim != 1:
        raise InputError(f"{path}: column {name!r} holds several numbers a row, one is wanted")
    if column.unit is not None and unit:
        _fits(path, name, column.unit, unit)
    plain = np.ma.filled(np.ma.asarray(column).astype(object), np.nan)
    try:
        return np.asarray(plain, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{path}: column {name!r} does not hold numbers") from None


def _fits(path: Path, name: str, found: UnitBase, wanted: str) -> None:
    expected = unit_of(wanted)
    logarithmic = str(expected).startswith("dex")
    if found == expected or (logarithmic and found in (dex, dimensionless_unscaled)):
        return
    if isinstance(found, UnrecognizedUnit):
        if re.fullmatch(SPELLINGS.get(wanted.partition("(")[0], ""), str(found).strip().lower()):
            return
        raise InputError(
            f"{path}: column {name!r} is in {str(found)!r}, a unit that is not known; write it as "
            f"{wanted}"
        )
    raise InputError(
        f"{path}: column {name!r} is in {found}, the network was trained in {wanted}; convert it"
    )
