"""Calibrate the widths of one network's percentiles on stars its members left out."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import torch

from spectrotranslator.config import load
from spectrotranslator.files import write_json
from spectrotranslator.network.saved_model import load_model
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.sample.split import survey_rows
from spectrotranslator.step import Step

from .load_networks import network_part
from .out_of_fold import OutOfFold, out_of_fold_predictions
from .predictive_width import fit_widths
from .resolve_from_fingerprint import resolve_method


def calibrate(found: OutOfFold, outputs: list[str], percentiles: list[float]) -> dict[str, dict]:
    """Widths of every output, and how many stars they rest on."""
    result = {}
    for i, name in enumerate(outputs):
        residual = found.label[:, i] - found.centre[:, i]
        error = found.label_error[:, i]
        known = np.isfinite(residual) & np.isfinite(error)
        widths = fit_widths(
            residual[known],
            error[known],
            found.noise[known, i],
            found.scatter[known, i],
            found.fewer[known],
            percentiles,
        )
        result[name] = {"stars": int(known.sum()), "widths": asdict(widths)}
    return result


def main(arguments) -> None:
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
    write_json(
        arguments.calibration,
        {
            "schema_version": 1,
            "outputs": calibrate(found, shape.outputs, method.montecarlo.percentiles),
        },
    )


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
