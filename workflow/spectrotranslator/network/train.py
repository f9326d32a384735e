"""Train one member of one ensemble."""

import csv
from pathlib import Path

import torch

from ..configuration import Configuration, load
from ..errors import InputError
from ..files import atomic, sha256
from ..seeds import seed
from ..stage import Stage
from .device import choose
from .model import describe, save
from .sample import TRAIN, VALIDATION, Sample
from .training import History, mean_absolute_error, train
from .translator import Translator


def train_member(
    configuration: Configuration,
    method: str,
    direction: str,
    kind: str,
    member: int,
    sample: Sample,
) -> tuple[Translator, dict, History]:
    """Train one member on ``sample``; its network, its facts and its history."""
    settings = configuration.methods[method]
    shape = configuration.directions[direction].networks[kind]
    scalings = sample.scalings(shape)
    training = sample.standardised(TRAIN, scalings)
    validation = sample.standardised(VALIDATION, scalings)
    if not len(validation):
        raise InputError(f"{direction} {kind}: no validation star; raise split.validation")
    number = seed(settings.training.seed, method, direction, kind, member)
    torch.set_num_threads(configuration.compute.threads)
    torch.manual_seed(number)
    network = Translator(len(shape.inputs), len(shape.outputs), shape.correct, settings.network)
    device = choose(configuration.compute.device)
    training, validation = training.to(device), validation.to(device)
    history = train(network.to(device), training, validation, settings.training)
    facts = {
        **describe(shape, settings.network, scalings),
        "method": method,
        "direction": direction,
        "kind": kind,
        "member": member,
        "seed": number,
        "device": device,
        "training": settings.training.model_dump(mode="json"),
        "training_stars": len(training),
        "validation_stars": len(validation),
        "validation_loss": mean_absolute_error(network, validation),
        "phases": history.phases,
    }
    return network, facts, history


def main(arguments) -> None:
    configuration = load(arguments.config)
    kind = configuration.directions[arguments.direction].networks[arguments.kind]
    network, facts, history = train_member(
        configuration,
        arguments.method,
        arguments.direction,
        arguments.kind,
        arguments.member,
        Sample.read(arguments.sample, kind),
    )
    facts["sample_sha256"] = sha256(arguments.sample)
    _write_history(history, arguments.history)
    save(network, facts, arguments.weights, arguments.description)


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
