"""Whether a star lies where the training stars lie: pairwise maps, reasons and comments."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np


@dataclass(frozen=True)
class PairMaps:
    """For every pair of features, the cells of a grid that hold at least one training star.

    As published, cells are counted on a grid from the least to the largest training value of each
    feature, and values are looked up between ``edges`` rebuilt from the centres of its cells
    (``rebuilt_edges``). Whether an extreme training star lies inside depends on the last bit.

    Attributes
    ----------
    edges
        Edges between which values are looked up, shape (features, bins + 1).
    cells
        Whether a cell holds a training star, shape (bins, bins), for each pair of features.
    precision
        Floating-point type that values are rounded to before they are looked up.
    """

    edges: np.ndarray
    cells: dict[tuple[int, int], np.ndarray]
    precision: str = "float64"

    @classmethod
    def of(cls, training: np.ndarray, bins: int, precision: str = "float64") -> "PairMaps":
        """Maps of training values.

        Parameters
        ----------
        training
            Training values, shape (stars, features).
        bins
            Cells a side, at least 2.
        precision
            Floating-point type of the training table's columns, ``float32`` or ``float64``.
        """
        training = rounded(training, precision)
        grid = [np.linspace(column.min(), column.max(), bins + 1) for column in training.T]
        cell = [cells_of(column, edges) for column, edges in zip(training.T, grid, strict=True)]
        cells = {}
        for i, j in combinations(range(training.shape[1]), 2):
            cells[i, j] = np.zeros((bins, bins), bool)
            cells[i, j][cell[i], cell[j]] = True
        return cls(np.stack([rebuilt_edges(edges) for edges in grid]), cells, precision)

    def outside(self, values: np.ndarray) -> np.ndarray:
        """Which pairs fail, shape (rows, pairs), for values of shape (rows, features).

        A value that is not finite fails every pair it is in.
        """
        bins = self.edges.shape[1] - 1
        values = rounded(values, self.precision)
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


def cells_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Cell of each value between ``edges``, as NumPy's histograms count: the last edge is inside.

    Parameters
    ----------
    values
        Values from the first edge to the last, shape (stars,).
    edges
        Edges of the cells, ascending, shape (cells + 1,).

    Returns
    -------
    numpy.ndarray of int, shape (stars,)
        Cells, from 0.
    """
    return np.minimum(np.searchsorted(edges, values, side="right"), len(edges) - 1) - 1


def rounded(values: np.ndarray, precision: str) -> np.ndarray:
    """Values rounded to ``precision``, in float64, the type of the authors' arithmetic.

    NumPy 1 computes the edges of a histogram of float32 values in float64, NumPy 2 in float32.
    """
    with np.errstate(over="ignore"):
        return np.asarray(values, precision).astype(np.float64)


def rebuilt_edges(grid: np.ndarray) -> np.ndarray:
    """Edges rebuilt from the centres of the cells of ``grid``, shape (bins + 1,).

    The authors' code keeps a map as cell centres. The rebuilt edges differ from ``grid`` in the
    last bits, so the order of the operations matters.
    """
    centres = grid[:-1] + (grid[1] - grid[0]) / 2
    step = centres[1] - centres[0]
    return np.append(centres - step / 2, centres[-1] + step / 2)


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

    ``parts`` holds, for each network, its reasons a row. After each network a comment that is not
    empty so far is closed with ``|``, so one with intrinsic reasons alone ends in ``||``.
    """
    texts = [""] * len(parts[0])
    for part in parts:
        grown = [text + added for text, added in zip(texts, part, strict=True)]
        texts = [text and f"{text}|" for text in grown]
    return texts
