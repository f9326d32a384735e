"""Whether a star lies where the training stars lie: pairwise maps, reasons and comments."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True)
class PairMaps:
    """For every pair of features, the cells of a grid that hold at least one training star.

    As published, a feature's grid runs from its least to its largest training value, and the
    largest one itself falls outside.
    """

    edges: np.ndarray
    cells: dict[tuple[int, int], np.ndarray]

    @classmethod
    def of(cls, training: np.ndarray, bins: int) -> "PairMaps":
        """From training values, shape (stars, features)."""
        edges = np.linspace(training.min(axis=0), training.max(axis=0), bins + 1, axis=1)
        cells = {
            (i, j): np.histogram2d(training[:, i], training[:, j], [edges[i], edges[j]])[0] > 0
            for i, j in combinations(range(training.shape[1]), 2)
        }
        return cls(edges, cells)

    def outside(self, values: np.ndarray) -> np.ndarray:
        """Which pairs fail, shape (rows, pairs), for values of shape (rows, features).

        A value that is not finite fails every pair it is in.
        """
        bins = self.edges.shape[1] - 1
        index = (
            np.stack(
                [
                    np.digitize(column, edges) - 1
                    for column, edges in zip(values.T, self.edges, strict=True)
                ]
            )
            if len(values)
            else np.empty((len(self.edges), 0), int)
        )
        inside = (index >= 0) & (index < bins) & np.isfinite(values.T)
        index = np.clip(index, 0, bins - 1)
        failing = [
            ~(inside[i] & inside[j] & cells[index[i], index[j]])
            for (i, j), cells in self.cells.items()
        ]
        return np.stack(failing, axis=1) if failing else np.zeros((len(values), 0), bool)


def bit_mask(outside: np.ndarray) -> np.ndarray:
    """Failing pairs, shape (rows, pairs), as bits of one integer; the first pair is bit 0."""
    return (outside << np.arange(outside.shape[1], dtype=np.int64)).sum(axis=1, dtype=np.int64)


def reasons(side: str, names: Sequence[str], masks: np.ndarray) -> list[str]:
    """The text of all failing pairs of each row, given as ``bit_mask``; Input or Output side."""
    texts = [f"| {side} {a}_{b} outside training range" for a, b in combinations(names, 2)]
    distinct, places = np.unique(masks, return_inverse=True)
    found = [
        "".join(text for bit, text in enumerate(texts) if mask >> bit & 1)
        for mask in distinct.tolist()
    ]
    return [found[place] for place in places]


def comments(parts: Sequence[Sequence[str]]) -> list[str]:
    """One comment a row from the input and output reasons of each network in turn.

    ``parts`` holds, for each network, its reasons a row; each network closes its own with ``|``.
    """
    closed = [[text and f"{text}|" for text in part] for part in parts]
    return ["".join(texts) for texts in zip(*closed, strict=True)]
