"""A user's own table of stars, brought to the features a direction's networks read."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table
from astropy.units import Unit as unit_of
from astropy.units import UnitBase, UnrecognizedUnit, dex

from ..configuration.model import Feature, Survey
from ..errors import InputError

SUFFIXES = {
    ".csv": "ascii.csv",
    ".fits": "fits",
    ".fit": "fits",
    ".ecsv": "ascii.ecsv",
    ".vot": "votable",
    ".xml": "votable",
}


def read_table(path: Path) -> Table:
    """A table by its suffix: CSV, FITS, VOTable (.vot, .xml), ECSV or Parquet.

    Raises
    ------
    InputError
        Not there, of no known kind, not readable, or without a row.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix not in (*SUFFIXES, ".parquet"):
        known = ", ".join([*SUFFIXES, ".parquet"])
        raise InputError(f"{path}: the suffix is of no known table; give one of {known}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.suffix == ".parquet":
                table = Table.from_pandas(pd.read_parquet(path))
            else:
                table = Table.read(path, format=SUFFIXES[path.suffix])
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{path}: not a readable table ({reason})") from None
    if not len(table):
        raise InputError(f"{path}: holds no row")
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
        written.write(path, format=SUFFIXES[kind])


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
                    columns[f"{magnitude}_error"] = _numbers(path, table, column, "")
    return pd.DataFrame(columns), exact


def keys(table: Table, survey: Survey) -> pd.DataFrame:
    """Row, key and identifier; the key is the survey's where its columns are there, else the row.

    The noise of a row hangs on its key, so a star has the same one in every table of its survey.
    """
    rows = np.arange(len(table))
    known = all(name in table.colnames for name in survey.key)
    parts = [np.asarray(table[name]).astype(str) for name in survey.key] if known else []
    key = pd.Series(parts[0] if parts else rows.astype(str))
    for part in parts[1:]:
        key = key + "|" + part
    named = survey.identifier in table.colnames
    identifier = np.asarray(table[survey.identifier]).astype(str) if named else rows.astype(str)
    return pd.DataFrame({"row": rows, "key": key, "identifier": identifier})


def _value(path: Path, table: Table, name: str, feature: Feature, unit: str) -> np.ndarray:
    for column in (name, feature.column):
        if column in table.colnames:
            return _numbers(path, table, column, unit)
    pair = feature.difference
    if pair and all(column in table.colnames for column in pair):
        first, second = (_numbers(path, table, column, unit) for column in pair)
        return first - second
    asked = f"{name!r}" + (f" (or {pair[0]!r} and {pair[1]!r})" if pair else "")
    raise InputError(
        f"{path}: no column {asked}, an input of the network; there are {', '.join(table.colnames)}"
    )


def _error(path: Path, table: Table, name: str, feature: Feature, unit: str) -> np.ndarray | None:
    if f"{name}_error" in table.colnames:
        return _numbers(path, table, f"{name}_error", unit)
    if feature.error and all(column in table.colnames for column in feature.error):
        parts = [_numbers(path, table, column, "") for column in feature.error]
        return np.sqrt(np.sum(np.square(parts), axis=0))
    return None


def _numbers(path: Path, table: Table, name: str, unit: str) -> np.ndarray:
    """A column as float64, masked values as NaN, its unit checked."""
    column = table[name]
    if column.unit is not None and unit:
        _fits(path, name, column.unit, unit)
    plain = np.ma.filled(np.ma.asarray(column).astype(object), np.nan)
    try:
        return np.asarray(plain, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{path}: column {name!r} does not hold numbers") from None


def _fits(path: Path, name: str, found: UnitBase, wanted: str) -> None:
    expected = unit_of(wanted)
    if isinstance(found, UnrecognizedUnit) or found == expected:
        return
    if found == dex and str(expected).startswith("dex"):
        return
    raise InputError(
        f"{path}: column {name!r} is in {found}, the network was trained in {wanted}; convert it"
    )
