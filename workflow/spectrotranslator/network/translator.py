"""The SpectroTranslator network: a residual hourglass that predicts a correction.

Thomas et al. 2024, A&A 690, A54, after the authors' public code; weight normalisation started
from the data after Salimans & Kingma 2016 (arXiv 1602.07868).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spectrotranslator.config.configuration import NetworkSettings


class NormalisedLinear(nn.Module):
    """A linear layer whose weight is a direction ``v`` times a length ``g``, learned apart.

    As in TensorFlow Addons, ``g`` is created as 1, and the first batch it meets in training sets
    ``g`` and the bias so that each unit of the layer with kernel ``v``, not normalised, would have
    mean 0 and variance 1 over that batch. They are applied to ``v / |v|``, so the started units
    have so only nearly.
    """

    def __init__(self, width: int):
        super().__init__()
        self.v = nn.Parameter(nn.init.xavier_uniform_(torch.empty(width, width)))
        self.g = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.started = False

    def weight(self) -> Tensor:
        """``g v / |v|``, a unit a row, shape (outputs, inputs), in one fused call."""
        return torch._weight_norm(self.v, self.g.unsqueeze(1), 0)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of shape (stars, units) for inputs ``x`` of shape (stars, features)."""
        if self.training and not self.started:
            self._start_from(x)
        return functional.linear(x, self.weight(), self.bias)

    @torch.no_grad()
    def _start_from(self, x: Tensor) -> None:
        output = functional.linear(x, self.v, self.bias)
        variance, mean = torch.var_mean(output, dim=0, correction=0)
        scale = (variance + 1e-10).rsqrt()
        self.g *= scale
        self.bias.copy_(-mean * scale)
        self.started = True


class ResidualBlock(nn.Module):
    """``x + W2 d(relu(W1 d(relu(x))))``, with dropout ``d``."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.inner = NormalisedLinear(width)
        self.outer = NormalisedLinear(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of shape (stars, units) for inputs ``x`` of shape (stars, features)."""
        y = self.inner(self.dropout(functional.relu(x)))
        return x + self.outer(self.dropout(functional.relu(y)))


class ScaledLinear(nn.Module):
    """A linear layer whose outputs are measured in ``unit``, shape (outputs,), which is fixed."""

    def __init__(self, plain: nn.Linear, unit: Tensor):
        super().__init__()
        self.plain = plain
        self.register_buffer("unit", unit)

    @property
    def weight(self) -> Tensor:
        """Shape (outputs, inputs)."""
        return self.plain.weight * self.unit.unsqueeze(1)

    @property
    def bias(self) -> Tensor:
        """Shape (outputs,)."""
        return self.plain.bias * self.unit

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of shape (stars, units) for inputs ``x`` of shape (stars, features)."""
        return self.plain(x) * self.unit


class Translator(nn.Module):
    """Standardised inputs, shape (stars, inputs), to standardised outputs, shape (stars, outputs).

    The predicted correction is added to the first inputs (``correct="first"``) or to the last.
    With ``unit``, shape (outputs,), the last layer predicts it in these standardised units.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        correct: str,
        settings: NetworkSettings,
        unit: Tensor | None = None,
    ):
        super().__init__()
        self.corrected = slice(0, outputs) if correct == "first" else slice(inputs - outputs, None)
        self.marks = settings.mark_missing
        # A value that only its own survey tells, such as a velocity, is never hidden in training.
        self.hideable = inputs if correct == "first" else inputs - outputs
        self.layers = nn.Sequential(*hourglass(inputs * (1 + self.marks), outputs, settings))
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        if settings.zero_output:
            nn.init.zeros_(self.layers[-1].weight)
        if unit is not None:
            self.layers[-1] = ScaledLinear(self.layers[-1], unit)

    @property
    def unit(self) -> Tensor | None:
        """Unit of the correction, standardised, shape (outputs,); none: 1."""
        return getattr(self.layers[-1], "unit", None)

    def mark_started(self) -> None:
        """The weights have been trained: the next batch must not start them anew."""
        for layer in self.modules():
            if isinstance(layer, NormalisedLinear):
                layer.started = True

    def correction(self, x: Tensor) -> Tensor:
        """The correction alone, standardised."""
        return self.layers(mark_missing(x) if self.marks else x)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of shape (stars, units) for inputs ``x`` of shape (stars, features)."""
        return x[:, self.corrected] + self.correction(x)


def measured(standardised: np.ndarray) -> np.ndarray:
    """Standardised inputs in float32.

    One at exactly the training mean, where missing ones stand, is moved away by the least there is.
    """
    values = standardised.astype(np.float32)
    values[values == 0] = np.finfo(np.float32).tiny
    return values


def mark_missing(x: Tensor) -> Tensor:
    """Inputs, shape (..., inputs), and after them a 1 for every one that is missing.

    A missing input stands at exactly 0, the training mean, where no measured one does.
    """
    return torch.cat([x, (x == 0).to(x.dtype)], dim=-1)


def hourglass(inputs: int, outputs: int, settings: NetworkSettings) -> list[nn.Module]:
    """Layers in order: up through the widths, a block at each, and down again."""
    *widths, middle = settings.widths
    layers: list[nn.Module] = [nn.Linear(inputs, settings.widths[0])]
    for width, wider in zip(widths, settings.widths[1:], strict=True):
        layers += [_block(width, settings), nn.Linear(width, wider)]
    layers.append(_block(middle, settings))
    for width, narrower in zip([middle, *reversed(widths)], reversed(widths), strict=False):
        layers += [nn.Linear(width, narrower), _block(narrower, settings)]
    return [*layers, nn.Linear(settings.widths[0], outputs)]


def _block(width: int, settings: NetworkSettings) -> ResidualBlock:
    return ResidualBlock(width, settings.dropout if width >= settings.dropout_from_width else 0.0)
