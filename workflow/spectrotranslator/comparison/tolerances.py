"""How far two replicates of one method lie apart, column by column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from cdstables.layout import Table
from spectrotranslator.comparison.flag_agreement import Style, comment_figures
from spectrotranslator.comparison.grades import ONE_SIDED, Tolerance
from spectrotranslator.comparison.grading_statistics import grading_statistics
from spectrotranslator.comparison.percentile_groups import find_groups
from spectrotranslator.comparison.read_catalogues import flag_labels, number_labels, text_labels
from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json

Pair = tuple[pd.DataFrame, pd.DataFrame]


class _Figure(BaseModel):
    mean: FiniteFloat
    std: Annotated[FiniteFloat, Field(ge=0)]


class _Entry(BaseModel):
    replicates: Annotated[int, Field(ge=2)]
    columns: dict[str, dict[str, _Figure]]
    choices: dict[str, dict[str, tuple[FiniteFloat, FiniteFloat]]] = {}


@dataclass(frozen=True)
class Tolerances:
    """Tolerances of one catalogue, and how they were made.

    ``choices`` holds by column the ends of each statistic over the stated unknown choices.
    """

    columns: dict[str, dict[str, Tolerance]]
    origin: dict
    choices: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)

    def numbers(self, label: str) -> dict[str, Tolerance]:
        """Statistic to tolerance of a numeric column."""
        if label not in self.columns:
            raise InputError(f"the tolerances hold no column {label!r}; calibrate again")
        return self.columns[label]

    def flag(self, label: str) -> Tolerance:
        """Tolerance of the square root of the share of rows that differ."""
        return self.numbers(label)["differing"]


def read_tolerances(path: Path, catalogue: str) -> Tolerances:
    """Tolerances of ``catalogue`` from a file made by ``./reproduce calibrate``, or by hand."""
    value = read_json(path)
    try:
        entry = _Entry.model_validate(value["catalogues"][catalogue])
        kept = entry.model_dump()
        columns = tolerances_of(kept["columns"], entry.replicates)
        return Tolerances(columns, value["origin"], kept["choices"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: no usable tolerances for {catalogue} ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: catalogues.{catalogue}.{place}: {first['msg']}") from None


def tolerances_of(columns: Mapping, replicates: int) -> dict[str, dict[str, Tolerance]]:
    """Tolerances by column and statistic, from what ``between_replicates`` gives."""
    return {
        label: {
            name: Tolerance(figure["mean"], figure["std"], replicates, name in ONE_SIDED)
            for name, figure in statistics.items()
        }
        for label, statistics in columns.items()
    }


def between_replicates(pairs: Iterable[Pair], table: Table) -> dict:
    """Mean and standard deviation of every grading statistic over pairs of replicates.

    Pairs may share replicates, or members of a pool, so their number is not the number of degrees
    of freedom, which the file of tolerances states as ``replicates``.
    """
    return spread_of_pairs(pair_statistics(first, second, table) for first, second in pairs)


def pair_statistics(
    first: pd.DataFrame, second: pd.DataFrame, table: Table
) -> dict[str, dict[str, float]]:
    """Every grading statistic of one pair of replicates, by column."""
    groups = find_groups(number_labels(table))
    return grading_statistics(first, second, groups) | _shares(first, second, table)


def spread_of_pairs(pairs: Iterable[Mapping[str, Mapping[str, float]]]) -> dict:
    """Mean and standard deviation of every statistic over what ``pair_statistics`` gives."""
    found: dict[str, dict[str, list[float]]] = {}
    for statistics in pairs:
        for label, values in statistics.items():
            for name, value in values.items():
                found.setdefault(label, {}).setdefault(name, []).append(value)
    return {
        label: {name: _spread(name, np.array(values)) for name, values in statistics.items()}
        for label, statistics in found.items()
    }


def _spread(name: str, values: np.ndarray) -> dict[str, float]:
    """What changes sign with the order of the pair has mean zero."""
    if name in ("bias", "lag", "offset", "shape"):
        return {"mean": 0.0, "std": float(np.sqrt(np.mean(values**2)))}
    return {"mean": float(values.mean()), "std": float(values.std(ddof=1))}


def _shares(first: pd.DataFrame, second: pd.DataFrame, table: Table) -> dict:
    rows = len(first)
    shares = {
        label: {"differing": sqrt((first[label] != second[label]).sum() / rows)}
        for label in flag_labels(table)
    }
    for label in text_labels(table):
        figures = comment_figures(
            first[label].to_numpy(), second[label].to_numpy(), Style.of(table)
        )
        shares[label] = {"differing": sqrt(figures["other_reasons"] / rows)}
    return shares
