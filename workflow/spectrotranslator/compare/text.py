"""The bytes of two CDS tables, field by field."""

import gzip
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np

from ..cds.layout import Table
from .rows import Pairing

CHUNK_ROWS = 20_000


def is_text(path: Path) -> bool:
    """Whether a catalogue is a CDS table, so that its bytes can be compared."""
    return path.name.removesuffix(".gz").endswith((".dat", ".txt"))


def same_fields(
    published: Path,
    regenerated: Path,
    table: Table,
    pairing: Pairing,
    equal: Mapping[str, np.ndarray],
) -> tuple[dict[str, int], dict[str, int]]:
    """For each column, how many matched rows hold the same bytes, and the same decimal number.

    The files are read side by side, in pieces; the few rows that moved are gathered first.

    Parameters
    ----------
    equal
        Label of a numeric column to the matched rows whose numbers are equal as doubles: of those
        alone the decimals are compared, digit by digit.
    """
    same = {column.label: 0 for column in table.columns}
    decimals = dict.fromkeys(equal, 0)
    for p, r, rows in _side_by_side(published, regenerated, table, pairing):
        for column, differs in zip(table.columns, _differing(p, r, table), strict=True):
            label = column.label
            same[label] += int(len(rows) - differs.sum())
            if label in equal:
                here = differs & equal[label][rows]
                decimals[label] += int(len(rows) - differs.sum())
                decimals[label] += _equal_decimals(p[here], r[here], column)
    return same, decimals


def _side_by_side(
    published: Path, regenerated: Path, table: Table, pairing: Pairing
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Records of both sides, (rows, bytes), and which matched rows they are."""
    length = table.lrecl + 1
    for rows in (np.flatnonzero(~pairing.moved), np.flatnonzero(pairing.moved)):
        moved = bool(pairing.moved[rows].any())
        with _Records(published, length) as left, _Records(regenerated, length) as right:
            for first in range(0, len(rows), CHUNK_ROWS):
                here = rows[first : first + CHUNK_ROWS]
                p, r = pairing.published[here], pairing.regenerated[here]
                # A moved row may lie before the last one read: its side starts anew.
                yield left.take(p), (right.gather(r) if moved else right.take(r)), here


class _Records:
    """Records of a plain or gzip file, read forwards."""

    def __init__(self, path: Path, length: int):
        self.path, self.length, self.next = path, length, 0

    def __enter__(self) -> "_Records":
        self.stream = gzip.open(self.path) if self.path.suffix == ".gz" else self.path.open("rb")
        self.next = 0
        return self

    def __exit__(self, *failure) -> None:
        self.stream.close()

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Records ``rows``, rising and none before the last one taken."""
        self.stream.seek((rows[0] - self.next) * self.length, 1)
        count = int(rows[-1] - rows[0]) + 1
        data = self.stream.read(count * self.length)
        self.next = int(rows[-1]) + 1
        return np.frombuffer(data, np.uint8).reshape(count, self.length)[rows - rows[0]]

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Records ``rows`` in any order, a piece of the file at a time."""
        order = np.argsort(rows, kind="stable")
        result = np.empty((len(rows), self.length), np.uint8)
        with _Records(self.path, self.length) as anew:
            for piece in np.split(order, _far_apart(rows[order])):
                result[piece] = anew.take(rows[piece])
        return result


def _far_apart(rows: np.ndarray) -> np.ndarray:
    """Places before which rising rows jump by more than a chunk, or have filled one."""
    return np.flatnonzero(np.diff(rows // CHUNK_ROWS)) + 1


def _differing(p: np.ndarray, r: np.ndarray, table: Table) -> Iterator[np.ndarray]:
    """For each column in turn, which records differ in its bytes."""
    p, r = (side.view(table.record_type)[:, 0] for side in (p, r))
    for column in table.columns:
        yield p[column.place] != r[column.place]


def _equal_decimals(p: np.ndarray, r: np.ndarray, column) -> int:
    place = slice(column.start - 1, column.end)
    pairs = zip(p[:, place], r[:, place], strict=True)
    return sum(_decimal(a) == _decimal(b) is not None for a, b in pairs)


def _decimal(field: np.ndarray) -> Decimal | None:
    try:
        return Decimal(field.tobytes().decode("ascii").strip())
    except (InvalidOperation, UnicodeDecodeError):
        return None


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
