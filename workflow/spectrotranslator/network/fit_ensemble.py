"""Train all members of a network anew, for use in memory."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from spectrotranslator.config import Configuration

from .member import Names
from .saved_model import Model, model_of
from .train_members import train_ensemble, train_member
from .training_sample import Sample


def fit_ensemble(
    configuration: Configuration,
    method: str,
    direction: str,
    kind: str,
    sample: Sample,
    spread: Callable = map,
) -> list[Model]:
    """Every member of one network, ready to predict.

    On a GPU all are trained at once; else by ``spread``, which is ``map`` or the like of it that
    shares the members among processes.
    """
    if configuration.compute.device == "cuda":
        return fit_ensemble_stacked(configuration, method, direction, kind, sample)
    every = _every_member(configuration, method, direction, kind)
    found = spread(partial(_trained, configuration, sample), every)
    return [_model(*one) for one in found]


def fit_ensemble_stacked(
    configuration: Configuration, method: str, direction: str, kind: str, sample: Sample
) -> list[Model]:
    """The same in one program, on whatever device is configured."""
    every = _every_member(configuration, method, direction, kind)
    trained = train_ensemble(configuration, every, sample)
    return [model_of(facts, network.state_dict()) for network, facts, _ in trained]


def _every_member(
    configuration: Configuration, method: str, direction: str, kind: str
) -> list[Names]:
    members = configuration.methods[method].ensemble.trained
    return [Names(method, direction, kind, number) for number in range(members)]


def _trained(
    configuration: Configuration, sample: Sample, names: Names
) -> tuple[dict[str, np.ndarray], dict]:
    """Weights as arrays, which pass between processes as plain bytes, and facts."""
    network, facts, _ = train_member(configuration, names, sample)
    return {name: value.cpu().numpy() for name, value in network.state_dict().items()}, facts


def _model(weights: dict[str, np.ndarray], facts: dict) -> Model:
    return model_of(facts, {name: torch.from_numpy(value) for name, value in weights.items()})
