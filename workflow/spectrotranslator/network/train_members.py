"""Train members of one ensemble: one after another, on a GPU all in one program."""

import csv
from collections.abc import Sequence
from pathlib import Path

import torch

from spectrotranslator.config import Configuration, load
from spectrotranslator.files import atomic, digest, sha256
from spectrotranslator.step import Step

from .checkpoint import Checkpoint
from .device import device_of
from .member import Names, facts_of, untrained
from .saved_model import save
from .stacked_training import train_stacked
from .training_loop import train
from .training_sample import Sample
from .training_schedule import History
from .translator import Translator

CHECKPOINT_SECONDS = 60.0
Trained = tuple[Translator, dict, History]


def train_member(
    configuration: Configuration,
    names: Names,
    sample: Sample,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train one member on ``sample``; its network, its facts and its history.

    Raises
    ------
    InputError
        The sample cannot be trained on, as ``untrained`` says.
    """
    torch.set_num_threads(configuration.compute.threads)
    one = untrained(configuration, names, sample)
    device = device_of(configuration.compute)
    one = one.to(device)
    settings = configuration.methods[names.method].training
    history = train(one.network, one.training, one.validation, settings, checkpoint)
    return one.network, facts_of(configuration, one, device, history), history


def train_ensemble(
    configuration: Configuration,
    members: Sequence[Names],
    sample: Sample,
    checkpoint: Checkpoint | None = None,
) -> list[Trained]:
    """Train ``members`` of one ensemble in one program; what ``train_member`` gives, of each.

    Raises
    ------
    InputError
        The sample cannot be trained on, as ``untrained`` says.
    """
    torch.set_num_threads(configuration.compute.threads)
    device = device_of(configuration.compute)
    prepared, generators = [], []
    for names in members:
        one = untrained(configuration, names, sample)
        generators.append(torch.Generator().set_state(torch.get_rng_state()))
        prepared.append(one.to(device))
    histories = train_stacked(
        [one.network for one in prepared],
        [one.training for one in prepared],
        [one.validation for one in prepared],
        configuration.methods[members[0].method].training,
        generators,
        checkpoint,
    )
    return [
        (one.network, facts_of(configuration, one, device, history), history)
        for one, history in zip(prepared, histories, strict=True)
    ]


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``.

    Nothing is written before every member is trained; what was broken off goes on from the
    checkpoints.
    """
    configuration = load(arguments.config)
    kind = configuration.directions[arguments.direction].networks[arguments.kind]
    sample = Sample.read(arguments.sample, kind)
    sample_sha256 = sha256(arguments.sample)
    every = [
        Names(arguments.method, arguments.direction, arguments.kind, member)
        for member in arguments.members
    ]

    def checkpoint(names: object, weights: Path) -> Checkpoint:
        return _checkpoint(configuration, names, sample_sha256, weights)

    if configuration.compute.device == "cuda":
        kept = [checkpoint(every, arguments.weights[0])]
        trained = train_ensemble(configuration, every, sample, kept[0])
    else:
        kept = list(map(checkpoint, every, arguments.weights))
        trained = [
            train_member(configuration, names, sample, its)
            for names, its in zip(every, kept, strict=True)
        ]
    for (network, facts, history), weights, description, losses in zip(
        trained, arguments.weights, arguments.description, arguments.history, strict=True
    ):
        facts["sample_sha256"] = sample_sha256
        write_history(history, losses)
        save(network, facts, weights, description)
    for one in kept:
        one.remove()


def _checkpoint(
    configuration: Configuration, names: object, sample_sha256: str, weights: Path
) -> Checkpoint:
    """The checkpoint of the training called ``names``, beside its first weights."""
    settings = configuration.model_dump(mode="json")
    return Checkpoint(
        weights.with_name(".checkpoint.safetensors"),
        digest([settings, str(names), sample_sha256, torch.__version__]),
        CHECKPOINT_SECONDS,
    )


def write_history(history: History, path: Path) -> None:
    """The losses of every epoch, as CSV."""
    with atomic(path) as temporary, temporary.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["phase", "epoch", "loss", "validation_loss"])
        writer.writeheader()
        writer.writerows(history.epochs)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("method", "name of the method", required=True)
step.option("direction", "name of the direction", required=True)
step.option("kind", "intrinsic or extrinsic", required=True)
step.option("members", "numbers of the members", type=int, nargs="+", required=True)
step.input("sample", "training sample, Parquet")
step.output("weights", "weights of every member, safetensors", many=True)
step.output("description", "training.json of every member", many=True)
step.output("history", "losses of every epoch of every member, CSV", many=True)
step.setting("methods.{method}.network")
step.setting("methods.{method}.training")
step.setting("directions.{direction}.networks.{kind}")
step.setting("compute.threads")
step.setting("compute.device")
