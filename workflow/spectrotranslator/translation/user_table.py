"""A user's own table of stars, brought to the features a direction's networks read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table
from astropy.units import UnitBase

from spectrotranslator.config.configuration import Feature, Survey
from spectrotranslator.download.require_columns import require_columns
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.derived_columns import SENTINEL, difference, quadrature
from spectrotranslator.surveys.exact_integers import id_texts
from spectrotranslator.surveys.table_files import read_table_file, to_frame

from .user_units import all_nines, converted, thousandfold

OWN_NAME = "own name"


@dataclass(frozen=True)
class ModelInput:
    """One input of a direction's networks.

    Attributes
    ----------
    name, unit
        As the networks were trained; the unit as astropy writes it, empty where there is none.
    low, high
        Range of the training stars, in ``unit``.
    typical_error
        Median error of the training stars, where the method is calibrated on it.
    flag
        Column that masks the input where it is not 0.
    """

    name: str
    unit: str
    low: float = -np.inf
    high: float = np.inf
    typical_error: float | None = None
    flag: str | None = None


@dataclass(frozen=True)
class UserStars:
    """Inputs ``X`` with ``X_error``, a row a star; which have no error; what a user should know."""

    table: pd.DataFrame
    without_errors: list[str]
    notes: list[str]


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


def renamed(path: Path, table: Table, names: Mapping[str, str]) -> Table:
    """A table with columns also under the names a model knows, ``names`` of inputs to columns.

    Raises
    ------
    InputError
        A column is not there.
    """
    require_columns(path, names.values(), table.colnames)
    columns = {ours: table[theirs].copy() for ours, theirs in names.items()}
    table = table.copy(copy_data=False)
    for ours, column in columns.items():
        column.meta[OWN_NAME] = names[ours]
        table[ours] = column
    return table


def own_name(table: Table, name: str) -> str:
    """What the user calls a column of a ``renamed`` table."""
    return table[name].meta.get(OWN_NAME, name)


def features(
    path: Path,
    table: Table,
    survey: Survey,
    inputs: list[ModelInput],
    units: Mapping[str, UnitBase] | None = None,
    sentinels: str = "missing",
) -> UserStars:
    """Values and errors of the inputs, in the units of the networks.

    An input ``X`` is the column ``X``, or the columns that the survey's configuration makes it
    of; its error is ``X_error``, or likewise. Where there is none, it is the typical one of the
    training stars, or 0 for a method that knows none.

    Parameters
    ----------
    units
        Units of columns, which stand above those of the file.
    sentinels
        What a -9999 is to the method, for the notes.

    Raises
    ------
    InputError
        Columns are missing, one holds no numbers, is in a unit that does not convert, or, in a
        file without units, lies a thousand times outside the training range.
    """
    return _Reader(path, table, survey, units or {}, sentinels).features(inputs)


@dataclass
class _Reader:
    """Reads inputs of one table and notes what it meets."""

    path: Path
    table: Table
    survey: Survey
    units: Mapping[str, UnitBase]
    sentinels: str
    notes: list[str] = field(default_factory=list)

    def features(self, inputs: list[ModelInput]) -> UserStars:
        self._require(inputs)
        columns, exact = {}, []
        for one in inputs:
            columns[one.name] = self._value(one)
            error = self._error(one)
            if error is None:
                exact.append(one.name)
                error = np.full(len(self.table), one.typical_error or 0.0)
            self._note_gaps_of_errors(one.name, columns[one.name], error)
            columns[f"{one.name}_error"] = error
            columns |= self._magnitude_errors(one)
        return UserStars(pd.DataFrame(columns), exact, self.notes)

    def _feature(self, name: str) -> Feature:
        return self.survey.features[name]

    def _columns(self, name: str) -> list[str]:
        """The column or the pair of columns that hold an input; empty where there is none."""
        feature = self._feature(name)
        for column in (name, feature.column):
            if column in self.table.colnames:
                return [column]
        pair = list(feature.difference or ())
        return pair if pair and set(pair) <= set(self.table.colnames) else []

    def _require(self, inputs: list[ModelInput]) -> None:
        lacking = [one.name for one in inputs if not self._columns(one.name)]
        if not lacking:
            return
        asked = []
        for name in lacking:
            pair = self._feature(name).difference
            asked.append(f"{name!r}" + (f" (or {pair[0]!r} and {pair[1]!r})" if pair else ""))
        raise InputError(
            f"{self.path}: no column {', '.join(asked)}, inputs of the network; there are "
            f"{', '.join(self.table.colnames)}; say which hold them: --map "
            f"{','.join(f'{name}=COLUMN' for name in lacking)}"
        )

    def _value(self, one: ModelInput) -> np.ndarray:
        found = self._columns(one.name)
        if len(found) == 2:
            first, second = (self._numbers(name, one.unit) for name in found)
            return difference(_without_nines(first, 30.0), _without_nines(second, 30.0))
        (name,) = found
        values = self._numbers(name, one.unit)
        self._refuse_thousandfold(name, one, values)
        return self._gaps(name, one, values)

    def _refuse_thousandfold(self, name: str, one: ModelInput, values: np.ndarray) -> None:
        known = np.abs(values[np.isfinite(values) & (values > SENTINEL)])
        if name in self.units or not len(known) or not np.isfinite(one.high - one.low):
            return
        typical = float(np.median(known))
        if likely := thousandfold(typical, one.low, one.high, one.unit):
            own = own_name(self.table, name)
            told = f"in {self._unit(name)}" if self._unit(name) else "without a unit"
            raise InputError(
                f"{self.path}: column {own!r}, {told}, has values such as {typical:.4g}, far "
                f"outside the training range of {one.name} ({one.low:.4g} to {one.high:.4g} "
                f"{one.unit}): are they in {likely}? If so: --unit {one.name}={likely}"
            )

    def _gaps(self, name: str, one: ModelInput, values: np.ndarray) -> np.ndarray:
        """Values without the marks of missing ones that are no -9999; what is missing is noted."""
        raw = self._plain(name)
        own = own_name(self.table, name)
        outside = ~((values >= one.low) & (values <= one.high))
        marks = all_nines(raw) & outside & (values > SENTINEL)
        if count := int((values <= SENTINEL).sum()):
            self.notes.append(f"{own}: -9999 in {count} {_rows(count)}, taken as {self.sentinels}")
        if marks.any():
            told = ", ".join(f"{mark:g}" for mark in np.unique(raw[marks])[:3])
            count = int(marks.sum())
            self.notes.append(f"{own}: {told} in {count} {_rows(count)}, taken as missing")
        return np.where(marks, np.nan, values)

    def _error(self, one: ModelInput) -> np.ndarray | None:
        own, parts = f"{one.name}_error", self._feature(one.name).error
        if own in self.table.colnames:
            return self._error_numbers(own, one)
        if parts and set(parts) <= set(self.table.colnames):
            return quadrature([self._error_numbers(name, one) for name in parts])
        return None

    def _note_gaps_of_errors(self, name: str, values: np.ndarray, errors: np.ndarray) -> None:
        lacking = int((np.isfinite(values) & ~np.isfinite(errors)).sum())
        if lacking:
            self.notes.append(f"{name}: a value but no error in {lacking} {_rows(lacking)}")

    def _magnitude_errors(self, one: ModelInput) -> dict[str, np.ndarray]:
        feature = self._feature(one.name)
        if not feature.difference or len(feature.error) != 2:
            return {}
        return {
            f"{magnitude}_error": self._error_numbers(column, one)
            for magnitude, column in zip(feature.difference, feature.error, strict=True)
            if column in self.table.colnames
        }

    def _unit(self, name: str) -> UnitBase | None:
        return self.units.get(name, self.table[name].unit)

    def _numbers(self, name: str, wanted: str) -> np.ndarray:
        """A column as float64 in the unit ``wanted``, masked values as NaN."""
        values, unit = self._plain(name), self._unit(name)
        if unit is None or not wanted:
            return values
        return converted(self.path, own_name(self.table, name), values, unit, wanted)

    def _error_numbers(self, name: str, one: ModelInput) -> np.ndarray:
        """Likewise of errors, which without a unit of their own are in that of the values."""
        values, unit = self._plain(name), self._unit(name)
        if unit is None:
            unit = self._unit(self._columns(one.name)[0])
        values = np.where((values < 0) & (values > SENTINEL), np.nan, values)
        if unit is None or not one.unit:
            return values
        own = own_name(self.table, name)
        return converted(self.path, own, values, unit, one.unit, error=True)

    def _plain(self, name: str) -> np.ndarray:
        return numbers(self.path, self.table, name)


def numbers(path: Path, table: Table, name: str) -> np.ndarray:
    """A column as float64, shape (rows,), in its own unit; masked values are NaN.

    Raises
    ------
    InputError
        It holds several values a row, or no numbers.
    """
    column, own = table[name], own_name(table, name)
    if column.ndim != 1:
        raise InputError(f"{path}: column {own!r} holds several numbers a row, one is wanted")
    plain = np.ma.filled(np.ma.asarray(column).astype(object), np.nan)
    try:
        return np.asarray(plain, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{path}: column {own!r} does not hold numbers") from None


def _without_nines(magnitudes: np.ndarray, faintest: float) -> np.ndarray:
    marks = all_nines(magnitudes) & (np.abs(magnitudes) > faintest) & (magnitudes > SENTINEL)
    return np.where(marks, np.nan, magnitudes)


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def flags(path: Path, table: Table, masked: Mapping[str, str]) -> pd.DataFrame:
    """The flag columns that mask an input of the method: input to flag column.

    Raises
    ------
    InputError
        One is missing or is no number.
    """
    for name, flag in masked.items():
        if flag not in table.colnames:
            raise InputError(f"{path}: no column {flag!r}, which says where {name} is not used")
    return pd.DataFrame({flag: numbers(path, table, flag) for flag in masked.values()})


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
