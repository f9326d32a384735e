"""Records shorter than the file summary says: cut short, or with the blanks at their ends left out.

Many files are distributed without the blanks at the ends of their lines; Lrecl is then the longest
line. Whether a short record is one of those cannot always be told from the record alone, so the
whole file is looked at.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from .layout import Table
from .records import Block

_BLANK = ord(" ")
_MANY = 10  # of so many records, a single short one is taken as cut


class _Rows(Protocol):
    """Some rows of a block with a fault between two bytes."""

    kind: str
    rows: np.ndarray
    end: int


class ShortRecords:
    """Counts the short records of a file, block by block, for the verdict at its end."""

    def __init__(self, table: Table):
        self._stated = table.lrecl
        self._numbers = [column for column in table.columns if column.kind != "A"]
        self._lengths: Counter[int] = Counter()
        self._padded = 0
        self._lines: list[np.ndarray] = []
        self._short: list[np.ndarray] = []
        self._within: list[np.ndarray] = []

    def add(self, block: Block, findings: Sequence[_Rows]) -> None:
        """Take note of the short records of a block; ``findings`` are its other faults."""
        if self._stated is None or not len(block):
            return
        lengths = block.lengths
        values, counts = np.unique(lengths, return_counts=True)
        self._lengths.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        last = block.cells[np.arange(len(block)), np.clip(lengths, 1, block.cells.shape[1]) - 1]
        self._padded += int(((lengths == self._stated) & (last == _BLANK)).sum())
        rows = np.flatnonzero(lengths < self._stated)
        if len(rows):
            faulty = self._faulty(block, findings)
            self._lines.append(block.first + rows + 1)
            self._short.append(lengths[rows])
            self._within.append(np.where(faulty[rows], -1, self._number_at(block, rows)))

    def _faulty(self, block: Block, findings: Sequence[_Rows]) -> np.ndarray:
        """Rows with a fault in a field that their record does not reach the end of."""
        faulty = np.zeros(len(block), dtype=bool)
        for finding in findings:
            if finding.kind in ("null", "number", "characters", "limits"):
                rows = np.asarray(finding.rows)
                faulty[rows[block.lengths[rows] < finding.end]] = True
        return faulty

    def _number_at(self, block: Block, rows: np.ndarray) -> np.ndarray:
        """Last byte of the number that a record ends within, -1 where it is surely cut, else 0."""
        ends = np.zeros(len(rows), dtype=np.int64)
        lengths = block.lengths[rows]
        for column in self._numbers:
            within = (lengths >= column.start) & (lengths < column.end)
            if not within.any():
                continue
            field = block.cells[rows[within], column.start - 1 : column.end]
            held = (field != _BLANK).any(axis=1)
            indented = held & (field[:, 0] == _BLANK)
            ends[within] = np.where(indented, -1, np.where(held, column.end, 0))
        return ends

    def verdict(self) -> tuple[list[tuple[int, str]], str]:
        """Lines (from 1) that are cut short with the reason, and a note on all others."""
        if not self._lines:
            return [], ""
        lines, lengths, within = map(np.concatenate, (self._lines, self._short, self._within))
        cut = within < 0
        for end in set(within[within > 0].tolist()):
            reach = sum(count for length, count in self._lengths.items() if length >= end)
            if 2 * reach > self._lengths.total():
                cut |= within == end
        alone = len(cut) == 1 and self._lengths.total() >= _MANY
        if alone or self._padded > (~cut).sum():
            cut[:] = True
        held = [
            (line, f"{length} bytes, not {self._stated}")
            for line, length in zip(lines[cut].tolist(), lengths[cut].tolist(), strict=True)
        ]
        return held + self._longest(), self._note(int((~cut).sum()))

    def _longest(self) -> list[tuple[int, str]]:
        longest = max(self._lengths)
        if longest >= self._stated:
            return []
        return [
            (0, f"the longest record has {longest} bytes, the file summary says {self._stated}")
        ]

    def _note(self, count: int) -> str:
        if not count:
            return ""
        return (
            f"{count} records are shorter than the {self._stated} bytes of the file summary; "
            "blanks at their ends are left out"
        )
