"""What keeps a translator of so many stars from its floor: more stars, or another method?

``PYTHONPATH=workflow .venv/bin/python benchmarks/limit.py --sky 101 --direction a2g`` trains
``robust``'s first network on overlaps of 1, 2 and 4 times 13,680 stars and judges each on the same
50,000 fresh stars against their true value on the target's base: standard deviations, a line a
training. ``--floor`` adds the translator of half a million stars, ``--process`` an exact Gaussian
process on the first 13,680: squared-exponential kernels, two a label with a length for every input,
fitted by their marginal likelihood on 2,000 of the stars.
"""

import argparse
import sys
import time

import numpy as np
import torch
from robust import FLOOR, FLOOR_SETTINGS, FRESH, TRAINING, with_changes
from skies import overlap
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from spectrotranslator.catalogue.ensemble import Ensemble
from spectrotranslator.configuration import Configuration
from spectrotranslator.configuration.load import resolve
from spectrotranslator.configuration.model import NetworkKind
from spectrotranslator.network.anew import train_members_together
from spectrotranslator.network.sample import Sample
from spectrotranslator.sample.split import split

LENGTHS = (0.05, 50.0)
FITTED, BLOCK = 2_000, 2_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sky", type=int, default=101)
    parser.add_argument("--direction", default="a2g")
    parser.add_argument("--times", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--floor", type=int, nargs="?", default=0, const=FLOOR, help="its stars")
    parser.add_argument("--process", action="store_true")
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
        models = train_members_together(settings, *names, sample)
        return Ensemble(models, "cpu").predict(inputs).mean(axis=0)

    for times in given.times:
        start = time.monotonic()
        tell(f"{times * TRAINING} stars", by_network(configuration, 0, times * TRAINING), start)
    if given.process:
        start = time.monotonic()
        sample = Sample.of_table(stars[:TRAINING].assign(part=""), shape)
        tell("Gaussian process", by_process(shape, sample, inputs), start)
    if given.floor:
        start = time.monotonic()
        changed = with_changes(configuration, "robust", FLOOR_SETTINGS)
        tell(f"floor: {given.floor} stars", by_network(changed, TRAINING, given.floor), start)
    return 0


def by_process(shape: NetworkKind, sample: Sample, inputs: np.ndarray) -> np.ndarray:
    """Outputs, shape (stars, outputs), by the mean of a Gaussian process a label."""
    mean, std = sample.inputs.mean(axis=0), sample.inputs.std(axis=0)
    known, wanted = (sample.inputs - mean) / std, (inputs - mean) / std
    columns = []
    for corrected, label in zip(sample.inputs[:, shape.corrected].T, sample.outputs.T, strict=True):
        difference = label - corrected
        offset = np.median(difference)
        unit = 1.4826 * np.median(np.abs(difference - offset))
        process = fitted(known, (difference - offset) / unit)
        blocks = range(0, len(wanted), BLOCK)
        found = np.concatenate([process.predict(wanted[b : b + BLOCK]) for b in blocks])
        columns.append(offset + unit * found)
    return inputs[:, shape.corrected] + np.stack(columns, axis=1)


def fitted(known: np.ndarray, values: np.ndarray) -> GaussianProcessRegressor:
    """A process of all stars, its kernel fitted on some."""
    inputs = known.shape[1]
    kernel = (
        ConstantKernel(1.0) * RBF(np.full(inputs, 2.0), LENGTHS)
        + ConstantKernel(0.3) * RBF(np.full(inputs, 0.7), LENGTHS)
        + WhiteKernel(0.5)
    )
    some = np.random.default_rng(0).choice(len(known), FITTED, replace=False)
    kernel = GaussianProcessRegressor(kernel).fit(known[some], values[some]).kernel_
    return GaussianProcessRegressor(kernel, optimizer=None).fit(known, values)


if __name__ == "__main__":
    sys.exit(main())
