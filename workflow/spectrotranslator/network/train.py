"""Train one member of one ensemble."""

import csv
import sys
from pathlib import Path

import numpy as np
import torch

from ..configuration import Configuration, load
from ..errors import InputError
from ..files import atomic, digest, sha256
from ..seeds import seed
from ..stage import Stage
from .checkpoint import Checkpoint
from .device import device_of, instruction_set
from .model import Model, describe, save
from .sample import TRAIN, VALIDATION, Sample
from .training import History, loss_over, train
from .translator import Translator

CHECKPOINT_SECONDS = 60.0


def train_member(
    configuration: Configuration,
    method: str,
    direction: str,
    kind: str,
    member: int,
    sample: Sample,
    checkpoint: Checkpoint | None = None,
) -> tuple[Translator, dict, History]:
    """Train one member on ``sample``; its network, its facts and its history.

    Raises
    ------
    InputError
        The sample cannot be trained on: too few stars, a value that is not finite, a constant
        column, no validation star.
    """
    settings = configuration.methods[method]
    shape = configuration.directions[direction].networks[kind]
    scalings = sample.scalings(shape, settings)
    mine = sample.for_member(member, settings.training.folds)
    training = mine.standardised(TRAIN, scalings)
    validation = mine.standardised(VALIDATION, scalings)
    if not len(validation):
        raise InputError(f"{direction} {kind}: no validation star; raise split.validation")
    if settings.training.batch > len(training):
        print(
            f"{direction} {kind}: a batch of {settings.training.batch} holds all "
            f"{len(training)} training stars: one step an epoch",
            file=sys.stderr,
        )
    number = seed(settings.training.seed, method, direction, kind, member)
    torch.set_num_threads(configuration.compute.threads)
    torch.manual_seed(number)
    network = Translator(
        len(shape.inputs), len(shape.outputs), shape.correct, settings.network, scalings.unit
    )
    device = device_of(configuration.compute)
    network, training, validation = (part.to(device) for part in (network, training, validation))
    history = train(network, training, validation, settings.training, checkpoint)
    facts = {
        **describe(shape, settings.network, scalings),
        "units": units(configuration, direction, kind),
        "method": method,
        "direction": direction,
        "kind": kind,
        "member": member,
        "seed": number,
        "device": device,
        "instruction_set": instruction_set(),
        "threads": configuration.compute.threads,
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "training": settings.training.model_dump(mode="json"),
        "training_stars": len(training),
        "training_range": training_range(mine.of(TRAIN)),
        "validation_stars": len(validation),
        "validation_loss": loss_over(network, validation, settings.training),
        "phases": history.phases,
    }
    return network, facts, history


def train_members(
    configuration: Configuration, method: str, direction: str, kind: str, sample: Sample
) -> list[Model]:
    """All members of one network, trained on ``sample``, ready to predict."""
    shape = configuration.directions[direction].networks[kind]
    scalings = sample.scalings(shape, configuration.methods[method])
    models = []
    for member in range(configuration.methods[method].ensemble.members):
        network, facts, _ = train_member(configuration, method, direction, kind, member, sample)
        ready = (network.eval(), shape.inputs, shape.outputs, shape.correct)
        models.append(Model(*ready, scalings.input, scalings.output, facts))
    return models


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


def main(arguments) -> None:
    configuration = load(arguments.config)
    kind = configuration.directions[arguments.direction].networks[arguments.kind]
    names = (arguments.method, arguments.direction, arguments.kind, arguments.member)
    sample_sha256 = sha256(arguments.sample)
    checkpoint = Checkpoint(
        arguments.weights.with_name(".checkpoint.safetensors"),
        digest([configuration.model_dump(mode="json"), names, sample_sha256, torch.__version__]),
        CHECKPOINT_SECONDS,
    )
    sample = Sample.read(arguments.sample, kind)
    network, facts, history = train_member(configuration, *names, sample, checkpoint)
    facts["sample_sha256"] = sample_sha256
    _write_history(history, arguments.history)
    save(network, facts, arguments.weights, arguments.description)
    checkpoint.remove()


def _write_history(history: History, path: Path) -> None:
    with atomic(path) as temporary, temporary.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["phase", "epoch", "loss", "validation_loss"])
        writer.writeheader()
        writer.writerows(history.epochs)


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.option("method", "name of the method", required=True)
stage.option("direction", "name of the direction", required=True)
stage.option("kind", "intrinsic or extrinsic", required=True)
stage.option("member", "number of the member", type=int, required=True)
stage.input("sample", "training sample, Parquet")
stage.output("weights", "weights, safetensors")
stage.output("description", "training.json")
stage.output("history", "losses of every epoch, CSV")

if __name__ == "__main__":
    stage.run(main)
