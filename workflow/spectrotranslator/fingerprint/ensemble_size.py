"""How many members, and how long they trained.

The number of members stands in the lattice of the last digits (``lattice.py``). The systematic
error alone cannot give it: the spread of m predictions scatters by a known amount where they are
independent draws of one width, but how the width itself changes from star to star is not known, so
their shape is shown and not used. The length of training is told only by replicates of known
length, which the caller makes.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from spectrotranslator.translation.order_statistics import trimmed_spread

from .answer import Answer, unknown
from .digit_lattice import Lattice

ODDS = np.log(20)


def read_members(
    lattice: Lattice | None, figures: dict, systematic: Mapping[str, np.ndarray]
) -> Answer:
    """The number of members, the two that trimming drops included."""
    evidence = {"lattice": figures, **_shape(systematic)}
    if lattice is None:
        return unknown("the percentiles show no lattice of single precision", **evidence)
    members = lattice.kept + 2
    return Answer(estimate=members, interval=[members, members], evidence=evidence)


def _shape(systematic: Mapping[str, np.ndarray]) -> dict:
    """Median systematic error by label, and the scatter of its logarithm between two labels."""
    logs = {}
    for name, column in systematic.items():
        with np.errstate(divide="ignore"):
            logs[name] = np.log(column)
    names = list(logs)
    ratios = {}
    for first, second in pairwise(names):
        ratio = (logs[first] - logs[second])[np.isfinite(logs[first]) & np.isfinite(logs[second])]
        if len(ratio):
            low, high = np.percentile(ratio, [16, 84])
            ratios[f"{first}/{second}"] = float(high - low) / 2
    return {
        "median": {name: float(np.median(column)) for name, column in systematic.items()},
        "scatter_of_log_ratio": ratios,
        "scatter_of_independent_members": {
            str(m): trimmed_spread(m)[1] * float(np.sqrt(2)) for m in (5, 10, 30)
        },
    }


def length_statistics(
    predicted: np.ndarray, systematic: np.ndarray, aim: np.ndarray, members: int
) -> np.ndarray:
    """What tells a length of training, two numbers an output: shape (2 outputs,).

    Logarithms of the median absolute residual of ``predicted`` from ``aim``, both of shape
    (stars, outputs), and of the median systematic error, in units of what ``members`` independent
    members give.
    """
    residual = np.median(np.abs(predicted - aim), axis=0)
    with np.errstate(divide="ignore"):
        return np.concatenate(
            [
                np.log(residual),
                np.median(np.log(systematic), axis=0) - trimmed_spread(members)[0],
            ]
        )


def read_length(published: np.ndarray, replicates: Mapping[int, Sequence[np.ndarray]]) -> Answer:
    """The length of training, in epochs, among those that replicates were made with.

    Parameters
    ----------
    published
        ``length_statistics`` of the catalogue.
    replicates
        Length to the statistics of at least two replicates.

    The distance counts each statistic in units of the scatter between replicates of one length,
    pooled over the lengths; Student's t with as many degrees of freedom as that scatter has.
    """
    if len(replicates) < 2:
        return unknown("no replicates of known length were given to hold it against")
    rest = np.concatenate(
        [np.asarray(runs) - np.mean(runs, axis=0) for runs in replicates.values()]
    )
    freedom = len(rest) - len(replicates)
    if freedom < 2:
        return unknown("at least two replicates of each length are needed")
    scatter = np.sqrt((rest**2).sum(axis=0) / freedom)
    pulls = {
        length: (published - np.mean(runs, axis=0)) / scatter / np.sqrt(1 + 1 / len(runs))
        for length, runs in replicates.items()
    }
    # The statistics of one replicate hang together, so their mean counts as one measurement.
    scores = {
        length: float(-(freedom + 1) / 2 * np.log1p(np.mean(pull**2) / freedom))
        for length, pull in pulls.items()
    }
    best = max(scores, key=scores.__getitem__)
    left = sorted(length for length, score in scores.items() if scores[best] - score < ODDS)
    evidence = {
        "distance": {str(k): float(np.sqrt(np.mean(v**2))) for k, v in pulls.items()},
        "log_odds": {str(k): round(v - scores[best], 2) for k, v in scores.items()},
    }
    if len(left) == len(replicates):
        return unknown("no length that was tried can be excluded", **evidence)
    return Answer(estimate=best, interval=[left[0], left[-1]], evidence=evidence)
