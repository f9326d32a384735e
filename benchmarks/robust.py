"""How good both methods are where the truth is known: simulated skies of several systematics.

``.venv/bin/python benchmarks/robust.py --skies 7 11 12`` trains every method on
the overlap of each sky and judges it on fresh stars of the same sky against their true value on the
target's base. It prints a Markdown table a sky: bias, standard deviation and robust scatter of
every method, whether it differs significantly from the best baseline (paired bootstrap over stars),
coverage of the percentiles, and the velocity's mean by surface gravity. ``--floor`` adds a
translator trained on half a million stars. ``--vary`` switches the parts of the robust method off
one at a time. ``--gross SHARE`` spoils that share of the training stars beyond all cuts.
``--together`` trains all members of an ensemble in one program, as ``--device cuda`` always does.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

import numpy as np
import pandas as pd
import torch
from skies import overlap

from spectrotranslator.config import Configuration
from spectrotranslator.config.loading import resolve
from spectrotranslator.network.baselines import BASELINES, predict
from spectrotranslator.network.fit_ensemble import fit_ensemble, fit_ensemble_stacked
from spectrotranslator.network.saved_model import Model
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.sample.split import split
from spectrotranslator.translation.calibrate_intervals import calibrate
from spectrotranslator.translation.ensemble_inference import Ensemble
from spectrotranslator.translation.intervals import Intervals
from spectrotranslator.translation.load_networks import network_part
from spectrotranslator.translation.montecarlo import in_blocks, translate
from spectrotranslator.translation.out_of_fold import out_of_fold_predictions

TRAINING, FRESH, FLOOR = 13_680, 50_000, 500_000
DRAWS = 200
PROCESSES = os.cpu_count()
VARIANTS = {
    "base: moment matching": {"network": {"base": "moment matching"}},
    "zero_output: false": {"network": {"zero_output": False}},
    "loss: absolute": {"training": {"loss": "absolute"}},
    "hide: 0, not marked": {"training": {"input_dropout": 0.0}, "network": {"mark_missing": False}},
    "colour_noise: independent": {"montecarlo": {"colour_noise": "independent"}},
    "trim: 1": {"ensemble": {"trim": 1}},
    "widths 64 to 512": {"network": {"widths": [64, 128, 256, 512]}},
}
FLOOR_SETTINGS = {
    "network": {"widths": [64, 128]},
    "training": {"batch": 2048, "epochs": 60, "patience": 4},
    "ensemble": {"members": 5},
}


def with_changes(configuration: Configuration, method: str, changes: dict) -> Configuration:
    """The configuration with sections of one method changed."""
    old = configuration.methods[method]
    sections = {
        section: getattr(old, section).model_copy(update=values)
        for section, values in changes.items()
    }
    methods = configuration.methods | {method: old.model_copy(update=sections)}
    return configuration.model_copy(update={"methods": methods})


def spoilt(table: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Training stars of which ``share`` failed grossly in either survey."""
    chance = np.random.default_rng(seed)
    table = table.copy()
    names = [c for c in table if c.startswith(("from:", "to:")) and f"{c}_error" in table]
    for side in ("from:", "to:"):
        bad = np.flatnonzero(chance.random(len(table)) < share / 2)
        for name in (n for n in names if n.startswith(side)):
            spread = 5 * table[name].std()
            table.loc[bad, name] += chance.uniform(-spread, spread, len(bad))
    return table


def side(table: pd.DataFrame, which: str) -> pd.DataFrame:
    """One survey's columns of the pairs, under the survey's own names."""
    columns = [name for name in table if name.startswith(f"{which}:")]
    return table[columns].rename(columns=lambda name: name.split(":", 1)[1])


def trained(
    configuration: Configuration,
    method: str,
    direction: str,
    kind: str,
    sample: Sample,
    together: bool,
) -> list[Model]:
    """All members of one network."""
    if together:
        return fit_ensemble_stacked(configuration, method, direction, kind, sample)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as workers:
        return fit_ensemble(configuration, method, direction, kind, sample, workers.map)


def floor(
    configuration: Configuration, direction: str, large: pd.DataFrame, fresh, together: bool
) -> np.ndarray:
    """What a robust translator of many stars predicts, shape (fresh stars, labels)."""
    columns = []
    for kind, shape in configuration.directions[direction].networks.items():
        sample = Sample.of_table(large, shape)
        models = trained(configuration, "robust", direction, kind, sample, together)
        stars = fresh[[f"from:{name}" for name in shape.inputs]].to_numpy(np.float64)
        device = configuration.compute.device
        columns.append(Ensemble(models, device).predict(stars).mean(axis=0))
    return np.concatenate(columns, axis=1)


def translated(
    configuration: Configuration, method: str, direction: str, training, fresh, together: bool
) -> pd.DataFrame:
    """Fresh stars translated by a method trained on ``training``: all columns of a catalogue."""
    settings = configuration.methods[method]
    parts = []
    for kind, shape in configuration.directions[direction].networks.items():
        sample = Sample.of_table(training, shape)
        models = trained(configuration, method, direction, kind, sample, together)
        part = network_part(configuration, method, direction, kind, sample, models)
        if settings.montecarlo.intervals == "calibrated":
            found = out_of_fold_predictions(
                sample, part, settings, side(training, "from"), side(training, "to")
            )
            calibration = calibrate(found, shape.outputs, settings.montecarlo.percentiles)
            intervals = Intervals.of_dict(calibration, shape.outputs, "calibration")
            part = network_part(configuration, method, direction, kind, sample, models, intervals)
        parts.append(part)
    blocks = in_blocks(side(fresh, "from"), 2048)
    wide = settings.montecarlo
    return pd.concat(translate(blocks, parts, settings.ensemble, wide), ignore_index=True)


def scatter(error: np.ndarray) -> np.ndarray:
    """1.4826 times the median absolute deviation, down the rows."""
    return 1.4826 * np.median(np.abs(error - np.median(error, axis=0)), axis=0)


def judged(predicted: np.ndarray, true: np.ndarray) -> dict[str, np.ndarray]:
    error = predicted - true
    return {"mean": error.mean(axis=0), "std": error.std(axis=0), "robust": scatter(error)}


@cache
def resampled(count: int) -> np.ndarray:
    """How often each of ``count`` stars is in each bootstrap sample, shape (samples, stars)."""
    chance = np.random.default_rng(1)
    return np.stack(
        [np.bincount(chance.integers(0, count, count), minlength=count) for _ in range(DRAWS)]
    ).astype(np.float64)


def std_ratio(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """95% interval of std(one) / std(other) over paired bootstrap samples of the stars."""
    weight = resampled(len(one)) / len(one)
    spreads = [np.sqrt(weight @ e**2 - (weight @ e) ** 2) for e in (one, other)]
    return tuple(np.quantile(spreads[0] / spreads[1], [0.025, 0.975]))


def labels_of(configuration: Configuration, direction: str) -> list[str]:
    kinds = configuration.directions[direction].networks.values()
    return [name for kind in kinds for name in kind.outputs]


def baselines(configuration, direction, training, fresh) -> dict[str, np.ndarray]:
    """Predictions of every baseline, shape (stars, labels)."""
    result = {}
    for name in BASELINES:
        columns = []
        for kind in configuration.directions[direction].networks.values():
            known = Sample.of_table(training, kind)
            stars = fresh[[f"from:{n}" for n in kind.inputs]].to_numpy(np.float64)
            columns.append(predict(name, kind, known.inputs, known.outputs, stars))
        result[name] = np.concatenate(columns, axis=1)
    return result


def print_errors(found: dict[str, np.ndarray], true: np.ndarray, labels: list[str]) -> None:
    best = [
        min((found[n][:, i] - true[:, i]).std() for n in BASELINES if n in found)
        for i in range(len(labels))
    ]
    print("| method | " + " | ".join(f"{n}: mean, std, robust" for n in labels) + " |")
    print("|---|" + "---|" * len(labels))
    for name, predicted in found.items():
        numbers = judged(predicted, true)
        cells = [
            f"{numbers['mean'][i]:.4g}, {numbers['std'][i]:.4g} "
            f"({numbers['std'][i] / best[i]:.3f}), {numbers['robust'][i]:.4g}"
            for i in range(len(labels))
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def print_against_best(found, method: str, true, labels) -> None:
    for i, label in enumerate(labels):
        errors = {n: found[n][:, i] - true[:, i] for n in BASELINES}
        best = min(errors, key=lambda n: errors[n].std())
        low, high = std_ratio(found[method][:, i] - true[:, i], errors[best])
        word = "worse" if low > 1 else ("better" if high < 1 else "equal")
        print(f"- {label}: std of {method} / {best}: {low:.4f} to {high:.4f}, {word}")


def print_against(found, method: str, other: str, true, labels) -> None:
    cells = []
    for i in range(len(labels)):
        errors = [found[n][:, i] - true[:, i] for n in (method, other)]
        low, high = std_ratio(*errors)
        cells.append(f"{errors[0].std() / errors[1].std():.3f} ({low:.3f} to {high:.3f})")
    print(f"| {method} / {other} | " + " | ".join(cells) + " |")


def print_coverage(table: pd.DataFrame, fresh, labels, method: str) -> None:
    for label in labels:
        true = fresh[f"true:{label}"].to_numpy()
        inside = [
            ((true >= table[f"{label}_p{a}"]) & (true <= table[f"{label}_p{b}"])).mean()
            for a, b in ((16, 84), (5, 95))
        ]
        print(f"- {method} {label}: 16-84% holds {inside[0]:.3f}, 5-95% holds {inside[1]:.3f}")


def print_velocity(
    predicted: np.ndarray, fresh: pd.DataFrame, training: pd.DataFrame, raw, logg: str
) -> None:
    """The mean in eight bins of logg, and chi squared against a flat zero.

    A bin's variance is that of the mean over its fresh stars plus that over its training stars
    (of their robust scatter), whose labels say no more.
    """
    name = next(n for n in ("VHELIO_AVG", "rv_galah") if f"true:{n}" in fresh)
    origin = "rv_galah" if name == "VHELIO_AVG" else "VHELIO_AVG"
    error = predicted - fresh[f"true:{name}"].to_numpy()
    place, edges = pd.qcut(fresh[f"from:{logg}"], 8, labels=False, retbins=True)
    means = pd.Series(error).groupby(place.to_numpy()).agg(["mean", "sem"])
    text = " ".join(f"{m:+.3f}±{s:.3f}" for m, s in zip(means["mean"], means["sem"], strict=True))
    learned = np.digitize(training[f"from:{logg}"], edges[1:-1])
    labels = (training[f"to:{name}"] - training[f"from:{origin}"]).groupby(learned)
    known = labels.agg(lambda d: scatter(d) / np.sqrt(len(d)))
    chi2 = (means["mean"] ** 2 / (means["sem"] ** 2 + known**2)).sum()
    before = raw - fresh[f"true:{name}"].to_numpy()
    low, high = std_ratio(error, before)
    print(f"- velocity: mean {error.mean():+.4f} km/s; by logg {text}")
    print(f"- velocity: chi squared of flat {chi2:.1f} of 8, training ±{known.median():.3f} a bin")
    print(f"- velocity: std / raw std: {low:.4f} to {high:.4f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skies", type=int, nargs="+", default=[7])
    parser.add_argument("--direction", default="g2a")
    parser.add_argument("--methods", nargs="+", default=["robust"])
    parser.add_argument("--small", action="store_true", help="as-published as in the run mini")
    parser.add_argument("--floor", type=int, nargs="?", default=0, const=FLOOR, help="its stars")
    parser.add_argument("--gross", type=float, default=0.0)
    parser.add_argument("--vary", nargs="*")
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    given = parser.parse_args()
    configuration = resolve("mini" if given.small else "full")
    if given.small:
        full = resolve("full").methods["robust"]
        methods = configuration.methods | {"robust": full}
        configuration = configuration.model_copy(update={"methods": methods})
    given.together |= given.device == "cuda"
    compute = configuration.compute.model_copy(
        update={"device": given.device, "threads": given.threads}
    )
    configuration = configuration.model_copy(update={"compute": compute})
    torch.set_num_threads(configuration.compute.threads)
    labels = labels_of(configuration, given.direction)
    for number in given.skies:
        one_sky(configuration, given, number, labels)
    return 0


def one_sky(configuration, given, number: int, labels: list[str]) -> None:
    wanted = TRAINING + FRESH + given.floor
    stars = overlap(
        round(1.03 * wanted), seed=number, systematics=number, direction=given.direction
    )
    training, fresh = stars[:TRAINING].reset_index(drop=True), stars[-FRESH:].reset_index(drop=True)
    if given.gross:
        training = spoilt(training, given.gross, number)
    training["part"] = split(training, configuration.split)
    true = fresh[[f"true:{name}" for name in labels]].to_numpy()
    found = baselines(configuration, given.direction, training, fresh)
    if given.floor:
        large = stars[TRAINING : TRAINING + given.floor].reset_index(drop=True)
        large["part"] = split(large, configuration.split)
        changed = with_changes(configuration, "robust", FLOOR_SETTINGS)
        found["floor"] = floor(changed, given.direction, large, fresh, given.together)
    tables, seconds = {}, {}
    runs = {name: (name, configuration) for name in given.methods}
    for variant in VARIANTS if given.vary == [] else given.vary or []:
        changed = with_changes(configuration, "robust", VARIANTS[variant])
        runs[f"robust, {variant}"] = ("robust", changed)
    for name, (method, settings) in runs.items():
        start = time.monotonic()
        tables[name] = translated(
            settings, method, given.direction, training, fresh, given.together
        )
        seconds[name] = time.monotonic() - start
        found[name] = tables[name][[f"{label}_p50" for label in labels]].to_numpy()
    print(f"\n### Sky {number}, {given.direction}, gross failures {given.gross:g}\n")
    print_errors(found, true, labels)
    print("\nRatios of standard deviations, 95% intervals:\n")
    for name in tables:
        for other in ("floor", "robust"):
            if other in found and name != other:
                print_against(found, name, other, true, labels)
    raw = found["none"][:, -1]
    logg = configuration.directions[given.direction].networks["intrinsic"].inputs[1]
    for name, table in tables.items():
        print(f"\n{name} ({seconds[name]:.0f} s):\n")
        print_against_best(found, name, true, labels)
        print_coverage(table, fresh, labels, name)
        print_velocity(found[name][:, -1], fresh, training, raw, logg)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
