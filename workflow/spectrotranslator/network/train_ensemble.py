"""Train all members of one ensemble in one program, as a GPU is best used."""

import torch

from spectrotranslator.config import Configuration, load
from spectrotranslator.files import sha256
from spectrotranslator.step import Step

from .checkpoint import Checkpoint
from .device import device_of
from .member import Names, facts_of, untrained
from .saved_model import save
from .stacked_training import train_stacked
from .train_member import checkpoint_of, write_history
from .training_sample import Sample
from .training_schedule import History
from .translator import Translator


def train_ensemble(
    configuration: Configuration,
    method: str,
    direction: str,
    kind: str,
    sample: Sample,
    checkpoint: Checkpoint | None = None,
) -> list[tuple[Translator, dict, History]]:
    """Train all members on ``sample``; what ``train_member`` gives, of each.

    Raises
    ------
    InputError
        The sample cannot be trained on, as ``untrained`` says.
    """
    torch.set_num_threads(configuration.compute.threads)
    settings = configuration.methods[method]
    device = device_of(configuration.compute)
    members, generators = [], []
    for number in range(settings.ensemble.trained):
        one = untrained(configuration, Names(method, direction, kind, number), sample)
        generators.append(torch.Generator().set_state(torch.get_rng_state()))
        members.append(one.to(device))
    histories = train_stacked(
        [one.network for one in members],
        [one.training for one in members],
        [one.validation for one in members],
        settings.training,
        generators,
        checkpoint,
    )
    return [
        (one.network, facts_of(configuration, one, device, history), history)
        for one, history in zip(members, histories, strict=True)
    ]


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    names = (arguments.method, arguments.direction, arguments.kind)
    sample = Sample.read(
        arguments.sample, configuration.directions[arguments.direction].networks[arguments.kind]
    )
    sample_sha256 = sha256(arguments.sample)
    checkpoint = checkpoint_of(configuration, names, sample_sha256, arguments.weights[0])
    members = train_ensemble(configuration, *names, sample, checkpoint)
    places = zip(arguments.weights, arguments.description, arguments.history, strict=True)
    for (network, facts, history), (weights, description, losses) in zip(
        members, places, strict=True
    ):
        facts["sample_sha256"] = sample_sha256
        write_history(history, losses)
        save(network, facts, weights, description)
    checkpoint.remove()


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("method", "name of the method", required=True)
step.option("direction", "name of the direction", required=True)
step.option("kind", "intrinsic or extrinsic", required=True)
step.input("sample", "training sample, Parquet")
step.output("weights", "weights of every member, safetensors", many=True)
step.output("description", "training.json of every member", many=True)
step.output("history", "losses of every epoch of every member, CSV", many=True)
step.setting("methods.{method}.network")
step.setting("methods.{method}.training")
step.setting("methods.{method}.ensemble.members")
step.setting("methods.{method}.ensemble.most_members")
step.setting("directions.{direction}.networks.{kind}")
step.setting("compute.threads")
step.setting("compute.device")
