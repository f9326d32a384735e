"""Translate training stars by networks of one method that never saw them.

The stars are parted by star; the networks of the method are trained anew on all parts but one,
with their own validation stars among them, and translate the one.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pandas as pd
import torch

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.resolve_from_fingerprint import resolve_method
from spectrotranslator.files import atomic
from spectrotranslator.sample.split import held_out_fold_mask, split, survey_rows
from spectrotranslator.step import Step

from .refit import cross_validated_translation, refit_network


def predictions(
    configuration: Configuration,
    method: str,
    direction: str,
    samples: dict[str, pd.DataFrame],
    origin: pd.DataFrame,
    target: pd.DataFrame,
    spread: Callable = map,
) -> pd.DataFrame:
    """A line a judged star: ``key``, ``split`` and the columns of a catalogue.

    A star of the first network's sample that is not in another's has that one's columns too;
    they are not judged.
    """
    settings = configuration.evaluation
    first = next(iter(samples.values()))
    tables = []
    for number in range(settings.splits):
        parts = {}
        for kind, sample in samples.items():
            judged = held_out_fold_mask(sample, first, settings.folds, number)
            known = sample[~judged].reset_index(drop=True)
            known["part"] = split(known, configuration.split)
            sides = (survey_rows(known, origin, "from"), survey_rows(known, target, "to"))
            parts[kind] = refit_network(
                configuration, method, direction, kind, known, *sides, spread
            )
        judged = held_out_fold_mask(first, first, settings.folds, number)
        stars = survey_rows(first[judged].reset_index(drop=True), origin, "from")
        table = cross_validated_translation(configuration, method, parts, stars)
        table.insert(0, "split", number)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = resolve_method(load(arguments.config), arguments.method, arguments.fingerprint)
    torch.set_num_threads(configuration.compute.threads)
    kinds = configuration.directions[arguments.direction].networks
    samples = dict(zip(kinds, map(pd.read_parquet, arguments.samples), strict=True))
    names = (configuration, arguments.method, arguments.direction)
    sides = (pd.read_parquet(arguments.origin), pd.read_parquet(arguments.target))
    # Split off before anything is computed here: torch's own threads do not survive a fork.
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("fork")) as workers:
        table = predictions(*names, samples, *sides, workers.map)
    with atomic(arguments.predictions) as temporary:
        table.to_parquet(temporary, index=False)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("method", "name of the method", required=True)
step.option("direction", "name of the direction", required=True)
step.input("samples", "training samples, in the order of the direction's networks", many=True)
step.input("origin", "stars of the survey translated from, Parquet")
step.input("target", "stars of the survey translated to, Parquet")
step.input("fingerprint", "what the published catalogue says, JSON", required=False)
step.option("processes", "how many members are trained at once", type=int, default=1)
step.output("predictions", "judged stars as translated, Parquet")
step.setting("methods.{method}")
step.setting("directions.{direction}.networks")
step.setting("surveys")
step.setting("split")
step.setting("evaluation")
step.setting("compute.threads")
step.setting("compute.device")
