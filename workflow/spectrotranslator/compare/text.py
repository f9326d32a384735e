"""The bytes of two CDS tables, field by field."""

import gzip
from pathlib import Path

import numpy as np

from ..cds.layout import Table
from ..errors import InputError


def fields(path: Path, table: Table) -> np.ndarray:
    """Records of a CDS table as a structured array of byte strings, one field a column.

    Raises
    ------
    InputError
        The file is not a whole number of records of the table's length.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as stream:
        data = stream.read()
    length = table.lrecl + 1
    if len(data) % length:
        line = len(data) // length + 1
        raise InputError(
            f"{path}, line {line}: records of {table.lrecl} bytes are expected; the file is cut or "
            "of another layout"
        )
    dtype = np.dtype(
        {
            "names": [column.label for column in table.columns],
            "formats": [f"S{column.end - column.start + 1}" for column in table.columns],
            "offsets": [column.start - 1 for column in table.columns],
            "itemsize": length,
        }
    )
    return np.frombuffer(data, dtype)


def identical(
    published: np.ndarray, regenerated: np.ndarray, p: np.ndarray, r: np.ndarray
) -> dict[str, int]:
    """Label to how many matched rows hold the same bytes."""
    same = np.array_equal(p, r) and len(p) == len(published) == len(regenerated)
    rows = (slice(None), slice(None)) if same else (p, r)
    return {
        label: int((published[label][rows[0]] == regenerated[label][rows[1]]).sum())
        for label in published.dtype.names
    }


def layout_differences(published: Table, own: Table) -> list[str]:
    """What two byte-by-byte descriptions say differently, column by column."""
    found = []
    if published.lrecl != own.lrecl:
        found.append(f"record length: {published.lrecl} published, {own.lrecl} regenerated")
    theirs, ours = ({column.label: column for column in side.columns} for side in (published, own))
    if list(theirs) != list(ours):
        found.append(f"columns: {' '.join(theirs)} published, {' '.join(ours)} regenerated")
    for label in theirs.keys() & ours.keys():
        for name in ("start", "end", "format", "unit"):
            a, b = (getattr(side[label], name) for side in (theirs, ours))
            if a != b:
                found.append(f"{label}: {name} is {a} published, {b} regenerated")
    return sorted(found)
