"""Two tables without a ReadMe, compared by the columns that they name themselves."""

from pathlib import Path

import astropy.table
import numpy as np
import pandas as pd

from cdstables.layout import Column, Table
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.table_files import read_table_file, to_frame
from spectrotranslator.untrusted import printable

from .read_catalogues import NO_NUMBER, Catalogue

#: Formats that say how a column is compared; nothing is written with them.
REAL, EXACT = "E22.16", "I1"


def read_pair(published: Path, regenerated: Path, key: str) -> tuple[Catalogue, Catalogue]:
    """Both tables, with the columns of the first; its key comes first.

    Parameters
    ----------
    published, regenerated : Path
        CSV, ECSV, FITS, Parquet or VOTable, by their suffixes.
    key : str
        Column that names the rows in both.

    Returns
    -------
    tuple of Catalogue
        Real numbers are compared as numbers, all other columns exactly.

    Raises
    ------
    InputError
        A table cannot be read, has no such key, or states another unit for a column.
    """
    tables = [read_table_file(path) for path in (published, regenerated)]
    names = [key, *(name for name in tables[0].colnames if name != key)]
    frames = [
        _frame(path, table, key, [name for name in names if name in table.colnames or name == key])
        for path, table in zip((published, regenerated), tables, strict=True)
    ]
    _same_units(published, regenerated, *tables)
    layout = _layout(published.name, tables[0], frames[0])
    return tuple(
        Catalogue(path, layout, frame)
        for path, frame in zip((published, regenerated), frames, strict=True)
    )


def _frame(path: Path, table: astropy.table.Table, key: str, names: list[str]) -> pd.DataFrame:
    frame = to_frame(path, table, names)
    if frame[key].isna().any():
        row = int(np.argmax(frame[key].isna())) + 1
        raise InputError(f"{path}, row {row}: no {printable(key)}; every row needs its name")
    return pd.DataFrame({name: _without_gaps(values) for name, values in frame.items()})


def _without_gaps(values: pd.Series) -> pd.Series:
    """Lacking whole numbers as ``NO_NUMBER``, lacking texts empty, truth values as texts."""
    if isinstance(values.dtype, pd.Int64Dtype | pd.Int32Dtype | pd.Int16Dtype | pd.Int8Dtype):
        return values.fillna(NO_NUMBER).astype("int64")
    if values.dtype == bool or isinstance(values.dtype, pd.BooleanDtype):
        return values.map({True: "true", False: "false"}).fillna("").astype(object)
    return values.fillna("") if values.dtype == object else values


def _same_units(published: Path, regenerated: Path, one, other) -> None:
    for name in one.colnames:
        if name in other.colnames:
            units = [table[name].unit for table in (one, other)]
            if all(units) and units[0] != units[1]:
                raise InputError(
                    f"{regenerated}, column {printable(name)}: in {units[1]}, in {units[0]} in "
                    f"{published}; convert one"
                )


def _layout(name: str, table: astropy.table.Table, frame: pd.DataFrame) -> Table:
    columns = []
    for place, (label, values) in enumerate(frame.items(), start=1):
        real = values.dtype.kind == "f" and place > 1
        unit = str(table[label].unit or "---")
        columns.append(Column(place, place, REAL if real else EXACT, unit, label, null=""))
    return Table(name, None, None, "", tuple(columns))
