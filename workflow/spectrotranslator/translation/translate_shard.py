"""Translate one shard of a survey's rows with a method's networks."""

from pathlib import Path

import numpy as np
import torch

from spectrotranslator.config import load
from spectrotranslator.config.resolve_from_fingerprint import resolve_method
from spectrotranslator.errors import InputError
from spectrotranslator.sample.survey_rows import count_rows, read_rows
from spectrotranslator.step import Step

from .load_networks import network_parts, of_kinds
from .montecarlo import translate
from .shards import write_groups


def shard_rows(rows: int, block: int, shard: int, shards: int) -> slice:
    """The rows of one shard (from 0): whole blocks, as evenly as they go."""
    blocks = -(-rows // block)
    first, last = (blocks * i // shards for i in (shard, shard + 1))
    return slice(first * block, min(last * block, rows))


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    np.seterr(over="ignore", invalid="ignore")
    configuration = resolve_method(load(arguments.config), arguments.method, arguments.fingerprint)
    method = configuration.methods[arguments.method]
    torch.set_num_threads(configuration.compute.threads)
    direction = configuration.directions[arguments.direction]
    block = method.montecarlo.block_rows
    bits = configuration.surveys[direction.origin].bits
    count = count_rows(arguments.stars, direction.rows, bits)
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
    stars = read_rows(arguments.stars, direction.rows, rows, block, bits)
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


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("method", "name of the method", required=True)
step.option("direction", "name of the direction", required=True)
step.option("shard", "which part of how many: 1-of-4", type=_shard, required=True)
step.input("stars", "stars of the survey translated from, Parquet")
step.input("samples", "training samples, in the order of the direction's networks", many=True)
step.input("weights", "weights of every member of every network", many=True)
step.input("calibrations", "calibrated widths of its networks", many=True, required=False)
step.input("fingerprint", "what the published catalogue says, JSON", required=False)
step.output("part", "translated rows, Parquet")
step.setting("methods.{method}.ensemble")
step.setting("methods.{method}.montecarlo")
step.setting("directions.{direction}")
step.setting("surveys")
step.setting("compute.threads")
step.setting("compute.device")
