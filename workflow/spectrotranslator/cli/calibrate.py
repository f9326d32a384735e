"""Independent replicates of a run's method with other seeds, and how far apart they lie."""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import torch

from cdstables.layout import layout_from_yaml
from spectrotranslator import user_paths
from spectrotranslator.comparison.choices import spread_over_choices, with_choice
from spectrotranslator.comparison.tolerances import pair_statistics
from spectrotranslator.config import Configuration, resolve
from spectrotranslator.errors import InputError
from spectrotranslator.files import write_json
from spectrotranslator.tolerance.member_pool import MODULE, draw_pairs, progress
from spectrotranslator.tolerance.replicates import run_replicate
from spectrotranslator.tolerance.tolerance_file import catalogue_tolerances, tolerance_file


def _run_replicate(task: tuple[Configuration, int | str, Path]) -> dict[str, pd.DataFrame]:
    torch.set_num_threads(task[0].compute.threads)
    return run_replicate(*task)


def main(arguments: list[str]) -> int:
    """``./reproduce calibrate RUN [--replicates N] [--pool N] [--choices] [--out FILE]``."""
    parser = argparse.ArgumentParser(
        "./reproduce calibrate",
        description=__doc__,
        epilog="example: ./reproduce calibrate mini --replicates 8; the run must have been made",
    )
    parser.add_argument("run", type=user_paths.resolve_run, help="name or path of the run")
    parser.add_argument("--replicates", type=int, help="how many; as configured")
    parser.add_argument(
        "--pool",
        type=int,
        help="train so many members of every network once and draw pairs of replicates from them",
    )
    parser.add_argument(
        "--choices", action="store_true", help="and the spread over comparison.choices"
    )
    parser.add_argument(
        "--jobs", type=int, help="how many at once; as many as the cores hold of compute.threads"
    )
    parser.add_argument(
        "--out", type=user_paths.resolve_output, help="where to write; config/tolerances/RUN.json"
    )
    given = parser.parse_args(arguments)
    configuration = resolve(given.run)
    folder = Path("results") / configuration.run
    if not (folder / "sample" / "ledger.json").is_file():
        raise InputError(f"{folder}/sample: not there; make the run first: ./reproduce {given.run}")
    replicates = given.replicates or configuration.comparison.replicates
    if replicates < 3:
        raise InputError(f"--replicates {replicates}: at least 3 are needed")
    cores = len(os.sched_getaffinity(0))
    jobs = max(1, cores // configuration.compute.threads) if given.jobs is None else given.jobs
    if jobs < 1:
        raise InputError(f"--jobs {jobs}: at least 1 is needed")
    choices = list(configuration.comparison.choices) if given.choices else []
    if given.choices and not choices:
        raise InputError(f"run {configuration.run}: comparison.choices names no alternative")
    others = [(with_choice(configuration, name), name, folder) for name in choices]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as workers:
        if given.pool:
            pairs = draw_pairs(configuration, folder, given.pool, replicates, workers)
        else:
            tasks = [(configuration, number, folder) for number in range(1, replicates + 1)]
            made = progress(workers.map(_run_replicate, tasks), replicates, "replicates")
            pairs = list(combinations(made, 2))
        alternatives = dict(zip(choices, workers.map(_run_replicate, others), strict=True))
    out = given.out or Path("config/tolerances") / f"{configuration.run}.json"
    write_json(out, _tolerances(configuration, pairs, replicates, alternatives, given.pool))
    print(f"{out}: tolerances from {replicates} {'pairs of ' if given.pool else ''}replicates")
    return 0


def _tolerances(
    configuration: Configuration, pairs: list, replicates: int, choices: dict, pool: int | None
) -> dict:
    """The file of tolerances; ``replicates`` in it is the degrees of freedom plus one."""
    drawn = (f" --pool {pool}" if pool else "") + (" --choices" if choices else "")
    command = f"./reproduce calibrate {configuration.run} --replicates {replicates}{drawn}"
    catalogues = {}
    for name in pairs[0][0]:
        table = layout_from_yaml(configuration.directions[name].catalogue)
        every = {id(one[name]): one[name] for pair in pairs for one in pair}.values()
        catalogues[name] = catalogue_tolerances(
            (pair_statistics(first[name], second[name], table) for first, second in pairs),
            spread_over_choices(
                list(every), {choice: made[name] for choice, made in choices.items()}, table
            ),
            min(replicates, pool or replicates),
            len(pairs[0][0][name]),
        )
    return tolerance_file(configuration, command, MODULE, catalogues)
