"""Calibrate the widths of one network's percentiles on stars its members left out."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import torch

from ..configuration import load
from ..files import write_json
from ..network.model import load_model
from ..network.sample import Sample
from ..sample.split import survey_rows
from ..stage import Stage
from .fit import fit_widths
from .leftout import LeftOut, left_out
from .networks import network_part
from .settled import settled_in


def calibrate(found: LeftOut, outputs: list[str], percentiles: list[float]) -> dict[str, dict]:
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
    configuration = settled_in(load(arguments.config), arguments.method, arguments.fingerprint)
    torch.set_num_threads(configuration.compute.threads)
    method = configuration.methods[arguments.method]
    shape = configuration.directions[arguments.direction].networks[arguments.kind]
    table = pd.read_parquet(arguments.sample)
    sample = Sample.of_table(table, shape)
    models = [load_model(path) for path in arguments.weights]
    names = (arguments.method, arguments.direction, arguments.kind)
    found = left_out(
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


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.option("method", "name of the method", required=True)
stage.option("direction", "name of the direction", required=True)
stage.option("kind", "which of its networks", required=True)
stage.input("sample", "training sample, Parquet")
stage.input("weights", "weights of every member", many=True)
stage.input("origin", "stars of the survey translated from, Parquet")
stage.input("target", "stars of the survey translated to, Parquet")
stage.input("fingerprint", "what the published catalogue says, JSON", required=False)
stage.output("calibration", "widths of every output, JSON")

if __name__ == "__main__":
    stage.run(main)
