"""Match two surveys' stars: one row a star, on Gaia ids, and by position where ids lack."""

import pandas as pd

from spectrotranslator.config.configuration import Crossmatch

from .match_positions import neighbours

#: What pairs are sorted by, to the column that holds it.
ORDERS = {
    "first key": "key_1",
    "first row": "row_1",
    "second key": "key_2",
    "second row": "row_2",
    "source_id": "source_id_1",
}


def best_rows(stars: pd.DataFrame, on: str, repeats: str = "highest S/N") -> pd.DataFrame:
    """One row a star: of rows sharing ``on``, the one that ``repeats`` says, in the table's order.

    ``highest S/N``: then the first of them; ``first``: the first in the survey's file.
    """
    stars = stars.sort_values("row", kind="stable")
    if repeats == "highest S/N" and "snr" in stars:
        stars = stars.sort_values("snr", ascending=False, kind="stable", na_position="last")
    return stars.drop_duplicates(on).sort_values("row")


def one_row_a_place(stars: pd.DataFrame, repeats: str) -> pd.DataFrame:
    """Of rows at one position (to 0.004 arcsec) the one that ``repeats`` says."""
    place = stars["ra"].round(6).astype(str) + " " + stars["dec"].round(6).astype(str)
    return best_rows(stars.assign(place=place), "place", repeats).drop(columns="place")


def match(
    first: pd.DataFrame,
    second: pd.DataFrame,
    on: str,
    entries: list[dict],
    settings: Crossmatch = Crossmatch(),  # noqa: B008
    names: tuple[str, str] = ("first", "second"),
) -> pd.DataFrame:
    """Stars in both tables, in the configured order; columns end in ``_1`` and ``_2``.

    ``entries`` gets lines of the ledger, in which the tables' surveys are called ``names``.
    """
    if on == "position":
        return _at_one_place((first, second), entries, settings, names)
    sides, nameless = [], []
    for name, table in zip(names, (first, second), strict=True):
        known = table[table[on] > 0] if on == "source_id" else table
        single = best_rows(known, on, settings.repeats)
        line = entry("one row a star", "ours", len(table), len(single))
        entries.append({"survey": name, **line})
        sides.append(single)
        nameless.append(table[table[on] == 0] if on == "source_id" else table.iloc[:0])
    left, right = (side.add_suffix(f"_{i}") for i, side in enumerate(sides, start=1))
    pairs = left.merge(right, left_on=f"{on}_1", right_on=f"{on}_2", validate="one_to_one")
    entries.append(entry(f"matched on {on}", "ours", len(left), len(pairs)))
    if settings.fallback == "position":
        more = _by_position(sides, nameless, pairs, settings)
        entries.append(entry("matched by position", "ours", len(pairs), len(pairs) + len(more)))
        pairs = pd.concat([pairs, more]) if len(more) else pairs
    return pairs.sort_values(ORDERS[settings.order], ignore_index=True)


def _at_one_place(
    tables: tuple[pd.DataFrame, pd.DataFrame],
    entries: list[dict],
    settings: Crossmatch,
    names: tuple[str, str],
) -> pd.DataFrame:
    """Pairs of rows at one place, whatever they are called."""
    sides = []
    for name, table in zip(names, tables, strict=True):
        single = one_row_a_place(table, settings.repeats).reset_index(drop=True)
        entries.append(
            {"survey": name, **entry("one row a place", "ours", len(table), len(single))}
        )
        sides.append(single)
    near = neighbours(*sides, settings.radius_arcsec)
    one, two = (
        side.iloc[near[which]].reset_index(drop=True).add_suffix(f"_{number}")
        for number, (side, which) in enumerate(zip(sides, ("first", "second"), strict=True), 1)
    )
    entries.append(entry("matched on position", "ours", len(sides[0]), len(one)))
    return pd.concat([one, two], axis=1).sort_values(ORDERS[settings.order], ignore_index=True)


def entry(what: str, source: str, before: int, after: int) -> dict:
    """A line of the ledger."""
    return {"what": what, "source": source, "in": before, "out": after}


def _by_position(
    sides: list[pd.DataFrame],
    nameless: list[pd.DataFrame],
    pairs: pd.DataFrame,
    settings: Crossmatch,
) -> pd.DataFrame:
    """Pairs of stars not yet paired, at one place, of which at least one has no id."""
    free = []
    for number, (side, rows) in enumerate(zip(sides, nameless, strict=True), start=1):
        left = side[~side["row"].isin(pairs[f"row_{number}"])]
        places = rows.assign(
            place=list(zip(rows["ra"].round(6), rows["dec"].round(6), strict=True))
        )
        single = best_rows(places, "place", settings.repeats).drop(columns="place")
        free.append(pd.concat([left, single], ignore_index=True))
    near = neighbours(*free, settings.radius_arcsec)
    one = free[0].iloc[near["first"]].reset_index(drop=True)
    two = free[1].iloc[near["second"]].reset_index(drop=True)
    lacking = (one["source_id"] == 0) | (two["source_id"] == 0)
    return pd.concat([one[lacking].add_suffix("_1"), two[lacking].add_suffix("_2")], axis=1)
