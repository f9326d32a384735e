"""Independent executions of a run's method with other seeds: how far apart do they lie?"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..catalogue.columns import comment_style, layout_columns
from ..catalogue.montecarlo import NetworkPart, in_blocks, translate
from ..catalogue.networks import network_part
from ..catalogue.settled import settled
from ..cds.layout import layout_from_yaml
from ..configuration import Configuration, resolve
from ..errors import InputError
from ..files import digest, write_json
from ..network.sample import Sample
from ..network.train import train_members
from ..provenance.code import code_digest
from ..sample.cuts import apply_cuts
from ..seeds import seed
from .tolerances import between_executions

MOST_ROWS = 50_000


def with_other_seeds(configuration: Configuration, execution: int) -> Configuration:
    """The configuration with every seed of the compared method drawn anew for one execution."""
    name = configuration.comparison.method
    method = configuration.methods[name]
    changed = method.model_copy(
        update={
            section: getattr(method, section).model_copy(
                update={"seed": seed(getattr(method, section).seed, "execution", execution)}
            )
            for section in ("training", "montecarlo")
        }
    )
    return configuration.model_copy(update={"methods": {**configuration.methods, name: changed}})


def execute(configuration: Configuration, execution: int, folder: Path) -> dict[str, pd.DataFrame]:
    """One execution: every network trained, at most 50,000 rows of each catalogue translated."""
    configuration = with_other_seeds(configuration, execution)
    return {name: _catalogue(configuration, name, folder) for name in _compared(configuration)}


def _compared(configuration: Configuration) -> list[str]:
    return [name for name, direction in configuration.directions.items() if direction.catalogue]


def _catalogue(configuration: Configuration, name: str, folder: Path) -> pd.DataFrame:
    method = configuration.methods[configuration.comparison.method]
    method = settled(method, folder / "fingerprint" / f"{name}.json")
    direction = configuration.directions[name]
    parts = [
        _part(configuration, name, kind, folder / "sample" / f"{name}-{kind}.parquet")
        for kind in direction.networks
    ]
    stars = pd.read_parquet(folder / "sample" / f"{direction.origin}.parquet")
    stars, _ = apply_cuts(stars, direction.rows)
    if len(stars) > MOST_ROWS:
        chosen = np.random.default_rng(seed(name, "calibration rows")).permutation(len(stars))
        stars = stars.iloc[np.sort(chosen[:MOST_ROWS])]
    blocks = in_blocks(stars, method.montecarlo.block_rows)
    blocks = translate(blocks, parts, method.ensemble, method.montecarlo)
    translated = pd.concat(blocks, ignore_index=True)
    layout = layout_from_yaml(direction.catalogue)
    return layout_columns(translated, layout, comment_style(direction.catalogue))


def _part(configuration: Configuration, name: str, kind: str, path: Path) -> NetworkPart:
    method = configuration.comparison.method
    direction = configuration.directions[name]
    shape = direction.networks[kind]
    sample = Sample.read(path, shape)
    models = train_members(configuration, method, name, kind, sample)
    return network_part(configuration, method, name, kind, sample, models)


def _execute(task: tuple[Configuration, int, Path]) -> dict[str, pd.DataFrame]:
    torch.set_num_threads(task[0].compute.threads)
    return execute(*task)


def main(arguments: list[str]) -> int:
    """``./reproduce calibrate RUN [--executions N] [--out FILE]``."""
    parser = argparse.ArgumentParser(
        "./reproduce calibrate",
        description=__doc__,
        epilog="example: ./reproduce calibrate mini --executions 8; the run must have been made",
    )
    parser.add_argument("run", help="name or path of the run")
    parser.add_argument("--executions", type=int, help="how many; as configured")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--out", type=Path, help="where to write; config/tolerances/RUN.json")
    given = parser.parse_args(arguments)
    configuration = resolve(given.run)
    folder = Path("results") / configuration.run
    if not (folder / "sample" / "ledger.json").is_file():
        raise InputError(f"{folder}/sample: not there; make the run first: ./reproduce {given.run}")
    executions = given.executions or configuration.comparison.executions
    if executions < 3:
        raise InputError(f"--executions {executions}: at least 3 are needed")
    tasks = [(configuration, execution, folder) for execution in range(1, executions + 1)]
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(_execute, tasks))
    out = given.out or Path("config/tolerances") / f"{configuration.run}.json"
    write_json(out, _tolerances(configuration, found, executions))
    print(f"{out}: tolerances from {executions} executions")
    return 0


def _tolerances(configuration: Configuration, found: list[dict], executions: int) -> dict:
    method = configuration.methods[configuration.comparison.method]
    return {
        "schema_version": 1,
        "origin": {
            "command": f"./reproduce calibrate {configuration.run} --executions {executions}",
            "method": digest(method.model_dump(mode="json")),
            "code": code_digest("compare.calibrate"),
        },
        "catalogues": {
            name: {
                "executions": executions,
                "rows": len(found[0][name]),
                "columns": between_executions(
                    [execution[name] for execution in found],
                    layout_from_yaml(configuration.directions[name].catalogue),
                ),
            }
            for name in found[0]
        },
    }
