"""Which rows of two catalogues belong together."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

NEARER = 0.1


@dataclass(frozen=True)
class Pairing:
    """Row numbers of matched rows on both sides, and of those that have no partner."""

    published: np.ndarray
    regenerated: np.ndarray
    only_published: np.ndarray
    only_regenerated: np.ndarray
    repeated: int
    moved: int


def pair(
    published: pd.DataFrame, regenerated: pd.DataFrame, identifier: str, values: list[str]
) -> Pairing:
    """Match rows by ``identifier``; repeats of one identifier by least distance in ``values``.

    The distance is the sum over columns of absolute differences in units of the published
    column's robust width. Repeats that come in equal number keep their order, unless another
    assignment is ten times nearer: between two executions the nearest is often the wrong one.
    ``moved`` counts matched rows that come in another order.
    """
    left, right = (_numbered(table[identifier]) for table in (published, regenerated))
    merged = left.merge(right, on=["name", "repeat"], how="outer", suffixes=("_p", "_r"))
    both = merged.dropna(subset=["row_p", "row_r"])
    p, r = both["row_p"].to_numpy(np.int64), both["row_r"].to_numpy(np.int64)
    order = np.argsort(p, kind="stable")
    p, r, names = p[order], r[order], both["name"].to_numpy()[order]
    repeated = pd.Series(names).duplicated(keep=False).to_numpy()
    if repeated.any():
        r = _nearest(published[values], regenerated[values], p, r, names, np.flatnonzero(repeated))
    return Pairing(
        p,
        r,
        merged.loc[merged["row_r"].isna(), "row_p"].to_numpy(np.int64),
        merged.loc[merged["row_p"].isna(), "row_r"].to_numpy(np.int64),
        int(repeated.sum()),
        len(r) - _longest_increasing(r),
    )


def _numbered(names: pd.Series) -> pd.DataFrame:
    names = names.reset_index(drop=True)
    return pd.DataFrame(
        {"name": names, "repeat": names.groupby(names).cumcount(), "row": np.arange(len(names))}
    )


def _nearest(published, regenerated, p, r, names, places) -> np.ndarray:
    """Within each group of one identifier, the assignment with the least distance."""
    left = published.to_numpy(np.float64)[p[places]]
    right = regenerated.to_numpy(np.float64)[r[places]]
    width = np.nanpercentile(left, 84, axis=0) - np.nanpercentile(left, 16, axis=0)
    width = np.where(width > 0, width, 1.0)
    left, right = np.nan_to_num(left / width), np.nan_to_num(right / width)
    result = r.copy()
    for group in pd.Series(range(len(places))).groupby(names[places]).indices.values():
        distance = np.abs(left[group][:, None, :] - right[group][None, :, :]).sum(axis=2)
        distance = np.minimum(distance, 1e12)
        rows, chosen = linear_sum_assignment(distance)
        if distance[rows, chosen].sum() < NEARER * np.trace(distance):
            result[places[group]] = r[places[group][chosen]]
    return result


def _longest_increasing(values: np.ndarray) -> int:
    """Length of the longest increasing subsequence: the most rows that kept their order."""
    if len(values) < 2 or (np.diff(values) > 0).all():
        return len(values)
    ends: list[int] = []
    for value in values.tolist():
        place = int(np.searchsorted(ends, value))
        ends[place : place + 1] = [value]
    return len(ends)
