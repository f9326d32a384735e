"""Importance of every input: exact Shapley values over all coalitions.

With six or seven inputs all 64 or 128 coalitions cost less than sampling. The value of a
coalition is the prediction with the other inputs taken from background stars, averaged over them
(Lundberg & Lee 2017, arXiv 1705.07874).
"""

from collections.abc import Callable
from math import factorial

import numpy as np
import torch
from torch import Tensor

from spectrotranslator.config.configuration import Importance, NetworkKind
from spectrotranslator.seeds import seed

from .saved_model import Model
from .training_loop import Stars
from .training_sample import TRAIN, VALIDATION, Sample, Scalings

DRAWS = 200


def shapley(function: Callable[[Tensor], Tensor], stars: Tensor, background: Tensor) -> np.ndarray:
    """Exact Shapley values, shape (stars, inputs, outputs).

    Parameters
    ----------
    function
        Inputs (rows, inputs) to outputs (rows, outputs).
    stars, background
        Stars explained and stars that stand for an absent input, shape (., inputs).
    """
    inputs = stars.shape[1]
    coalitions = [_coalition(number, inputs) for number in range(2**inputs)]
    value = np.stack([_value(function, stars, background, present) for present in coalitions])
    weights = [
        factorial(size) * factorial(inputs - size - 1) / factorial(inputs) for size in range(inputs)
    ]
    result = np.zeros((len(stars), inputs, value.shape[-1]))
    for number in range(2**inputs):
        size = number.bit_count()
        for i in range(inputs):
            if not number >> i & 1:
                result[:, i] += weights[size] * (value[number | 1 << i] - value[number])
    return result


def _coalition(number: int, inputs: int) -> Tensor:
    return torch.tensor([bool(number >> i & 1) for i in range(inputs)])


def _value(function, stars: Tensor, background: Tensor, present: Tensor) -> np.ndarray:
    """Mean prediction of each star with the absent inputs from the background."""
    mixed = torch.where(present, stars[:, None, :], background[None, :, :])
    with torch.inference_mode():
        output = function(mixed.reshape(-1, stars.shape[1]))
    return output.reshape(len(stars), len(background), -1).mean(dim=1).numpy().astype(np.float64)


def absolute(model: Model, stars: Tensor, background: Tensor) -> dict[str, np.ndarray]:
    """|Shapley value| of every star, (stars, inputs, outputs), of the output and the correction.

    Both come of one pass through the network.
    """
    network = model.network

    def both(x: Tensor) -> Tensor:
        correction = network.correction(x)
        return torch.cat([x[:, network.corrected] + correction, correction], dim=1)

    output, correction = np.split(np.abs(shapley(both, stars, background)), 2, axis=-1)
    return {"output": output, "correction": correction}


def summary(members: np.ndarray, draws: int = DRAWS) -> dict[str, list]:
    """Importance in percent, its scatter over members and its bootstrap error over stars.

    ``members`` are |Shapley values|, shape (members, stars, inputs, outputs). As in the paper, an
    input's importance is its mean over stars, as a share of the sum over inputs.
    """
    percent = _percent(members.mean(axis=1))
    chance = np.random.default_rng(seed("importance", "bootstrap"))
    stars = members.shape[1]
    drawn = [
        _percent(members[:, chance.integers(0, stars, stars)].mean(axis=1)).mean(axis=0)
        for _ in range(draws)
    ]
    return {
        "percent": percent.mean(axis=0).tolist(),
        "percent_std_of_members": percent.std(axis=0).tolist(),
        "percent_error_over_stars": np.std(drawn, axis=0).tolist(),
    }


def importance(
    models: list[Model], sample: Sample, kind: NetworkKind, settings: Importance, names: tuple
) -> dict:
    """What the importance of an ensemble's inputs is, as its JSON holds it.

    Parameters
    ----------
    models : list of Model
        Members of the ensemble.
    sample : Sample
        Stars explained are of its validation, those that stand for absent inputs of its training.
    kind : NetworkKind
        Names of the network's inputs and outputs.
    settings : Importance
        Numbers of stars.
    names : tuple of str
        What the choice of the stars is seeded with.
    """
    scalings = Scalings(models[0].input_scaling, models[0].output_scaling)
    stars = _choose(
        sample.standardised(VALIDATION, scalings), settings.stars, seed(*names, "stars")
    )
    background = _choose(
        sample.standardised(TRAIN, scalings), settings.background, seed(*names, "background")
    )
    members = [absolute(model, stars, background) for model in models]
    return {
        "schema_version": 1,
        "inputs": kind.inputs,
        "outputs": kind.outputs,
        "stars": len(stars),
        "background": len(background),
        "bootstrap_draws": DRAWS,
        **{
            quantity: summary(np.stack([member[quantity] for member in members]))
            for quantity in ("output", "correction")
        },
    }


def _choose(stars: Stars, count: int, number: int) -> Tensor:
    generator = np.random.default_rng(number)
    rows = generator.permutation(len(stars))[:count]
    return stars.inputs[torch.from_numpy(np.sort(rows))]


def _percent(absolute: np.ndarray) -> np.ndarray:
    return 100 * absolute / absolute.sum(axis=-2, keepdims=True)
