"""Train a method apart from some stars and translate just those."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from spectrotranslator.config import Configuration
from spectrotranslator.network.fit_ensemble import fit_ensemble
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.translation.calibrate_intervals import calibrate
from spectrotranslator.translation.intervals import Intervals
from spectrotranslator.translation.load_networks import network_part
from spectrotranslator.translation.montecarlo import NetworkPart, in_blocks, translate
from spectrotranslator.translation.out_of_fold import out_of_fold_predictions


def refit_network(
    configuration: Configuration,
    method: str,
    direction: str,
    kind: str,
    training: pd.DataFrame,
    origin: pd.DataFrame,
    target: pd.DataFrame,
    spread: Callable = map,
) -> NetworkPart:
    """One network's ensemble, trained as ``spread`` says (``fit_ensemble``) and calibrated here.

    ``training`` is a sample's table with its parts; ``origin`` and ``target`` are the surveys'
    stars of it, row by row.
    """
    settings = configuration.methods[method]
    shape = configuration.directions[direction].networks[kind]
    sample = Sample.of_table(training, shape)
    models = fit_ensemble(configuration, method, direction, kind, sample, spread)
    names = (configuration, method, direction, kind, sample, models)
    part = network_part(*names)
    if settings.montecarlo.intervals != "calibrated":
        return part
    found = out_of_fold_predictions(sample, part, settings, origin, target)
    calibration = calibrate(found, shape.outputs, settings.montecarlo.percentiles)
    return network_part(*names, Intervals.of_dict(calibration, shape.outputs, "calibration"))


def cross_validated_translation(
    configuration: Configuration, method: str, parts: Mapping[str, NetworkPart], stars: pd.DataFrame
) -> pd.DataFrame:
    """All columns of a catalogue for ``stars``, the origin's features and errors."""
    settings = configuration.methods[method]
    blocks = in_blocks(stars, settings.montecarlo.block_rows)
    with np.errstate(over="ignore", invalid="ignore"):
        done = translate(blocks, list(parts.values()), settings.ensemble, settings.montecarlo)
        return pd.concat(done, ignore_index=True)
