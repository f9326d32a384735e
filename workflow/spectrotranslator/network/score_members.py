"""Score every member again on its validation stars, against the loss its training recorded."""

import math

from spectrotranslator.config import load
from spectrotranslator.config.configuration import TrainingSettings
from spectrotranslator.files import read_json, write_json
from spectrotranslator.step import Step

from .saved_model import load_model
from .training_loop import loss_over
from .training_sample import VALIDATION, Sample, Scalings

RELATIVE_TOLERANCE = 1e-3


def main(arguments) -> None:
    """The tolerance covers another machine's rounding of a float32 mean, nothing else."""
    configuration = load(arguments.config)
    kind = configuration.directions[arguments.direction].networks[arguments.kind]
    sample = Sample.read(arguments.sample, kind)
    members = []
    for path in arguments.weights:
        facts = read_json(path.with_name("training.json"))
        recorded, settings = facts["validation_loss"], TrainingSettings(**facts["training"])
        model = load_model(path)
        mine = sample.for_member(facts["member"], settings.folds)
        scalings = Scalings(model.input_scaling, model.output_scaling)
        found = loss_over(model.network, mine.standardised(VALIDATION, scalings), settings)
        members.append(
            {
                "member": path.parent.name,
                "recorded": recorded,
                "found": found if math.isfinite(found) else None,
                "agrees": math.isclose(found, recorded, rel_tol=RELATIVE_TOLERANCE),
            }
        )
    write_json(arguments.scores, {"schema_version": 1, "members": members})


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("direction", "name of the direction", required=True)
step.option("kind", "intrinsic or extrinsic", required=True)
step.input("sample", "training sample, Parquet")
step.input("weights", "weights of every member", many=True)
step.output("scores", "recorded and found losses, JSON")
step.setting("directions.{direction}.networks.{kind}")
