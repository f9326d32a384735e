"""All questions put to one catalogue, in the order in which one answer serves the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cdstables.layout import Table
from spectrotranslator.config.configuration import (
    Configuration,
    Direction,
    MonteCarloSettings,
    NetworkKind,
)

from .answer import Answer, unknown
from .catalogue_traces import Traces, groups_of, read_traces
from .digit_lattice import Lattice, read_lattice
from .ensemble_size import read_length, read_members
from .input_masks import VALUE, as_missing, flag_of, read_masks, rules_of, settings_of
from .map_edges import read_edges
from .photometry_release import read_release, recoloured
from .realisations import read_realisations
from .selection_ranking import (
    Candidate,
    Search,
    contradictions,
    read_precision,
    read_selection,
)

Replicates = Callable[[Candidate, Traces, int, int], tuple[np.ndarray, Mapping[int, list]]]
SCALINGS_TRIED = 6
PREPARED = "as prepared"


@dataclass(frozen=True)
class Question:
    """What a catalogue is asked with: its direction, the configuration, both surveys' stars."""

    configuration: Configuration
    direction: Direction
    tables: Mapping[str, pd.DataFrame]

    @property
    def bins(self) -> int:
        """Cells a side of a map."""
        return self._montecarlo.map_bins

    @property
    def precision(self) -> str:
        """Floating-point type of the maps' training values."""
        return self._montecarlo.map_precision

    @property
    def _montecarlo(self) -> MonteCarloSettings:
        method = self.configuration.comparison.method
        return self.configuration.methods[method].montecarlo

    def with_colours(self, photometry: pd.DataFrame) -> "Question":
        """The same with other magnitudes."""
        surveys = self.configuration.surveys
        tables = {
            name: recoloured(table, surveys[name], photometry)
            for name, table in self.tables.items()
        }
        return Question(self.configuration, self.direction, tables)


def fingerprint(
    columns: pd.DataFrame,
    layout: Table,
    question: Question,
    photometry: Mapping[str, pd.DataFrame] | None = None,
    replicates: Replicates | None = None,
) -> dict[str, Answer]:
    """Question to answer.

    Parameters
    ----------
    columns
        The published table, by label, flags as booleans.
    photometry
        Release to magnitudes that the stars' colours were not made of.
    replicates
        Makes replicates of known length on a training sample: see ``replicates.py``.
    """
    stars = question.tables[question.direction.origin]
    traces = read_traces(columns, layout, question.direction, question.configuration, stars)
    masks = _masks(question, traces)
    values = _looked_up(question, traces, masks)
    search = _search(question)
    names = search.shortlist(traces, values, question.bins, question.precision)
    made = {(c.selection, c.part): c for c in search.candidates(names)}
    found = {
        key: contradictions(candidate, traces, values, question.bins, question.precision)
        for key, candidate in made.items()
    }
    kind = next(iter(question.direction.networks))
    selection = read_selection(
        found,
        {key: len(candidate.inputs[kind]) for key, candidate in made.items()},
        {name: search.within_published(name) for name in names},
        search.same_sample,
    )
    whole = _whole(question, traces, values)
    lattice, figures = _lattice(traces, whole, made, selection)
    realisations = _realisations(question, traces, whole, lattice, figures)
    members = read_members(lattice, figures, traces.systematic)
    return {
        "masks": masks,
        "selection": selection,
        "map_precision": _precision(question, traces, values, made, selection),
        "edges": _edges(question, traces, values),
        "realisations": realisations,
        "members": members,
        "training_length": _length(replicates, traces, made, selection, members, realisations),
        "release": _release(question, traces, found, selection, masks, photometry or {}),
    }


def _search(question: Question) -> Search:
    return Search(question.configuration, question.direction, question.tables)


def _flags(stars: pd.DataFrame, keep: list[str]) -> list[str]:
    return [name for name in keep if name in stars and stars[name].dtype.kind in "iu"]


def _masks(question: Question, traces: Traces) -> Answer:
    survey = question.configuration.surveys[question.direction.origin]
    colours = [name for name, feature in survey.features.items() if feature.difference]
    flags = _flags(traces.stars, survey.keep)
    found = read_masks(
        traces.missing,
        {
            kind: rules_of(traces.stars, network.inputs, colours, flags)
            for kind, network in question.direction.networks.items()
        },
    )
    if found.undetermined:
        return found
    settings = settings_of(found.estimate, flag_of(list(survey.features), flags))
    return replace(found, evidence=found.evidence | {"settings": settings})


def _looked_up(question: Question, traces: Traces, masks: Answer) -> dict:
    """What was looked up in the maps: inputs after the masks, and the published medians."""
    survey = question.configuration.surveys[question.direction.origin]
    rules = masks.estimate or masks.evidence.get("nearest") or [VALUE]
    masked = flag_of(list(survey.features), survey.keep)
    values = {}
    for kind, network in question.direction.networks.items():
        values["Input", kind] = as_missing(traces.stars, network.inputs, rules, masked)
        values["Output", kind] = np.stack(
            [traces.percentiles[name][:, 2] for name in network.outputs], axis=1
        )
    return values


def _whole(question: Question, traces: Traces, values: dict) -> np.ndarray:
    """Rows with every input and error, inside the training range of every network."""
    rows = np.ones(len(traces.stars), bool)
    for kind, network in question.direction.networks.items():
        errors = traces.stars[[f"{name}_error" for name in network.inputs]].to_numpy(np.float64)
        rows &= np.isfinite(values["Input", kind]).all(axis=1)
        rows &= (np.isfinite(errors) & (errors >= 0)).all(axis=1)
        rows &= traces.good["Input", kind] & ~traces.missing[kind]
    return rows


def _lattice(
    traces: Traces, whole: np.ndarray, made: Mapping, selection: Answer
) -> tuple[Lattice | None, dict]:
    """The lattice with the scaling of the first of the best candidates that shows one."""
    columns = {name: values[whole] for name, values in traces.percentiles.items()}
    spread = {name: values[whole] for name, values in traces.systematic.items()}
    ranking = selection.evidence.get("ranking", [])
    tried = [(line["selection"], line["maps_of"]) for line in ranking[:SCALINGS_TRIED]]
    for key in tried:
        lattice, figures = read_lattice(columns, spread, made[key].scalings())
        if lattice:
            return lattice, {"scaling": list(key), "divisors": figures}
    single = dict.fromkeys(columns, (0.0, 1.0))
    lattice, figures = read_lattice(columns, spread, single)
    return lattice, {"scaling": "single precision" if lattice else None, "divisors": figures}


def _corrected(network: NetworkKind) -> str:
    """The input that the network's last output corrects."""
    return network.inputs[network.corrected][-1]


def _realisations(question, traces: Traces, whole, lattice: Lattice | None, figures) -> Answer:
    network = list(question.direction.networks.values())[-1]
    errors = traces.stars[f"{_corrected(network)}_error"].to_numpy(np.float64)
    percentiles = {name: values[whole] for name, values in traces.percentiles.items()}
    allowed = lattice.allows if lattice else lambda n: True
    return read_realisations(percentiles, network.outputs[-1], errors[whole], allowed, figures)


def _precision(question, traces: Traces, values: dict, made: Mapping, selection: Answer) -> Answer:
    """Held against the best candidate, with the maps made in each floating-point type."""
    wrong = {}
    for line in selection.evidence.get("ranking", [])[:1]:
        candidate = made[line["selection"], line["maps_of"]]
        for precision in ("float32", "float64"):
            rows, _ = contradictions(candidate, traces, values, question.bins, precision)
            wrong[precision] = rows
    return read_precision(wrong)


def _edges(question: Question, traces: Traces, values: dict) -> Answer:
    """Extremes and cells of the inputs of every network; no estimate in one word."""
    other = question.tables[question.direction.target]
    shared = np.isin(traces.stars["source_id"], other["source_id"])
    common = shared & (traces.stars["source_id"].to_numpy() > 0)
    found = {}
    for group in groups_of(question.configuration, question.direction):
        if group.side == "Input":
            key = (group.side, group.kind)
            names = question.direction.networks[group.kind].inputs
            found[group.kind] = read_edges(
                names, values[key], traces.states[key], common, question.bins, question.precision
            )
    if any("undetermined" in one for one in found.values()):
        return unknown("some input is inside its maps for no star", **found)
    extremes = {
        kind: {name: [f["least"], f["largest"]] for name, f in one["features"].items()}
        for kind, one in found.items()
    }
    return Answer(estimate=extremes, evidence=found)


def _length(replicates, traces, made, selection, members, realisations) -> Answer:
    if replicates is None:
        return read_length(np.empty(0), {})
    for name, answer in (("selection", selection), ("number of members", members)):
        if answer.undetermined:
            return unknown(f"the {name} is not known, so no replicate can be made like it")
    best = selection.evidence["ranking"][0]
    candidate = made[best["selection"], best["maps_of"]]
    return read_length(*replicates(candidate, traces, members.estimate, realisations.estimate or 1))


def _release(question, traces, found, selection, masks, photometry) -> Answer:
    if not photometry or not found:
        return read_release({}, 0)
    best = selection.evidence["ranking"][0]
    key = best["selection"], best["maps_of"]
    wrong = {PREPARED: found[key][0]}
    survey = question.configuration.surveys[question.direction.origin]
    colours = [name for name, feature in survey.features.items() if feature.difference]
    different = np.zeros(len(traces.stars), bool)
    for release, magnitudes in photometry.items():
        other = question.with_colours(magnitudes)
        seen = traces.with_stars(recoloured(traces.stars, survey, magnitudes))
        values = _looked_up(question, seen, masks)
        for candidate in _search(other).candidates([best["selection"]]):
            if candidate.part == best["maps_of"]:
                wrong[release], _ = contradictions(
                    candidate, seen, values, question.bins, question.precision
                )
        for name in colours:
            different |= (seen.stars[name] != traces.stars[name]).to_numpy() & np.isfinite(
                seen.stars[name] + traces.stars[name]
            )
    return read_release(wrong, int(different.sum()))
