"""The authors' own training samples: read, found among our rows, compared with ours star by star.

Their files carry no identifier that is known, so a star is found by its survey values, which are
those of the surveys' files to the last bit of single precision.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from spectrotranslator.config import Configuration
from spectrotranslator.config.configuration import Direction, Selection
from spectrotranslator.surveys.fits_columns import read_columns

from .cuts import apply_cuts

LISTED = 50


def read_authors(
    path: Path, columns: dict[str, dict[str, str]], direction: Direction, kind: str
) -> pd.DataFrame:
    """Their sample in the columns of ours (``from:NAME``, ``to:NAME``), float64, in their order.

    Parameters
    ----------
    columns
        Survey to its features, each with the column of their file.

    Raises
    ------
    InputError
        A column is not there; its nearest relatives are named.
    """
    named = {}
    for side, survey in (("from", direction.origin), ("to", direction.target)):
        for feature, column in columns[survey].items():
            named[f"{side}:{feature}"] = column
    network = direction.networks[kind]
    first = [f"from:{name}" for name in network.inputs] + [f"to:{name}" for name in network.outputs]
    wanted = [*first, *(name for name in named if name not in first)]
    table = read_columns(path, [named[name] for name in wanted])
    return pd.DataFrame({name: table[named[name]].astype(np.float64) for name in wanted})


def locate(theirs: pd.DataFrame, side: str, stars: pd.DataFrame, features: list[str]) -> np.ndarray:
    """Position in ``stars`` of each of their stars by its values in single precision; -1: none.

    Of rows with the same values the first is meant.
    """
    ours = _marks(stars, features)
    sought = _marks(theirs, [f"{side}:{name}" for name in features])
    first = pd.Series(np.arange(len(ours)), index=ours)
    first = first[~first.index.duplicated()]
    return first.reindex(sought).fillna(-1).to_numpy(np.int64)


def _marks(table: pd.DataFrame, names: list[str]) -> pd.Index:
    values = np.ascontiguousarray(table[names].to_numpy(np.float64).astype(np.float32))
    values[np.isnan(values)] = np.nan
    values[values == 0] = 0.0
    return pd.Index([row.tobytes() for row in values])


def keys(
    theirs: pd.DataFrame,
    configuration: Configuration,
    direction: Direction,
    tables: dict[str, pd.DataFrame],
) -> pd.DataFrame:
    """Keys of the rows that their stars are: ``from:key``, ``to:key``, empty where not found.

    A row is known by what the survey itself measured: colours do not count.
    """
    found = {}
    for side, survey in (("from", direction.origin), ("to", direction.target)):
        stars = tables[survey]
        features = configuration.surveys[survey].features
        measured = [
            name
            for name in configuration.sources.authors.columns[survey]
            if features[name].difference is None
        ]
        rows = locate(theirs, side, stars, measured)
        named = stars["key"].to_numpy(object)[rows]
        found[f"{side}:key"] = np.where(rows >= 0, named, "")
        if "source_id" in stars and side == "from":
            ids = stars["source_id"].to_numpy()[rows]
            found["from:source_id"] = np.where(rows >= 0, ids, 0)
    return pd.DataFrame(found)


def compare(theirs: pd.DataFrame, ours: pd.DataFrame) -> dict[str, int]:
    """How many stars both hold, by the keys of both surveys, and how many only one.

    Each of their rows is counted, also those that are not found and so share an empty key.
    """
    lost, origins = _lost(theirs, ours), set(ours["from:key"])
    both = len(theirs) - len(lost)
    return {
        "theirs": len(theirs),
        "ours": len(ours),
        "both": both,
        "only_theirs": len(lost),
        "only_ours": len(ours) - both,
        "other_row": sum(key in origins for key, _ in lost),
    }


def _lost(theirs: pd.DataFrame, ours: pd.DataFrame) -> list[tuple]:
    """Keys of their stars that ours does not hold, or not as often, in their order."""
    left, lost = Counter(_pairs(ours)), []
    for pair in _pairs(theirs):
        if left[pair]:
            left[pair] -= 1
        else:
            lost.append(pair)
    return lost


def _pairs(stars: pd.DataFrame) -> list[tuple]:
    return list(zip(stars["from:key"], stars["to:key"], strict=True))


def dropped_by(
    theirs: pd.DataFrame,
    ours: pd.DataFrame,
    configuration: Configuration,
    direction: Direction,
    tables: dict[str, pd.DataFrame],
    selection: Selection,
) -> dict:
    """Which of our cuts, in order, drops each of their stars that ours does not hold."""
    lost, kept = _lost(theirs, ours), set(_pairs(ours))
    why = {pair: "not found in the survey's file" for pair in lost if "" in pair}
    for place, survey in enumerate((direction.origin, direction.target)):
        here = {pair[place] for pair in lost}
        table = tables[survey][tables[survey]["key"].isin(here)]
        for cut in selection.cuts.get(survey, []):
            passed, _ = apply_cuts(table, [cut], configuration.surveys[survey].bits)
            gone = set(table["key"]) - set(passed["key"])
            for pair in lost:
                if pair[place] in gone:
                    why.setdefault(pair, f"{survey}: {cut.cut}")
            table = passed
    origins = set(ours["from:key"])
    for pair in lost:
        another = "another row of the star is taken" if pair[0] in origins else "a value is missing"
        why.setdefault(pair, "theirs holds it more than once" if pair in kept else another)
    counts = Counter(why[pair] for pair in lost)
    return {
        "by": dict(sorted(counts.items())),
        "first": [
            {"from": str(pair[0]), "to": str(pair[1]), "why": why[pair]} for pair in lost[:LISTED]
        ],
    }
