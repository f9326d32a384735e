"""Stars of a homogenised catalogue as the figures of the Galaxy use them."""

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import Direction
from spectrotranslator.translation.homogenise import good_rows

from .asymmetry import WHEN, Compared
from .galactic_positions import Places


def values(stars: pd.DataFrame, labels: list[str], when: str) -> np.ndarray:
    """Labels on one base (``after``), or each survey's own (``before``), shape (labels, stars)."""
    found = [
        stars[label]
        if when == "after"
        else stars[label].where(stars["measured"], stars[f"{label}_own"])
        for label in labels
    ]
    return np.stack([column.to_numpy(np.float64) for column in found])


def usable(stars: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """Recommended stars at a known place with every label before and after."""
    known = stars["recommended"].to_numpy(bool) & (stars["distance"].to_numpy(np.float64) > 0)
    known &= np.isfinite(stars[["ra", "dec"]].to_numpy(np.float64)).all(axis=1)
    for when in ("before", "after"):
        known &= np.isfinite(values(stars, labels, when)).all(axis=0)
    return known


def compared(
    stars: pd.DataFrame,
    translated: pd.DataFrame,
    direction: Direction,
    labels: list[str],
    gravity: str,
) -> tuple[Compared, np.ndarray]:
    """Stars to be compared across the plane, and which of ``stars`` they are.

    ``translated`` holds ``row``, flags and ``X_member_K`` of the direction's translated rows.
    """
    chosen = usable(stars, [*labels, gravity])
    known = stars[chosen]
    rows = known[f"{direction.origin}_row"].fillna(-1).to_numpy(np.int64)
    good = good_rows(translated, direction.networks)
    return Compared(
        labels,
        Places.of(known),
        values(known, [gravity], "after")[0],
        *(values(known, labels, when) for when in WHEN),
        _members(rows, translated, labels, good),
        known["measured"].to_numpy(bool),
    ), chosen


def _members(
    rows: np.ndarray, translated: pd.DataFrame, labels: list[str], good: np.ndarray
) -> np.ndarray:
    """What each member says of stars by their translated ``rows``; NaN where that is not good."""
    count = sum(name.startswith(f"{labels[0]}_member_") for name in translated)
    place = pd.Index(translated["row"]).get_indexer(rows)
    there = (place >= 0) & good[place]
    members = np.full((count, len(labels), len(rows)), np.nan, np.float32)
    for member in range(count):
        for i, label in enumerate(labels):
            column = translated[f"{label}_member_{member}"].to_numpy(np.float32)
            members[member, i, there] = column[place[there]]
    return members
