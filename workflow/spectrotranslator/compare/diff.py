"""Hold a regenerated catalogue against the published one: every difference, and a grade."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..cds.layout import Table
from ..errors import InputError
from .flags import comment_figures, flag_figures
from .grade import DEVIATES, IDENTICAL, Grade, grade_numbers, grade_share, worst
from .groups import find_groups
from .rows import Pairing, pair
from .statistics import describe, grading_statistics, pulls
from .tables import Catalogue, flag_labels, number_labels, text_labels
from .text import fields, identical
from .tolerances import Tolerances


@dataclass(frozen=True)
class Difference:
    """All that the comparison found; ``summary`` is diff.json, ``stars`` is rows.parquet."""

    summary: dict
    stars: pd.DataFrame
    published: pd.DataFrame
    regenerated: pd.DataFrame


def compare(
    published: Catalogue,
    regenerated: Catalogue,
    table: Table,
    tolerances: Tolerances | None,
    layout_faults: list[str],
) -> Difference:
    """Compare two catalogues of one layout.

    Raises
    ------
    InputError
        They share no identifier.
    """
    identifier = table.columns[0].label
    numbers = number_labels(table)
    pairing = pair(published.columns, regenerated.columns, identifier, numbers)
    if not len(pairing.published):
        raise InputError(
            f"{published.path} and {regenerated.path}: no common {identifier}; "
            "are they the same catalogue?"
        )
    p = published.columns.iloc[pairing.published].reset_index(drop=True)
    r = regenerated.columns.iloc[pairing.regenerated].reset_index(drop=True)
    rows = _rows(pairing, len(published), len(regenerated))
    same_bytes = _same_bytes(published.path, regenerated.path, table, pairing)
    columns = _columns(p, r, table, tolerances, same_bytes)
    grades = [column["grade"] for column in columns.values()]
    whole = _whole(rows, layout_faults)
    summary = {
        "schema_version": 1,
        "table": table.name,
        "grade": worst([whole.grade, *grades]),
        "layout": layout_faults,
        "rows": rows | whole.as_dict(),
        "columns": columns,
        "tolerances": tolerances.origin if tolerances else None,
    }
    return Difference(summary, _stars(p, r, table, identifier), p, r)


def _rows(pairing: Pairing, published: int, regenerated: int) -> dict:
    return {
        "published": published,
        "regenerated": regenerated,
        "matched": len(pairing.published),
        "only_published": len(pairing.only_published),
        "only_regenerated": len(pairing.only_regenerated),
        "repeated_identifier": pairing.repeated,
        "moved": pairing.moved,
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


def _same_bytes(published: Path, regenerated: Path, table: Table, pairing: Pairing) -> dict:
    texts = [path.name.removesuffix(".gz").endswith(".dat") for path in (published, regenerated)]
    if not all(texts):
        return {}
    sides = (fields(path, table) for path in (published, regenerated))
    return identical(*sides, pairing.published, pairing.regenerated)


def _columns(p, r, table: Table, tolerances: Tolerances | None, same_bytes: dict) -> dict:
    groups = find_groups(number_labels(table))
    statistics = grading_statistics(p, r, groups)
    tests = sum(map(len, statistics.values())) + len(flag_labels(table)) + 1
    names = p.iloc[:, 0].to_numpy()
    unit = {label: group for group in groups for label in group.percentiles.values()}
    flags, texts = flag_labels(table), text_labels(table)
    columns = {}
    for column in table.columns:
        label = column.label
        if label in flags:
            found = _flag(label, p[label], r[label], tolerances, tests)
        elif label in texts:
            found = _comment(label, p[label], r[label], tolerances, tests)
        elif label in statistics:
            found = _number(label, p, r, names, unit.get(label))
            graded = grade_numbers(
                statistics[label],
                tolerances and tolerances.numbers(label),
                tests,
                logarithmic=label not in unit,
            )
            if found["equal"] == found["matched"]:
                graded = Grade(IDENTICAL, "all numbers are equal")
            found |= {"statistics": statistics[label], **graded.as_dict()}
            found |= _detectable(tolerances, label, tests)
        else:
            found = _exact(p[label], r[label])
        columns[label] = {"unit": column.unit, "same_bytes": same_bytes.get(label), **found}
    return columns


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


def _detectable(tolerances: Tolerances | None, label: str, tests: int) -> dict:
    if tolerances is None:
        return {}
    found = tolerances.numbers(label)
    return {"smallest_detectable": {n: t.detectable(tests) for n, t in found.items()}}


def _flag(label: str, p, r, tolerances: Tolerances | None, tests: int) -> dict:
    figures = flag_figures(p.to_numpy(bool), r.to_numpy(bool))
    differing = figures["true_false"] + figures["false_true"]
    predicted = "Qflag" in label and "Oi" in label
    kind = "training" if predicted else "selection" if "Qflag" in label else "inputs"
    tolerance = tolerances.flag(label) if tolerances and predicted else None
    graded = grade_share(differing, len(p), tolerance, tests, kind)
    return figures | graded.as_dict()


def _comment(label: str, p, r, tolerances: Tolerances | None, tests: int) -> dict:
    figures = comment_figures(p.astype(str).to_numpy(), r.astype(str).to_numpy())
    if figures["other_input_reasons"]:
        count = figures["other_input_reasons"]
        graded = Grade(
            DEVIATES, f"{count} rows name other Input reasons, and none may", "selection"
        )
    else:
        tolerance = tolerances.flag(label) if tolerances else None
        graded = grade_share(figures["other_reasons"], len(p), tolerance, tests, "training")
    if graded.grade == IDENTICAL and figures["same_text"] < len(p):
        count = len(p) - figures["same_text"]
        graded = Grade(DEVIATES, f"{count} rows give the same reasons in another text", "code")
    return figures | graded.as_dict()


def _exact(p: pd.Series, r: pd.Series) -> dict:
    differing = int((p.to_numpy() != r.to_numpy()).sum())
    graded = grade_share(differing, len(p), None, 1, "inputs")
    return {"matched": len(p), "differing": differing, **graded.as_dict()}


def _stars(p: pd.DataFrame, r: pd.DataFrame, table: Table, identifier: str) -> pd.DataFrame:
    """One line a matched star: identifier, every difference, which flags and text differ."""
    columns = {identifier: p[identifier]}
    for label in number_labels(table):
        columns[f"{label}_difference"] = r[label] - p[label]
    for label in flag_labels(table) + text_labels(table):
        columns[f"{label}_differs"] = p[label].to_numpy() != r[label].to_numpy()
    return pd.DataFrame(columns)
