"""Match two surveys, cut, and part: the training sample of one network, and its ledger."""

import numpy as np
import pandas as pd

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import Direction, NetworkKind, Selection
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, write_json
from spectrotranslator.step import Step
from spectrotranslator.surveys.prepare_stars import missing

from .authors_sample import compare, dropped_by, keys, read_authors
from .cuts import apply_cuts
from .match_rows import entry, match
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
    return pairs.rename(columns=lambda name: f"{suffixes[name[-2:]]}:{name[:-2]}")


def training_sample(
    direction: Direction, kind: str, pairs: pd.DataFrame, entries: list[dict]
) -> pd.DataFrame:
    """Stars whose every input, output and error is there, of this network and those before it.

    So the extrinsic sample is part of the intrinsic one.
    """
    kinds = list(direction.networks)
    needed = [direction.networks[name] for name in kinds[: kinds.index(kind) + 1]]
    wanted = _columns(needed)
    values = pairs[wanted + [f"{name}_error" for name in wanted]].to_numpy(np.float64)
    whole = ~missing(values).any(axis=1)
    entries.append(entry(f"complete for {kind}", "ours", len(pairs), int(whole.sum())))
    names = ["from:key", "to:key", *(c for c in ("from:source_id",) if c in pairs)]
    return pairs.loc[whole, names + _columns(needed[-1:])].reset_index(drop=True)


def _columns(networks: list[NetworkKind]) -> list[str]:
    inputs = [f"from:{name}" for network in networks for name in network.inputs]
    outputs = [f"to:{name}" for network in networks for name in network.outputs]
    return list(dict.fromkeys(inputs + outputs))


def _sample_or_refuse(sample: pd.DataFrame, name: str) -> pd.DataFrame:
    if len(sample) < FEWEST_STARS:
        raise InputError(
            f"{name}: {len(sample)} stars are left to train on, at least {FEWEST_STARS} are "
            "needed; see sample/ledger.json for the cut that drops them"
        )
    return sample


def _candidates(configuration, direction, kind, tables) -> dict[str, pd.DataFrame]:
    """Training stars by candidate selection."""
    found = {}
    for name, selection in configuration.selections.items():
        pairs = matched(configuration, direction, tables, selection, [])
        found[name] = training_sample(direction, kind, pairs, [])
    return found


def _beside_authors(configuration, direction, theirs, ours, tables, candidates) -> dict:
    """Their stars beside ours, for the selection used and for every candidate."""
    chosen = configuration.selections.get(configuration.selection or "", Selection(cuts={}))
    compared = {name: compare(theirs, sample) for name, sample in candidates.items()}
    same = [name for name, n in compared.items() if n["both"] == n["theirs"] == n["ours"]]
    return {
        **compare(theirs, ours),
        "candidates": compared,
        "same_as": same,
        "dropped": dropped_by(theirs, ours, configuration, direction, tables, chosen),
    }


def main(arguments) -> None:
    configuration = load(arguments.config)
    direction = configuration.directions[arguments.direction]
    tables = {
        direction.origin: pd.read_parquet(arguments.origin),
        direction.target: pd.read_parquet(arguments.target),
    }
    bits = configuration.surveys[direction.origin].bits
    _, rows = apply_cuts(tables[direction.origin], direction.rows, bits)
    chosen = configuration.selections.get(configuration.selection or "", Selection(cuts={}))
    cuts: list[dict] = []
    pairs = matched(configuration, direction, tables, chosen, cuts)
    sample = training_sample(direction, arguments.kind, pairs, cuts)
    candidates = _candidates(configuration, direction, arguments.kind, tables)
    ledger = {
        "sample": configuration.training_sample,
        "catalogue_rows": [{"survey": direction.origin, **line} for line in rows],
        "training": cuts,
        "candidates": {name: len(stars) for name, stars in candidates.items()},
    }
    if arguments.authors:
        columns = configuration.sources.authors.columns
        theirs = read_authors(arguments.authors, columns, direction, arguments.kind)
        theirs = pd.concat([keys(theirs, configuration, direction, tables), theirs], axis=1)
        ledger["authors"] = _beside_authors(
            configuration, direction, theirs, sample, tables, candidates
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
step.output("sample", "training sample, Parquet")
step.output("ledger", "rows in and out of every cut, JSON")
step.setting("surveys")
step.setting("selections")
step.setting("selection")
step.setting("match")
step.setting("crossmatch")
step.setting("training_sample")
step.setting("sources.authors")
step.setting("split")
step.setting("directions.{direction}")
