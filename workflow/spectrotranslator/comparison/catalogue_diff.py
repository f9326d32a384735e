"""Hold a regenerated catalogue against the published one: every difference, and a grade."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cdstables.layout import Column, Table
from spectrotranslator.comparison.choices import share_within_choices, within_choices
from spectrotranslator.comparison.tolerances import Tolerances
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, write_json

from .agreement import agreement
from .flag_agreement import Style, comment_figures, flag_figures
from .grades import (
    DENIAL,
    DEVIATES,
    EQUIVALENT,
    IDENTICAL,
    MISSING,
    SEED,
    Grade,
    Tolerance,
    denial_of_catalogue,
    deviating_by_chance,
    grade_numbers,
    grade_share,
    meaning_of_chance,
    too_far_for_chance,
    worst,
)
from .grading_statistics import describe, grading_statistics, pulls
from .percentile_groups import find_groups
from .read_catalogues import Catalogue, flag_labels, number_labels, text_labels
from .regions import regions
from .row_matching import Pairing, pair, unmatched_rows
from .star_differences import star_lines
from .text_comparison import is_text, layout_differences, same_fields, same_places


@dataclass(frozen=True)
class Difference:
    """All that the comparison found.

    ``summary`` is diff.json; ``stars`` rows.parquet, a line a matched star; ``unmatched``
    unmatched.parquet, the rows that have no partner, repeat an identifier or moved.
    """

    summary: dict
    stars: pa.Table
    unmatched: pa.Table

    def write(self, diff: Path, rows: Path, unmatched: Path) -> None:
        """Write the three files."""
        for path, table in ((rows, self.stars), (unmatched, self.unmatched)):
            with atomic(path) as temporary:
                pq.write_table(table, temporary)
        write_json(diff, self.summary)


def compare(
    published: Catalogue, regenerated: Catalogue, tolerances: Tolerances | None
) -> Difference:
    """Compare two catalogues of one layout; what the regenerated one lacks of it is missing.

    Raises
    ------
    InputError
        They share no identifier.
    """
    lacking = [c.label for c in published.table.named if c.label not in regenerated.columns]
    table = _without(published.table, lacking)
    layout_faults = layout_differences(published.table, regenerated.table)
    identifier = table.columns[0].label
    numbers = number_labels(table)
    pairing = pair(published.columns, regenerated.columns, identifier, numbers)
    if not len(pairing.published):
        raise InputError(
            f"{published.path} and {regenerated.path}: no common {identifier}; "
            "are they the same catalogue?"
        )
    rows = _rows(pairing, len(published), len(regenerated))
    names = [side.columns[identifier] for side in (published, regenerated)]
    p, r = published.matched(pairing.published), regenerated.matched(pairing.regenerated)
    same_bytes, decimals = _same_fields(published, regenerated, table, pairing, p, r)
    compared = _columns(p, r, table, tolerances, same_bytes, decimals)
    columns = {c.label: compared.get(c.label) or _missing(c) for c in published.table.named}
    groups = find_groups(numbers)
    whole = _whole(rows, layout_faults)
    chance = deviating_by_chance(columns)
    for label in chance:
        columns[label]["class"] = SEED
    too_far = too_far_for_chance(columns)
    alone = {*chance, *too_far}
    grades = [EQUIVALENT if label in alone else c["grade"] for label, c in columns.items()]
    summary = {
        "schema_version": 5,
        "table": table.name,
        "agreement": agreement(p, r, table, groups),
        "grade": worst([whole.grade, *grades]),
        "by_chance": chance,
        "too_far_for_chance": too_far,
        "by_chance_means": meaning_of_chance(chance, too_far, len(columns)),
        "layout": layout_faults,
        "rows": rows | whole.as_dict(),
        "first": _exact_faults(columns),
        "columns": columns,
        "regions": regions(p, r, groups, flag_labels(table)),
        "tolerances": tolerances.origin if tolerances else None,
    }
    odd = unmatched_rows(pairing, names[0], names[1])
    return Difference(summary, star_lines(p, r, table, pairing, groups), odd)


def _without(table: Table, labels: list[str]) -> Table:
    """A layout's named columns but some, and those whose grade hangs on a median among them."""
    lost = [
        label
        for group in find_groups(number_labels(table))
        if group.centre in labels
        for label in (*group.percentiles.values(), group.systematic)
    ]
    kept = tuple(column for column in table.named if column.label not in (*labels, *lost))
    return replace(table, columns=kept)


def _missing(column: Column) -> dict:
    graded = Grade(MISSING, "the regenerated catalogue has no such column, or not its median")
    return {"unit": column.unit, "same_bytes": None, **graded.as_dict()}


def _exact_faults(columns: dict[str, dict]) -> list[str]:
    """What follows from inputs and selection alone and differs: to be looked at first."""
    return [
        f"{label}: {column['reason']} ({column['class']})"
        for label, column in columns.items()
        if column["grade"] == DEVIATES and column["class"] in ("inputs", "selection")
    ]


def _rows(pairing: Pairing, published: int, regenerated: int) -> dict:
    return {
        "published": published,
        "regenerated": regenerated,
        "matched": len(pairing.published),
        "only_published": len(pairing.only_published),
        "only_regenerated": len(pairing.only_regenerated),
        "repeated_identifier": int(pairing.repeated.sum()),
        "moved": int(pairing.moved.sum()),
    }


def _whole(rows: dict, layout_faults: list[str]) -> Grade:
    if layout_faults:
        return Grade(DEVIATES, layout_faults[0], "code")
    orphans = rows["only_published"] + rows["only_regenerated"]
    if orphans:
        return Grade(DEVIATES, f"{orphans} rows have no partner", "inputs")
    if rows["moved"]:
        return Grade(DEVIATES, f"{rows['moved']} rows come in another order", "inputs")
    return Grade(IDENTICAL, "the same rows in the same order")


def _same_fields(published: Catalogue, regenerated: Catalogue, table, pairing, p, r):
    """Counts of equal bytes and of equal decimals by column; none where one side is no text."""
    sides = (published, regenerated)
    if not all(is_text(side.path) for side in sides) or not same_places(*(s.table for s in sides)):
        return {}, {}
    equal = {
        label: ((p[label] == r[label]) | (p[label].isna() & r[label].isna())).to_numpy()
        for label in number_labels(table)
    }
    return same_fields(published.path, regenerated.path, table, pairing, equal)


def _columns(
    p, r, table: Table, tolerances: Tolerances | None, same_bytes: dict, decimals: dict
) -> dict:
    groups = find_groups(number_labels(table))
    statistics = grading_statistics(p, r, groups)
    names = p.iloc[:, 0].to_numpy()
    unit = {label: group for group in groups for label in group.percentiles.values()}
    flags, texts = flag_labels(table), text_labels(table)
    columns = {}
    for column in table.columns:
        label = column.label
        if label in flags:
            found = _flag(label, p[label], r[label], tolerances)
        elif label in texts:
            found = _comment(label, p[label], r[label], tolerances, Style.of(table))
        elif label in statistics:
            found = _number(label, p, r, names, unit.get(label))
            graded = grade_numbers(
                statistics[label],
                tolerances and tolerances.numbers(label),
                logarithmic=label not in unit,
            )
            graded = within_choices(
                graded,
                statistics[label],
                tolerances and tolerances.numbers(label),
                tolerances and tolerances.choices.get(label),
            )
            one_sided = found["lacking_published"] + found["lacking_regenerated"]
            if one_sided:
                graded = Grade(
                    DEVIATES, f"{one_sided} rows hold a number on one side only", "inputs"
                )
            if found["equal"] == found["matched"]:
                graded = Grade(IDENTICAL, "all numbers are equal")
            found |= {"statistics": statistics[label], **graded.as_dict()}
        else:
            found = _exact(p[label], r[label])
            if column.kind in "FED":
                found |= describe(p[label].to_numpy(float), r[label].to_numpy(float), names)
        columns[label] = {"unit": column.unit, "same_bytes": same_bytes.get(label), **found}
        if label in decimals:
            columns[label]["equal_decimals"] = decimals[label]
        columns[label] |= _written_otherwise(columns[label])
    if tolerances is not None:
        denial = denial_of_catalogue(columns)
        for label in statistics:
            columns[label] |= _detectable(tolerances.numbers(label), denial, p, unit.get(label))
    return columns


def _written_otherwise(column: dict) -> dict:
    """Identical is said of bytes: what is equal and written in other bytes is equivalent."""
    same, rows = column["same_bytes"], column["matched"]
    if column["grade"] != IDENTICAL or same is None or same == rows:
        return {}
    reason = f"all {rows} rows are equal, {rows - same} of them written in other bytes"
    return Grade(EQUIVALENT, reason).as_dict()


def _number(label: str, p, r, names, group) -> dict:
    a, b = p[label].to_numpy(np.float64), r[label].to_numpy(np.float64)
    figures = describe(a, b, names)
    if group is None:
        return figures
    if group.systematic:
        figures["pull_systematic"] = pulls(b - a, p[group.systematic].to_numpy())
    if {16, 84} <= group.percentiles.keys():
        low, high = (p[group.percentiles[n]].to_numpy() for n in (16, 84))
        figures["pull_interval"] = pulls(b - a, (high - low) / 2)
    return figures


def _detectable(statistics: dict[str, Tolerance], denial: float, p, group) -> dict:
    """Smallest effects that make the column deviate, and the whole catalogue by it alone."""
    return {
        "smallest_detectable": _limits(statistics, DENIAL, p, group),
        "smallest_detectable_in_catalogue": _limits(statistics, denial, p, group),
    }


def _limits(statistics: dict[str, Tolerance], denial: float, p, group) -> dict:
    """Smallest effect of less than ``denial`` chance, by statistic; a bias in three units."""
    found = {name: each.detectable(len(statistics), denial) for name, each in statistics.items()}
    if group is not None and group.systematic:
        found["bias_in_systematic"] = _in_units(found["bias"], p[group.systematic])
    if group is not None and {16, 84} <= group.percentiles.keys():
        low, high = (p[group.percentiles[n]] for n in (16, 84))
        found["bias_in_half_interval"] = _in_units(found["bias"], (high - low) / 2)
    return found


def _in_units(value: float, unit: pd.Series) -> float | None:
    middle = float(unit.median())
    return value / middle if middle > 0 else None


def _flag(label: str, p, r, tolerances: Tolerances | None) -> dict:
    figures = flag_figures(p.to_numpy(bool), r.to_numpy(bool))
    differing = figures["true_false"] + figures["false_true"]
    predicted = "Qflag" in label and "Oi" in label
    kind = "training" if predicted else "selection" if "Qflag" in label else "inputs"
    tolerance = tolerances.flag(label) if tolerances and predicted else None
    graded = grade_share(differing, len(p), tolerance, kind)
    ends = tolerances.choices.get(label, {}).get("differing") if tolerances else None
    graded = share_within_choices(graded, differing, len(p), ends)
    return figures | graded.as_dict()


def _comment(label: str, p, r, tolerances: Tolerances | None, style: Style) -> dict:
    figures = comment_figures(p, r, style)
    if figures["other_input_reasons"]:
        count = figures["other_input_reasons"]
        graded = Grade(
            DEVIATES, f"{count} rows name other Input reasons, and none may", "selection"
        )
        ends = tolerances.choices.get(label, {}).get("differing_inputs") if tolerances else None
        graded = share_within_choices(graded, count, len(p), ends)
    else:
        tolerance = tolerances.flag(label) if tolerances else None
        graded = grade_share(figures["other_reasons"], len(p), tolerance, "training")
    if graded.grade == IDENTICAL and figures["same_text"] < len(p):
        count = len(p) - figures["same_text"]
        graded = Grade(DEVIATES, f"{count} rows give the same reasons in another text", "code")
    return figures | graded.as_dict()


def _exact(p: pd.Series, r: pd.Series) -> dict:
    nothing = (p.isna() & r.isna()).to_numpy()
    differing = int(((p.to_numpy() != r.to_numpy()) & ~nothing).sum())
    graded = grade_share(differing, len(p), None, "inputs")
    return {"matched": len(p), "differing": differing, **graded.as_dict()}
