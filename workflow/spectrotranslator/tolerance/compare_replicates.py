"""Hold some pairs of replicates drawn from the pool against each other and against alternatives."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from cdstables.layout import layout_from_yaml
from spectrotranslator.comparison.choices import joined_ranges, spread_over_choices
from spectrotranslator.comparison.tolerances import pair_statistics
from spectrotranslator.config import load
from spectrotranslator.files import write_json
from spectrotranslator.step import Step

from .member_pool import draw_replicate
from .replicates import DirectionFiles


def pools_of(
    own: Sequence[Path], further: Sequence[Path], kinds: Sequence[str]
) -> dict[str, list[Path]]:
    """Network kind to the weights of its pool: the run's own members and the further ones.

    They lie in the folders ``KIND/member-K`` and ``KIND/PART/member-K``.
    """
    return {
        kind: [
            *(path for path in own if path.parts[-3] == kind),
            *(path for path in further if path.parts[-4] == kind),
        ]
        for kind in kinds
    }


def _with_rows(tables: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    found = {name: pd.read_parquet(path) for name, path in tables.items()}
    return {name: table for name, table in found.items() if len(table)}


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    torch.set_num_threads(configuration.compute.threads)
    direction = configuration.directions[arguments.direction]
    table = layout_from_yaml(arguments.layout)
    files = DirectionFiles.of_step(configuration, arguments)
    pools = pools_of(arguments.own, arguments.weights, list(direction.networks))
    choices = _with_rows({path.stem: path for path in arguments.choices})
    pairs, ranges, rows = [], [], 0
    for pair in range(*arguments.pairs):
        sides = [
            draw_replicate(configuration, arguments.direction, files, pools, 2 * pair + side)
            for side in (0, 1)
        ]
        pairs.append(pair_statistics(*sides, table))
        ranges.append(spread_over_choices(sides, choices, table))
        rows = len(sides[0])
    write_json(
        arguments.statistics, {"rows": rows, "pairs": pairs, "choices": joined_ranges(ranges)}
    )


def _pairs(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-to-")
    return int(first) - 1, int(last)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("direction", "name of the direction", required=True)
step.option("pairs", "the first and the last pair, from 1: 1-to-5", type=_pairs, required=True)
step.input("layout", "the column layout that the configuration names")
step.input("stars", "stars of the survey translated from, Parquet")
step.input("samples", "training samples, in the order of the direction's networks", many=True)
step.input("own", "weights of the run's own members", many=True)
step.input("weights", "weights of the further members of the pools", many=True)
step.input("choices", "catalogues with each alternative, Parquet", many=True, required=False)
step.input("fingerprint", "what the published catalogue says, JSON", required=False)
step.output("statistics", "grading statistics of every pair, JSON")
step.setting("comparison.method")
step.setting("comparison.calibration_rows")
step.setting("methods.{compared_method}")
step.setting("directions.{direction}")
step.setting("surveys")
step.setting("compute.threads")
step.setting("compute.device")
