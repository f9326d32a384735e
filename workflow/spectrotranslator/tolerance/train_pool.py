"""Train some members of the pool that the run's tolerances are drawn from."""

import torch

from spectrotranslator.config import load
from spectrotranslator.network.saved_model import save
from spectrotranslator.step import Step

from .member_pool import train_pooled


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    torch.set_num_threads(configuration.compute.threads)
    first = arguments.part * len(arguments.weights)
    members = range(first, first + len(arguments.weights))
    trained = train_pooled(
        configuration, arguments.direction, arguments.kind, members, arguments.sample
    )
    places = zip(arguments.weights, arguments.description, strict=True)
    for (network, facts), (weights, description) in zip(trained, places, strict=True):
        save(network, facts, weights, description)


def _part(text: str) -> int:
    return int(text.partition("-of-")[0]) - 1


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("direction", "name of the direction", required=True)
step.option("kind", "intrinsic or extrinsic", required=True)
step.option("part", "which part of the pool, of how many: 1-of-4", type=_part, required=True)
step.input("sample", "training sample, Parquet")
step.output("weights", "weights of the members of this part, safetensors", many=True)
step.output("description", "training.json of every one of them", many=True)
step.setting("comparison.method")
step.setting("methods.{compared_method}.network")
step.setting("methods.{compared_method}.training")
step.setting("directions.{direction}.networks.{kind}")
step.setting("compute.threads")
step.setting("compute.device")
