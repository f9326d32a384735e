"""Tables of the CDS in Python, whole: what the commands check and convert do."""

from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa
from astropy.table import Table as AstropyTable

from .astropy_file import from_astropy
from .checking import Report, check_file
from .reading import layout_of, to_astropy
from .reading import read as read_arrow
from .readme import load_readme
from .writing import TableWriter


def read(readme: str | PathLike, file: str | PathLike) -> AstropyTable:
    """A table with its units, descriptions and masks.

    Parameters
    ----------
    readme
        The ReadMe that describes the file; the file itself where it describes itself (MRT).
    file
        Plain or gzip.

    Raises
    ------
    InputError
        A file cannot be read or a text is no value; line, bytes, column and text are named.

    Examples
    --------
    >>> table = cdstables.read("ReadMe", "g2a.dat")  # doctest: +SKIP
    """
    found = layout_of(Path(readme), Path(file))
    data = read_arrow(file, found.table, booleans=True, skip=found.skip)
    return to_astropy(data, found.table)


def write(readme: str | PathLike, table: Any, file: str | PathLike) -> None:
    """Write a table as the file that a ReadMe describes, whole or not at all.

    Parameters
    ----------
    readme
        The ReadMe, which describes a file of this name.
    table : astropy.table.Table, pandas.DataFrame or pyarrow.Table
        Columns by the labels of the description; others are left out.
    file
        Where it goes; ``.gz`` is compressed.

    Raises
    ------
    InputError
        A column is missing, or a value does not fit its field; row and column are named.
    """
    layout = load_readme(readme).table(file)
    with TableWriter(file, layout) as writer:
        if isinstance(table, AstropyTable):
            for batch in from_astropy(Path(file), table, layout):
                writer.write(batch)
            return
        data = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table)
        labels = [column.label for column in layout.named]
        writer.write(data.select([label for label in labels if label in data.column_names]))


def check(readme: str | PathLike, file: str | PathLike) -> Report:
    """What is wrong with a file, held against its description; ``fine`` where nothing is.

    Parameters
    ----------
    readme
        The ReadMe that describes the file; the file itself where it describes itself (MRT).
    file
        Plain or gzip.

    Raises
    ------
    InputError
        A file is not there or its description cannot be understood.
    """
    found = layout_of(Path(readme), Path(file))
    return check_file(file, found.table, skip=found.skip, records=found.records)
