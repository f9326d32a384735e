"""How many stars would bring a translator how near to its floor.

``.venv/bin/python benchmarks/limit.py --sky 101 --direction a2g`` trains
``robust``'s first network on overlaps of 1, 2 and 4 times 13,680 stars and judges each on the same
50,000 fresh stars against their true value on the target's base: standard deviations, a line a
training. ``--floor`` adds the translator of half a million stars.
"""

import argparse
import sys
import time

import numpy as np
import torch
from robust import FLOOR, FLOOR_SETTINGS, FRESH, TRAINING, with_changes
from skies import overlap

from spectrotranslator.config import Configuration
from spectrotranslator.config.loading import resolve
from spectrotranslator.network.fit_ensemble import fit_ensemble_stacked
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.sample.split import split
from spectrotranslator.translation.ensemble_inference import Ensemble


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sky", type=int, default=101)
    parser.add_argument("--direction", default="a2g")
    parser.add_argument("--times", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--floor", type=int, nargs="?", default=0, const=FLOOR, help="its stars")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    configuration = resolve("full")
    compute = configuration.compute.model_copy(update={"device": "cpu", "threads": given.threads})
    configuration = configuration.model_copy(update={"compute": compute})
    kind, shape = next(iter(configuration.directions[given.direction].networks.items()))

    # The stars of `robust.py --floor` on this sky: first come, first trained on, the last judged.
    wanted = round(1.03 * (TRAINING + FRESH + FLOOR))
    stars = overlap(wanted, seed=given.sky, systematics=given.sky, direction=given.direction)
    fresh = stars[-FRESH:]
    inputs = fresh[[f"from:{name}" for name in shape.inputs]].to_numpy(np.float64)
    true = fresh[[f"true:{name}" for name in shape.outputs]].to_numpy()
    print("| | " + " | ".join(shape.outputs) + " | seconds |")
    print("|---|" + "---|" * (len(shape.outputs) + 1))

    def tell(name: str, predicted: np.ndarray, since: float) -> None:
        cells = [f"{value:.4g}" for value in (predicted - true).std(axis=0)]
        cells.append(f"{time.monotonic() - since:.0f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)

    def by_network(settings: Configuration, first: int, count: int) -> np.ndarray:
        table = stars[first : first + count].reset_index(drop=True)
        table["part"] = split(table, settings.split)
        sample = Sample.of_table(table, shape)
        names = ("robust", given.direction, kind)
        models = fit_ensemble_stacked(settings, *names, sample)
        return Ensemble(models, "cpu").predict(inputs).mean(axis=0)

    for times in given.times:
        start = time.monotonic()
        tell(f"{times * TRAINING} stars", by_network(configuration, 0, times * TRAINING), start)
    if given.floor:
        start = time.monotonic()
        changed = with_changes(configuration, "robust", FLOOR_SETTINGS)
        tell(f"floor: {given.floor} stars", by_network(changed, TRAINING, given.floor), start)
    return 0


if __name__ == "__main__":
    sys.exit(main())
