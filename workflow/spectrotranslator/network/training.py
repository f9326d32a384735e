"""Train one network: phases of falling learning rate, early stopping, a history of every epoch."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..configuration.model import TrainingSettings
from .translator import Translator


@dataclass
class History:
    """One line an epoch, and what the phases did."""

    epochs: list[dict] = field(default_factory=list)
    phases: list[dict] = field(default_factory=list)


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


def mean_absolute_error(network: Translator, stars: Stars) -> float:
    """Loss over all ``stars`` and outputs, without dropout, in standardised units."""
    network.eval()
    with torch.no_grad():
        return (network(stars.inputs) - stars.outputs).abs().mean().item()


def train(
    network: Translator, training: Stars, validation: Stars, settings: TrainingSettings
) -> History:
    """Train ``network`` in place as the authors' notebooks do.

    The epochs are one budget: each later phase starts counting ``patience`` epochs before the end
    of the one before. Adam's moments live on across phases; the best loss is forgotten.
    """
    optimiser = torch.optim.Adam(network.parameters(), eps=settings.epsilon)
    history = History()
    done = 0
    for phase, rate in enumerate(settings.learning_rates):
        first = max(0, done - settings.patience) if phase else 0
        for group in optimiser.param_groups:
            group["lr"] = rate
        done = _phase(network, optimiser, training, validation, settings, history, first)
    network.eval()
    return history


def _phase(network, optimiser, training, validation, settings, history, first) -> int:
    """Train one phase from epoch ``first``; the number of the epoch after its last."""
    best, best_weights, waited, stopped = float("inf"), None, 0, False
    epoch = first
    for epoch in range(first, settings.epochs):
        loss = _epoch(network, optimiser, training, settings.batch)
        score = mean_absolute_error(network, validation)
        history.epochs.append(
            {"phase": len(history.phases), "epoch": epoch, "loss": loss, "validation_loss": score}
        )
        if score < best:
            best, waited = score, 0
            best_weights = {name: value.clone() for name, value in network.state_dict().items()}
        else:
            waited += 1
            stopped = waited >= settings.patience
        if stopped:
            break
    restored = best_weights is not None and (
        settings.best_weights == "always" or (stopped and settings.best_weights != "never")
    )
    if restored:
        network.load_state_dict(best_weights)
    history.phases.append({"stopped_early": stopped, "best_weights_restored": restored})
    return epoch + 1


def _epoch(network: Translator, optimiser, training: Stars, batch: int) -> float:
    network.train()
    order = torch.randperm(len(training)).to(training.inputs.device)
    total = 0.0
    for rows in order.split(batch):
        optimiser.zero_grad(set_to_none=True)
        error = network(training.inputs[rows]) - training.outputs[rows]
        loss = error.abs().mean()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(rows)
    return total / len(training)
