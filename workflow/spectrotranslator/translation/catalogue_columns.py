"""From translated rows to the columns of the published layout, and their text."""

from pathlib import Path
from typing import Any

import pandas as pd

from cdstables.layout import Table
from spectrotranslator.errors import InputError
from spectrotranslator.files import read_yaml


def comment_style(path: str | Path) -> dict[str, Any]:
    """How a catalogue writes its comment column: ``empty``, ``quote``, ``cut``, ``ellipsis``."""
    return read_yaml(path)["comment"]


def comment_text(comment: str, style: dict[str, Any]) -> str:
    """A comment as the catalogue's text shows it."""
    if not comment:
        return style["empty"]
    if len(comment) > style["cut"]:
        comment = comment[: style["cut"]] + style["ellipsis"]
    return f"{style['quote']}{comment}{style['quote']}"


def layout_columns(translated: pd.DataFrame, table: Table, style: dict[str, Any]) -> pd.DataFrame:
    """The table's columns under their labels, in order; flags are booleans.

    Raises
    ------
    InputError
        The layout asks for something the translation does not hold.
    """
    columns = {}
    for column in table.columns:
        value = column.value or {}
        try:
            columns[column.label] = _column(translated, value, style)
        except KeyError as error:
            raise InputError(
                f"{table.name}, column {column.label}: the translation has no {error}"
            ) from None
    return pd.DataFrame(columns)


def _column(translated: pd.DataFrame, value: dict[str, Any], style: dict[str, Any]) -> pd.Series:
    if "identifier" in value:
        name = value["identifier"]
        return translated["source_id" if name == "source_id" else "identifier"]
    if "label" in value:
        return translated[f"{value['label']}_{value['statistic']}"]
    if "flag" in value:
        return translated[value["flag"]]
    return translated["comment"].map(lambda comment: comment_text(comment, style))


def diagnostic_columns(translated: pd.DataFrame) -> pd.DataFrame:
    """Columns that the published layout has no room for.

    Keys, places, members, intervals for new measurements, correlations, reasons as bits and whole
    comments.
    """
    chosen = [
        name
        for name in translated
        if name in ("row", "key", "ra", "dec", "comment")
        or name.startswith(("reasons_", "distance_", "joint_"))
        or "_member_" in name
        or "_predictive_" in name
        or name.endswith("_correlation")
    ]
    return translated[chosen].rename(columns={"comment": "full_comment"})
