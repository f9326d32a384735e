"""Why the notebooks' velocity network made velocities worse, and that a zero output cures it.

``.venv/bin/python benchmarks/notebook.py`` trains one extrinsic network of the
paper's size with the preset ``config/presets/notebook.yaml`` on a simulated overlap, as published
and with its last layer at zero before the first step, and prints its velocities' errors on fresh
stars beside the raw ones'.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import yaml
from skies import overlap

from spectrotranslator.config.loading import resolve
from spectrotranslator.network.member import Names
from spectrotranslator.network.saved_model import tensor
from spectrotranslator.network.train_members import train_member
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.sample.split import split

TRAINING, FRESH, DIRECTION, METHOD = 13_680, 20_000, "g2a", "as-published"
NAMES = Names(METHOD, DIRECTION, "extrinsic", 0)


def with_preset(zero_output: bool):
    """The run ``full`` with the preset's training, on the CPU."""
    configuration = resolve("full")
    with Path("config/presets/notebook.yaml").open(encoding="utf-8") as stream:
        preset = yaml.safe_load(stream)["methods"][METHOD]["training"]
    old = configuration.methods[METHOD]
    changed = old.model_copy(
        update={
            "training": old.training.model_copy(update=preset),
            "network": old.network.model_copy(update={"zero_output": zero_output}),
        }
    )
    return configuration.model_copy(
        update={
            "methods": configuration.methods | {METHOD: changed},
            "compute": configuration.compute.model_copy(update={"device": "cpu"}),
        }
    )


def main() -> int:
    stars = overlap(round(1.05 * (TRAINING + FRESH)))
    training, fresh = stars[:TRAINING].reset_index(drop=True), stars[-FRESH:]
    shape = resolve("full").directions[DIRECTION].networks["extrinsic"]
    (label,) = shape.outputs
    label_seen = fresh[f"to:{label}"].to_numpy()
    inputs = fresh[[f"from:{name}" for name in shape.inputs]].to_numpy(np.float64)
    raw = inputs[:, -1] - label_seen
    print(f"raw:                  {raw.mean():+.3f} ± {raw.std():.3f} km/s")
    for zero in (False, True):
        configuration = with_preset(zero)
        training["part"] = split(training, configuration.split)
        sample = Sample.of_table(training, shape)
        scalings = sample.scalings(shape, configuration.methods[METHOD])
        network, _, history = train_member(configuration, NAMES, sample)
        with torch.no_grad():
            found = network(tensor(scalings.input.standardise(inputs))).numpy()[:, 0]
        error = scalings.output.restore(found.astype(np.float64)) - label_seen
        name = "output at zero:" if zero else "as in the notebooks:"
        print(
            f"{name:<21} {error.mean():+.3f} ± {error.std():.3f} km/s, {len(history.epochs)} epochs"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
