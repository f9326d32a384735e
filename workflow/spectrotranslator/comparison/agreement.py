"""How far a regenerated catalogue agrees with the published one, in figures without a tolerance."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cdstables.layout import Table

from .flag_agreement import Style, reasons_apart
from .percentile_groups import Group
from .read_catalogues import flag_labels, text_labels

SHARES = (50, 68, 95)


def agreement(
    published: pd.DataFrame, regenerated: pd.DataFrame, table: Table, groups: Sequence[Group]
) -> dict:
    """Agreement of matched rows, label by label, for all stars and for those with good flags.

    Parameters
    ----------
    published, regenerated : DataFrame
        Matched rows of both catalogues, row by row.
    table : Table
        Their layout.
    groups : sequence of Group
        Percentiles and systematic errors of every quantity.

    Returns
    -------
    dict
        ``labels``: label of a median to its ``unit`` and figures of ``all`` and ``good`` stars;
        ``flags`` and ``comments``: share of equal rows; ``sentences``: the answer in words.
    """
    good = good_rows(published, table)
    every = np.ones(len(published), dtype=bool)
    labels = {
        group.centre: {
            "unit": plain_unit(table.column(group.centre).unit),
            "all": _figures(published, regenerated, group, every),
            "good": _figures(published, regenerated, group, good),
        }
        for group in groups
    }
    return {
        "sentences": [_sentence(table.name, labels, int(good.sum()))] if labels else [],
        "good_rows": int(good.sum()),
        "labels": labels,
        "flags": {
            label: float((published[label] == regenerated[label]).mean())
            for label in flag_labels(table)
        },
        "comments": {
            label: _same_reasons(published[label], regenerated[label], Style.of(table))
            for label in text_labels(table)
        },
    }


def good_rows(published: pd.DataFrame, table: Table) -> np.ndarray:
    """Rows whose quality flags are all true and that lack no input, shape (rows,)."""
    good = np.ones(len(published), dtype=bool)
    for label in flag_labels(table):
        if label.startswith(("Qflag", "Flagm")):
            good &= published[label].to_numpy(bool) == label.startswith("Qflag")
    return good


def plain_unit(unit: str) -> str:
    """A CDS unit as people write it: ``dex`` for a logarithm in brackets, nothing for ``---``."""
    if unit == "---":
        return ""
    return "dex" if unit.startswith("[") else unit


def _figures(
    published: pd.DataFrame, regenerated: pd.DataFrame, group: Group, rows: np.ndarray
) -> dict | None:
    """Figures of the differences (regenerated less published) in ``rows``; none without stars."""
    ours = regenerated[group.centre].to_numpy(np.float64)[rows]
    theirs = published[group.centre].to_numpy(np.float64)[rows]
    difference = ours - theirs
    known = np.isfinite(difference)
    if not known.any():
        return None
    size = np.abs(difference[known])
    found = {"stars": int(known.sum()), "median_difference": float(np.median(difference[known]))}
    found |= {f"within_{p}": float(np.percentile(size, p)) for p in SHARES}
    if group.systematic:
        error = published[group.systematic].to_numpy(np.float64)[rows]
        found["median_in_systematic_errors"] = _in_units(difference, error)
    if {16, 84} <= group.percentiles.keys():
        low, high = (published[group.percentiles[p]].to_numpy(np.float64)[rows] for p in (16, 84))
        found["median_in_half_intervals"] = _in_units(difference, (high - low) / 2)
        found["inside_published_interval"] = float(((ours >= low) & (ours <= high))[known].mean())
    return found


def _in_units(difference: np.ndarray, unit: np.ndarray) -> float | None:
    """Median of the differences' sizes in ``unit``, where that is positive."""
    used = np.isfinite(difference) & (unit > 0)
    return float(np.median(np.abs(difference[used]) / unit[used])) if used.any() else None


def _same_reasons(published: pd.Series, regenerated: pd.Series, style: Style) -> float:
    """Share of comments that name the same reasons."""
    apart = reasons_apart(published, regenerated, style)
    return float(np.mean([not reason for reason in pd.Series(apart).fillna("")]))


def _sentence(name: str, labels: Mapping[str, dict], good: int) -> str:
    """The answer in words, for the stars with good flags; for all stars where none has."""
    which = "good" if good else "all"
    parts = [
        f"{label} to {found[which]['within_95']:.2g} {found['unit']}".rstrip()
        for label, found in labels.items()
        if found[which]
    ]
    stars = f"the {good} stars with good flags" if good else "all stars"
    return f"{name}: for 95% of {stars} the regenerated values agree: {', '.join(parts)}"
