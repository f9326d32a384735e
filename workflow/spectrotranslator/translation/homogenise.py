"""Both surveys on one base, a row a star."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import Direction, Selection
from spectrotranslator.files import atomic
from spectrotranslator.sample.cuts import apply_cuts
from spectrotranslator.sample.match_rows import best_rows, match, one_row_a_place
from spectrotranslator.step import Step
from spectrotranslator.surveys.prepare_stars import missing

from .column_descriptions import kinds_from_residuals
from .shards import read_parts

PLACES = ("ra", "dec", "distance", "distance_low", "distance_high")


def homogenise(
    configuration: Configuration,
    direction: Direction,
    origin: pd.DataFrame,
    target: pd.DataFrame,
    translated: pd.DataFrame,
    whole_width: bool = False,
) -> pd.DataFrame:
    """One row a star on the target's base.

    For each label ``X`` of the target: ``X`` and ``X_error`` on the common base, ``X_translated``
    where the origin saw the star too, ``X_own`` as the origin measured it. ``origin`` names the
    survey whose values stand, ``measured`` says whether that is the target, ``ORIGIN_row`` which
    translated row there is; ``recommended`` whether the values are fit for use: the survey's cuts
    hold, no label is missing and, for a translation, no input is missing and all flags are good.
    A star that the target measured in part has the translation; where there is none, that part.
    ``whole_width``: the percentiles hold the scatter of the networks already.
    """
    labels = _labels(direction)
    on = configuration.match
    if on == "position":
        on, origin, target = _named_by_place(configuration, origin, target)
    selection = configuration.chosen_selection
    repeats = configuration.crossmatch.repeats
    origin = origin.assign(_clean=_kept(origin, selection, configuration, direction.origin))
    stars = translated.merge(origin.drop(columns=_shared(origin, translated)), on="row")
    seen = _translated_side(direction, _a_row_a_star(stars, on, repeats), labels, on, whole_width)
    target = target.assign(_clean=_kept(target, selection, configuration, direction.target))
    own = _measured_side(_a_row_a_star(target, on, repeats), labels, on)
    both = seen.merge(own, on=on, how="outer", suffixes=("_origin", "_target"))
    return _choose(both, direction, labels, on)


def _named_by_place(
    configuration: Configuration, origin: pd.DataFrame, target: pd.DataFrame
) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    """A row a star of both, with a column that names it: the target's key where they meet."""
    repeats = configuration.crossmatch.repeats
    origin, target = (one_row_a_place(table, repeats) for table in (origin, target))
    pairs = match(origin, target, "position", [], configuration.crossmatch)
    partner = pairs.set_index("row_1")["key_2"].astype(str)
    own = "unmatched " + origin["key"].astype(str)
    names = origin["row"].map(partner).fillna(own)
    named = origin.assign(star=names), target.assign(star=target["key"].astype(str))
    return "star", *named


def _labels(direction: Direction) -> dict[str, str]:
    """Label of the target to the origin's feature it corrects."""
    pairs = {}
    for network in direction.networks.values():
        pairs |= dict(zip(network.outputs, network.inputs[network.corrected], strict=True))
    return pairs


def _kept(
    table: pd.DataFrame, selection: Selection, configuration: Configuration, survey: str
) -> pd.Series:
    bits = configuration.surveys[survey].bits
    good, _ = apply_cuts(table, selection.cuts.get(survey, []), bits)
    return pd.Series(table.index.isin(good.index), index=table.index)


def flags(kinds: Iterable[str]) -> list[str]:
    """The columns that ``good_rows`` looks at, where a method has them."""
    return [f"{flag}_{kind}" for kind in kinds for flag in ("missing", "input", "output", "joint")]


def good_rows(translated: pd.DataFrame, kinds: Iterable[str]) -> np.ndarray:
    """Translated rows that lack no input and whose flags are all good, shape (rows,)."""
    good = np.ones(len(translated), bool)
    for name in flags(kinds):
        if name in translated:
            flag = translated[name].to_numpy(bool)
            good &= ~flag if name.startswith("missing_") else flag
    return good


def _a_row_a_star(stars: pd.DataFrame, on: str, repeats: str) -> pd.DataFrame:
    return best_rows(stars[stars[on] > 0] if on == "source_id" else stars, on, repeats)


def _translated_side(direction, stars, labels, on, whole_width) -> pd.DataFrame:
    good = stars["_clean"] & good_rows(stars, direction.networks)
    columns = {on: stars[on], "identifier": stars["identifier"].astype(str), "good": good}
    columns |= {"row": stars["row"], **_places(stars)}
    for label, own in labels.items():
        half = (stars[f"{label}_p84"] - stars[f"{label}_p16"]) / 2
        columns[f"{label}_translated"] = stars[f"{label}_p50"]
        scatter = 0.0 if whole_width else stars[f"{label}_systematic"]
        columns[f"{label}_error"] = np.hypot(half, scatter)
        columns[f"{label}_own"] = stars[own]
    return pd.DataFrame(columns)


def _shared(origin: pd.DataFrame, translated: pd.DataFrame) -> list[str]:
    return [name for name in origin if name in translated and name != "row"]


def _measured_side(stars, labels, on) -> pd.DataFrame:
    lacking = missing(stars[list(labels)].to_numpy(np.float64))
    whole = ~lacking.any(axis=1)
    columns = {
        on: stars[on],
        "identifier": stars["identifier"].astype(str),
        "good": stars["_clean"] & whole,
        "whole": whole,
    }
    columns |= _places(stars)
    for label, absent in zip(labels, lacking.T, strict=True):
        columns[label] = stars[label].mask(absent)
        columns[f"{label}_error"] = stars[f"{label}_error"].mask(absent)
    return pd.DataFrame(columns)


def _places(stars: pd.DataFrame) -> dict[str, pd.Series]:
    return {name: stars[name] for name in PLACES if name in stars}


def _choose(both: pd.DataFrame, direction: Direction, labels, on: str) -> pd.DataFrame:
    measured = both["whole"].fillna(False).astype(bool) | both["row"].isna()
    columns = {
        on: both[on],
        "origin": pd.Categorical(
            np.where(measured, direction.target, direction.origin),
            categories=[direction.origin, direction.target],
        ),
        "measured": measured,
        f"{direction.origin}_identifier": both["identifier_origin"],
        f"{direction.target}_identifier": both["identifier_target"],
        f"{direction.origin}_row": both["row"].astype("Int64"),
    }
    for name in PLACES:
        sides = [both[n] for n in (f"{name}_target", name, f"{name}_origin") if n in both]
        if sides:
            columns[name] = sides[0].fillna(sides[-1])
    for label in labels:
        columns[label] = both[label].where(measured, both[f"{label}_translated"])
        columns[f"{label}_error"] = both[f"{label}_error_target"].where(
            measured, both[f"{label}_error_origin"]
        )
        columns[f"{label}_translated"] = both[f"{label}_translated"]
        columns[f"{label}_own"] = both[f"{label}_own"]
    good = both["good_target"].where(measured, both["good_origin"])
    columns["recommended"] = good.fillna(False).astype(bool)
    return pd.DataFrame(columns).sort_values(on, ignore_index=True)


def _translated(direction: Direction, parts: list[Path]) -> pd.DataFrame:
    """What is needed of the translated rows: medians, widths, errors, flags."""
    kinds = direction.networks
    names = ["row", "key", "identifier"]
    names += [
        f"{label}_{what}"
        for network in kinds.values()
        for label in network.outputs
        for what in ("p16", "p50", "p84", "systematic")
    ]
    names += [f"{what}_{kind}" for kind in kinds for what in ("missing", "input", "output")]
    there = pq.read_schema(parts[0]).names
    optional = ["source_id", *(f"joint_{kind}" for kind in kinds)]
    names += [name for name in optional if name in there]
    return pd.concat(read_parts(parts, names), ignore_index=True)


def _whole_width(configuration: Configuration, method: str, name: str) -> bool:
    """Whether percentiles hold the scatter of the networks: calibrated, or those of residuals."""
    calibrated = configuration.methods[method].montecarlo.intervals == "calibrated"
    kinds = list(configuration.directions[name].networks)
    return calibrated or kinds_from_residuals(configuration, method, name) == kinds


def main(arguments) -> None:
    configuration = load(arguments.config)
    direction = configuration.directions[arguments.direction]
    table = homogenise(
        configuration,
        direction,
        pd.read_parquet(arguments.origin),
        pd.read_parquet(arguments.target),
        _translated(direction, arguments.parts),
        _whole_width(configuration, arguments.method, arguments.direction),
    )
    with atomic(arguments.homogenised) as temporary:
        table.to_parquet(temporary, index=False)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("method", "name of the method", required=True)
step.option("direction", "direction whose target gives the base", required=True)
step.input("origin", "stars of the survey translated from, Parquet")
step.input("target", "stars of the survey translated to, Parquet")
step.input("parts", "translated rows, Parquet", many=True)
step.output("homogenised", "both surveys on one base, Parquet")
step.setting("directions")
step.setting("selections")
step.setting("selection_grid")
step.setting("selection")
step.setting("surveys.*.bits")
step.setting("surveys.*.features")
step.setting("match")
step.setting("crossmatch")
step.setting("methods.{method}.montecarlo")
