"""Which pairs of features a published row passed, as its comment and its flags tell.

A comment names the failing pairs in a fixed order and is cut where it is long: what stands before
the cut is known, what stands behind it only where the flag of its group is true.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from spectrotranslator.comparison.flag_agreement import USUAL, WHOLE, Style

PASS, FAIL, UNTOLD = 0, 1, -1


@dataclass(frozen=True)
class Group:
    """The pairs of one map: of a network's inputs or of its outputs, by their names."""

    side: str
    kind: str
    names: tuple[str, ...]

    @property
    def reasons(self) -> list[str]:
        """What a comment says of each pair, in its order."""
        pairs = combinations(self.names, 2)
        return [f"{self.side} {first}_{second}" for first, second in pairs]


def read_reasons(
    comments: pd.Series,
    groups: Sequence[Group],
    good: Sequence[np.ndarray],
    style: Style = USUAL,
) -> tuple[list[np.ndarray], int]:
    """State of every pair of every group, shape (rows, pairs), and how many comments are strange.

    Parameters
    ----------
    comments
        As published, quotes and all.
    groups
        In the order in which a comment names them.
    good
        Whether all pairs of a group pass, a boolean column a group.
    style
        How the comments are written, and so which of them were cut.
    """
    codes, texts = pd.factorize(comments, use_na_sentinel=False)
    for column in good:
        codes = codes * 2 + np.asarray(column, bool)
    kinds, inverse = np.unique(codes, return_inverse=True)
    slots = [(group, reason) for group in groups for reason in group.reasons]
    table = np.empty((len(kinds), len(slots)), np.int8)
    strange = np.zeros(len(kinds), bool)
    for line, code in enumerate(kinds.tolist()):
        flags = [bool(code >> place & 1) for place in reversed(range(len(good)))]
        text = texts[code >> len(good)]
        passed = dict(zip(groups, flags, strict=True))
        table[line], strange[line] = _parse(*style.bare(str(text)), slots, passed)
    edges = np.cumsum([len(group.reasons) for group in groups])[:-1]
    states = np.split(table, edges, axis=1)
    return [part[inverse] for part in states], int(strange[inverse].sum())


def _parse(text: str, cut: bool, slots: list, passed: dict[Group, bool]) -> tuple[np.ndarray, bool]:
    """State of every slot from one bare comment; whether it names what no group holds."""
    states = np.full(len(slots), UNTOLD, np.int8)
    place, strange, closed = 0, False, False
    for piece in map(str.strip, text.split("|")):
        if not piece:
            closed = place > 0
        elif piece.endswith(WHOLE):
            found = _place(piece.removesuffix(WHOLE), slots, passed, place, closed)
            if found is None:
                strange = True
                break
            states[place:found], states[found] = PASS, FAIL
            place, closed = found + 1, False
    if not cut and not strange:
        states[place:] = PASS
    for slot, (group, _) in enumerate(slots):
        if passed[group]:
            states[slot] = PASS
    return states, strange


def _place(name: str, slots: list, passed: dict, start: int, closed: bool) -> int | None:
    """The first slot of ``name`` from ``start`` on; behind a bar only those of a later network."""
    ended = slots[start - 1][0].kind if closed else None
    for slot in range(start, len(slots)):
        group, reason = slots[slot]
        if reason == name and not passed[group] and group.kind != ended:
            return slot
    return None
