"""Train all members of one network in one program, their weights stacked.

A GPU that trains one member after another mostly waits: here every layer is one product for all.
What a member is trained on and how is the same as alone; only dropout is drawn for all at once.
"""

from collections.abc import Sequence
from itertools import zip_longest

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from ..configuration.model import TrainingSettings
from .checkpoint import Checkpoint
from .phases import History, Training
from .training import Stars, arithmetic, hidden, losses
from .translator import NormalisedLinear, ResidualBlock, Translator, mark_missing


def stacked(networks: Sequence[Translator], x: Tensor) -> Tensor:
    """Every network on its own rows: (members, rows, inputs) to (members, rows, outputs)."""
    first = networks[0]
    y = mark_missing(x) if first.marks else x
    for layers in zip(*(network.layers for network in networks), strict=True):
        y = _layer(layers, y)
    return x[..., first.corrected] + y


def _layer(layers: Sequence[nn.Module], x: Tensor) -> Tensor:
    if not isinstance(layers[0], ResidualBlock):
        return _product(layers, x)
    drop = layers[0].dropout
    y = _product([layer.inner for layer in layers], drop(functional.relu(x)))
    return x + _product([layer.outer for layer in layers], drop(functional.relu(y)))


def _product(layers: Sequence[nn.Module], x: Tensor) -> Tensor:
    bias = torch.stack([layer.bias for layer in layers]).unsqueeze(1)
    return torch.baddbmm(bias, x, _weights(layers).transpose(1, 2))


def _weights(layers: Sequence[nn.Module]) -> Tensor:
    """Shape (members, outputs, inputs); a normalised one is ``g v / |v|``."""
    if not isinstance(layers[0], NormalisedLinear):
        return torch.stack([layer.weight for layer in layers])
    v, g = (torch.stack([getattr(layer, name) for layer in layers]) for name in "vg")
    return v * (g / v.norm(dim=2)).unsqueeze(2)


class Padded:
    """Every member's stars, padded to the longest: arrays of shape (members, stars, columns)."""

    def __init__(self, stars: Sequence[Stars]):
        self.lengths = [len(one) for one in stars]
        self.inputs = pad_sequence([one.inputs for one in stars], batch_first=True)
        self.outputs = pad_sequence([one.outputs for one in stars], batch_first=True)

    def rows(self, rows: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs and outputs of some rows of every member, and which places hold one."""
        places = pad_sequence(list(rows), batch_first=True, padding_value=-1)
        places = places.to(self.inputs.device)
        members = torch.arange(len(places), device=places.device).unsqueeze(1)
        at = (members, places.clamp(min=0))
        return self.inputs[at], self.outputs[at], places >= 0


def train_stacked(
    networks: Sequence[Translator],
    training: Sequence[Stars],
    validation: Sequence[Stars],
    settings: TrainingSettings,
    generators: Sequence[torch.Generator],
    checkpoint: Checkpoint | None = None,
) -> list[History]:
    """Train ``networks``, of one shape, in place through all phases (``phases``).

    Each has stars of its own and a random generator of its own for their order. One that is done
    or has no star left in a batch takes no step.
    """
    run = Training(networks, settings, checkpoint, generators)
    known, judged = Padded(training), Padded(validation)

    def epoch() -> list[tuple[float, float]]:
        lost = _epoch(run, known, settings)
        return list(zip(lost, _losses_over(networks, judged, settings), strict=True))

    return run.to_the_end(epoch)


def _epoch(run: Training, known: Padded, settings: TrainingSettings) -> list[float]:
    networks = [course.network for course in run.courses]
    for network in networks:
        network.train()
    orders = [
        torch.randperm(length, generator=generator).split(settings.batch)
        for length, generator in zip(known.lengths, run.generators, strict=True)
    ]
    totals = torch.zeros(len(networks), device=known.inputs.device)
    none = torch.empty(0, dtype=torch.long)
    for rows in zip_longest(*orders, fillvalue=none):
        run.optimiser.zero_grad(set_to_none=True)
        inputs, outputs, here = known.rows(rows)
        if settings.hide:
            inputs = hidden(inputs, settings.hide, networks[0].hideable)
        _start(networks, inputs, here)
        lost = _mean_losses(networks, inputs, outputs, here, settings)
        lost.sum().backward()
        for course, mine in zip(run.courses, rows, strict=True):
            if course.done or not len(mine):
                course.network.zero_grad(set_to_none=True)
        run.optimiser.step()
        totals += lost.detach() * here.sum(dim=1)
    sizes = torch.tensor(known.lengths, device=totals.device)
    return (totals / sizes).tolist()


@torch.no_grad()
def _start(networks: Sequence[Translator], inputs: Tensor, here: Tensor) -> None:
    """Let the first batch of all start the normalised layers, network by network."""
    layers = [m for m in networks[0].modules() if isinstance(m, NormalisedLinear)]
    if all(layer.started for layer in layers):
        return
    for network, x, kept in zip(networks, inputs, here, strict=True):
        network(x[kept])


def _mean_losses(
    networks: Sequence[Translator],
    inputs: Tensor,
    outputs: Tensor,
    here: Tensor,
    settings: TrainingSettings,
) -> Tensor:
    """Mean loss of every member over its own rows, shape (members,)."""
    with arithmetic(settings.precision, inputs.device.type):
        error = stacked(networks, inputs) - outputs
    each = losses(error.float(), settings.loss, networks[0].unit).mean(dim=2)
    return (each * here).sum(dim=1) / here.sum(dim=1).clamp(min=1)


@torch.no_grad()
def _losses_over(
    networks: Sequence[Translator], judged: Padded, settings: TrainingSettings
) -> list[float]:
    """Loss of every member over all its stars, without dropout."""
    for network in networks:
        network.eval()
    everything = judged.rows([torch.arange(length) for length in judged.lengths])
    return _mean_losses(networks, *everything, settings).tolist()
