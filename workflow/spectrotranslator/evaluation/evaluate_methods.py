"""Judge every method and baseline of one direction on stars none of them saw."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import NetworkKind
from spectrotranslator.errors import InputError
from spectrotranslator.files import write_json
from spectrotranslator.network.baselines import BASELINES, predict
from spectrotranslator.sample.split import held_out_fold_mask, stars_of, survey_rows
from spectrotranslator.step import Step

from .noise_corrected_coverage import noise_corrected_coverage
from .residual_statistics import coverage, errors_of, pulls, ratio, weights_of_draws

PERCENTILES = (5, 16, 50, 84, 95)
FEWEST = 50


def judge(
    configuration: Configuration,
    direction: str,
    samples: dict[str, pd.DataFrame],
    predicted: dict[str, pd.DataFrame],
    origin: pd.DataFrame,
    target: pd.DataFrame,
) -> dict:
    """All figures of one direction; ``predicted`` holds each method's judged stars."""
    settings, chosen = configuration.evaluation, configuration.directions[direction]
    result = {
        "schema_version": 1,
        "direction": direction,
        "stars": "of the training sample, by star in parts; every method was trained anew on the "
        "other parts, and no network or baseline saw the judged stars",
        "folds": settings.folds,
        "splits": settings.splits,
        "members": {name: m.ensemble.members for name, m in configuration.methods.items()},
        "labels": {},
    }
    first = next(iter(samples.values()))
    for kind, shape in chosen.networks.items():
        sample = samples[kind]
        judged = _judged(sample, first, settings.folds, settings.splits)
        tables = {name: _aligned(table, judged) for name, table in predicted.items()}
        fitted = _baselines(shape, sample, first, judged, settings.folds)
        seen = survey_rows(judged, origin, "from")
        aimed = survey_rows(judged, target, "to")
        weights = weights_of_draws(stars_of(judged))
        for i, label in enumerate(shape.outputs):
            truth = judged[f"to:{label}"].to_numpy(np.float64)
            found = {name: values[:, i] for name, values in fitted.items()}
            found |= {name: table[f"{label}_p50"].to_numpy() for name, table in tables.items()}
            error = aimed[f"{label}_error"].to_numpy(np.float64)
            result["labels"][label] = {
                "unit": configuration.surveys[chosen.target].features[label].unit,
                "stars": len(judged),
                "label_error": float(np.nanmedian(error)),
                **_compared(found, truth, weights),
                "intervals": {
                    name: _held(
                        table, label, truth, error, weights, _groups(seen, shape, table, kind)
                    )
                    for name, table in tables.items()
                    if _has_width(table, label)
                },
            }
    return result


def _has_width(table: pd.DataFrame, label: str) -> bool:
    """Whether percentiles say anything: without errors all realisations are one."""
    return bool((table[f"{label}_p84"] > table[f"{label}_p16"]).any())


def _judged(sample: pd.DataFrame, first: pd.DataFrame, folds: int, splits: int) -> pd.DataFrame:
    """The rows judged in turn, of those that were translated: those of the first sample."""
    translated = sample["from:key"].astype(str).isin(first["from:key"].astype(str))
    parts = [
        sample[held_out_fold_mask(sample, first, folds, number) & translated].assign(split=number)
        for number in range(splits)
    ]
    return pd.concat(parts, ignore_index=True)


def _aligned(table: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    place = pd.Index(table["key"].astype(str)).get_indexer(judged["from:key"].astype(str))
    if (place < 0).any():
        raise InputError("stars are to be judged that were not translated: make them again")
    return table.iloc[place].reset_index(drop=True)


def _baselines(
    shape: NetworkKind,
    sample: pd.DataFrame,
    first: pd.DataFrame,
    judged: pd.DataFrame,
    folds: int,
) -> dict[str, np.ndarray]:
    """Predictions of the judged stars, fitted to all other stars of the sample."""
    inputs = [f"from:{name}" for name in shape.inputs]
    outputs = [f"to:{name}" for name in shape.outputs]
    result = {name: np.empty((len(judged), len(outputs))) for name in BASELINES}
    for number in judged["split"].unique():
        known = sample[~held_out_fold_mask(sample, first, folds, number)]
        rows = (judged["split"] == number).to_numpy()
        training = (known[inputs].to_numpy(np.float64), known[outputs].to_numpy(np.float64))
        stars = judged.loc[rows, inputs].to_numpy(np.float64)
        for name in BASELINES:
            result[name][rows] = predict(name, shape, *training, stars)
    return result


def _compared(found: dict[str, np.ndarray], truth: np.ndarray, weights: np.ndarray) -> dict:
    """Figures of every way of translating, and each network against the best baseline."""
    errors = {name: values - truth for name, values in found.items()}
    best = min(BASELINES, key=lambda name: errors[name].std())
    return {
        "errors": {name: errors_of(error, weights) for name, error in errors.items()},
        "best_baseline": best,
        "against_best_baseline": {
            name: ratio(error, errors[best], weights)
            for name, error in errors.items()
            if name not in BASELINES
        },
    }


def _groups(
    seen: pd.DataFrame, shape: NetworkKind, table: pd.DataFrame, kind: str
) -> Iterator[tuple[str, str, np.ndarray]]:
    """What is looked at, which of its groups, and whose rows they are."""
    for what in (*(["snr"] if "snr" in seen else []), *shape.inputs[:3]):
        values = seen[what].to_numpy(np.float64)
        edges = np.unique(np.nanquantile(values, [0, 0.25, 0.5, 0.75, 1]))
        for low, high in pairwise(edges):
            last = high == edges[-1]
            rows = (values >= low) & ((values <= high) if last else (values < high))
            yield what, f"{low:.4g} to {high:.4g}", rows
    for flag in (f"input_{kind}", f"output_{kind}", f"joint_{kind}"):
        if flag in table:
            good = table[flag].to_numpy(bool)
            yield flag, "good", good
            yield flag, "not good", ~good


def _held(table, label: str, truth, error, weights, groups) -> dict:
    """Coverage, of labels and of what they stand for, and pulls: of all stars and by group."""
    columns = {p: table[f"{label}_p{p}"].to_numpy() for p in PERCENTILES}
    found = {
        "coverage": coverage(columns, truth),
        **_predictive(table, label, truth),
        "implied": noise_corrected_coverage(columns, truth, error, weights),
        "pulls": pulls(columns, truth, error),
        "groups": [],
    }
    for what, group, rows in groups:
        if rows.sum() >= FEWEST:
            part = {p: values[rows] for p, values in columns.items()}
            found["groups"].append(
                {
                    "what": what,
                    "group": group,
                    "stars": int(rows.sum()),
                    "coverage": coverage(part, truth[rows]),
                }
            )
    return found


def _predictive(table: pd.DataFrame, label: str, truth: np.ndarray) -> dict:
    """Coverage of labels by the intervals for new measurements, where a method has them."""
    if f"{label}_predictive_p50" not in table:
        return {}
    columns = {p: table[f"{label}_predictive_p{p}"].to_numpy() for p in PERCENTILES}
    return {"predictive_coverage": coverage(columns, truth)}


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    kinds = configuration.directions[arguments.direction].networks
    methods = configuration.methods
    result = judge(
        configuration,
        arguments.direction,
        dict(zip(kinds, map(pd.read_parquet, arguments.samples), strict=True)),
        dict(zip(methods, map(pd.read_parquet, arguments.predictions), strict=True)),
        pd.read_parquet(arguments.origin),
        pd.read_parquet(arguments.target),
    )
    write_json(arguments.evaluation, result)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("direction", "name of the direction", required=True)
step.input("samples", "training samples, in the order of the direction's networks", many=True)
step.input("predictions", "judged stars, a file a method, in their order", many=True)
step.input("origin", "stars of the survey translated from, Parquet")
step.input("target", "stars of the survey translated to, Parquet")
step.output("evaluation", "every method and baseline judged, JSON")
step.setting("directions.{direction}.networks")
step.setting("surveys")
step.setting("evaluation")
