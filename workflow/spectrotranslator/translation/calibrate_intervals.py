"""Calibrate the intervals of one network on stars that its members left out."""

import sys
from dataclasses import asdict

import numpy as np
import pandas as pd
import torch

from spectrotranslator.config import load
from spectrotranslator.config.resolve_from_fingerprint import resolve_method
from spectrotranslator.files import write_json
from spectrotranslator.network.saved_model import load_model
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.sample.split import survey_rows
from spectrotranslator.step import Step

from .intervals import SCHEMA_VERSION, Uncertainty
from .load_networks import network_part
from .out_of_fold import OutOfFold, out_of_fold_predictions
from .predictive_width import fit_predictive
from .value_width import fit_value


def calibrate(found: OutOfFold, outputs: list[str], percentiles: list[float]) -> dict:
    """What ``calibration.json`` holds: both intervals of every output, and their evidence.

    Parameters
    ----------
    found : OutOfFold
        Stars with predictions by members that left them out.
    outputs : list of str
        Names of the outputs, in the network's order.
    percentiles : list of float
        Percentiles to be written.
    """
    typical = _typical(found.input_errors)
    errors = np.where(np.isfinite(found.input_errors), found.input_errors, typical)
    calibrated = {
        name: _calibrate_output(found, errors, i, percentiles) for i, name in enumerate(outputs)
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "typical_errors": typical.tolist(),
        "outputs": calibrated,
    }


def warnings(calibration: dict, units: dict[str, str]) -> list[str]:
    """One line for every label whose stated errors exceed the residuals."""
    lines = []
    for name, found in calibration["outputs"].items():
        told, unit = found["label_errors"], units.get(name, "")
        if told["exceed"]:
            lines.append(
                f"stated errors of {name} ({told['stated']:.3g} {unit}) exceed the residuals"
                f" ({told['residual']:.3g} {unit}); they are multiplied by {told['factor']:.2f}"
            )
    return lines


def _calibrate_output(found: OutOfFold, errors: np.ndarray, i: int, percentiles: list) -> dict:
    residual, label_error = found.label[:, i] - found.centre[:, i], found.label_error[:, i]
    known = np.isfinite(residual) & np.isfinite(label_error)
    uncertainty = Uncertainty(found.noise[known, i], found.scatter[known, i], errors[known])
    stars = (residual[known], uncertainty, found.fewer[known])
    predictive, predictive_pulls = fit_predictive(*stars, percentiles)
    value, value_pulls, believed = fit_value(stars[0], label_error[known], *stars[1:], percentiles)
    return {
        "stars": int(known.sum()),
        "value": {"width": asdict(value), "pulls": asdict(value_pulls)},
        "predictive": {"width": asdict(predictive), "pulls": asdict(predictive_pulls)},
        "label_errors": {**asdict(believed), "exceed": believed.exceed},
    }


def _typical(errors: np.ndarray) -> np.ndarray:
    """Median stated error of every input; 0 where none is stated."""
    return np.array(
        [np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0
         for column in errors.T]
    )  # fmt: skip


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = resolve_method(load(arguments.config), arguments.method, arguments.fingerprint)
    torch.set_num_threads(configuration.compute.threads)
    method = configuration.methods[arguments.method]
    shape = configuration.directions[arguments.direction].networks[arguments.kind]
    table = pd.read_parquet(arguments.sample)
    sample = Sample.of_table(table, shape)
    models = [load_model(path) for path in arguments.weights]
    names = (arguments.method, arguments.direction, arguments.kind)
    found = out_of_fold_predictions(
        sample,
        network_part(configuration, *names, sample, models),
        method,
        survey_rows(table, pd.read_parquet(arguments.origin), "from"),
        survey_rows(table, pd.read_parquet(arguments.target), "to"),
    )
    calibration = calibrate(found, shape.outputs, method.montecarlo.percentiles)
    target = configuration.directions[arguments.direction].target
    features = configuration.surveys[target].features
    for line in warnings(calibration, {name: f.unit for name, f in features.items()}):
        print(f"warning: {line}", file=sys.stderr)
    write_json(arguments.calibration, calibration)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("method", "name of the method", required=True)
step.option("direction", "name of the direction", required=True)
step.option("kind", "which of its networks", required=True)
step.input("sample", "training sample, Parquet")
step.input("weights", "weights of every member", many=True)
step.input("origin", "stars of the survey translated from, Parquet")
step.input("target", "stars of the survey translated to, Parquet")
step.input("fingerprint", "what the published catalogue says, JSON", required=False)
step.output("calibration", "widths of every output, JSON")
step.setting("methods.{method}")
step.setting("directions.{direction}.networks.{kind}")
step.setting("surveys")
step.setting("compute.threads")
step.setting("compute.device")
