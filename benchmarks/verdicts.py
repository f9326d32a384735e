"""Are the grades right? Independent replicates must pass, planted faults must not.

Run it with ``python benchmarks/verdicts.py RUN`` after ``./reproduce RUN``. It
makes independent replicates of the run's method (other seeds, every network trained anew), takes
tolerances from some, and holds the others against each other: each replicate is held against one
other, so the counts are of replicates and not of pairs. It prints how often a column was denied
``equivalent``, and how often each planted fault was called ``deviates``: a bias of five times the
scatter between replicates in one column, half the realisations, two columns swapped, one network's
members left untrained, a wrong unit (an offset of 273.15 K, a factor of 1000).
"""

import argparse
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cdstables.layout import Table, layout_from_yaml
from spectrotranslator.comparison.catalogue_diff import compare
from spectrotranslator.comparison.grades import DEVIATES, EQUIVALENT, IDENTICAL
from spectrotranslator.comparison.percentile_groups import find_groups
from spectrotranslator.comparison.read_catalogues import Catalogue, number_labels
from spectrotranslator.comparison.tolerances import (
    Pair,
    Tolerances,
    between_replicates,
    tolerances_of,
)
from spectrotranslator.config import resolve
from spectrotranslator.tolerance.replicates import run_replicate

TRAINING = {"learning_rates": [1e-12], "epochs": 1}


def _run_replicate(task) -> dict[str, pd.DataFrame]:
    configuration, number, folder, changes = task
    torch.set_num_threads(configuration.compute.threads)
    name = configuration.comparison.method
    method = configuration.methods[name]
    for section, values in changes.items():
        changed = getattr(method, section).model_copy(update=values)
        method = method.model_copy(update={section: changed})
    methods = {**configuration.methods, name: method}
    return run_replicate(configuration.model_copy(update={"methods": methods}), number, folder)


def tolerances(pairs: Iterable[Pair], replicates: int, table: Table) -> Tolerances:
    """As a file of ``./reproduce calibrate`` would hold them."""
    found = between_replicates(pairs, table)
    return Tolerances(tolerances_of(found, replicates), {})


def graded(first: pd.DataFrame, second: pd.DataFrame, table: Table, allowed) -> dict:
    """The comparison's summary."""
    sides = [Catalogue(Path("x.parquet"), table, side.copy()) for side in (first, second)]
    return compare(*sides, allowed).summary


def grades(first: pd.DataFrame, second: pd.DataFrame, table: Table, allowed) -> dict[str, str]:
    """Grade of every column."""
    columns = graded(first, second, table, allowed)["columns"]
    return {label: column["grade"] for label, column in columns.items()}


def biased(table: pd.DataFrame, label: str, allowed: Tolerances) -> pd.DataFrame:
    """One column moved by five times its scatter between replicates."""
    shift = 5 * allowed.columns[label]["bias"].std
    value = table[label] + shift if label[0] != "e" else table[label] * np.exp(shift)
    return table.assign(**{label: value})


def main() -> None:
    """Make replicates, plant faults, count."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run")
    parser.add_argument("--calibrating", type=int, default=30)
    parser.add_argument("--judged", type=int, default=11)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    given = parser.parse_args()
    configuration = resolve(given.run)
    folder = Path("results") / configuration.run
    name = next(n for n, d in configuration.directions.items() if d.catalogue)
    one = {name: configuration.directions[name]}
    configuration = configuration.model_copy(update={"directions": one})
    table = layout_from_yaml(one[name].catalogue)
    half = configuration.methods[configuration.comparison.method].montecarlo.realisations // 2
    numbers = range(1, given.calibrating + given.judged + 1)
    judged = numbers[given.calibrating :]
    tasks = [(configuration, number, folder, {}) for number in numbers]
    tasks += [
        (configuration, n, folder, {"montecarlo": {"realisations": half}}) for n in judged
    ] + [(configuration, n, folder, {"training": TRAINING}) for n in judged]
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as workers:
        made = [found[name] for found in workers.map(_run_replicate, tasks)]
    calibrating = combinations(made[: given.calibrating], 2)
    allowed = tolerances(calibrating, given.calibrating, table)
    clean = made[given.calibrating : len(numbers)]
    halved = made[len(numbers) : len(numbers) + len(judged)]
    untrained = made[len(numbers) + len(judged) :]
    pairs = list(zip(clean, [*clean[1:], clean[0]], strict=True))

    found = [graded(a, b, table, allowed) for a, b in pairs]
    verdicts = [column["grade"] for one in found for column in one["columns"].values()]
    denied = sum(grade not in (EQUIVALENT, IDENTICAL) for grade in verdicts)
    print(f"{len(clean)} independent replicates, tolerances from {given.calibrating} others")
    print(f"equivalent denied: {denied} of {len(verdicts)} column verdicts (bar 1%)")
    whole = sum(one["grade"] not in (EQUIVALENT, IDENTICAL) for one in found)
    print(f"equivalent denied to the catalogue as a whole: {whole} of {len(found)}")

    labels = number_labels(table)
    shown = [
        grades(a, biased(b, label, allowed), table, allowed)[label] == DEVIATES
        for a, b in pairs
        for label in labels
    ]
    _print("a bias of five times the scatter", shown)
    changed = [
        label for g in find_groups(labels) for label in (g.percentiles[5], g.percentiles[95])
    ]
    shown = [_any(grades(a, b, table, allowed), changed) for (a, _), b in _beside(pairs, halved)]
    _print("half the realisations", shown)
    _print("Teff16 and Teff84 swapped", _swapped(pairs, table, allowed, "Teff16", "Teff84"))
    _print("logg50 and [Fe/H]50 swapped", _swapped(pairs, table, allowed, "logg50", "[Fe/H]50"))
    velocity = [c.label for c in table.columns if c.label.startswith("HV")]
    shown = [
        _any(grades(a, b.assign(**{v: bad[v] for v in velocity}), table, allowed), velocity)
        for (a, b), bad in _beside(pairs, untrained)
    ]
    _print("the velocity network untrained", shown)
    for what, work in (
        ("an offset of 273.15 K", lambda t: t.assign(Teff50=t["Teff50"] - 273.15)),
        ("a factor of 1000", lambda t: t.assign(HV50=t["HV50"] / 1000)),
    ):
        label = "Teff50" if "K" in what else "HV50"
        shown = [grades(a, work(b), table, allowed)[label] == DEVIATES for a, b in pairs]
        _print(what, shown)


def _beside(pairs, others):
    return zip(pairs, [*others[1:], others[0]], strict=True)


def _any(found: dict[str, str], labels: list[str]) -> bool:
    return any(found[label] == DEVIATES for label in labels)


def _swapped(pairs, table, allowed, one: str, other: str) -> list[bool]:
    return [
        _any(grades(a, b.assign(**{one: b[other], other: b[one]}), table, allowed), [one, other])
        for a, b in pairs
    ]


def _print(what: str, shown: list[bool]) -> None:
    print(f"{what:<36} called deviates in {sum(shown)} of {len(shown)}")


if __name__ == "__main__":
    main()
