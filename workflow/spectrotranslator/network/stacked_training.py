"""Train all members of one network in one program, their weights stacked.

A GPU that trains one member after another mostly waits: here every layer is one product for all,
and the weights of a member are one row of an array. What a member is trained on and how is the same
as alone; only dropout and hidden inputs are drawn for all at once.
"""

from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from math import gcd

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector
from torch.nn.utils.rnn import pad_sequence

from spectrotranslator.config.configuration import TrainingSettings

from .checkpoint import Checkpoint
from .training_loop import Stars, arithmetic, drop_inputs, losses
from .training_schedule import History, Training
from .translator import NormalisedLinear, ResidualBlock, Translator, mark_missing

# So many pieces of the rows a GPU works on at once where a layer has fewer weights than this:
# the gradient of a narrow layer is a sum over many rows into a small matrix.
PIECES, NARROW = 4, 128 * 1024


class Stack(nn.Module):
    """Networks of one shape, their weights the rows of one array: to change a row is to change one.

    ``rows`` are the weights of each network, shape (weights,); ``together`` is a network whose
    parameters have the members before their own shape, views of the same array.
    """

    def __init__(self, networks: Sequence[Translator]):
        super().__init__()
        self.networks = list(networks)
        self.together = deepcopy(networks[0])
        every = torch.stack([parameters_to_vector(n.parameters()).detach() for n in networks])
        self.rows = [every[member].requires_grad_() for member in range(len(networks))]
        self.recorded: dict[torch.Size, Callable[[Tensor], Tensor]] = {}
        first = 0
        for name, alone in networks[0].named_parameters():
            last = first + alone.numel()
            part = every[:, first:last].unflatten(1, alone.shape)
            for network, own in zip(networks, part, strict=True):
                network.get_parameter(name).data = own
            layer, _, kind = name.rpartition(".")
            setattr(self.together.get_submodule(layer), kind, nn.Parameter(part))
            first = last

    def forward(self, x: Tensor) -> Tensor:
        """Every network on its own rows: (members, rows, inputs) to (members, rows, outputs)."""
        y = mark_missing(x) if self.together.marks else x
        for layer in self.together.layers:
            y = _through(layer, y)
        return x[..., self.together.corrected] + y

    def at_once(self, x: Tensor) -> Tensor:
        """``forward``, in training on a GPU recorded and played back, forth and back.

        To launch its many small products one by one takes the CPU longer than the GPU to compute
        them. Recording leaves the random numbers as they were.
        """
        if not (x.is_cuda and self.training):
            return self(x)
        if x.shape not in self.recorded:
            # It warns of parameters whose gradients are added up; ours are asked for.
            torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)
            state = torch.cuda.get_rng_state()
            self.recorded[x.shape] = torch.cuda.make_graphed_callables(copy(self), (x,))
            torch.cuda.set_rng_state(state)
        return self.recorded[x.shape](x)

    def differentiate(self, lost: Tensor) -> None:
        """Give every row the gradient of its own member's loss, ``lost``, shape (members,)."""
        parts = torch.autograd.grad(lost.sum(), list(self.together.parameters()))
        every = torch.cat([part.flatten(1) for part in parts], dim=1)
        for row, gradient in zip(self.rows, every, strict=True):
            row.grad = gradient

    @torch.no_grad()
    def start(self, inputs: Tensor, here: Tensor) -> None:
        """Let the first batch of all start the normalised layers, network by network."""
        layers = [m for m in self.networks[0].modules() if isinstance(m, NormalisedLinear)]
        if all(layer.started for layer in layers):
            return
        for network, x, kept in zip(self.networks, inputs, here, strict=True):
            network(x[kept])


def _through(layer: nn.Module, x: Tensor) -> Tensor:
    if not isinstance(layer, ResidualBlock):
        return _product(layer, x)
    y = _product(layer.inner, layer.dropout(functional.relu(x)))
    return x + _product(layer.outer, layer.dropout(functional.relu(y)))


def _product(layer: nn.Module, x: Tensor) -> Tensor:
    weight = _weight(layer).transpose(1, 2)
    pieces = gcd(PIECES, x.shape[1]) if weight[0].numel() < NARROW else 1
    y = x.unflatten(1, (pieces, -1)) @ weight.unsqueeze(1)
    return y.add_(layer.bias[:, None, None]).flatten(1, 2)


def _weight(layer: nn.Module) -> Tensor:
    """Shape (members, outputs, inputs)."""
    if not isinstance(layer, NormalisedLinear):
        return layer.weight
    units = torch._weight_norm(layer.v.flatten(0, 1), layer.g.reshape(-1, 1), 0)
    return units.view(layer.v.shape)


class Padded:
    """Every member's stars, padded to the longest: arrays of shape (members, stars, columns)."""

    def __init__(self, stars: Sequence[Stars]):
        self.lengths = [len(one) for one in stars]
        self.inputs = pad_sequence([one.inputs for one in stars], batch_first=True)
        self.outputs = pad_sequence([one.outputs for one in stars], batch_first=True)

    def places(self, orders: Sequence[Tensor]) -> Tensor:
        """Numbers of every member's stars in its ``orders``, -1 where it has no more."""
        places = pad_sequence(list(orders), batch_first=True, padding_value=-1)
        whole = functional.pad(places, (0, -places.shape[1] % PIECES), value=-1)
        return whole.to(self.inputs.device)

    def at(self, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs and outputs at some places of every member, and which places hold a star."""
        members = torch.arange(len(places), device=places.device).unsqueeze(1)
        at = (members, places.clamp(min=0))
        return self.inputs[at], self.outputs[at], places >= 0

    def everything(self) -> tuple[Tensor, Tensor, Tensor]:
        """All stars in their own order, as ``at`` gives them."""
        return self.at(self.places([torch.arange(length) for length in self.lengths]))


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
    stack = Stack(networks)
    weights = [[row] for row in stack.rows]
    run = Training(networks, weights, settings, checkpoint, generators)
    known, judged = Padded(training), Padded(validation).everything()

    def epoch() -> list[tuple[float, float]]:
        lost = _epoch(stack, run, known, settings)
        return list(zip(lost, _losses_over(stack, judged, settings), strict=True))

    return run.fit(epoch)


def _epoch(stack: Stack, run: Training, known: Padded, settings: TrainingSettings) -> list[float]:
    stack.train()
    orders = [
        torch.randperm(length, generator=generator)
        for length, generator in zip(known.lengths, run.generators, strict=True)
    ]
    totals = torch.zeros(len(orders), device=known.inputs.device)
    for number, places in enumerate(known.places(orders).split(settings.batch, dim=1)):
        inputs, outputs, here = known.at(places)
        if settings.input_dropout:
            inputs = drop_inputs(inputs, settings.input_dropout, stack.together.hideable)
        stack.start(inputs, here)
        lost = _mean_losses(stack, inputs, outputs, here, settings)
        stack.differentiate(lost)
        for row, length in zip(stack.rows, known.lengths, strict=True):
            if number * settings.batch >= length:
                row.grad = None
        run.optimiser.step()
        totals += lost.detach() * here.sum(dim=1)
    sizes = torch.tensor(known.lengths, device=totals.device)
    return (totals / sizes).tolist()


def _mean_losses(
    stack: Stack, inputs: Tensor, outputs: Tensor, here: Tensor, settings: TrainingSettings
) -> Tensor:
    """Mean loss of every member over its own rows, shape (members,)."""
    with arithmetic(settings.precision, inputs.device.type):
        error = stack.at_once(inputs) - outputs
    each = losses(error.float(), settings.loss, stack.together.unit).mean(dim=2)
    return (each * here).sum(dim=1) / here.sum(dim=1).clamp(min=1)


@torch.no_grad()
def _losses_over(
    stack: Stack, judged: tuple[Tensor, Tensor, Tensor], settings: TrainingSettings
) -> list[float]:
    """Loss of every member over the stars ``judged``, without dropout."""
    stack.eval()
    return _mean_losses(stack, *judged, settings).tolist()
