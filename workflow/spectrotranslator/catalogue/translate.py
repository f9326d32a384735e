"""Translate one shard of a survey's rows with a method's networks."""

from pathlib import Path

import numpy as np
import torch

from ..configuration import load
from ..errors import InputError
from ..sample.rows import count_rows, read_rows
from ..stage import Stage
from .montecarlo import translate
from .networks import network_parts, of_kinds
from .parts import write_groups
from .settled import settled


def shard_rows(rows: int, block: int, shard: int, shards: int) -> slice:
    """The rows of one shard (from 0): whole blocks, as evenly as they go."""
    blocks = -(-rows // block)
    first, last = (blocks * i // shards for i in (shard, shard + 1))
    return slice(first * block, min(last * block, rows))


def main(arguments) -> None:
    configuration = load(arguments.config)
    method = settled(configuration.methods[arguments.method], arguments.fingerprint)
    torch.set_num_threads(configuration.compute.threads)
    direction = configuration.directions[arguments.direction]
    block = method.montecarlo.block_rows
    count = count_rows(arguments.stars, direction.rows)
    if not count:
        raise InputError(
            f"directions.{arguments.direction}.rows leave no row of {arguments.stars}; loosen them"
        )
    rows = shard_rows(count, block, *arguments.shard)
    weights = {kind: _of_kind(arguments.weights, kind) for kind in direction.networks}
    parts = network_parts(
        configuration,
        arguments.method,
        arguments.direction,
        arguments.samples,
        weights,
        of_kinds(arguments.calibrations),
    )
    stars = read_rows(arguments.stars, direction.rows, rows, block)
    write_groups(arguments.part, translate(stars, parts, method.ensemble, method.montecarlo))


def _shard(text: str) -> tuple[int, int]:
    number, of, total = text.split("-")
    if of != "of" or not 1 <= int(number) <= int(total):
        raise ValueError(text)
    return int(number) - 1, int(total)


def _of_kind(weights: list[Path], kind: str) -> list[Path]:
    found = [path for path in weights if path.parent.parent.name == kind]
    if not found:
        raise InputError(f"no weights of the {kind} network among those given")
    return found


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.option("method", "name of the method", required=True)
stage.option("direction", "name of the direction", required=True)
stage.option("shard", "which part of how many: 1-of-4", type=_shard, required=True)
stage.input("stars", "stars of the survey translated from, Parquet")
stage.input("samples", "training samples, in the order of the direction's networks", many=True)
stage.input("weights", "weights of every member of every network", many=True)
stage.input("calibrations", "calibrated widths of its networks", many=True, required=False)
stage.input("fingerprint", "what the published catalogue says, JSON", required=False)
stage.output("part", "translated rows, Parquet")

if __name__ == "__main__":
    np.seterr(over="ignore", invalid="ignore")
    stage.run(main)
