"""The bytes of two CDS tables, field by field."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np

from cdstables.layout import Table
from cdstables.records import blocks

from .row_matching import Pairing

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
    same = {column.label: 0 for column in table.named}
    decimals = dict.fromkeys(equal, 0)
    for p, r, rows in _side_by_side(published, regenerated, table, pairing):
        for column, differs in zip(table.named, _differing(p, r, table), strict=True):
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
    for rows in (np.flatnonzero(~pairing.moved), np.flatnonzero(pairing.moved)):
        moved = bool(pairing.moved[rows].any())
        left, right = (_Records(path, table.width) for path in (published, regenerated))
        for first in range(0, len(rows), CHUNK_ROWS):
            here = rows[first : first + CHUNK_ROWS]
            p, r = pairing.published[here], pairing.regenerated[here]
            # A moved row may lie before the last one read: its side starts anew.
            yield left.take(p), (right.gather(r) if moved else right.take(r)), here


class _Records:
    """Records of a table, (rows, bytes) without their newlines, read forwards."""

    def __init__(self, path: Path, width: int):
        self.path, self.width, self.first = path, width, 0
        self.blocks = blocks(path, width, CHUNK_ROWS)
        self.cells = np.empty((0, width), np.uint8)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Records ``rows``, rising and none before the last one taken."""
        pieces = [self.cells[rows[0] - self.first :]]
        skip = rows[0] - self.first - len(self.cells)
        while sum(map(len, pieces)) <= rows[-1] - rows[0]:
            cells = next(self.blocks).cells
            pieces.append(cells[max(skip, 0) :])
            skip -= len(cells)
        self.cells, self.first = np.concatenate(pieces), rows[0]
        return self.cells[rows - rows[0]]

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """Records ``rows`` in any order, a piece of the file at a time."""
        order = np.argsort(rows, kind="stable")
        result = np.empty((len(rows), self.width), np.uint8)
        anew = _Records(self.path, self.width)
        for piece in np.split(order, _far_apart(rows[order])):
            result[piece] = anew.take(rows[piece])
        return result


def _far_apart(rows: np.ndarray) -> np.ndarray:
    """Places before which rising rows jump by more than a chunk, or have filled one."""
    return np.flatnonzero(np.diff(rows // CHUNK_ROWS)) + 1


def _differing(p: np.ndarray, r: np.ndarray, table: Table) -> Iterator[np.ndarray]:
    """For each column in turn, which records differ in its bytes."""
    p, r = (side.view(table.bare_record_type)[:, 0] for side in (p, r))
    for column in table.named:
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


def same_places(first: Table, second: Table) -> bool:
    """Whether every column of two layouts lies in the same bytes, so that these can be compared."""
    places = [{c.label: (c.start, c.end) for c in table.named} for table in (first, second)]
    return first.lrecl == second.lrecl and places[0] == places[1]


def layout_differences(published: Table, own: Table) -> list[str]:
    """What two byte-by-byte descriptions say differently, column by column."""
    found = []
    if published.lrecl != own.lrecl:
        found.append(f"record length: {published.lrecl} published, {own.lrecl} regenerated")
    theirs, ours = ({column.label: column for column in side.named} for side in (published, own))
    if list(theirs) != list(ours):
        found.append(f"columns: {' '.join(theirs)} published, {' '.join(ours)} regenerated")
    for label in theirs.keys() & ours.keys():
        for name in ("start", "end", "format", "unit"):
            a, b = (getattr(side[label], name) for side in (theirs, ours))
            if a != b:
                found.append(f"{label}: {name} is {a} published, {b} regenerated")
    return sorted(found)
