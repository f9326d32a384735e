"""One member of one ensemble, before its training and after it."""

import sys
from dataclasses import dataclass, replace

import numpy as np
import torch

from spectrotranslator.config import Configuration
from spectrotranslator.errors import InputError
from spectrotranslator.seeds import seed

from .device import instruction_set
from .saved_model import describe
from .training_loop import Stars, loss_over
from .training_sample import TRAIN, VALIDATION, Sample, Scalings
from .training_schedule import History
from .translator import Translator


@dataclass(frozen=True)
class Names:
    """Which member of which network of which method."""

    method: str
    direction: str
    kind: str
    member: int


@dataclass(frozen=True)
class Member:
    """A network with its stars, its scalings and its seed."""

    names: Names
    seed: int
    network: Translator
    scalings: Scalings
    sample: Sample
    training: Stars
    validation: Stars

    def to(self, device: str) -> "Member":
        """The same member on ``device``."""
        parts = ("network", "training", "validation")
        return replace(self, **{name: getattr(self, name).to(device) for name in parts})


def untrained(configuration: Configuration, names: Names, sample: Sample) -> Member:
    """The member before its training; torch's own random numbers go on from its seed.

    Raises
    ------
    InputError
        The sample cannot be trained on: too few stars, a value that is not finite, a constant
        column, no validation star.
    """
    settings = configuration.methods[names.method]
    shape = configuration.directions[names.direction].networks[names.kind]
    scalings = sample.scalings(shape, settings)
    mine = sample.for_member(names.member, settings.training.folds)
    training = mine.standardised(TRAIN, scalings)
    validation = mine.standardised(VALIDATION, scalings)
    where = f"{names.direction} {names.kind}"
    if not len(validation):
        raise InputError(f"{where}: no validation star; raise split.validation")
    if settings.training.batch > len(training):
        print(
            f"{where}: a batch of {settings.training.batch} holds all "
            f"{len(training)} training stars: one step an epoch",
            file=sys.stderr,
        )
    number = seed(settings.training.seed, names.method, names.direction, names.kind, names.member)
    torch.manual_seed(number)
    network = Translator(
        len(shape.inputs), len(shape.outputs), shape.correct, settings.network, scalings.unit
    )
    return Member(names, number, network, scalings, mine, training, validation)


def facts_of(configuration: Configuration, one: Member, device: str, history: History) -> dict:
    """All that ``training.json`` says of a trained member."""
    names = one.names
    settings = configuration.methods[names.method]
    shape = configuration.directions[names.direction].networks[names.kind]
    return {
        **describe(shape, settings.network, one.scalings),
        "units": units(configuration, names.direction, names.kind),
        **vars(names),
        "seed": one.seed,
        "device": device,
        "instruction_set": instruction_set(),
        "threads": configuration.compute.threads,
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "training": settings.training.model_dump(mode="json"),
        "training_stars": len(one.training),
        "training_range": training_range(one.sample.of(TRAIN)),
        "validation_stars": len(one.validation),
        "validation_loss": loss_over(one.network, one.validation, settings.training),
        "phases": history.phases,
    }


def units(configuration: Configuration, direction: str, kind: str) -> dict[str, list[str]]:
    """Units of a network's inputs and outputs, in their order."""
    chosen = configuration.directions[direction]
    shape = chosen.networks[kind]
    sides = ((chosen.origin, shape.inputs), (chosen.target, shape.outputs))
    found = [[configuration.surveys[s].features[name].unit for name in names] for s, names in sides]
    return dict(zip(("inputs", "outputs"), found, strict=True))


def training_range(sample: Sample) -> dict[str, list[list[float]]]:
    """Least and largest value of every input and output, in their units."""
    sides = (("inputs", sample.inputs), ("outputs", sample.outputs))
    return {
        name: np.stack([values.min(axis=0), values.max(axis=0)], axis=1).tolist()
        for name, values in sides
    }
