"""Train all members of a network anew, for use in memory."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch

from ..configuration import Configuration
from .member import Names
from .model import Model, model_of
from .sample import Sample
from .together import train_together
from .train import train_member


def train_members(
    configuration: Configuration,
    method: str,
    direction: str,
    kind: str,
    sample: Sample,
    processes: int = 1,
) -> list[Model]:
    """Every member of one network, ready to predict.

    On a GPU all are trained at once; else one after another in each of so many ``processes``, on
    which no bit depends.
    """
    names = (method, direction, kind)
    if configuration.compute.device == "cuda":
        trained = train_together(configuration, *names, sample)
        return [model_of(facts, network.state_dict()) for network, facts, _ in trained]
    every = [Names(*names, m) for m in range(configuration.methods[method].ensemble.members)]
    train = partial(_trained, configuration, sample)
    if processes == 1:
        found = map(train, every)
        return [_model(*one) for one in found]
    # A clean process that has loaded torch and started no thread is what the others split from.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(min(processes, len(every)), mp_context=context) as workers:
        found = workers.map(train, every)
        return [_model(*one) for one in found]


def _trained(
    configuration: Configuration, sample: Sample, names: Names
) -> tuple[dict[str, np.ndarray], dict]:
    """Weights as arrays, which pass between processes as plain bytes, and facts."""
    network, facts, _ = train_member(configuration, names, sample)
    return {name: value.cpu().numpy() for name, value in network.state_dict().items()}, facts


def _model(weights: dict[str, np.ndarray], facts: dict) -> Model:
    return model_of(facts, {name: torch.from_numpy(value) for name, value in weights.items()})
