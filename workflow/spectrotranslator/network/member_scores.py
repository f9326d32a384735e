"""Members scored again on their validation stars, against the losses their trainings recorded."""

import math
from collections.abc import Iterable
from pathlib import Path

from spectrotranslator.config.configuration import TrainingSettings

from .saved_model import Model
from .training_loop import loss_over
from .training_sample import VALIDATION, Sample, Scalings

#: Covers another machine's rounding of a float32 mean, nothing else.
RELATIVE_TOLERANCE = 1e-3


def score(models: Iterable[Model], paths: Iterable[Path], sample: Sample) -> dict:
    """What ``scores.json`` holds.

    Parameters
    ----------
    models : iterable of Model
        Members of one ensemble.
    paths : iterable of Path
        Their weights, of which the folders name the members.
    sample : Sample
        The sample they were trained on.
    """
    members = [
        {"member": path.parent.name, **_score(model, sample)}
        for model, path in zip(models, paths, strict=True)
    ]
    return {"schema_version": 1, "members": members}


def _score(model: Model, sample: Sample) -> dict:
    recorded = model.facts["validation_loss"]
    settings = TrainingSettings(**model.facts["training"])
    mine = sample.for_member(model.facts["member"], settings.folds)
    scalings = Scalings(model.input_scaling, model.output_scaling)
    found = loss_over(model.network, mine.standardised(VALIDATION, scalings), settings)
    return {
        "recorded": recorded,
        "found": found if math.isfinite(found) else None,
        "agrees": math.isclose(found, recorded, rel_tol=RELATIVE_TOLERANCE),
    }
