"""Where the match on Gaia ids and a match on positions disagree."""

import numpy as np
import pandas as pd

from .match_positions import neighbours, separation
from .match_rows import best_rows, one_row_a_place

LISTED = 100


def audit(first: pd.DataFrame, second: pd.DataFrame, radius: float, repeats: str) -> dict:
    """Counts of pairs by id and by position, and the first of those that disagree.

    ``apart``: one id, but further apart than ``radius`` (arcsec). ``other id``: at one place, but
    of two ids. ``no id``: at one place, and at least one lacks an id.
    """
    lacking = [name for name in ("ra", "dec", "epoch", "source_id")
               if name not in first or name not in second]  # fmt: skip
    if lacking:
        return {"done": False, "why": f"no {', '.join(lacking)} in one of the surveys"}
    one, two = (one_row_a_star(stars, repeats) for stars in (first, second))
    known = [stars[stars["source_id"] > 0] for stars in (one, two)]
    by_id = known[0].merge(known[1], on="source_id", suffixes=("_1", "_2"))
    left, right = (
        by_id.rename(columns=lambda name, end=end: name.removesuffix(end)) for end in ("_1", "_2")
    )
    apart = separation(left, right)
    near = neighbours(one, two, radius)
    pair = pd.DataFrame(
        {
            "key_1": one["key"].to_numpy()[near["first"]],
            "key_2": two["key"].to_numpy()[near["second"]],
            "id_1": one["source_id"].to_numpy()[near["first"]],
            "id_2": two["source_id"].to_numpy()[near["second"]],
            "arcsec": near["arcsec"],
        }
    )
    nameless = (pair["id_1"] == 0) | (pair["id_2"] == 0)
    other = ~nameless & (pair["id_1"] != pair["id_2"])
    far = by_id.assign(arcsec=apart)[apart > radius]
    return {
        "done": True,
        "radius_arcsec": radius,
        "pairs_by_id": len(by_id),
        "pairs_by_position": len(pair),
        "same": int((~nameless & ~other).sum()),
        "without_position": int(np.isnan(apart).sum()),
        "separation_arcsec": _quantiles(apart),
        "apart": {"count": len(far), "first": _listed(far)},
        "other_id": {"count": int(other.sum()), "first": _listed(pair[other])},
        "no_id": {"count": int(nameless.sum()), "first": _listed(pair[nameless])},
    }


def one_row_a_star(stars: pd.DataFrame, repeats: str) -> pd.DataFrame:
    """The best row of every id; of rows without one, the best at every place."""
    named = best_rows(stars[stars["source_id"] > 0], "source_id", repeats)
    single = one_row_a_place(stars[stars["source_id"] == 0], repeats)
    return pd.concat([named, single], ignore_index=True)


def _quantiles(apart: np.ndarray) -> dict[str, float]:
    known = apart[np.isfinite(apart)]
    if not len(known):
        return {}
    median, high, most = np.quantile(known, [0.5, 0.99, 1.0])
    return {"median": round(median, 4), "99%": round(high, 4), "largest": round(most, 4)}


def _listed(rows: pd.DataFrame) -> list[dict]:
    first = rows.sort_values(["arcsec", "key_1"], ascending=[False, True]).head(LISTED)
    return [
        {"key_1": str(a), "key_2": str(b), "arcsec": round(float(c), 3)}
        for a, b, c in zip(first["key_1"], first["key_2"], first["arcsec"], strict=True)
    ]
