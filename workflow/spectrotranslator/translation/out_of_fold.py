"""Training stars with the predictions of those members that left them out."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import Method
from spectrotranslator.network.training_sample import TRAIN, Sample

from .ensemble_inference import Ensemble
from .intervals import input_noise
from .montecarlo import NetworkPart, measurements, perturbations, trimmed


@dataclass(frozen=True)
class OutOfFold:
    """What is known of every star some member left out; arrays (stars, outputs) unless said.

    ``input_errors`` are the stated errors of the inputs, shape (stars, inputs); NaN where a star
    has none. ``fewer`` is 1/m - 1/M for m members that left the star out and M in all, shape
    (stars,).
    """

    rows: np.ndarray
    label: np.ndarray
    label_error: np.ndarray
    centre: np.ndarray
    noise: np.ndarray
    scatter: np.ndarray
    input_errors: np.ndarray
    fewer: np.ndarray


def out_of_fold_predictions(
    sample: Sample,
    part: NetworkPart,
    method: Method,
    origin: pd.DataFrame,
    target: pd.DataFrame,
) -> OutOfFold:
    """Stars of ``sample`` judged by those members that did not train on them.

    ``origin`` and ``target`` are the surveys' stars of the sample, row by row, with errors.
    """
    members, scatter, noise, errors = [], [], [], []
    size = method.montecarlo.block_rows
    for first in range(0, len(origin), size):
        block = origin.iloc[first : first + size].reset_index(drop=True)
        found, stated = _predicted(block, part, method)
        centre, _ = trimmed(found, method.ensemble.trim)
        members.append(found[:, :, 0])
        scatter.append(found[:, :, 0].std(axis=0))
        noise.append(input_noise(centre))
        errors.append(stated)
    predicted = np.concatenate(members, axis=1)
    out = unseen_by_member(sample, predicted.shape[0], method.training.folds)
    rows = np.flatnonzero(out.any(axis=0))
    weight = out[:, rows, None]
    outputs = part.ensemble.outputs
    count = out[:, rows].sum(axis=0)
    return OutOfFold(
        rows=rows,
        label=sample.outputs[rows],
        label_error=target[[f"{name}_error" for name in outputs]].to_numpy(np.float64)[rows],
        centre=(predicted[:, rows] * weight).sum(axis=0) / count[:, None],
        noise=np.concatenate(noise)[rows],
        scatter=np.concatenate(scatter)[rows],
        input_errors=np.concatenate(errors)[rows],
        fewer=1 / count - 1 / len(predicted),
    )


def unseen_by_member(sample: Sample, members: int, folds: int) -> np.ndarray:
    """Which stars each member did not train on, shape (members, stars)."""
    return np.stack([sample.for_member(m, folds).part != TRAIN for m in range(members)])


def _predicted(
    block: pd.DataFrame, part: NetworkPart, method: Method
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, shape (members, rows, realisations, outputs), and errors of the inputs."""
    ensemble: Ensemble = part.ensemble
    values, errors = measurements(block, ensemble.inputs, method.montecarlo)
    noise = perturbations(block, ensemble.inputs, errors, method.montecarlo, [part], part.kind)
    rows, times, features = noise.shape
    perturbed = (values[:, None, :] + noise).reshape(rows * times, features)
    return ensemble.predict(perturbed).reshape(ensemble.members, rows, times, -1), errors
