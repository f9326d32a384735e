"""Train one network: phases of falling learning rate, early stopping, a history of every epoch."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from ..configuration.model import TrainingSettings
from .adam import Adam
from .checkpoint import Checkpoint
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


def mean_loss(error: Tensor, kind: str, unit: Tensor | None) -> Tensor:
    """Loss of standardised errors, shape (stars, outputs), in the corrections' ``unit`` if given.

    ``absolute``: their mean absolute value; ``huber``: half the square up to 1, and beyond that
    growing with the absolute value (Huber 1964, Ann. Math. Statist. 35, 73).
    """
    if unit is not None:
        error = error / unit
    if kind == "huber":
        return functional.huber_loss(error, torch.zeros_like(error), delta=1.0)
    return error.abs().mean()


def loss_over(network: Translator, stars: Stars, settings: TrainingSettings) -> float:
    """Loss over all ``stars`` and outputs, without dropout."""
    network.eval()
    with torch.no_grad(), arithmetic(settings.precision, stars.inputs.device.type):
        error = network(stars.inputs) - stars.outputs
        return mean_loss(error.float(), settings.loss, network.unit).item()


def arithmetic(precision: str, device: str) -> AbstractContextManager:
    """Matrix products in ``precision``; tf32 is what the device makes of it, on a CPU fp32."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bf16")


def train(
    network: Translator,
    training: Stars,
    validation: Stars,
    settings: TrainingSettings,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Train ``network`` in place as the authors' notebooks do.

    The epochs are one budget: each later phase starts counting ``patience`` epochs before the end
    of the one before. Adam's moments live on across phases; the best loss is forgotten. Where a
    ``checkpoint`` was left, training goes on from it as if it had never been broken off.
    """
    run = _Run(network, training, validation, settings, checkpoint)
    while run.phase < len(settings.learning_rates):
        run.finish_phase()
    network.eval()
    return run.history


class _Run:
    """One training under way; all it needs to go on is in ``_state`` and ``_tensors``."""

    def __init__(self, network, training, validation, settings, checkpoint):
        self.network, self.training, self.validation = network, training, validation
        self.settings, self.checkpoint = settings, checkpoint
        self.optimiser = Adam(network.parameters(), eps=settings.epsilon, fused=True)
        self.history = History()
        self.phase = 0
        self._start_phase(0)
        if checkpoint and (kept := checkpoint.read()):
            self._go_on(*kept)

    def _start_phase(self, epoch: int) -> None:
        self.epoch, self.best, self.waited = epoch, None, 0
        self.best_weights: dict[str, Tensor] | None = None

    def finish_phase(self) -> None:
        """Train to the end of the present phase and open the next."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.learning_rates[self.phase]
        while not self._stopped and self.epoch < self.settings.epochs:
            self._train_epoch()
            if self.checkpoint:
                self.checkpoint.offer(self._state, self._tensors)
        restored = self.best_weights is not None and (
            self.settings.best_weights == "always"
            or (self._stopped and self.settings.best_weights != "never")
        )
        if restored:
            self.network.load_state_dict(self.best_weights)
        self.history.phases.append(
            {"stopped_early": self._stopped, "best_weights_restored": restored}
        )
        self.phase += 1
        self._start_phase(max(0, self.epoch - self.settings.patience))

    @property
    def _stopped(self) -> bool:
        return self.waited >= self.settings.patience

    def _train_epoch(self) -> None:
        loss = _epoch(self.network, self.optimiser, self.training, self.settings)
        score = loss_over(self.network, self.validation, self.settings)
        self.history.epochs.append(
            {"phase": self.phase, "epoch": self.epoch, "loss": loss, "validation_loss": score}
        )
        self.epoch += 1
        if self.best is None or score < self.best:
            self.best, self.waited = score, 0
            weights = self.network.state_dict()
            self.best_weights = {name: value.clone() for name, value in weights.items()}
        else:
            self.waited += 1

    def _state(self) -> dict:
        """What is not a tensor."""
        return {
            **{name: getattr(self, name) for name in ("phase", "epoch", "best", "waited")},
            "epochs": self.history.epochs,
            "phases": self.history.phases,
        }

    def _tensors(self) -> dict[str, Tensor]:
        """Weights, best weights, the optimiser's moments and the random generators."""
        found = {f"weights/{name}": value for name, value in self.network.state_dict().items()}
        best = self.best_weights or {}
        found |= {f"best/{name}": value for name, value in best.items()}
        for number, moments in self.optimiser.state_dict()["state"].items():
            found |= {f"adam/{number}/{name}": value for name, value in moments.items()}
        found["random/cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            found["random/cuda"] = torch.cuda.get_rng_state()
        return found

    def _go_on(self, state: dict, tensors: dict[str, Tensor]) -> None:
        self.phase, self.epoch = state["phase"], state["epoch"]
        self.best, self.waited = state["best"], state["waited"]
        self.history = History(state["epochs"], state["phases"])
        parts: dict[str, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = value
        self.network.load_state_dict(parts["weights"])
        self.network.mark_started()
        self.best_weights = parts.get("best")
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in parts["adam"].items():
            number, _, rest = name.partition("/")
            moments.setdefault(int(number), {})[rest] = value
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})
        torch.set_rng_state(parts["random"]["cpu"])
        if torch.cuda.is_available() and "cuda" in parts["random"]:
            torch.cuda.set_rng_state(parts["random"]["cuda"])


def _epoch(network: Translator, optimiser, training: Stars, settings: TrainingSettings) -> float:
    network.train()
    device = training.inputs.device
    order = torch.randperm(len(training)).to(device)
    total = torch.zeros((), device=device)
    for rows in order.split(settings.batch):
        optimiser.zero_grad(set_to_none=True)
        inputs = training.inputs[rows]
        if settings.hide:
            inputs = hidden(inputs, settings.hide, network.hideable)
        with arithmetic(settings.precision, device.type):
            error = network(inputs) - training.outputs[rows]
        loss = mean_loss(error.float(), settings.loss, network.unit)
        loss.backward()
        optimiser.step()
        total += loss.detach() * len(rows)
    return total.item() / len(training)


def hidden(inputs: Tensor, share: float, columns: int) -> Tensor:
    """Inputs of which ``share`` of the first ``columns`` stand at 0, as missing ones do."""
    gone = torch.rand(len(inputs), columns).to(inputs.device) < share
    return torch.cat([inputs[:, :columns].masked_fill(gone, 0.0), inputs[:, columns:]], dim=1)
