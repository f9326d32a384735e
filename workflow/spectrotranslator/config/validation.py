"""Whether the parts of a configuration agree: names exist, and what one part asks another gives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from spectrotranslator.errors import InputError
from spectrotranslator.expressions import compile_cut

from .method_settings import FINGERPRINT, changed_method

if TYPE_CHECKING:
    from .configuration import Bits, Configuration, Cut, Direction, Selection

MOST_INPUTS = 11  # 55 pairs, one bit each in 64
MOST_CANDIDATES = 2_000
MOST_NAMED = 12


def check(configuration: Configuration) -> None:
    """Refuse what no job could be made of.

    Raises
    ------
    ValueError
        Two parts do not agree; the place is named.
    """
    for name, direction in configuration.directions.items():
        _features_exist(configuration, direction, f"directions.{name}")
        _can_be_matched(configuration, direction)
    targets = [direction.target for direction in configuration.directions.values()]
    if len(set(targets)) < len(targets):
        raise ValueError("two directions lead to one survey's base: give each its own run")
    _validated_stars_have_identifiers(configuration)
    _grid_is_bounded(configuration)
    _selections_are_known(configuration)
    _known(configuration.comparison.method, configuration.methods, "comparison.method")
    _cuts_are_of_surveys(configuration)
    _named_bits_are_defined(configuration)
    _methods_train_together(configuration)
    _settings_can_be_read(configuration)
    _masking_flags_are_kept(configuration)
    if configuration.comparison.by_run:
        _tolerances_can_be_made(configuration)
    if configuration.training_sample == "authors" and configuration.sources.authors is None:
        raise ValueError("training_sample is authors, but sources.authors says no files")


def _selections_are_known(configuration: Configuration) -> None:
    candidates = configuration.candidate_selections
    if FINGERPRINT in candidates:
        raise ValueError(f"selections: no selection can be named {FINGERPRINT!r}")
    for place in ("selection", "selection_fallback"):
        name = getattr(configuration, place)
        if name is not None and (place, name) != ("selection", FINGERPRINT):
            _known(name, candidates, place)
    if configuration.selection == FINGERPRINT:
        _all_are_published(configuration, "selection", "a name")


def _features_exist(configuration: Configuration, direction: Direction, place: str) -> None:
    for side in (direction.origin, direction.target):
        _known(side, configuration.surveys, f"{place}: survey")
    origin, target = (configuration.surveys[s] for s in (direction.origin, direction.target))
    for kind, network in direction.networks.items():
        where = f"{place}.networks.{kind}"
        for feature in network.inputs:
            _known(feature, origin.features, f"{where}: input")
        for feature in network.outputs:
            _known(feature, target.features, f"{where}: output")
        if len(network.inputs) > MOST_INPUTS:
            raise ValueError(
                f"{where}: {len(network.inputs)} inputs, at most {MOST_INPUTS}: the flags "
                "of more pairs fit no column"
            )
        if len(network.outputs) > len(network.inputs):
            raise ValueError(f"{where}: more outputs than inputs to correct")


def _can_be_matched(configuration: Configuration, direction: Direction) -> None:
    wanted = {configuration.match} - {"key"}
    if configuration.crossmatch.fallback == "position":
        wanted.add("position")
    for side in (direction.origin, direction.target):
        for what in sorted(wanted):
            if getattr(configuration.surveys[side], what) is None:
                raise ValueError(
                    f"stars are matched on {what}, but surveys.{side} does not say which columns "
                    f"hold it: add surveys.{side}.{what}"
                )


def _validated_stars_have_identifiers(configuration: Configuration) -> None:
    if configuration.validation is None:
        return
    for direction in configuration.directions.values():
        for side in (direction.origin, direction.target):
            if configuration.surveys[side].source_id is None:
                raise ValueError(
                    "validation finds stars by their Gaia identifiers, but surveys."
                    f"{side} does not say which column holds them: add surveys.{side}.source_id"
                )


def _grid_is_bounded(configuration: Configuration) -> None:
    candidates = math.prod(len(options) for options in configuration.selection_grid.values())
    if candidates > MOST_CANDIDATES:
        raise ValueError(
            f"selection_grid: {candidates} combinations, at most {MOST_CANDIDATES} are searched"
        )


def _selections(configuration: Configuration) -> Iterator[tuple[tuple[str, ...], Selection]]:
    """Every selection of the configuration with its place."""
    for name, selection in configuration.selections.items():
        yield ("selections", name), selection
    for axis, options in configuration.selection_grid.items():
        for name, selection in options.items():
            yield ("selection_grid", axis, name), selection


def _cuts_are_of_surveys(configuration: Configuration) -> None:
    kinds = {kind for direction in configuration.directions.values() for kind in direction.networks}
    for place, selection in _selections(configuration):
        where = ".".join(place)
        for survey in selection.cuts:
            _known(survey, configuration.surveys, f"{where}.cuts: survey")
        for kind in selection.networks:
            _known(kind, sorted(kinds), f"{where}.networks: network")
    for survey in configuration.row_candidates:
        _known(survey, configuration.surveys, "row_candidates: survey")


def _named_bits_are_defined(configuration: Configuration) -> None:
    for location, bits, cut in _cuts(configuration):
        try:
            compile_cut(cut.cut, bits)
        except InputError as error:
            place = ".".join(map(str, location))
            raise PydanticCustomError(
                "cut",
                "{place}: {reason}",
                {"place": place, "reason": str(error), "location": location},
            ) from None


def _cuts(configuration: Configuration) -> Iterator[tuple[tuple[str | int, ...], Bits, Cut]]:
    """Every cut with its place in the configuration and the named bits that it may use."""
    bits = {name: survey.bits for name, survey in configuration.surveys.items()}
    of_pairs = {column: named for survey in bits.values() for column, named in survey.items()}
    for where, selection in _selections(configuration):
        for survey, cuts in selection.cuts.items():
            for place, cut in enumerate(cuts):
                yield (*where, "cuts", survey, place), bits[survey], cut
        for place, cut in enumerate(selection.pairs):
            yield (*where, "pairs", place), of_pairs, cut
        for kind, cuts in selection.networks.items():
            for place, cut in enumerate(cuts):
                yield (*where, "networks", kind, place), of_pairs, cut
    for survey, named in configuration.row_candidates.items():
        for name, cuts in named.items():
            for place, cut in enumerate(cuts):
                yield ("row_candidates", survey, name, place), bits[survey], cut
    for name, direction in configuration.directions.items():
        for place, cut in enumerate(direction.rows):
            yield ("directions", name, "rows", place), bits[direction.origin], cut


def _methods_train_together(configuration: Configuration) -> None:
    members = {name: method.ensemble.trained for name, method in configuration.methods.items()}
    if configuration.compute.device == "cuda" and len(set(members.values())) > 1:
        raise ValueError(
            f"compute.device: cuda trains all members of a network at once and wants equally "
            f"many in every method, not {members}; make them equal or use auto"
        )


def _settings_can_be_read(configuration: Configuration) -> None:
    for name, method in configuration.methods.items():
        for setting in method.waiting:
            _all_are_published(configuration, f"methods.{name}.{setting}", "a value")


def _all_are_published(configuration: Configuration, place: str, instead: str) -> None:
    for name, direction in configuration.directions.items():
        if not direction.published:
            raise ValueError(
                f"{place} is fingerprint, but direction {name} has no published catalogue: "
                f"give {instead}"
            )


def _tolerances_can_be_made(configuration: Configuration) -> None:
    comparison = configuration.comparison
    method = configuration.methods[comparison.method]
    if comparison.pool < 2 * method.ensemble.trained:
        raise ValueError(
            f"comparison.pool: {comparison.pool} networks hold no two ensembles of "
            f"{method.ensemble.trained} members; give at least {2 * method.ensemble.trained}"
        )
    for name, direction in configuration.directions.items():
        if direction.published and not direction.catalogue:
            raise ValueError(
                f"comparison.tolerances is run, but direction {name} has no catalogue layout: "
                f"give directions.{name}.catalogue"
            )
    for name, changes in comparison.choices.items():
        try:
            changed = changed_method(method, changes)
        except ValueError as error:
            told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            raise ValueError(f"comparison.choices.{name}: {told}") from None
        if set(changed.waiting) - set(method.waiting):
            raise ValueError(f"comparison.choices.{name}: fingerprint is no alternative")


def _masking_flags_are_kept(configuration: Configuration) -> None:
    surveys = configuration.surveys
    features = {name for survey in surveys.values() for name in survey.features}
    for name, method in configuration.methods.items():
        where = f"methods.{name}.montecarlo.masked"
        if method.montecarlo.masked == FINGERPRINT:
            continue
        for feature, flag in method.montecarlo.masked.items():
            _known(feature, sorted(features), f"{where}: input")
            for survey in _read_from(configuration, feature):
                kept = surveys[survey].keep
                if flag not in kept:
                    raise ValueError(
                        f"{where}.{feature}: {flag!r} is not in surveys.{survey}.keep; add it "
                        f"there or take one of {', '.join(kept) or 'none'}"
                    )


def _read_from(configuration: Configuration, feature: str) -> list[str]:
    """The surveys of which a network reads the feature."""
    return [
        direction.origin
        for direction in configuration.directions.values()
        if any(feature in network.inputs for network in direction.networks.values())
    ]


def _known(name: str, names: Iterable[str], what: str) -> None:
    if name not in names:
        raise ValueError(f"{what} {name!r} is not defined; there are {_listed(names)}")


def _listed(names: Iterable[str]) -> str:
    first = list(itertools.islice(names, MOST_NAMED + 1))
    further = ["..."] if len(first) > MOST_NAMED else []
    return ", ".join(first[:MOST_NAMED] + further) or "none"
