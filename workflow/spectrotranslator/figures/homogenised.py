"""Stars of a homogenised catalogue as the figures of the Galaxy use them."""

import numpy as np
import pandas as pd

from .asymmetry import Compared
from .places import Places


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
    """Recommended stars at a known distance with every label before and after."""
    known = stars["recommended"].to_numpy(bool) & (stars["distance"].to_numpy(np.float64) > 0)
    for when in ("before", "after"):
        known &= np.isfinite(values(stars, labels, when)).all(axis=0)
    return known


def compared(
    stars: pd.DataFrame,
    translated: pd.DataFrame,
    labels: list[str],
    gravity: str,
    origin: str,
    when: str,
) -> tuple[Compared, np.ndarray]:
    """Stars to be compared across the plane, and which of ``stars`` they are.

    ``translated`` holds ``row`` and ``X_member_K`` of the translated rows; the members' values
    stand only where a star's value is a translation.
    """
    chosen = usable(stars, [*labels, gravity])
    known = stars[chosen]
    value = values(known, labels, when)
    members = _members(known, translated, labels, origin, value) if when == "after" else None
    logg = values(known, [gravity], when)[0]
    return Compared(labels, Places.of(known), logg, value, members), chosen


def _members(known, translated, labels, origin: str, value: np.ndarray) -> np.ndarray:
    count = sum(name.startswith(f"{labels[0]}_member_") for name in translated)
    rows = known[f"{origin}_row"].fillna(-1).to_numpy(np.int64)
    place = pd.Index(translated["row"]).get_indexer(rows)
    mine = ~known["measured"].to_numpy(bool) & (place >= 0)
    members = np.repeat(value[None], count, axis=0)
    for i, label in enumerate(labels):
        for member in range(count):
            column = translated[f"{label}_member_{member}"].to_numpy(np.float64)
            members[member, i, mine] = column[place[mine]]
    return members
