"""Pairs of replicates drawn from a pool of members: at full size cheaper than to train each anew.

Every network is trained ``pool`` times. A pair of replicates takes its members from them by chance,
none of them twice, so the two lie as far apart as replicates trained apart, whatever part of that
comes from the members and whatever from the realisations. Pairs share members with other pairs:
``pool`` members hold at most ``pool - 1`` independent differences.
"""

import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spectrotranslator.config import Configuration
from spectrotranslator.config.resolve_from_fingerprint import resolve_method
from spectrotranslator.errors import InputError
from spectrotranslator.files import digest, sha256
from spectrotranslator.network.member import Names
from spectrotranslator.network.saved_model import Model, load_model, save
from spectrotranslator.network.train_members import train_ensemble, train_member
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.network.translator import Translator
from spectrotranslator.seeds import seed
from spectrotranslator.source_code import code_digest

from .replicates import DirectionFiles, compared, translate_replicate, with_replicate_seeds

POOL = 0
#: The module whose code decides what replicates are.
MODULE = "spectrotranslator.tolerance.member_pool"

Replicate = dict[str, pd.DataFrame]
# Network kind to the weights of every member of its pool.
Pools = Mapping[str, Sequence[Path]]


def draw_pairs(
    configuration: Configuration, folder: Path, pool: int, pairs: int, workers: Executor
) -> list[tuple[Replicate, Replicate]]:
    """Pairs of replicates (catalogue to table) without a common one of ``pool`` members a network.

    Members are kept until all is done, so that a call that was killed goes on where it was.

    Raises
    ------
    InputError
        The pool does not hold two ensembles.
    """
    names = compared(configuration)
    for name in names:
        files = DirectionFiles.of_run(configuration, name, folder)
        require_two_ensembles(_resolved(configuration, files), pool, "--pool")
    kept = _kept(configuration, folder)
    networks = [
        (name, kind, member)
        for name in names
        for kind in configuration.directions[name].networks
        for member in range(pool)
    ]
    trained = workers.map(_train, [(configuration, folder, kept, *one) for one in networks])
    list(progress(trained, len(networks), "members"))
    tasks = [(configuration, folder, kept, pool, n) for n in range(2 * pairs)]
    found = list(progress(workers.map(_draw, tasks), len(tasks), "replicates"))
    shutil.rmtree(kept)
    return list(zip(found[::2], found[1::2], strict=True))


def require_two_ensembles(configuration: Configuration, pool: int, what: str) -> None:
    """Refuse a pool of fewer members than two ensembles of the compared method have.

    Raises
    ------
    InputError
        It has fewer; ``what`` names its size.
    """
    members = configuration.methods[configuration.comparison.method].ensemble.members
    if pool < 2 * members:
        raise InputError(
            f"{what} {pool}: at least {2 * members} are needed, two ensembles of {members} members"
        )


def progress(done: Iterable, count: int, what: str) -> Iterator:
    """The same things, each told on standard error as it comes."""
    for number, one in enumerate(done, 1):
        print(f"{number} of {count} {what}", file=sys.stderr, flush=True)
        yield one


def chosen_members(name: str, kind: str, replicate: int, pool: int, count: int) -> list[int]:
    """Which of ``pool`` members a replicate run takes; replicates 2n and 2n + 1 are a pair."""
    pair, side = divmod(replicate, 2)
    shuffled = np.random.default_rng(seed("pool", name, kind, pair)).permutation(pool)
    return sorted(shuffled[side * count : (side + 1) * count].tolist())


def train_pooled(
    configuration: Configuration, name: str, kind: str, members: Sequence[int], sample: Path
) -> Iterator[tuple[Translator, dict]]:
    """Train members of the pool on the training sample in ``sample``: networks and their facts.

    On a GPU all are trained in one program.
    """
    configuration = with_replicate_seeds(configuration, POOL)
    method = configuration.comparison.method
    every = [Names(method, name, kind, member) for member in members]
    stars = Sample.read(sample, configuration.directions[name].networks[kind])
    if configuration.compute.device == "cuda":
        trained = train_ensemble(configuration, every, stars)
    else:
        trained = (train_member(configuration, names, stars) for names in every)
    return ((network, facts) for network, facts, _ in trained)


def draw_replicate(
    configuration: Configuration, name: str, files: DirectionFiles, pools: Pools, replicate: int
) -> pd.DataFrame:
    """One replicate of the direction ``name``, its members drawn from ``pools``.

    Replicates 2n and 2n + 1 are a pair: they share no member.
    """
    configuration = _resolved(configuration, files)
    count = configuration.methods[configuration.comparison.method].ensemble.members

    def drawn(kind: str, _sample: Sample) -> list[Model]:
        chosen = chosen_members(name, kind, replicate, len(pools[kind]), count)
        return [load_model(pools[kind][member]) for member in chosen]

    seeded = with_replicate_seeds(configuration, f"pool {replicate}")
    return translate_replicate(seeded, name, files, drawn)


def _resolved(configuration: Configuration, files: DirectionFiles) -> Configuration:
    return resolve_method(configuration, configuration.comparison.method, files.fingerprint)


def _kept(configuration: Configuration, folder: Path) -> Path:
    """Where whole members lie, for a call that goes on after one that was broken off.

    Another configuration, code, sample or torch trains others.
    """
    samples = sorted((folder / "sample").glob("*-*.parquet"))
    told = [
        configuration.model_dump(mode="json"),
        code_digest(MODULE),
        [sha256(path) for path in samples],
        torch.__version__,
    ]
    return folder.parent / ".calibrations" / f"{configuration.run}-{digest(told)[:16]}"


def _weights(kept: Path, name: str, kind: str, member: int) -> Path:
    return kept / name / kind / f"member-{member}" / "weights.safetensors"


def _train(task: tuple[Configuration, Path, Path, str, str, int]) -> None:
    configuration, folder, kept, name, kind, member = task
    weights = _weights(kept, name, kind, member)
    description = weights.with_name("training.json")
    if description.is_file():  # written last: the member is whole
        return
    torch.set_num_threads(configuration.compute.threads)
    sample = DirectionFiles.of_run(configuration, name, folder).samples[kind]
    ((network, facts),) = train_pooled(configuration, name, kind, [member], sample)
    save(network, facts, weights, description)


def _draw(task: tuple[Configuration, Path, Path, int, int]) -> Replicate:
    configuration, folder, kept, pool, replicate = task
    torch.set_num_threads(configuration.compute.threads)
    found = {}
    for name in compared(configuration):
        files = DirectionFiles.of_run(configuration, name, folder)
        pools = {k: [_weights(kept, name, k, m) for m in range(pool)] for k in files.samples}
        found[name] = draw_replicate(configuration, name, files, pools, replicate)
    return found
