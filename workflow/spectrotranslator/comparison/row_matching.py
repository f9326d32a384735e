"""Which rows of two catalogues belong together."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import is_integer_dtype
from scipy.optimize import linear_sum_assignment

from spectrotranslator.errors import InputError

NEARER = 0.1


@dataclass(frozen=True)
class Pairing:
    """Row numbers of matched rows on both sides, and of those that have no partner.

    ``repeated`` and ``moved`` tell of every matched row whether its identifier stands more than
    once among them, and whether it comes in another order.
    """

    published: np.ndarray
    regenerated: np.ndarray
    only_published: np.ndarray
    only_regenerated: np.ndarray
    repeated: np.ndarray
    moved: np.ndarray


def pair(
    published: pd.DataFrame, regenerated: pd.DataFrame, identifier: str, values: list[str]
) -> Pairing:
    """Match rows by ``identifier``; repeats of one identifier by least distance in ``values``.

    The distance is the sum over columns of absolute differences in units of the published
    column's robust width. Repeats that come in equal number keep their order, unless another
    assignment is ten times nearer: between two replicates the nearest is often the wrong one.
    ``moved`` counts matched rows that come in another order.

    Raises
    ------
    InputError
        The identifiers are not of one kind.
    """
    kinds = [is_integer_dtype(table[identifier]) for table in (published, regenerated)]
    if kinds[0] != kinds[1]:
        raise InputError(
            f"{identifier}: whole numbers in one catalogue, something else in the other"
        )
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
        repeated,
        ~_longest_increasing(r),
    )


def unmatched_rows(pairing: Pairing, published: pd.Series, regenerated: pd.Series) -> pa.Table:
    """Rows that are not simply matched, a line each: ``identifier``, ``what``, and the rows.

    ``what`` is ``only published``, ``only regenerated``, ``repeated`` or ``moved``; the rows count
    from 0 and are -1 where that side has none.
    """
    tables = [
        _lines("only published", published, pairing.only_published, None),
        _lines("only regenerated", regenerated, None, pairing.only_regenerated),
    ]
    for what, here in (("repeated", pairing.repeated), ("moved", pairing.moved)):
        tables.append(_lines(what, published, pairing.published[here], pairing.regenerated[here]))
    return pa.concat_tables(tables)


def _lines(what: str, names: pd.Series, p, r) -> pa.Table:
    rows = p if p is not None else r
    nowhere = np.full(len(rows), -1)
    return pa.table(
        {
            "identifier": pa.array(names.iloc[rows].astype(str), pa.string()),
            "what": pa.array([what] * len(rows), pa.string()),
            "row_published": nowhere if p is None else p,
            "row_regenerated": nowhere if r is None else r,
        }
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


def _longest_increasing(values: np.ndarray) -> np.ndarray:
    """Which values make a longest increasing subsequence: the most rows that kept their order."""
    if len(values) < 2 or (np.diff(values) > 0).all():
        return np.ones(len(values), bool)
    ends: list[int] = []
    places: list[int] = []
    before = np.empty(len(values), np.int64)
    for i, value in enumerate(values.tolist()):
        length = bisect_left(ends, value)
        ends[length : length + 1] = [value]
        places[length : length + 1] = [i]
        before[i] = places[length - 1] if length else -1
    kept = np.zeros(len(values), bool)
    i = places[-1]
    while i >= 0:
        kept[i] = True
        i = before[i]
    return kept
