"""Both surveys on one base, a row a star, as Parquet, FITS, VOTable and CDS table."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from pandas.api.types import is_integer_dtype

from cdstables.fits_file import write_fits
from cdstables.votable_file import write_votable
from cdstables.writing import TableWriter
from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import Direction
from spectrotranslator.config.resolve_from_fingerprint import resolve_selection
from spectrotranslator.files import atomic
from spectrotranslator.sample.cuts import apply_cuts
from spectrotranslator.sample.match_rows import best_rows, match, one_row_a_place
from spectrotranslator.step import Step
from spectrotranslator.surveys.prepare_stars import missing

from .described_parquet import batches, described_table, describing
from .healpix import nested_index
from .product_columns import correlations, homogenised_descriptions, magnitudes, survey_columns
from .product_metadata import SIMULATED, product_metadata
from .residual_percentiles import kinds_from_residuals
from .shards import read_parts, write_groups

PLACES = ("ra", "dec", "distance", "distance_low", "distance_high")
#: Bits of a label's flag, by what is wrong; `product_columns.FLAG_BITS` has the words.
BITS = {"cuts": 1, "missing": 2, "input": 4, "output": 8, "joint": 16, "absent": 32}


def homogenise(
    configuration: Configuration,
    direction: Direction,
    origin: pd.DataFrame,
    target: pd.DataFrame,
    translated: pd.DataFrame,
    whole_width: bool = False,
) -> pd.DataFrame:
    """One row a star on the target's base.

    ``origin`` names the survey whose values stand, ``measured`` says whether that is the target,
    ``ORIGIN_row`` which translated row there is and ``TARGET_row`` which measurement. A star that
    the target measured in part has the translation; where there is none, that part.

    For each label ``X`` of the target: ``X`` on the common base with ``X_error``, ``X_low`` and
    ``X_high``, ``X_measured`` where the target measured it, ``X_flag`` (0: good) and
    ``X_recommended`` (a value whose flag is 0); ``X_translated`` where the origin saw the star
    too, ``X_own`` and ``X_own_error`` as the origin measured it. ``recommended``: all labels are.

    Parameters
    ----------
    configuration, direction
        The run and the direction to the base.
    origin, target : DataFrame
        Stars of the two surveys as ``prepare_stars`` leaves them.
    translated : DataFrame
        Translated rows of the origin.
    whole_width
        Whether the percentiles hold the scatter of the networks already.
    """
    labels = corrected_labels(direction)
    on = configuration.match
    if on == "position":
        on, origin, target = _named_by_place(configuration, origin, target)
    repeats = configuration.crossmatch.repeats
    kept = passed_on(configuration, direction)
    origin, target = (
        table.assign(
            _clean=passes_cuts(configuration, name, table),
            **_extra(table, survey_columns(configuration, name)),
        )
        for name, table in ((direction.origin, origin), (direction.target, target))
    )
    stars = translated.merge(origin.drop(columns=_shared(origin, translated)), on="row")
    stars = _a_row_a_star(stars, on, repeats)
    seen = _common(stars, on, kept) | _translated_side(direction, stars, labels, whole_width)
    stars = _a_row_a_star(target, on, repeats)
    own = _common(stars, on, kept) | _measured_side(stars, labels)
    sides = pd.DataFrame(seen), pd.DataFrame(own)
    both = sides[0].merge(sides[1], on=on, how="outer", suffixes=("_origin", "_target"))
    return _choose(both, direction, labels, on, kept)


def passed_on(configuration: Configuration, direction: Direction) -> list[str]:
    """Columns of a homogenised catalogue that the surveys' stars have besides their labels."""
    surveys = (direction.target, direction.origin)
    extra = [name for survey in surveys for name in survey_columns(configuration, survey)]
    return [*PLACES, *magnitudes(configuration, direction), *extra]


def _extra(table: pd.DataFrame, names: dict[str, str]) -> dict[str, pd.Series]:
    """A survey's own columns under their names here; whole numbers may be absent."""
    found = {name: table[column] for name, column in names.items() if column in table}
    return {n: c.astype("Int64") if is_integer_dtype(c) else c for n, c in found.items()}


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


def corrected_labels(direction: Direction) -> dict[str, str]:
    """Label of the target to the origin's feature it corrects."""
    pairs = {}
    for network in direction.networks.values():
        pairs |= dict(zip(network.outputs, network.inputs[network.corrected], strict=True))
    return pairs


def passes_cuts(configuration: Configuration, survey: str, table: pd.DataFrame) -> pd.Series:
    """Whether each row of a survey's stars passes the chosen selection's cuts, shape (rows,)."""
    cuts = configuration.chosen_selection.cuts.get(survey, [])
    good, _ = apply_cuts(table, cuts, configuration.surveys[survey].bits)
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


def _common(stars: pd.DataFrame, on: str, kept: Iterable[str]) -> dict[str, pd.Series]:
    identifier = stars["identifier"].astype(str)
    columns = {on: stars[on], "row": stars["row"], "identifier": identifier}
    return columns | {name: stars[name] for name in kept if name in stars}


def _translated_side(direction, stars, labels, whole_width) -> dict[str, pd.Series]:
    columns = {}
    for kind, network in direction.networks.items():
        flag = _flag(stars, kind)
        for label in network.outputs:
            low, high = stars[f"{label}_p16"], stars[f"{label}_p84"]
            scatter = 0.0 if whole_width else stars[f"{label}_systematic"]
            columns |= {
                f"{label}_translated": stars[f"{label}_p50"],
                f"{label}_error": np.hypot((high - low) / 2, scatter),
                f"{label}_low": low,
                f"{label}_high": high,
                f"{label}_flag": flag,
                f"{label}_own": stars[labels[label]],
                f"{label}_own_error": _of(stars, f"{labels[label]}_error"),
            }
    return columns | {name: stars[name] for name in stars if name.endswith("_correlation")}


def _flag(stars: pd.DataFrame, kind: str) -> pd.Series:
    """What is wrong with the translated labels of one network, as bits."""
    flag = np.where(stars["_clean"], 0, BITS["cuts"])
    for what in ("missing", "input", "output", "joint"):
        name = f"{what}_{kind}"
        if name in stars:
            value = stars[name].to_numpy(bool)
            flag = flag | np.where(value if what == "missing" else ~value, BITS[what], 0)
    return pd.Series(flag, index=stars.index)


def _of(stars: pd.DataFrame, name: str) -> pd.Series | float:
    return stars.get(name, np.nan)


def _shared(origin: pd.DataFrame, translated: pd.DataFrame) -> list[str]:
    return [name for name in origin if name in translated and name != "row"]


def _measured_side(stars, labels) -> dict[str, pd.Series]:
    lacking = missing(stars[list(labels)].to_numpy(np.float64))
    columns = {"whole": pd.Series(~lacking.any(axis=1), index=stars.index)}
    for label, absent in zip(labels, lacking.T, strict=True):
        value = stars[label].mask(absent)
        error = stars[f"{label}_error"].mask(absent)
        columns |= {
            label: value,
            f"{label}_error": error,
            f"{label}_low": value - error,
            f"{label}_high": value + error,
            f"{label}_flag": np.where(stars["_clean"], 0, BITS["cuts"]),
        }
    return columns


def _choose(both: pd.DataFrame, direction: Direction, labels, on: str, kept) -> pd.DataFrame:
    measured = both["whole"].fillna(False).astype(bool) | both["row_origin"].isna()
    columns = {
        on: both[on],
        "origin": np.where(measured, direction.target, direction.origin),
        "measured": measured,
        f"{direction.origin}_identifier": both["identifier_origin"].fillna(""),
        f"{direction.target}_identifier": both["identifier_target"].fillna(""),
        f"{direction.origin}_row": both["row_origin"].astype("Int64"),
        f"{direction.target}_row": both["row_target"].astype("Int64"),
    }
    columns |= _passed_on(both, kept)
    for label in labels:
        columns |= _of_label(both, label, measured)
    recommended = [columns[f"{label}_recommended"] for label in labels]
    columns["recommended"] = np.logical_and.reduce(recommended)
    for name in both:
        if name.endswith("_correlation"):
            columns[name] = both[name].mask(measured)
    return pd.DataFrame(columns).sort_values(on, ignore_index=True)


def _passed_on(both: pd.DataFrame, kept: Iterable[str]) -> dict[str, pd.Series]:
    """What the surveys say of a star besides its labels, the target's first; its HEALPix number."""
    columns = {}
    for name in kept:
        sides = [both[n] for n in (f"{name}_target", name, f"{name}_origin") if n in both]
        if sides:
            columns[name] = sides[0].fillna(sides[-1])
    if {"ra", "dec"} <= set(columns):
        place = (columns[name].to_numpy(np.float64) for name in ("ra", "dec"))
        number, known = nested_index(*place)
        columns["healpix29"] = pd.Series(number, index=both.index).astype("Int64").where(known)
    return columns


def _of_label(both: pd.DataFrame, label: str, measured: pd.Series) -> dict[str, pd.Series]:
    value = both[label].where(measured, both[f"{label}_translated"])
    chosen = {
        what: both[f"{label}_{what}_target"].where(measured, both[f"{label}_{what}_origin"])
        for what in ("error", "low", "high", "flag")
    }
    absent = np.where(value.isna(), BITS["absent"], 0)
    flag = chosen["flag"].fillna(0).astype(np.int64) | absent
    return {
        label: value,
        f"{label}_error": chosen["error"],
        f"{label}_low": chosen["low"],
        f"{label}_high": chosen["high"],
        f"{label}_measured": measured & value.notna(),
        f"{label}_flag": flag,
        f"{label}_recommended": flag == 0,
        **{
            f"{label}_{what}": both[f"{label}_{what}"]
            for what in ("translated", "own", "own_error")
        },
    }


def translated_rows(direction: Direction, parts: list[Path]) -> pd.DataFrame:
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
    optional += [n for network in kinds.values() for n in correlations(network.outputs)]
    names += [name for name in optional if name in there]
    return pd.concat(read_parts(parts, names), ignore_index=True)


def has_whole_width(configuration: Configuration, method: str, name: str) -> bool:
    """Whether percentiles hold the scatter of the networks: calibrated, or those of residuals."""
    calibrated = configuration.methods[method].montecarlo.intervals == "calibrated"
    kinds = list(configuration.directions[name].networks)
    return calibrated or kinds_from_residuals(configuration, method, name) == kinds


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = resolve_selection(load(arguments.config), arguments.fingerprint)
    direction = configuration.directions[arguments.direction]
    stars = homogenise(
        configuration,
        direction,
        pd.read_parquet(arguments.origin),
        pd.read_parquet(arguments.target),
        translated_rows(direction, arguments.parts),
        has_whole_width(configuration, arguments.method, arguments.direction),
    )
    metadata = product_metadata(
        configuration, arguments.method, arguments.direction, arguments.registry
    )
    descriptions = homogenised_descriptions(configuration, direction)
    write_groups(arguments.homogenised, [stars], describing(descriptions, metadata))
    del stars
    path = arguments.homogenised
    title = homogenised_title(configuration, direction)
    table = described_table(path, arguments.dat.name, title, metadata)
    with atomic(arguments.fits) as temporary:
        write_fits(temporary, table, batches(path, table), table.records)
    with atomic(arguments.votable) as temporary:
        write_votable(temporary, table, batches(path, table))
    with TableWriter(arguments.dat, table) as writer:
        for batch in batches(path, table):
            writer.write(batch)


def homogenised_title(configuration: Configuration, direction: Direction) -> str:
    """What a homogenised catalogue holds, in a line."""
    surveys = (configuration.surveys[s].title for s in (direction.origin, direction.target))
    origin, target = surveys
    text = f"Stars of {origin} and {target} on the base of {target}, one row a star"
    return f"{text}. {SIMULATED}" if configuration.evidence == "simulated" else text


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("method", "name of the method", required=True)
step.option("direction", "direction whose target gives the base", required=True)
step.input("registry", "the table of sources")
step.input("origin", "stars of the survey translated from, Parquet")
step.input("target", "stars of the survey translated to, Parquet")
step.input("parts", "translated rows, Parquet", many=True)
step.input("fingerprint", "what tells the selection, JSON", required=False)
step.output("homogenised", "both surveys on one base, Parquet")
step.output("fits", "the same, FITS")
step.output("votable", "the same, VOTable")
step.output("dat", "the same as a CDS table")
step.setting("evidence")
step.setting("surveys")
step.setting("surveys.*.title")
step.setting("surveys.*.features.*.description")
step.setting("surveys.*.features.*.ucd")
step.setting("selections")
step.setting("selection_grid")
step.setting("selection")
step.setting("selection_fallback")
step.setting("match")
step.setting("crossmatch")
step.setting("split")
step.setting("directions")
step.setting("methods.{method}")
