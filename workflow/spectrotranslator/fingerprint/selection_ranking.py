"""Which selection made the training sample: every candidate's maps held against every star.

Whether a star's inputs lie in the maps follows from the training rows and the inputs, not from the
networks; whether its outputs do follows from the training rows and its published medians. So a
candidate is right where no star contradicts it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import Configuration, Direction
from spectrotranslator.sample.crossmatch import sampler
from spectrotranslator.sample.split import TRAIN, split
from spectrotranslator.translation.quality_flags import PairMaps

from .answer import Answer, unknown
from .catalogue_traces import Traces
from .pair_states import FAIL, UNTOLD

TRAINING, WHOLE = "training part", "whole sample"
SHORTLIST = 20
MOST_NAMED = 4
FIRST_STARS, GROWTH = 2_000, 25
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


@dataclass(frozen=True)
class Search:
    """All candidate selections of one direction between two surveys' stars."""

    configuration: Configuration
    direction: Direction
    tables: Mapping[str, pd.DataFrame]

    @cached_property
    def _sample_of(self):
        return sampler(self.configuration, self.direction, dict(self.tables))

    def _samples(self, name: str) -> dict[str, pd.DataFrame]:
        selection = self.configuration.candidate_selections[name]
        return {kind: self._sample_of(selection, kind) for kind in self.direction.networks}

    @cached_property
    def _stars_of(self) -> dict[str, tuple[bytes, ...]]:
        """Selection to a digest of each network's stars, where all have at least two."""
        found = {}
        for name in self.configuration.candidate_selections:
            samples = self._samples(name).values()
            if all(len(sample) >= 2 for sample in samples):
                found[name] = tuple(_digest(sample) for sample in samples)
        return found

    @cached_property
    def same_sample(self) -> dict[str, list[str]]:
        """Selection to the further ones that pick the same stars, which nothing can tell apart.

        A selection that leaves fewer than two stars is left out.
        """
        groups: dict[tuple[bytes, ...], list[str]] = {}
        for name, stars in self._stars_of.items():
            groups.setdefault(stars, []).append(name)
        return {first: others for first, *others in groups.values()}

    def within_published(self, name: str) -> bool:
        """Whether every published number of training stars is met; true where none is known."""
        published = self.direction.published_counts
        return all(
            published[kind][0] <= len(sample) <= published[kind][1]
            for kind, sample in self._samples(name).items()
            if kind in published
        )

    def candidates(self, names: Iterable[str]) -> Iterator[Candidate]:
        """Every named selection, with its training part and with all its stars."""
        of_networks = self.direction.networks.items()
        outputs_of = {kind: network.outputs for kind, network in of_networks}
        for name in names:
            samples = self._samples(name)
            for part in (TRAINING, WHOLE):
                inputs, outputs = {}, {}
                for kind, network in of_networks:
                    sample = samples[kind]
                    if part == TRAINING:
                        sample = sample[split(sample, self.configuration.split) == TRAIN]
                    inputs[kind] = sample[[f"from:{name}" for name in network.inputs]].to_numpy()
                    outputs[kind] = sample[[f"to:{name}" for name in network.outputs]].to_numpy()
                yield Candidate(name, part, inputs, outputs, outputs_of, samples)

    def shortlist(
        self,
        traces: Traces,
        values: Mapping[tuple[str, str], np.ndarray],
        bins: int,
        precision: str,
    ) -> list[str]:
        """Selections that the fewest stars contradict in the maps of the first network.

        They are found on more and more of the stars.

        Parameters
        ----------
        traces, values, bins, precision
            As ``contradictions`` takes them.

        Returns
        -------
        list of str
            At least ``SHORTLIST`` where there are so many; with them all that are as good as the
            last of them.
        """
        names = list(self.same_sample)
        first = traces.of_network(next(iter(self.direction.networks)))
        stars = min(FIRST_STARS, len(traces.stars))
        while len(names) > SHORTLIST:
            rows = np.linspace(0, len(traces.stars) - 1, stars).astype(int)
            there = {key: table[rows] for key, table in values.items()}
            representatives = {self._stars_of[name][0]: name for name in names}
            wrong: dict[bytes, int] = {}
            for candidate in self.candidates(representatives.values()):
                found, _ = contradictions(candidate, first.of_rows(rows), there, bins, precision)
                stars_of = self._stars_of[candidate.selection][0]
                wrong[stars_of] = min(wrong.get(stars_of, len(rows)), int(found.sum()))
            bound = sorted(wrong[self._stars_of[name][0]] for name in names)[SHORTLIST - 1]
            names = [name for name in names if wrong[self._stars_of[name][0]] <= bound]
            if stars == len(traces.stars):
                break
            stars = min(stars * GROWTH, len(traces.stars))
        return names


def _digest(sample: pd.DataFrame) -> bytes:
    keys = [sample[column].tolist() for column in ("from:key", "to:key")]
    return hashlib.sha256(json.dumps(keys).encode()).digest()


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
    found: Mapping[tuple[str, str], tuple[np.ndarray, dict]],
    size: Mapping[tuple[str, str], int],
    within: Mapping[str, bool],
    same_sample: Mapping[str, list[str]],
) -> Answer:
    """Rank the candidates by the stars that contradict them, and among equals by their counts.

    Parameters
    ----------
    found
        Selection and part to what ``contradictions`` gives.
    size
        Selection and part to its number of intrinsic training rows.
    within
        Selection to whether it has the published numbers of training stars.
    same_sample
        Selection to the further ones that pick the same stars, of all that were searched.

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
            "same_sample": same_sample[selection],
            "published_counts": within[selection],
            "contradicted_by": wrong[selection, part],
            "log_odds": -float((wrong[selection, part] - least) * cost),
            "by_pair": found[selection, part][1],
        }
        for selection, part in sorted(wrong, key=lambda key: (wrong[key], not within[key[0]]))
    ]
    left = list(dict.fromkeys(line["selection"] for line in ranking if line["log_odds"] > -ODDS))
    evidence = {
        "stars": stars,
        "searched": sum(1 + len(others) for others in same_sample.values()),
        "ranking": ranking,
    }
    if least > TOLERATED * stars:
        return unknown(
            f"no candidate gives the flags: the nearest, {left[0]!r}, is contradicted by {least} "
            f"of {stars} stars",
            left=left,
            **evidence,
        )
    counted = [name for name in left if within[name]]
    if len(counted) == 1:
        left = counted
    if len(left) > 1:
        named = " and ".join(left[:MOST_NAMED])
        further = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
        evidence |= {"left": left, "compatible": left}
        return unknown(f"{named}{further} cannot be told apart", **evidence)
    return Answer(estimate=left[0], interval=left, evidence=evidence)
