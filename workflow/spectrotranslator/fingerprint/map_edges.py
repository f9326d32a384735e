"""The extremes of each input in the training sample and the cells of its maps, without a candidate.

A star that passes a pair lies in the range of both its features, and the sample's own stars are in
the catalogue. The edges of a map are rebuilt from its cells' centres, so the star with the least
or the largest training value may lie inside by the last bit, and then passes, or outside, and then
fails every pair of that feature. So an extreme is that of the outermost passing star or of a star
in both surveys beyond it. Of those, the right one gives cells in which all stars pass or all fail,
leaves no passing star outside, and is itself on the side where its star is.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from spectrotranslator.translation.quality_flags import rebuilt_edges, rounded

from .pair_states import FAIL, PASS

CANDIDATES, SWEEPS, ROWS, COARSE_ROWS = 25, 2, 60_000, 10_000
LOW, HIGH = 0, 1


def read_edges(
    names: Sequence[str],
    values: np.ndarray,
    states: np.ndarray,
    common: np.ndarray,
    bins: int,
    precision: str = "float64",
) -> dict:
    """By feature its least and largest training value, each with an interval; by pair its cells.

    Parameters
    ----------
    values
        What was looked up in the maps, shape (rows, features).
    states
        Of every pair, shape (rows, pairs).
    common
        Whether the star is in both surveys.
    precision
        Floating-point type of the training table's columns.
    """
    pairs = list(combinations(range(len(names)), 2))
    values = rounded(values, precision)
    within = [_within(values, states, pairs, i) for i in range(len(names))]
    if not all(len(inside) for inside in within):
        return {"undetermined": "some input is inside its maps for no star"}
    ends = np.array([[inside.min(), inside.max()] for inside in within])
    choices = [
        [_choices(values[:, i], states, pairs, i, common, ends[i, end], end) for end in (LOW, HIGH)]
        for i in range(len(names))
    ]
    finite = np.flatnonzero(np.isfinite(values).all(axis=1))
    maps, coarse = (
        _Maps(values[rows], states[rows], pairs, ends, bins)
        for rows in (finite[:: max(1, len(finite) // n)] for n in (ROWS, COARSE_ROWS))
    )
    for _ in range(SWEEPS):
        for i in range(len(names)):
            coarse.search(i, *choices[i])
    maps.look_up()
    features = {name: {} for name in names}
    for _ in range(SWEEPS):
        for i, name in enumerate(names):
            for end, word in ((LOW, "least"), (HIGH, "largest")):
                best, interval = maps.settle(i, end, choices[i][end])
                features[name] |= {word: best, f"{word}_interval": interval}
    cells = {}
    for number, (i, j) in enumerate(pairs):
        passing, failing = maps.cells(number)
        cells[f"{names[i]}_{names[j]}"] = {
            "occupied": int((passing > 0).sum()),
            "empty": int(((failing > 0) & (passing == 0)).sum()),
            "unseen": int(((failing == 0) & (passing == 0)).sum()),
            "stars_against": int(np.minimum(passing, failing).sum()),
        }
    return {"features": features, "cells": cells}


def _of(i: int, pairs) -> list[int]:
    return [number for number, pair in enumerate(pairs) if i in pair]


def _within(values, states, pairs, i: int) -> np.ndarray:
    passed = (states[:, _of(i, pairs)] == PASS).any(axis=1)
    return values[passed & np.isfinite(values[:, i]), i]


def _choices(column, states, pairs, i: int, common, outermost: float, end: int) -> np.ndarray:
    """Values that may be an extreme: the outermost passing one, then those beyond, nearest first.

    Beyond lie stars in both surveys that fail every pair.
    """
    sign = 1 if end == HIGH else -1
    failing = (states[:, _of(i, pairs)] != PASS).all(axis=1)
    with np.errstate(invalid="ignore"):
        found = column[failing & common & (sign * column > sign * outermost)]
    beyond = np.unique(sign * found[np.isfinite(found)])[:CANDIDATES] * sign
    return np.array([outermost, *beyond])


class _Maps:
    """The cells of all stars under the present extremes, ``ends``, shape (features, 2)."""

    def __init__(self, values, states, pairs, ends: np.ndarray, bins: int):
        self.values, self.pairs = values, pairs
        self.passing, self.failing = (
            np.ascontiguousarray((states == state).T) for state in (PASS, FAIL)
        )
        self.ends, self.bins = ends, bins
        self.look_up()

    def look_up(self) -> None:
        """Find every star's cell anew, ``ends`` having changed."""
        pairs = zip(self.ends, self.values.T, strict=True)
        self.places = [self._looked_up(ends, values) for ends, values in pairs]

    def search(self, i: int, lows: np.ndarray, highs: np.ndarray) -> None:
        """Take the pair of extremes with the fewest stars against it: one alone may not improve."""
        fewest = len(self.values) * len(self.pairs)
        for ends in [np.array((low, high)) for low in lows for high in highs]:
            against = self._all_against(i, ends, fewest)
            if against < fewest:
                fewest, self.ends[i] = against, ends
        self.places[i] = self._looked_up(self.ends[i], self.values[:, i])

    def settle(self, i: int, end: int, choices: np.ndarray) -> tuple[float | None, list]:
        """Take the choice with the fewest stars against it.

        Gives it, and the first and the last choice that is as good. With the outermost passing
        value as the only choice, and that outside the map it would make, it is not known.
        """
        against: list[int] = []
        for number, choice in enumerate(choices):
            ends = self.ends[i].copy()
            ends[end] = choice
            inside = self._inside(self._looked_up(ends, np.array([choice])))[0]
            wrong_side = inside != (number == 0)
            enough = min(against) + 1 if against else None
            against.append(wrong_side + self._all_against(i, ends, enough))
        best = choices[np.array(against) == min(against)]
        self.ends[i, end] = best[0]
        self.places[i] = self._looked_up(self.ends[i], self.values[:, i])
        if len(choices) == 1 and wrong_side:
            known = float(best[0])
            return None, [known, None] if end == HIGH else [None, known]
        return float(best[0]), sorted([float(best[0]), float(best[-1])])

    def cells(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Passing and failing stars in each cell of one pair."""
        first, second = (self.places[k] for k in self.pairs[number])
        inside = self._inside(first) & self._inside(second)
        flat = first * self.bins + second
        return tuple(
            np.bincount(flat[inside & mine], minlength=self.bins * self.bins)
            for mine in (self.passing[number], self.failing[number])
        )

    def _all_against(self, i: int, ends: np.ndarray, enough: int | None = None) -> int:
        """Stars against the map's extremes, counted no further than ``enough``."""
        self.places[i] = self._looked_up(ends, self.values[:, i])
        total = 0
        for number in _of(i, self.pairs):
            total += self._against(number)
            if enough is not None and total >= enough:
                break
        return total

    def _against(self, number: int) -> int:
        """Stars that pass in a cell where others fail or the reverse, and that pass outside."""
        passing, failing = self.cells(number)
        passed = int(self.passing[number].sum())
        return int(np.minimum(passing, failing).sum()) + passed - int(passing.sum())

    def _inside(self, places: np.ndarray) -> np.ndarray:
        return (places >= 0) & (places < self.bins)

    def _looked_up(self, ends: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.digitize(values, rebuilt_edges(np.linspace(*ends, self.bins + 1))) - 1
