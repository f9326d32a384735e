"""Trained translations in Python."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
from astropy.table import Table

from spectrotranslator.cli.open_model import open_model
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.table_files import from_arrow
from spectrotranslator.translation.trained_networks import Trained
from spectrotranslator.translation.translated_table import translate_table

AnyTable = TypeVar("AnyTable", Table, pd.DataFrame, pa.Table)
#: What messages call a table that is in no file.
NAME = Path("table")


class TranslationWarning(UserWarning):
    """What the user of a translation should know of a table."""


class Translation:
    """A trained direction: translates tables of one survey's stars to another's base.

    Examples
    --------
    >>> from spectrotranslator import Translation
    >>> t = Translation.load("results/mini/networks/robust/g2a")  # doctest: +SKIP
    >>> translated = t.translate(table)  # doctest: +SKIP
    """

    def __init__(self, trained: Trained):
        self._trained = trained

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Translation:
        """From the folder of a direction in a run, or a file of ``./reproduce export``.

        Parameters
        ----------
        path
            ``results/RUN/networks/METHOD/DIRECTION``, or the exported file.

        Raises
        ------
        InputError
            There are no networks, or a file of theirs is missing, damaged or changed.
        """
        return cls(open_model(Path(path)))

    @property
    def method(self) -> str:
        """Name of the method."""
        return self._trained.method

    @property
    def direction(self) -> str:
        """Name of the direction."""
        return self._trained.direction

    @property
    def units(self) -> dict[str, str]:
        """Input and output to its unit, as astropy writes it; empty for none."""
        return dict(self._trained.units)

    def translate(
        self,
        table: AnyTable,
        *,
        id: str | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> AnyTable:
        """Translated stars, a row a star in the order of ``table``, as ``./reproduce translate``.

        Parameters
        ----------
        table : astropy.table.Table, pandas.DataFrame or pyarrow.Table
            The inputs of the networks as columns, their errors as ``NAME_error``; units of an
            astropy table are checked.
        id
            Column that names the stars; by default the key of the survey, else the row.
        columns
            Input to the column of ``table`` that holds it under another name.

        Returns
        -------
        The kind of table that was given, all columns of it in their order, then percentiles
        ``X_p5`` ..., ``X_systematic``, flags and comment. A name that the table has already ends in
        ``_translated``. An astropy table has units and descriptions.

        Raises
        ------
        InputError
            A column is missing, is no number, or is in a unit that the networks do not read.
        """
        made = translate_table(self._trained, NAME, _own(table), columns or {}, id, {})
        for note in made.notes:
            warnings.warn(note, TranslationWarning, stacklevel=2)
        if isinstance(table, Table):
            return made.table
        added = made.added.rename(columns=made.names)
        if isinstance(table, pd.DataFrame):
            return pd.concat([table, added.set_index(table.index)], axis=1)
        for name in added:
            table = table.append_column(name, pa.Array.from_pandas(added[name]))
        return table


def _own(table: AnyTable) -> Table:
    """A table of any kind as astropy has it; the given one is left as it is."""
    if isinstance(table, Table):
        found = table.copy()
    elif isinstance(table, pd.DataFrame):
        found = from_arrow(pa.Table.from_pandas(table, preserve_index=False), NAME)
    elif isinstance(table, pa.Table):
        found = from_arrow(table, NAME)
    else:
        raise InputError(
            f"{type(table).__name__}: no table; give one of astropy, pandas or pyarrow"
        )
    if not len(found):
        raise InputError("the table holds no row")
    return found
