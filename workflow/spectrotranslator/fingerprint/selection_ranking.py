"""Which selection made the training sample: every candidate's maps held against every star.

Whether a star's inputs lie in the maps follows from the training rows and the inputs, not from the
networks; whether its outputs do follows from the training rows and its published medians. So a
candidate is right where no star contradicts it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import Configuration, Direction
from spectrotranslator.sample.crossmatch import matched, training_sample
from spectrotranslator.sample.split import TRAIN, split
from spectrotranslator.translation.quality_flags import PairMaps

from .answer import Answer, unknown
from .catalogue_traces import Traces
from .pair_states import FAIL, UNTOLD

TRAINING, WHOLE = "training part", "whole sample"
ODDS = np.log(20)
TOLERATED = 1e-3


@dataclass(frozen=True)
class Candidate:
    """One selection's training rows: inputs and outputs by network, shape (rows, features).

    ``outputs_of`` names the outputs of each network, ``samples`` holds all its stars, in order.
    """

    selection: str
    part: str
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    outputs_of: dict[str, list[str]]
    samples: dict[str, pd.DataFrame]

    def of(self, side: str, kind: str) -> np.ndarray:
        """The rows that the maps of one side of one network are made of."""
        return (self.inputs if side == "Input" else self.outputs)[kind]

    def scalings(self) -> dict[str, tuple[float, float]]:
        """Output to mean and standard deviation of these rows."""
        return {
            name: (float(column.mean()), float(column.std()))
            for kind, names in self.outputs_of.items()
            for name, column in zip(names, self.outputs[kind].T, strict=True)
        }


def candidates(
    configuration: Configuration, direction: Direction, tables: Mapping[str, pd.DataFrame]
) -> Iterator[Candidate]:
    """Every selection of the configuration, with its training part and with all its stars."""
    for name, selection in configuration.selections.items():
        pairs = matched(configuration, direction, tables, selection, [])
        samples = {kind: training_sample(direction, kind, pairs, []) for kind in direction.networks}
        if any(len(sample) < 2 for sample in samples.values()):
            continue
        for part in (TRAINING, WHOLE):
            inputs, outputs = {}, {}
            for kind, network in direction.networks.items():
                sample = samples[kind]
                if part == TRAINING:
                    sample = sample[split(sample, configuration.split) == TRAIN]
                inputs[kind] = sample[[f"from:{name}" for name in network.inputs]].to_numpy()
                outputs[kind] = sample[[f"to:{name}" for name in network.outputs]].to_numpy()
            names = {kind: network.outputs for kind, network in direction.networks.items()}
            yield Candidate(name, part, inputs, outputs, names, samples)


def contradictions(
    candidate: Candidate,
    traces: Traces,
    values: Mapping[tuple[str, str], np.ndarray],
    bins: int,
    precision: str = "float64",
) -> tuple[np.ndarray, dict[str, list[int]]]:
    """Which rows contradict a candidate, and by map how many do in each pair.

    ``values`` holds by side and network what is looked up, shape (rows, features); ``precision`` is
    the floating-point type of the training table's columns.
    """
    rows = np.zeros(len(traces.stars), bool)
    by_pair = {}
    for (side, kind), states in traces.states.items():
        maps = PairMaps.of(candidate.of(side, kind), bins, precision)
        outside = maps.outside(values[side, kind])
        wrong = (states != UNTOLD) & ((states == FAIL) != outside)
        rows |= wrong.any(axis=1) | (traces.good[side, kind] == outside.any(axis=1))
        by_pair[f"{side} {kind}"] = wrong.sum(axis=0).tolist()
    return rows, by_pair


def read_precision(wrong: Mapping[str, np.ndarray]) -> Answer:
    """The floating-point type of the training table, from the stars that contradict each.

    Parameters
    ----------
    wrong
        Type to whether each row contradicts the best candidate's maps made in it.
    """
    counts = {name: int(rows.sum()) for name, rows in wrong.items()}
    evidence = {"contradicted_by": counts}
    if not wrong:
        return unknown("no candidate selection leaves stars to train on", **evidence)
    best = min(counts, key=counts.__getitem__)
    stars = len(wrong[best])
    if counts[best] > TOLERATED * stars:
        return unknown("no candidate selection gives the flags", **evidence)
    rate = (counts[best] + 0.5) / (stars + 1)
    cost = np.log((1 - rate) / rate)
    left = [name for name, count in counts.items() if (count - counts[best]) * cost < ODDS]
    if len(left) > 1:
        return unknown(f"no star's flags tell {' and '.join(left)} apart", **evidence)
    return Answer(estimate=best, interval=left, evidence=evidence)


def read_selection(
    found: Mapping[tuple[str, str], tuple[np.ndarray, dict]], size: Mapping[tuple[str, str], int]
) -> Answer:
    """Rank the candidates by the stars that contradict them.

    Parameters
    ----------
    found
        Selection and part to what ``contradictions`` gives.
    size
        Selection and part to its number of intrinsic training rows.

    The log odds take the stars as independent and the best candidate's rate of contradictions as
    that of chance.
    """
    if not found:
        return unknown("no candidate selection leaves stars to train on")
    wrong = {key: int(rows.sum()) for key, (rows, _) in found.items()}
    stars = len(next(iter(found.values()))[0])
    least = min(wrong.values())
    rate = (least + 0.5) / (stars + 1)
    cost = np.log((1 - rate) / rate)
    ranking = [
        {
            "selection": selection,
            "maps_of": part,
            "rows": size[selection, part],
            "contradicted_by": wrong[selection, part],
            "log_odds": -float((wrong[selection, part] - least) * cost),
            "by_pair": found[selection, part][1],
        }
        for selection, part in sorted(wrong, key=lambda key: wrong[key])
    ]
    left = list(dict.fromkeys(line["selection"] for line in ranking if line["log_odds"] > -ODDS))
    evidence = {"stars": stars, "ranking": ranking}
    if len(left) > 1:
        return unknown(f"{' and '.join(left)} cannot be told apart", left=left, **evidence)
    if least > TOLERATED * stars:
        return unknown(
            f"no candidate gives the flags: the nearest, {left[0]!r}, is contradicted by {least} "
            f"of {stars} stars",
            left=left,
            **evidence,
        )
    return Answer(estimate=left[0], interval=left, evidence=evidence)
