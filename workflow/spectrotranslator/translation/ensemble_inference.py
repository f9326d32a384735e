"""All members of one network as stacked matrix products."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spectrotranslator.errors import InputError
from spectrotranslator.network.saved_model import Model
from spectrotranslator.network.translator import (
    NormalisedLinear,
    ResidualBlock,
    mark_missing,
    measured,
)

# Bits depend on it, as on every shape of a product.
CACHED_ROWS = 1024


class Ensemble:
    """Members of one network, weight normalisation folded away, dropout gone.

    Parameters
    ----------
    models
        Members with the same inputs, outputs, shape and scaling.

    Raises
    ------
    InputError
        The members do not belong together.
    """

    def __init__(self, models: Sequence[Model], device: str = "cpu"):
        first = models[0]
        for model in models[1:]:
            _same(first, model)
        self.inputs, self.outputs = first.inputs, first.outputs
        self.input_scaling, self.output_scaling = first.input_scaling, first.output_scaling
        self.corrected = first.network.corrected
        self.marks = first.network.marks
        self.device = device
        self.members = len(models)
        stacked = [
            _Layer.of(layers, device)
            for layers in zip(*(model.network.layers for model in models), strict=True)
        ]
        self._stacked = stacked
        self._single = [[layer.member(m) for layer in stacked] for m in range(self.members)]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Inputs and outputs of every matrix product of one member, in order."""
        return [tuple(weight.shape[1:]) for layer in self._stacked for weight, _ in layer.products]

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Predictions of each member in the outputs' units.

        Parameters
        ----------
        values
            Inputs in their own units, shape (rows, inputs), float64; what is not finite counts
            as the training mean.

        Returns
        -------
        Shape (members, rows, outputs), float64.
        """
        return self.begin(values)()

    def begin(self, values: np.ndarray) -> Callable[[], np.ndarray]:
        """Begin to predict; the result, when called, waits and gives what ``predict`` does.

        Meanwhile a GPU computes and the CPU is free.
        """
        standardised = measured(self.input_scaling.standardise(values))
        standardised[~np.isfinite(standardised)] = 0.0
        x = torch.from_numpy(standardised)
        if self.device == "cuda":
            x = x.pin_memory()
        with torch.inference_mode():
            wait = _arriving(self.forward(x.to(self.device, non_blocking=True)))
        return lambda: self.output_scaling.restore(wait().numpy().astype(np.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Standardised (rows, inputs) to standardised (members, rows, outputs).

        A GPU takes all members at once; a CPU one member and so many rows at a time that what a
        layer hands to the next stays in its cache.
        """
        read = mark_missing(x) if self.marks else x
        if self.device != "cpu":
            every = read.expand(self.members, *read.shape)
            return _through(self._stacked, every) + x[:, self.corrected]
        pieces = read.split(CACHED_ROWS)
        corrections = [
            torch.cat([_through(one, piece) for piece in pieces]) for one in self._single
        ]
        return torch.stack(corrections) + x[:, self.corrected]


def _arriving(y: Tensor) -> Callable[[], Tensor]:
    """Send ``y`` to the CPU; the result waits for it."""
    if not y.is_cuda:
        return y.cpu
    copied = y.to("cpu", non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record()

    def wait() -> Tensor:
        arrived.synchronize()
        return copied

    return wait


def _same(first: Model, other: Model) -> None:
    shared = ("inputs", "outputs", "correct", "network", "input_scaling", "output_scaling", "unit")
    for name in shared:
        if first.facts.get(name) != other.facts.get(name):
            raise InputError(
                f"member {other.facts['member']} of {other.facts['direction']} "
                f"{other.facts['kind']} differs from member {first.facts['member']} in {name}: "
                "they are not one ensemble; train them again"
            )


@dataclass(frozen=True)
class _Layer:
    """A linear layer, one product, or a residual block, two; weights (..., inputs, outputs)."""

    products: list[tuple[Tensor, Tensor]]

    @classmethod
    def of(cls, layers: Sequence[nn.Module], device: str) -> "_Layer":
        """One layer of every member, stacked."""
        if isinstance(layers[0], ResidualBlock):
            pairs = [[layer.inner for layer in layers], [layer.outer for layer in layers]]
        else:
            pairs = [layers]
        return cls([_affine(pair, device) for pair in pairs])

    def member(self, number: int) -> "_Layer":
        """The layer of one member."""
        return _Layer([(weight[number], bias[number, 0]) for weight, bias in self.products])

    def __call__(self, x: Tensor) -> Tensor:
        if len(self.products) == 1:
            return _product(x, *self.products[0])
        inner, outer = self.products
        y = _product(functional.relu(x), *inner).relu_()
        return _product(y, *outer).add_(x)


def _through(layers: list[_Layer], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


def _product(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.baddbmm(bias, x, weight) if x.ndim == 3 else torch.addmm(bias, x, weight)


def _affine(layers: Sequence[nn.Module], device: str) -> tuple[Tensor, Tensor]:
    """Weights (members, inputs, outputs) and biases (members, 1, outputs) of one product."""
    with torch.inference_mode():
        weight = torch.stack([_weight(layer).T for layer in layers]).contiguous().to(device)
        bias = torch.stack([layer.bias for layer in layers]).unsqueeze(1).to(device)
    return weight, bias


def _weight(layer: nn.Module) -> Tensor:
    return layer.weight() if isinstance(layer, NormalisedLinear) else layer.weight
