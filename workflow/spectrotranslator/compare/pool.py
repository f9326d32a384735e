"""Executions drawn from a pool of members: at full size cheaper than to train each anew.

Every network is trained ``pool`` times; an execution takes its members from them, each time others
by chance. Two draws may share members: how much nearer that brings them is undone where the
tolerances are made (``tolerances.between_executions``).
"""

import tempfile
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..configuration import Configuration
from ..errors import InputError
from ..network.model import Model, load_model, save
from ..network.sample import Sample
from ..network.train import train_member
from ..seeds import seed
from .executions import catalogues, compared, with_other_seeds

POOL = 0


def draw_executions(
    configuration: Configuration, folder: Path, pool: int, executions: int, workers: Executor
) -> list[dict[str, pd.DataFrame]]:
    """Catalogues of ``executions`` executions whose members are drawn from ``pool`` a network.

    Raises
    ------
    InputError
        The pool is not larger than an ensemble.
    """
    members = configuration.methods[configuration.comparison.method].ensemble.members
    if pool <= members:
        raise InputError(
            f"--pool {pool}: more than the {members} members of an ensemble are needed"
        )
    with tempfile.TemporaryDirectory() as place:
        kept = Path(place)
        networks = [
            (name, kind, member)
            for name in compared(configuration)
            for kind in configuration.directions[name].networks
            for member in range(pool)
        ]
        list(workers.map(_train, [(configuration, folder, kept, *one) for one in networks]))
        tasks = [(configuration, folder, kept, pool, n) for n in range(1, executions + 1)]
        return list(workers.map(_draw, tasks))


def _weights(kept: Path, name: str, kind: str, member: int) -> Path:
    return kept / name / kind / f"member-{member}" / "weights.safetensors"


def _train(task: tuple[Configuration, Path, Path, str, str, int]) -> None:
    configuration, folder, kept, name, kind, member = task
    torch.set_num_threads(configuration.compute.threads)
    configuration = with_other_seeds(configuration, POOL)
    shape = configuration.directions[name].networks[kind]
    sample = Sample.read(folder / "sample" / f"{name}-{kind}.parquet", shape)
    method = configuration.comparison.method
    network, facts, _ = train_member(configuration, method, name, kind, member, sample)
    path = _weights(kept, name, kind, member)
    save(network, facts, path, path.with_name("training.json"))


def _draw(task: tuple[Configuration, Path, Path, int, int]) -> dict[str, pd.DataFrame]:
    configuration, folder, kept, pool, execution = task
    torch.set_num_threads(configuration.compute.threads)
    count = configuration.methods[configuration.comparison.method].ensemble.members

    def drawn(name: str, kind: str, _sample: Sample) -> list[Model]:
        chance = np.random.default_rng(seed("pool", name, kind, execution))
        chosen = sorted(chance.permutation(pool)[:count].tolist())
        return [load_model(_weights(kept, name, kind, member)) for member in chosen]

    return catalogues(with_other_seeds(configuration, execution), folder, drawn)
