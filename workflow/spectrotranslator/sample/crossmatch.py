"""Match two surveys, cut, and part: the training sample of one network, and its ledger."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import Direction, Selection
from spectrotranslator.config.resolve_from_fingerprint import resolve_selection
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, write_json
from spectrotranslator.step import Step
from spectrotranslator.surveys.prepare_stars import missing

from .authors_sample import compare, dropped_by, keys, read_authors
from .candidate_samples import CandidateSamples
from .cuts import apply_cuts
from .label_differences import describe_candidate
from .match_rows import entry, match
from .pair_cuts import apply_pair_cuts, cuts_for
from .sample_columns import needed_columns, network_columns
from .split import split

FEWEST_STARS = 32


def matched(
    configuration: Configuration,
    direction: Direction,
    tables: dict[str, pd.DataFrame],
    selection: Selection,
    entries: list[dict],
) -> pd.DataFrame:
    """Stars both surveys saw after the selection's cuts, with ``from`` and ``to`` columns.

    The pairs are the same, in the same order, for both directions between two surveys.
    """
    names = [name for name in configuration.surveys if name in (direction.origin, direction.target)]
    cut = []
    for name in names:
        bits = configuration.surveys[name].bits
        table, lines = apply_cuts(tables[name], selection.cuts.get(name, []), bits)
        entries += [{"survey": name, **line} for line in lines]
        cut.append(table)
    first, second = names
    pairs = match(*cut, configuration.match, entries, configuration.crossmatch, (first, second))
    origin_first = first == direction.origin
    suffixes = {"_1": "from", "_2": "to"} if origin_first else {"_2": "from", "_1": "to"}
    pairs = pairs.rename(columns=lambda name: f"{suffixes[name[-2:]]}:{name[:-2]}")
    return apply_pair_cuts(pairs, selection.pairs, configuration, direction, entries)


def training_sample(
    direction: Direction, kind: str, pairs: pd.DataFrame, entries: list[dict]
) -> pd.DataFrame:
    """Stars whose every input, output and error is there, of this network and those before it.

    So the extrinsic sample is part of the intrinsic one.
    """
    values = pairs[needed_columns(direction, kind)].to_numpy(np.float64)
    whole = ~missing(values).any(axis=1)
    entries.append(entry(f"complete for {kind}", "ours", len(pairs), int(whole.sum())))
    names = ["from:key", "to:key", *(c for c in ("from:source_id",) if c in pairs)]
    columns = names + network_columns([direction.networks[kind]])
    return pairs.loc[whole, columns].reset_index(drop=True)


def select_training(
    configuration: Configuration,
    direction: Direction,
    kind: str,
    tables: dict[str, pd.DataFrame],
    selection: Selection,
    entries: list[dict],
) -> pd.DataFrame:
    """The training sample of one network: matched, cut and complete, before it is split.

    Parameters
    ----------
    configuration, direction
        How stars are matched and which networks there are.
    kind : str
        Which of the direction's networks.
    tables : dict of str to pandas.DataFrame
        Survey to its stars, as the workflow prepares them.
    selection : Selection
        The cuts.
    entries : list of dict
        Gets the lines of the ledger.

    Returns
    -------
    pandas.DataFrame
        Keys, inputs as ``from:NAME`` and outputs as ``to:NAME``, one star a row.
    """
    pairs = matched(configuration, direction, tables, selection, entries)
    cuts = cuts_for(selection, direction, kind)
    pairs = apply_pair_cuts(pairs, cuts, configuration, direction, entries)
    return training_sample(direction, kind, pairs, entries)


def _sample_or_refuse(sample: pd.DataFrame, name: str) -> pd.DataFrame:
    if len(sample) < FEWEST_STARS:
        raise InputError(
            f"{name}: {len(sample)} stars are left to train on, at least {FEWEST_STARS} are "
            "needed; see sample/ledger.json for the cut that drops them"
        )
    return sample


def sampler(
    configuration: Configuration, direction: Direction, tables: dict[str, pd.DataFrame]
) -> Callable[[Selection, str], pd.DataFrame]:
    """What gives the training sample of any selection and network kind, as ``select_training``."""
    by_id = configuration.match != "position" and configuration.crossmatch.fallback == "none"
    if by_id:
        return CandidateSamples(configuration, direction, tables).sample
    return lambda selection, kind: select_training(
        configuration, direction, kind, tables, selection, []
    )


def _beside_authors(configuration, direction, theirs, ours, tables, compared) -> dict:
    """Their stars beside ours, for the selection used and, ``compared``, for every candidate."""
    same = [name for name, n in compared.items() if n["both"] == n["theirs"] == n["ours"]]
    return {
        **compare(theirs, ours),
        "candidates": compared,
        "same_as": same,
        "dropped": dropped_by(
            theirs, ours, configuration, direction, tables, configuration.chosen_selection
        ),
    }


def _theirs(arguments, configuration, direction, tables) -> pd.DataFrame | None:
    """The authors' sample with the keys of our rows; none where it is not at hand."""
    if not arguments.authors:
        return None
    columns = configuration.sources.authors.columns
    theirs = read_authors(arguments.authors, columns, direction, arguments.kind)
    return pd.concat([keys(theirs, configuration, direction, tables), theirs], axis=1)


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = resolve_selection(load(arguments.config), arguments.fingerprint)
    direction = configuration.directions[arguments.direction]
    tables = {
        direction.origin: pd.read_parquet(arguments.origin),
        direction.target: pd.read_parquet(arguments.target),
    }
    bits = configuration.surveys[direction.origin].bits
    _, rows = apply_cuts(tables[direction.origin], direction.rows, bits)
    cuts: list[dict] = []
    chosen = configuration.chosen_selection
    sample = select_training(configuration, direction, arguments.kind, tables, chosen, cuts)
    theirs = _theirs(arguments, configuration, direction, tables)
    candidates, compared = {}, {}
    sample_of = sampler(configuration, direction, tables)
    for name, selection in configuration.candidate_selections.items():
        stars = sample_of(selection, arguments.kind)
        candidates[name] = describe_candidate(stars, configuration, direction, arguments.kind)
        if theirs is not None:
            compared[name] = compare(theirs, stars)
    ledger = {
        "sample": configuration.training_sample,
        "catalogue_rows": [{"survey": direction.origin, **line} for line in rows],
        "training": cuts,
        "candidates": candidates,
    }
    if theirs is not None:
        ledger["authors"] = _beside_authors(
            configuration, direction, theirs, sample, tables, compared
        )
        if configuration.training_sample == "authors":
            sample = theirs[list(sample)].copy()
    elif configuration.training_sample == "authors":
        raise InputError(
            f"training_sample is authors, but their {arguments.kind} sample is not at hand: lay it "
            "in a folder and set sources.authors.folder, or give its url in the table of sources"
        )
    sample = _sample_or_refuse(sample, f"{arguments.direction} {arguments.kind}")
    sample["part"] = split(sample, configuration.split)
    write_json(arguments.ledger, ledger)
    with atomic(arguments.sample) as temporary:
        sample.to_parquet(temporary, index=False)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("direction", "name of the direction", required=True)
step.option("kind", "which of its networks", required=True)
step.input("origin", "stars of the survey translated from")
step.input("target", "stars of the survey translated to")
step.input("authors", "the authors' own sample, FITS", required=False)
step.input("fingerprint", "what tells the selection, JSON", required=False)
step.output("sample", "training sample, Parquet")
step.output("ledger", "rows in and out of every cut, JSON")
step.setting("surveys")
step.setting("selections")
step.setting("selection_grid")
step.setting("selection")
step.setting("selection_fallback")
step.setting("match")
step.setting("crossmatch")
step.setting("training_sample")
step.setting("sources.authors")
step.setting("split")
step.setting("directions.{direction}")
