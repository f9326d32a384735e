"""Score the members of one ensemble again, and compute the importance of its inputs."""

import torch

from spectrotranslator.config import load
from spectrotranslator.files import write_json
from spectrotranslator.step import Step

from .member_scores import score
from .saved_model import load_model
from .shapley_values import importance
from .training_sample import Sample


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    torch.set_num_threads(configuration.compute.threads)
    kind = configuration.directions[arguments.direction].networks[arguments.kind]
    sample = Sample.read(arguments.sample, kind)
    models = [load_model(path) for path in arguments.weights]
    names = (arguments.direction, arguments.kind, "importance")
    write_json(arguments.scores, score(models, arguments.weights, sample))
    write_json(
        arguments.importance, importance(models, sample, kind, configuration.importance, names)
    )


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("direction", "name of the direction", required=True)
step.option("kind", "intrinsic or extrinsic", required=True)
step.input("sample", "training sample, Parquet")
step.input("weights", "weights of every member", many=True)
step.output("scores", "recorded and found losses, JSON")
step.output("importance", "importance of every input, JSON")
step.setting("importance")
step.setting("compute.threads")
step.setting("directions.{direction}.networks.{kind}")
