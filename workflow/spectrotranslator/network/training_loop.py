"""Train one network: its epochs, and the loss that they lower."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from spectrotranslator.config.configuration import TrainingSettings

from .checkpoint import Checkpoint
from .training_schedule import History, Training
from .translator import Translator

FAR = 2.0


@dataclass(frozen=True)
class Stars:
    """Standardised inputs and outputs, shape (stars, columns), float32."""

    inputs: Tensor
    outputs: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: str) -> "Stars":
        """The same stars on ``device``."""
        return Stars(self.inputs.to(device), self.outputs.to(device))


def losses(error: Tensor, kind: str, unit: Tensor | None) -> Tensor:
    """Loss of every standardised error, shape (..., outputs), in the corrections' ``unit`` if any.

    ``absolute``: its absolute value. ``cauchy``: half the square of a small one, growing with the
    logarithm of one far beyond ``FAR`` units, so that a gross failure, unlike with the absolute
    value, moves next to nothing (Holland & Welsch 1977, Commun. Stat. A6, 813).
    """
    if unit is not None:
        error = error / unit
    if kind == "cauchy":
        return FAR**2 / 2 * torch.log1p((error / FAR).square())
    return error.abs()


def loss_over(network: Translator, stars: Stars, settings: TrainingSettings) -> float:
    """Loss over all ``stars`` and outputs, without dropout."""
    network.eval()
    with torch.no_grad(), arithmetic(settings.precision, stars.inputs.device.type):
        error = network(stars.inputs) - stars.outputs
        return losses(error.float(), settings.loss, network.unit).mean().item()


def arithmetic(precision: str, device: str) -> AbstractContextManager:
    """Matrix products in ``precision``; tf32 is what the device makes of it, on a CPU fp32."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    return torch.autocast(device, torch.bfloat16, precision == "bf16", cache_enabled=False)


def train(
    network: Translator,
    training: Stars,
    validation: Stars,
    settings: TrainingSettings,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Train ``network`` in place through all phases (``phases``).

    Where a ``checkpoint`` was left, training goes on from it as if it had never been broken off.
    """
    run = Training([network], [list(network.parameters())], settings, checkpoint)

    def epoch() -> list[tuple[float, float]]:
        loss = _epoch(network, run.optimiser, training, settings)
        return [(loss, loss_over(network, validation, settings))]

    (history,) = run.fit(epoch)
    return history


def _epoch(network: Translator, optimiser, training: Stars, settings: TrainingSettings) -> float:
    network.train()
    device = training.inputs.device
    order = torch.randperm(len(training)).to(device)
    total = torch.zeros((), device=device)
    for rows in order.split(settings.batch):
        optimiser.zero_grad(set_to_none=True)
        inputs = training.inputs[rows]
        if settings.input_dropout:
            inputs = drop_inputs(inputs, settings.input_dropout, network.hideable)
        with arithmetic(settings.precision, device.type):
            error = network(inputs) - training.outputs[rows]
        loss = losses(error.float(), settings.loss, network.unit).mean()
        loss.backward()
        optimiser.step()
        total += loss.detach() * len(rows)
    return total.item() / len(training)


def drop_inputs(inputs: Tensor, share: float, columns: int) -> Tensor:
    """Inputs of which ``share`` of the first ``columns`` stand at 0, as missing ones do."""
    gone = torch.rand(*inputs.shape[:-1], columns, device=inputs.device) < share
    kept = inputs[..., :columns].masked_fill(gone, 0.0)
    return torch.cat([kept, inputs[..., columns:]], dim=-1)
