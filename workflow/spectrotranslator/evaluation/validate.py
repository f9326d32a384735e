"""Validate translations by stars whose values are known to agree.

Repeated observations of one star, members of clusters and benchmark stars, before and after
translation. Members and benchmark stars are tables of the user (``validation``).
"""

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import Direction
from spectrotranslator.config.resolve_from_fingerprint import resolve_selection
from spectrotranslator.files import write_json
from spectrotranslator.sample.match_rows import best_rows
from spectrotranslator.step import Step
from spectrotranslator.surveys.prepare_stars import missing
from spectrotranslator.translation.homogenise import (
    corrected_labels,
    good_rows,
    has_whole_width,
    passes_cuts,
    translated_rows,
)

from .dispersion import dispersion, pull_scatter
from .validation_tables import IDENTIFIER, all_labels, read_benchmarks, read_members

#: Units of labels that all members of a cluster share: abundances and velocities.
SHARED_UNITS = ("dex", "km/s")
NAMING = ["row", IDENTIFIER, "snr"]


@dataclass(frozen=True)
class Measured:
    """What a direction's surveys and its translation say of stars, a row a spectrum.

    Attributes
    ----------
    tables : dict of DataFrame
        ``own`` (the survey translated, as it measures), ``translated`` (the same rows on the
        target's base) and ``target`` (the survey aimed at): ``row``, ``source_id``, ``clean``, and
        for each label of the target ``X`` and ``X_error``.
    labels : dict of str
        Label of the target to its unit.
    repeats : str
        Which row stands for a star that has several.
    """

    tables: dict[str, pd.DataFrame]
    labels: dict[str, str]
    repeats: str

    def star_values(self, which: str, label: str) -> pd.DataFrame:
        """``source_id``, ``value`` and ``error`` of clean stars, a row a star."""
        table = self.tables[which]
        table = best_rows(table[table["clean"]], IDENTIFIER, self.repeats)
        return known_values(table, label)


def known_values(table: pd.DataFrame, label: str) -> pd.DataFrame:
    """``source_id``, ``value`` and ``error`` of a label where both are known."""
    value, error = (table[name].to_numpy(np.float64) for name in (label, f"{label}_error"))
    known = ~missing(value) & ~missing(error) & (error > 0)
    found = {IDENTIFIER: table[IDENTIFIER].to_numpy(), "value": value, "error": error}
    return pd.DataFrame(found)[known].reset_index(drop=True)


def measured(
    configuration: Configuration,
    direction: Direction,
    surveys: dict[str, pd.DataFrame],
    translated: pd.DataFrame,
    whole_width: bool,
) -> Measured:
    """What the surveys and the translation say, on clean rows and others.

    Parameters
    ----------
    configuration, direction
        The run, its selection resolved, and the direction.
    surveys : dict of DataFrame
        Survey to its stars as ``prepare_stars`` leaves them.
    translated : DataFrame
        Translated rows of the direction.
    whole_width : bool
        Whether the percentiles hold the scatter of the networks.
    """
    labels = corrected_labels(direction)
    origin, target = (surveys[name] for name in (direction.origin, direction.target))
    origin = origin.set_index("row").loc[translated["row"]].reset_index()
    good = good_rows(translated, direction.networks)
    clean = passes_cuts(configuration, direction.origin, origin).to_numpy()
    own, after = _named(origin, clean), _named(origin, clean & good)
    aimed = _named(target, passes_cuts(configuration, direction.target, target).to_numpy())
    for label, feature in labels.items():
        own[label], own[f"{label}_error"] = origin[feature], origin[f"{feature}_error"]
        aimed[label], aimed[f"{label}_error"] = target[label], target[f"{label}_error"]
        columns = (translated[f"{label}_{p}"].to_numpy() for p in ("p16", "p50", "p84"))
        low, middle, high = columns
        scatter = 0.0 if whole_width else translated[f"{label}_systematic"].to_numpy()
        after[label] = np.where(good, middle, np.nan)
        after[f"{label}_error"] = np.hypot((high - low) / 2, scatter)
    features = configuration.surveys[direction.target].features
    units = {label: features[label].unit for label in labels}
    tables = {"own": own, "translated": after, "target": aimed}
    tables = {name: table[table[IDENTIFIER] > 0] for name, table in tables.items()}
    return Measured(tables, units, configuration.crossmatch.repeats)


def _named(table: pd.DataFrame, clean: np.ndarray) -> pd.DataFrame:
    return table[[name for name in NAMING if name in table]].assign(clean=clean)


def repeated(found: Measured) -> dict:
    """Robust scatter of differences of two spectra of one star over their errors.

    By label and table. A star of k rows gives k - 1 pairs, of rows that follow each other in the
    survey's file. The survey's cuts are not applied: some leave out all rows of a star but one.
    """
    result = {}
    for label in found.labels:
        result[label] = {
            which: pull_scatter(_differences_of_repeats(known_values(table, label)))
            for which, table in found.tables.items()
        }
    return result


def _differences_of_repeats(table: pd.DataFrame) -> np.ndarray:
    table = table.sort_values(IDENTIFIER, kind="stable")
    star, value, error = (table[name].to_numpy() for name in (IDENTIFIER, "value", "error"))
    same = star[1:] == star[:-1]
    return (np.diff(value) / np.hypot(error[1:], error[:-1]))[same]


def in_clusters(found: Measured, members: pd.DataFrame) -> dict:
    """Median and dispersion of every label that members share.

    Returns
    -------
    dict
        ``clusters``: cluster, label and table to what ``dispersion`` says. Beside the tables of
        ``found`` stand ``before``, both surveys' own values together, and ``after``, those of the
        target with the translated ones. ``pooled``: label and table to the robust scatter of all
        members about the median of their cluster, over their errors.
    """
    labels = [label for label, unit in found.labels.items() if unit in SHARED_UNITS]
    clusters = {cluster: {} for cluster in members["cluster"].drop_duplicates()}
    pooled = {}
    for label in labels:
        stars = {
            which: found.star_values(which, label).merge(members, on=IDENTIFIER)
            for which in found.tables
        }
        pooled[label] = {which: pull_scatter(_in_cluster(table)) for which, table in stars.items()}
        stars["before"] = pd.concat([stars["own"], stars["target"]])
        stars["after"] = pd.concat([stars["translated"], stars["target"]])
        for cluster, told in clusters.items():
            told[label] = {}
            for which, table in stars.items():
                mine = table[table["cluster"] == cluster]
                told[label][which] = dispersion(mine["value"].to_numpy(), mine["error"].to_numpy())
    return {"clusters": clusters, "pooled": pooled}


def _in_cluster(stars: pd.DataFrame) -> np.ndarray:
    """Deviations of members from the median of their cluster over their errors.

    Times the square root of n / (n - 1), for the median is of the same n stars.
    """
    of_cluster = stars.groupby("cluster")["value"]
    number = of_cluster.transform("size")
    stars, number = stars[number > 1], number[number > 1]
    deviation = stars["value"] - of_cluster.transform("median")[stars.index]
    return (deviation / stars["error"] * np.sqrt(number / (number - 1))).to_numpy()


def against_benchmarks(found: Measured, benchmarks: pd.DataFrame) -> dict:
    """Residuals (value less benchmark) by label and table.

    Returns
    -------
    dict
        ``median`` of the residuals in the label's unit, and what ``pull_scatter`` says of the
        residuals over their errors, those of the benchmark included.
    """
    result = {}
    for label in found.labels:
        if label not in benchmarks:
            continue
        known = known_values(benchmarks, label)
        result[label] = {}
        for which in found.tables:
            both = found.star_values(which, label).merge(known, on=IDENTIFIER, suffixes=("", "_b"))
            residual = both["value"] - both["value_b"]
            pull = residual / np.hypot(both["error"], both["error_b"])
            told = pull_scatter(pull.to_numpy())
            median = float(residual.median()) if len(both) else None
            result[label][which] = {"median": median, **told}
    return result


def main(arguments: Namespace) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    directions = configuration.directions
    members = read_members(arguments.clusters) if arguments.clusters else None
    benchmarks = None
    if arguments.benchmarks:
        benchmarks = read_benchmarks(arguments.benchmarks, all_labels(configuration))
    surveys = dict(zip(configuration.surveys, map(pd.read_parquet, arguments.stars), strict=True))
    told = {path.stem: path for path in arguments.fingerprints}
    result = {"schema_version": 1, "translations": {}}
    for name, direction in directions.items():
        resolved = resolve_selection(configuration, told.get(name))
        for method in configuration.methods:
            found = measured(
                resolved,
                direction,
                surveys,
                translated_rows(direction, _parts(arguments.parts, method, name)),
                has_whole_width(configuration, method, name),
            )
            one = {"units": found.labels, "repeats": repeated(found)}
            if members is not None:
                one |= in_clusters(found, members)
            if benchmarks is not None:
                one["benchmarks"] = against_benchmarks(found, benchmarks)
            result["translations"][f"{method}-{name}"] = one
    write_json(arguments.validation, result)


def _parts(paths: list[Path], method: str, direction: str) -> list[Path]:
    """Translated parts of one method and direction, in order."""
    mine = [path for path in paths if path.parent.parent.name == method]
    return [path for path in mine if path.stem.rsplit("-", 3)[0] == direction]


step = Step(__doc__)
step.input("config", "resolved configuration")
step.input("stars", "stars of every survey, in the configuration's order", many=True)
step.input("parts", "translated rows of all methods and directions, Parquet", many=True)
step.input("clusters", "members of clusters, a table", required=False)
step.input("benchmarks", "benchmark stars, a table", required=False)
step.input("fingerprints", "what tells the selection, JSON", many=True, required=False)
step.output("validation", "repeats, clusters and benchmark stars, JSON")
step.setting("surveys")
step.setting("selections")
step.setting("selection_grid")
step.setting("selection")
step.setting("selection_fallback")
step.setting("crossmatch")
step.setting("directions")
step.setting("methods")
step.setting("validation")
