"""The phases of a training: falling learning rates, early stopping, what comes back at their ends.

After the authors' notebooks, the epochs are one budget: each later phase starts counting
``patience`` epochs before the end of the one before. Adam's moments live on across phases; the best
loss is forgotten.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite

import torch
from torch import Tensor

from spectrotranslator.config.configuration import TrainingSettings
from spectrotranslator.errors import InputError

from .adam import Adam
from .checkpoint import Checkpoint
from .translator import Translator


@dataclass
class History:
    """One line an epoch, and what the phases did."""

    epochs: list[dict] = field(default_factory=list)
    phases: list[dict] = field(default_factory=list)


class TrainingSchedule:
    """The way of one network, of which ``weights`` are all parameters, through the phases."""

    def __init__(self, weights: Sequence[Tensor], settings: TrainingSettings):
        self.weights, self.settings = weights, settings
        self.history = History()
        self.phase = 0
        self._start_phase(0)

    @property
    def done(self) -> bool:
        """Whether the last phase has ended."""
        return self.phase >= len(self.settings.learning_rates)

    @property
    def learning_rate(self) -> float:
        """Of the present phase."""
        return self.settings.learning_rates[self.phase]

    def after_epoch(self, loss: float, score: float) -> None:
        """Note an epoch's loss in training and in validation; keep the best, end the phase.

        Raises
        ------
        InputError
            A loss is no finite number any more.
        """
        if not (isfinite(loss) and isfinite(score)):
            raise InputError(
                f"the training diverged in epoch {self.epoch} at a learning rate of "
                f"{self.learning_rate:g}; lower training.learning_rates"
            )
        self.history.epochs.append(
            {"phase": self.phase, "epoch": self.epoch, "loss": loss, "validation_loss": score}
        )
        self.epoch += 1
        if self.best is None or score < self.best:
            self.best, self.waited = score, 0
            self.best_weights = [one.detach().clone() for one in self.weights]
        else:
            self.waited += 1
        if self._stopped or self.epoch >= self.settings.epochs:
            self._end_phase()

    def _start_phase(self, epoch: int) -> None:
        self.epoch, self.best, self.waited = epoch, None, 0
        self.best_weights: list[Tensor] = []

    @property
    def _stopped(self) -> bool:
        return self.waited >= self.settings.patience

    def _end_phase(self) -> None:
        wanted = self.settings.best_weights
        restored = wanted == "always" or (self._stopped and wanted != "never")
        if restored:
            self._put(self.best_weights)
        self.history.phases.append(
            {"stopped_early": self._stopped, "best_weights_restored": restored}
        )
        self.phase += 1
        self._start_phase(max(0, self.epoch - self.settings.patience))

    @torch.no_grad()
    def _put(self, weights: Iterable[Tensor]) -> None:
        for one, value in zip(self.weights, weights, strict=True):
            one.copy_(value)

    def state(self) -> dict:
        """What is not a tensor."""
        return {
            **{name: getattr(self, name) for name in ("phase", "epoch", "best", "waited")},
            "epochs": self.history.epochs,
            "phases": self.history.phases,
        }

    def load_state(self, state: dict, weights: list[Tensor], best: list[Tensor]) -> None:
        """Stand where ``state`` was taken."""
        for name in ("phase", "epoch", "best", "waited"):
            setattr(self, name, state[name])
        self.history = History(state["epochs"], state["phases"])
        self._put(weights)
        self.best_weights = best


class Training:
    """Networks on their way, one alone or several at once; a checkpoint takes them up again.

    ``weights`` are all parameters of each network, in as many arrays as one likes; ``generators``
    the random generators of the training beside torch's own.
    """

    def __init__(
        self,
        networks: Sequence[Translator],
        weights: Sequence[Sequence[Tensor]],
        settings: TrainingSettings,
        checkpoint: Checkpoint | None = None,
        generators: Sequence[torch.Generator] = (),
    ):
        self.networks = networks
        self.courses = [TrainingSchedule(own, settings) for own in weights]
        self.checkpoint, self.generators = checkpoint, generators
        self.every = [one for own in weights for one in own]
        self.optimiser = Adam(self.every, eps=settings.epsilon, fused=True)
        if checkpoint and (kept := checkpoint.read()):
            self._go_on(*kept)

    def fit(self, epoch: Callable[[], Iterable[tuple[float, float]]]) -> list[History]:
        """Call ``epoch``, which trains once and gives each network's two losses, until all end."""
        while not all(course.done for course in self.courses):
            self._group()
            for course, losses in zip(self.courses, epoch(), strict=True):
                if not course.done:
                    course.after_epoch(*losses)
            if self.checkpoint:
                self.checkpoint.offer(self._state, self._tensors)
        for network in self.networks:
            network.eval()
        return [course.history for course in self.courses]

    def _group(self) -> None:
        """Let the optimiser move what is under way, all of one learning rate in one go."""
        rates: dict[float, list[Tensor]] = {}
        for course in self.courses:
            if not course.done:
                rates.setdefault(course.learning_rate, []).extend(course.weights)
        self.optimiser.param_groups = [
            self.optimiser.defaults | {"params": weights, "lr": rate}
            for rate, weights in rates.items()
        ]

    def _state(self) -> dict:
        return {"courses": [course.state() for course in self.courses]}

    def _tensors(self) -> dict[str, Tensor]:
        """Weights, best weights, the optimiser's moments and the random generators."""
        found = {}
        for number, course in enumerate(self.courses):
            for part, values in (("weights", course.weights), ("best", course.best_weights)):
                found |= {f"{part}-{number}/{place}": one for place, one in enumerate(values)}
        for number, one in enumerate(self.every):
            moments = self.optimiser.state[one]
            found |= {f"adam-{number}/{name}": value for name, value in moments.items()}
        found["random/cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            found["random/cuda"] = torch.cuda.get_rng_state()
        for number, generator in enumerate(self.generators):
            found[f"random/{number}"] = generator.get_state()
        return found

    def _go_on(self, state: dict, tensors: dict[str, Tensor]) -> None:
        parts: dict[str, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = value
        for number, (network, course) in enumerate(zip(self.networks, self.courses, strict=True)):
            weights, best = parts[f"weights-{number}"], parts.get(f"best-{number}", {})
            course.load_state(state["courses"][number], in_order(weights), in_order(best))
            network.mark_started()
        for number, one in enumerate(self.every):
            moments = parts.get(f"adam-{number}", {})
            self.optimiser.state[one] = {
                name: value.to(one.device) for name, value in moments.items()
            }
        random = parts["random"]
        torch.set_rng_state(random["cpu"])
        if torch.cuda.is_available() and "cuda" in random:
            torch.cuda.set_rng_state(random["cuda"])
        for number, generator in enumerate(self.generators):
            generator.set_state(random[str(number)])


def in_order(parts: dict[str, Tensor]) -> list[Tensor]:
    """Arrays named by their places."""
    return [parts[place] for place in sorted(parts, key=int)]
