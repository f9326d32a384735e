"""Match two surveys, cut, and part: the training sample of one network, and its ledger."""

import numpy as np
import pandas as pd

from ..configuration import Configuration, load
from ..configuration.model import Direction, NetworkKind, Selection
from ..errors import InputError
from ..files import atomic, write_json
from ..stage import Stage
from ..surveys.stars import missing
from .cuts import apply_cuts
from .split import split

FEWEST_STARS = 32


def best_rows(stars: pd.DataFrame, on: str) -> pd.DataFrame:
    """One row a star: of rows sharing ``on``, the one with the highest S/N (then the first)."""
    if "snr" in stars:
        stars = stars.sort_values("snr", ascending=False, kind="stable", na_position="last")
    return stars.drop_duplicates(on).sort_values("row")


def match(first: pd.DataFrame, second: pd.DataFrame, on: str, entries: list[dict]) -> pd.DataFrame:
    """Stars in both tables, ordered by the first one's key; columns end in ``_1`` and ``_2``."""
    sides = []
    for name, table in (("first", first), ("second", second)):
        known = table[table[on] > 0] if on == "source_id" else table
        single = best_rows(known, on)
        entries.append(_entry(f"one row a star, {name}", "ours", len(table), len(single)))
        sides.append(single)
    left, right = (side.add_suffix(f"_{i}") for i, side in enumerate(sides, start=1))
    pairs = left.merge(right, left_on=f"{on}_1", right_on=f"{on}_2", validate="one_to_one")
    entries.append(_entry(f"matched on {on}", "ours", len(left), len(pairs)))
    return pairs.sort_values("key_1", ignore_index=True)


def _entry(what: str, source: str, before: int, after: int) -> dict:
    return {"what": what, "source": source, "in": before, "out": after}


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
        table, lines = apply_cuts(tables[name], selection.cuts.get(name, []))
        entries += [{"survey": name, **line} for line in lines]
        cut.append(table)
    pairs = match(*cut, configuration.match, entries)
    origin_first = names[0] == direction.origin
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
    entries.append(_entry(f"complete for {kind}", "ours", len(pairs), int(whole.sum())))
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


def _counts(configuration, direction, kind, tables) -> dict[str, int]:
    """Training stars by candidate selection."""
    found = {}
    for name, selection in configuration.selections.items():
        pairs = matched(configuration, direction, tables, selection, [])
        found[name] = len(training_sample(direction, kind, pairs, []))
    return found


def main(arguments) -> None:
    configuration = load(arguments.config)
    direction = configuration.directions[arguments.direction]
    tables = {
        direction.origin: pd.read_parquet(arguments.origin),
        direction.target: pd.read_parquet(arguments.target),
    }
    _, rows = apply_cuts(tables[direction.origin], direction.rows)
    chosen = configuration.selections.get(configuration.selection or "", Selection(cuts={}))
    cuts: list[dict] = []
    pairs = matched(configuration, direction, tables, chosen, cuts)
    sample = training_sample(direction, arguments.kind, pairs, cuts)
    sample = _sample_or_refuse(sample, f"{arguments.direction} {arguments.kind}")
    sample["part"] = split(len(sample), configuration.split)
    candidates = _counts(configuration, direction, arguments.kind, tables)
    write_json(
        arguments.ledger, {"catalogue_rows": rows, "training": cuts, "candidates": candidates}
    )
    with atomic(arguments.sample) as temporary:
        sample.to_parquet(temporary, index=False)


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.option("direction", "name of the direction", required=True)
stage.option("kind", "which of its networks", required=True)
stage.input("origin", "stars of the survey translated from")
stage.input("target", "stars of the survey translated to")
stage.output("sample", "training sample, Parquet")
stage.output("ledger", "rows in and out of every cut, JSON")

if __name__ == "__main__":
    stage.run(main)
