"""What a user's table of stars is seen to hold: labels, units, ids, repeats, marks of gaps."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table
from astropy.units import UnrecognizedUnit

from spectrotranslator.config.setting import label as checked_label
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.column_roles import (
    SNR,
    LabelColumn,
    first_matching,
    label_columns,
    position_columns,
    source_id_column,
)
from spectrotranslator.surveys.derived_columns import SENTINEL
from spectrotranslator.surveys.exact_integers import id_texts
from spectrotranslator.surveys.table_files import to_frame
from spectrotranslator.translation.user_table import numbers, read_table
from spectrotranslator.translation.user_units import all_nines, same_unit

UNITS = {"teff": "K", "logg": "dex(cm/s2)", "feh": "dex", "alpha": "dex", "rv": "km/s"}
#: Temperatures below it are not in K.
COLDEST = 300.0
IDS = re.compile(
    r"(.*_)?(id|ids|name|names|kic|epic|tic|hip|object|objid|star|stars|apogee|2mass|designation|"
    r"target|key)(_.*)?"
)


@dataclass(frozen=True)
class FoundColumn:
    """A label's column as it is seen: its unit, its error's column, and what comments say."""

    column: str
    unit: str
    error: str | None
    extent: str
    marks: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class FoundTable:
    """A user's table, looked at."""

    path: Path
    table: Table

    @classmethod
    def of(cls, path: Path) -> "FoundTable":
        """Read a table.

        Raises
        ------
        InputError
            It cannot be read or holds no row.
        """
        return cls(path, read_table(path))

    @cached_property
    def names(self) -> list[str]:
        """Columns of one value a row whose names a configuration can hold."""
        return [n for n in self.table.colnames if self.table[n].ndim == 1 and _is_label(n)]

    @cached_property
    def labels(self) -> list[LabelColumn]:
        """Columns of numbers that hold labels."""
        return label_columns([n for n in self.names if self.table[n].dtype.kind in "iuf"])

    @cached_property
    def source_id(self) -> str | None:
        """Column of Gaia's source ids."""
        return source_id_column(self.names)

    @cached_property
    def snr(self) -> str | None:
        """Column of the signal to noise."""
        numeric = [n for n in self.names if self.table[n].dtype.kind in "iuf"]
        return first_matching(numeric, SNR)

    @cached_property
    def position(self) -> tuple[str, str] | None:
        """Columns of right ascension and declination."""
        return position_columns([n for n in self.names if self.table[n].dtype.kind == "f"])

    @cached_property
    def ids(self) -> list[str]:
        """Columns that name stars, Gaia's ids apart: those without repeats first."""
        found = [
            name
            for name in self.names
            if IDS.fullmatch(name.lower())
            and self.table[name].dtype.kind in "iuSUO"
            and source_id_column([name]) is None
        ]
        return sorted(found, key=lambda name: self.repeats(name) > 0 or self.blanks(name) > 0)

    def texts(self, name: str) -> pd.Series:
        """Ids as text, empty where there is none."""
        return id_texts(to_frame(self.path, self.table, [name])[name], str(self.path))

    def repeats(self, name: str) -> int:
        """Rows that have the id of an earlier row."""
        texts = self.texts(name)
        return int(texts[texts != ""].duplicated().sum())

    def blanks(self, name: str) -> int:
        """Rows without an id."""
        return int((self.texts(name) == "").sum())

    def column(self, one: LabelColumn) -> FoundColumn:
        """What a label's column holds.

        Raises
        ------
        InputError
            Its unit is not known, or it has no values.
        """
        values = numbers(self.path, self.table, one.column)
        marks = _marks(values)
        known = values[np.isfinite(values) & (values > SENTINEL) & ~np.isin(values, marks)]
        if not len(known):
            raise InputError(f"{self.path}: column {one.column!r} holds no value")
        low, middle, high = np.quantile(known, [0.01, 0.5, 0.99])
        extent = f"{middle:.4g}, 98% of {len(known)} values within {low:.4g} to {high:.4g}"
        unit = self._unit(one, float(middle))
        if self.table[one.column].unit is None:
            extent += "; the file states no unit"
        return FoundColumn(one.column, unit, self._error(one), extent, marks)

    def _unit(self, one: LabelColumn, typical: float) -> str:
        usual, stated = UNITS[one.label], self.table[one.column].unit
        if stated is None:
            return "kK" if one.label == "teff" and typical < COLDEST else usual
        if same_unit(stated, usual):
            return usual
        if isinstance(stated, UnrecognizedUnit):
            raise InputError(
                f"{self.path}: column {one.column!r} is in {str(stated)!r}, a unit that is not "
                f"known; write it as {usual}"
            )
        return stated.to_string()

    def _error(self, one: LabelColumn) -> str | None:
        """The error's column, unless most errors are missing."""
        if one.error is None:
            return None
        units = [self.table[name].unit for name in (one.column, one.error)]
        if None not in units and units[0] != units[1]:
            raise InputError(
                f"{self.path}: column {one.error!r} is in {units[1]}, but {one.column!r} in "
                f"{units[0]}; convert one of them"
            )
        errors = numbers(self.path, self.table, one.error)
        known = np.isfinite(errors) & (errors >= 0)
        return one.error if known.mean() > 0.5 else None


def _is_label(name: str) -> bool:
    try:
        return bool(checked_label(name))
    except ValueError:
        return False


def _marks(values: np.ndarray) -> list[float]:
    """Marks of missing values that are no -9999: all nines, and beyond all other values."""
    nines = all_nines(values) & (values > SENTINEL)
    others = values[np.isfinite(values) & (values > SENTINEL) & ~nines]
    if not len(others):
        return []
    marks = np.unique(values[nines])
    return marks[(marks < others.min()) | (marks > others.max())].tolist()


def overlap(first: FoundTable, second: FoundTable, name: Callable[[FoundTable], str | None]) -> int:
    """How many ids of one table the other has too."""
    columns = [name(first), name(second)]
    if None in columns:
        return 0
    one, two = (set(t.texts(c)) - {"", "0"} for t, c in zip((first, second), columns, strict=True))
    return len(one & two)
