"""Train one member of one ensemble."""

import csv
from pathlib import Path

import torch

from spectrotranslator.config import Configuration, load
from spectrotranslator.files import atomic, digest, sha256
from spectrotranslator.step import Step

from .checkpoint import Checkpoint
from .device import device_of
from .member import Names, facts_of, untrained
from .saved_model import save
from .training_loop import train
from .training_sample import Sample
from .training_schedule import History
from .translator import Translator

CHECKPOINT_SECONDS = 60.0


def train_member(
    configuration: Configuration,
    names: Names,
    sample: Sample,
    checkpoint: Checkpoint | None = None,
) -> tuple[Translator, dict, History]:
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


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    kind = configuration.directions[arguments.direction].networks[arguments.kind]
    names = Names(arguments.method, arguments.direction, arguments.kind, arguments.member)
    sample = Sample.read(arguments.sample, kind)
    sample_sha256 = sha256(arguments.sample)
    checkpoint = checkpoint_of(configuration, names, sample_sha256, arguments.weights)
    network, facts, history = train_member(configuration, names, sample, checkpoint)
    facts["sample_sha256"] = sample_sha256
    write_history(history, arguments.history)
    save(network, facts, arguments.weights, arguments.description)
    checkpoint.remove()


def checkpoint_of(
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
step.option("member", "number of the member", type=int, required=True)
step.input("sample", "training sample, Parquet")
step.output("weights", "weights, safetensors")
step.output("description", "training.json")
step.output("history", "losses of every epoch, CSV")
step.setting("methods.{method}.network")
step.setting("methods.{method}.training")
step.setting("directions.{direction}.networks.{kind}")
step.setting("compute.threads")
step.setting("compute.device")
