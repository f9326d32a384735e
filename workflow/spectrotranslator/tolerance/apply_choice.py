"""Make a catalogue with one of the stated alternatives to the method's unknown settings.

The table has no rows where the published catalogue settles all that the alternative changes.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import torch

from spectrotranslator.comparison.choices import with_choice
from spectrotranslator.config import Configuration, load
from spectrotranslator.config.resolve_from_fingerprint import determined_settings, resolve_method
from spectrotranslator.files import atomic
from spectrotranslator.network.saved_model import Model, load_model
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.step import Step

from .replicates import (
    DirectionFiles,
    train_replicate,
    translate_replicate,
    with_replicate_seeds,
)


def settled(configuration: Configuration, choice: str, fingerprint: Path | None) -> bool:
    """Whether the fingerprint gives every setting that the alternative ``choice`` changes."""
    method = configuration.methods[configuration.comparison.method]
    changed = configuration.comparison.choices[choice]
    return bool(changed) and set(changed) <= set(determined_settings(method, fingerprint))


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    torch.set_num_threads(configuration.compute.threads)
    files = DirectionFiles.of_step(configuration, arguments)
    made = pd.DataFrame()
    if not settled(configuration, arguments.choice, files.fingerprint):
        chosen = with_choice(configuration, arguments.choice)
        chosen = with_replicate_seeds(chosen, f"choice {arguments.choice}")
        chosen = resolve_method(chosen, chosen.comparison.method, files.fingerprint)
        names = (chosen, arguments.direction, files)
        if arguments.weights:
            made = translate_replicate(*names, partial(_loaded, chosen, arguments.weights))
        else:
            made = _trained(*names, arguments.processes)
    with atomic(arguments.table) as temporary:
        made.to_parquet(temporary, index=False)


def _loaded(
    configuration: Configuration, weights: Sequence[Path], kind: str, _sample: Sample
) -> list[Model]:
    """The first of the run's own members, as many as the alternative has."""
    count = configuration.methods[configuration.comparison.method].ensemble.members
    return [load_model(path) for path in weights if path.parts[-3] == kind][:count]


def _trained(
    configuration: Configuration, name: str, files: DirectionFiles, processes: int
) -> pd.DataFrame:
    # Split off before anything is computed here: torch's own threads do not survive a fork.
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as workers:
        return train_replicate(configuration, name, files, workers.map)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("direction", "name of the direction", required=True)
step.option("choice", "name of the alternative in comparison.choices", required=True)
step.input("stars", "stars of the survey translated from, Parquet")
step.input("samples", "training samples, in the order of the direction's networks", many=True)
step.input("fingerprint", "what the published catalogue says, JSON", required=False)
step.input("weights", "the run's members, if they serve", many=True, required=False)
step.option("processes", "how many members are trained at once", type=int, default=1)
step.output("table", "the catalogue's columns, Parquet")
step.setting("comparison.method")
step.setting("comparison.choices.{choice}")
step.setting("comparison.calibration_rows")
step.setting("methods.{compared_method}")
step.setting("directions.{direction}")
step.setting("surveys")
step.setting("compute.threads")
step.setting("compute.device")
