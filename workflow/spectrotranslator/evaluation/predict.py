"""Translate training stars by networks of one method that never saw them.

The stars are parted by star; the networks of the method are trained anew on all parts but one,
with their own validation stars among them, and translate the one.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pandas as pd
import torch

from ..catalogue.settled import settled_in
from ..configuration import Configuration, load
from ..files import atomic
from ..sample.split import judged_rows, split, survey_rows
from ..stage import Stage
from .apart import trained_part, translated_apart


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
            judged = judged_rows(sample, first, settings.folds, number)
            known = sample[~judged].reset_index(drop=True)
            known["part"] = split(known, configuration.split)
            sides = (survey_rows(known, origin, "from"), survey_rows(known, target, "to"))
            parts[kind] = trained_part(
                configuration, method, direction, kind, known, *sides, spread
            )
        judged = judged_rows(first, first, settings.folds, number)
        stars = survey_rows(first[judged].reset_index(drop=True), origin, "from")
        table = translated_apart(configuration, method, parts, stars)
        table.insert(0, "split", number)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def main(arguments) -> None:
    configuration = settled_in(load(arguments.config), arguments.method, arguments.fingerprint)
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


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.option("method", "name of the method", required=True)
stage.option("direction", "name of the direction", required=True)
stage.input("samples", "training samples, in the order of the direction's networks", many=True)
stage.input("origin", "stars of the survey translated from, Parquet")
stage.input("target", "stars of the survey translated to, Parquet")
stage.input("fingerprint", "what the published catalogue says, JSON", required=False)
stage.option("processes", "how many members are trained at once", type=int, default=1)
stage.output("predictions", "judged stars as translated, Parquet")

if __name__ == "__main__":
    stage.run(main)
