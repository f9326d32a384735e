"""All members of one network as stacked matrix products."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import InputError
from ..network.model import Model
from ..network.translator import NormalisedLinear, ResidualBlock


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
        self.device = device
        self.members = len(models)
        self._layers = [
            _stack(layers, device)
            for layers in zip(*(model.network.layers for model in models), strict=True)
        ]

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
        standardised = self.input_scaling.standardise(values)
        standardised[~np.isfinite(standardised)] = 0.0
        x = torch.from_numpy(standardised.astype(np.float32)).to(self.device)
        with torch.inference_mode():
            y = self.forward(x)
        return self.output_scaling.restore(y.cpu().numpy().astype(np.float64))

    def forward(self, x: Tensor) -> Tensor:
        """Standardised (rows, inputs) to standardised (members, rows, outputs)."""
        y = x.expand(self.members, *x.shape)
        for layer in self._layers:
            y = layer(y)
        return y + x[:, self.corrected]


def _same(first: Model, other: Model) -> None:
    for name in ("inputs", "outputs", "correct", "network", "input_scaling", "output_scaling"):
        if first.facts[name] != other.facts[name]:
            raise InputError(
                f"member {other.facts['member']} of {other.facts['direction']} "
                f"{other.facts['kind']} differs from member {first.facts['member']} in {name}: "
                "they are not one ensemble; train them again"
            )


def _stack(layers: Sequence[nn.Module], device: str):
    if isinstance(layers[0], ResidualBlock):
        inner = _affine([layer.inner for layer in layers], device)
        outer = _affine([layer.outer for layer in layers], device)
        return lambda x: x + outer(functional.relu_(inner(functional.relu(x))))
    return _affine(layers, device)


def _affine(layers: Sequence[nn.Module], device: str):
    """Weights (members, inputs, outputs) and biases (members, 1, outputs) as one product."""
    with torch.inference_mode():
        weight = torch.stack([_weight(layer).T for layer in layers]).contiguous().to(device)
        bias = torch.stack([layer.bias for layer in layers]).unsqueeze(1).to(device)
    return lambda x: torch.baddbmm(bias, x, weight)


def _weight(layer: nn.Module) -> Tensor:
    return layer.weight() if isinstance(layer, NormalisedLinear) else layer.weight
