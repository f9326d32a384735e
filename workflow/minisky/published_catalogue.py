"""The published execution's application: Monte Carlo, trimming, percentiles, flags, comments."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .published_network import Ensemble
from .seeds import generator

PERCENTILES = (5, 16, 50, 84, 95)
CELLS = 30


@dataclass(frozen=True)
class Direction:
    """Names of a translation: its catalogue, its seven inputs (velocity last), its four outputs."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """Percentiles (n, 5, 5) by label and percentile, systematic errors (n, 5), flags, comments."""

    percentiles: np.ndarray
    systematic: np.ndarray
    missing_intrinsic: np.ndarray
    missing_extrinsic: np.ndarray
    good_inputs_intrinsic: np.ndarray
    good_outputs_intrinsic: np.ndarray
    good_inputs_extrinsic: np.ndarray
    comments: list[str]


def trim(predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation over members (axis 0), the lowest and the highest left out."""
    kept = np.sort(predictions, axis=0)[1:-1]
    return kept.mean(axis=0), kept.std(axis=0)


def translate(
    direction: Direction,
    intrinsic: Ensemble,
    extrinsic: Ensemble,
    inputs: np.ndarray,
    errors: np.ndarray,
    realisations: int,
    seed: int,
) -> Catalogue:
    """Translate inputs (n, 7) with errors (n, 7); realisation 0 is unperturbed.

    One draw per feature and realisation serves both networks. Systematic errors and flags are
    those of realisation 0.
    """
    n = len(inputs)
    drawn = np.empty((realisations, n, 5))
    systematic = np.empty((n, 5))
    for realisation in range(realisations):
        noisy = inputs
        if realisation > 0:
            rng = generator(seed, "monte carlo", direction.name, realisation)
            noisy = inputs + errors * rng.normal(size=inputs.shape)
        labels, labels_spread = trim(intrinsic.predict(noisy[:, :6]))
        velocity, velocity_spread = trim(extrinsic.predict(noisy))
        drawn[realisation] = np.hstack([labels, velocity])
        if realisation == 0:
            systematic = np.hstack([labels_spread, velocity_spread])
    percentiles = np.percentile(drawn, PERCENTILES, axis=0).transpose(1, 2, 0)
    median = percentiles[:, :4, 2]
    in_intrinsic = failing_pairs(intrinsic.train_inputs, inputs[:, :6])
    out_intrinsic = failing_pairs(intrinsic.train_outputs, median)
    in_extrinsic = failing_pairs(extrinsic.train_inputs, inputs)
    missing = ~np.isfinite(inputs)
    return Catalogue(
        percentiles,
        systematic,
        missing[:, :6].any(axis=1),
        missing.any(axis=1),
        ~in_intrinsic.any(axis=1),
        ~out_intrinsic.any(axis=1),
        ~in_extrinsic.any(axis=1),
        write_comments(direction, in_intrinsic, out_intrinsic, in_extrinsic),
    )


def failing_pairs(train: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whether each row of values (n, k) falls outside the training map, per pair: (n, k(k-1)/2).

    A map has 30 x 30 cells between the training rows' extremes. It is kept as the centres of its
    cells; rows are looked up between edges rebuilt from these, in doubles. Values are first
    rounded to the floating-point type of ``train``.
    """
    values = values.astype(train.dtype).astype(np.float64)
    train = train.astype(np.float64)
    columns = []
    for i, j in combinations(range(train.shape[1]), 2):
        counts, edges_i, edges_j = np.histogram2d(train[:, i], train[:, j], bins=CELLS)
        padded = np.zeros((CELLS + 2, CELLS + 2), bool)
        padded[1:-1, 1:-1] = counts > 0
        places = []
        for k, edges in ((i, edges_i), (j, edges_j)):
            width = edges[1] - edges[0]
            centres = edges[:-1] + width / 2
            half = (centres[1] - centres[0]) / 2
            rebuilt = [*(centre - half for centre in centres), centres[-1] + half]
            places.append(np.digitize(np.nan_to_num(values[:, k], nan=-np.inf), rebuilt))
        columns.append(~padded[places[0], places[1]])
    return np.stack(columns, axis=1)


def write_comments(
    direction: Direction,
    in_intrinsic: np.ndarray,
    out_intrinsic: np.ndarray,
    in_extrinsic: np.ndarray,
) -> list[str]:
    """The comment of each row: intrinsic input and output pairs, a bar, extrinsic pairs, a bar.

    Each bar is written where the comment so far is not empty.
    """
    reasons_in = _reasons("Input", direction.inputs[:6])
    reasons_out = _reasons("Output", direction.outputs)
    reasons_ex = _reasons("Input", direction.inputs)
    comments = []
    for one, two, three in zip(in_intrinsic, out_intrinsic, in_extrinsic, strict=True):
        first = "".join(reasons_in[k] for k in np.flatnonzero(one))
        first += "".join(reasons_out[k] for k in np.flatnonzero(two))
        first += "|" if first else ""
        whole = first + "".join(reasons_ex[k] for k in np.flatnonzero(three))
        comments.append(whole + "|" if whole else "")
    return comments


def _reasons(kind: str, names: tuple[str, ...]) -> list[str]:
    return [f"| {kind} {a}_{b} outside training range" for a, b in combinations(names, 2)]
