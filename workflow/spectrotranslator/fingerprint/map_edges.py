"""The extremes of each input in the training sample and the cells of its maps, without a candidate.

A star that passes a pair lies in the range of both its features, and the sample's own stars are in
the catalogue: so the least value of a passing star is the sample's least value. The largest value
itself falls outside its map, so it is that of a star in both surveys beyond all passing ones. Of
those, the right one gives cells in which all stars pass or all fail.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from .pair_states import FAIL, PASS

CANDIDATES, SWEEPS, ROWS = 25, 2, 60_000


def read_edges(
    names: Sequence[str],
    values: np.ndarray,
    states: np.ndarray,
    common: np.ndarray,
    bins: int,
) -> dict:
    """By feature its least and largest training value with an interval; by pair its cells.

    Parameters
    ----------
    values
        What was looked up in the maps, shape (rows, features).
    states
        Of every pair, shape (rows, pairs).
    common
        Whether the star is in both surveys.
    """
    pairs = list(combinations(range(len(names)), 2))
    within = [_within(values, states, pairs, i) for i in range(len(names))]
    if not all(len(inside) for inside in within):
        return {"undetermined": "some input is inside its maps for no star"}
    low = np.array([inside.min() for inside in within])
    last = np.array([inside.max() for inside in within])
    beyond = [_beyond(values[:, i], states, pairs, i, common, last[i]) for i in range(len(names))]
    high = np.array([np.nextafter(x, np.inf) for x in last])
    kept = np.isfinite(values).all(axis=1)
    rows = np.flatnonzero(kept)[:: max(1, kept.sum() // ROWS)]
    values, states = values[rows], states[rows]
    intervals = [[float(x), float(x)] for x in last]
    for _ in range(SWEEPS):
        for i, choices in enumerate(beyond):
            if len(choices):
                high[i], intervals[i] = _largest(i, choices, values, states, pairs, low, high, bins)
    features = {
        name: {
            "least": float(low[i]),
            "largest": float(high[i]) if len(beyond[i]) else None,
            "largest_interval": intervals[i] if len(beyond[i]) else [float(last[i]), None],
        }
        for i, name in enumerate(names)
    }
    cells = {}
    for number, (i, j) in enumerate(pairs):
        passing, failing = _cells(number, i, j, values, states, low, high, bins)
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


def _beyond(column, states, pairs, i: int, common, last: float) -> np.ndarray:
    """Values of stars in both surveys that may be the largest one, nearest first."""
    failing = (states[:, _of(i, pairs)] != PASS).all(axis=1)
    with np.errstate(invalid="ignore"):
        found = column[failing & common & (column > last)]
    return np.unique(found)[:CANDIDATES]


def _largest(i, choices, values, states, pairs, low, high, bins: int) -> tuple[float, list[float]]:
    """The choice whose cells are the least mixed; from the first to the last that is as good."""
    mixed = []
    for choice in choices:
        tried = high.copy()
        tried[i] = choice
        mixed.append(
            sum(
                np.minimum(*_cells(number, *pairs[number], values, states, low, tried, bins)).sum()
                for number in _of(i, pairs)
            )
        )
    best = choices[np.array(mixed) == min(mixed)]
    return float(best[0]), [float(best[0]), float(best[-1])]


def _cells(number, i, j, values, states, low, high, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Passing and failing stars in each cell of one pair."""
    places = np.stack(
        [np.digitize(values[:, k], np.linspace(low[k], high[k], bins + 1)) - 1 for k in (i, j)]
    )
    inside = ((places >= 0) & (places < bins)).all(axis=0)
    flat = places[0] * bins + places[1]
    return tuple(
        np.bincount(flat[inside & (states[:, number] == state)], minlength=bins * bins)
        for state in (PASS, FAIL)
    )
