"""Train a method apart from some stars and translate just those."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from ..catalogue.intervals import Intervals, Widths
from ..catalogue.leftout import left_out
from ..catalogue.montecarlo import NetworkPart, in_blocks, translate
from ..catalogue.networks import network_part
from ..catalogue.widths import calibrate
from ..configuration import Configuration
from ..network.anew import train_members
from ..network.sample import Sample


def trained_part(
    configuration: Configuration,
    method: str,
    direction: str,
    kind: str,
    training: pd.DataFrame,
    origin: pd.DataFrame,
    target: pd.DataFrame,
    spread: Callable = map,
) -> NetworkPart:
    """One network's ensemble, trained as ``spread`` says (``train_members``) and calibrated here.

    ``training`` is a sample's table with its parts; ``origin`` and ``target`` are the surveys'
    stars of it, row by row.
    """
    settings = configuration.methods[method]
    shape = configuration.directions[direction].networks[kind]
    sample = Sample.of_table(training, shape)
    models = train_members(configuration, method, direction, kind, sample, spread)
    names = (configuration, method, direction, kind, sample, models)
    part = network_part(*names)
    if settings.montecarlo.intervals != "calibrated":
        return part
    found = left_out(sample, part, settings, origin, target)
    widths = calibrate(found, shape.outputs, settings.montecarlo.percentiles)
    return network_part(*names, Intervals([Widths(**w["widths"]) for w in widths.values()]))


def translated_apart(
    configuration: Configuration, method: str, parts: Mapping[str, NetworkPart], stars: pd.DataFrame
) -> pd.DataFrame:
    """All columns of a catalogue for ``stars``, the origin's features and errors."""
    settings = configuration.methods[method]
    blocks = in_blocks(stars, settings.montecarlo.block_rows)
    with np.errstate(over="ignore", invalid="ignore"):
        done = translate(blocks, list(parts.values()), settings.ensemble, settings.montecarlo)
        return pd.concat(done, ignore_index=True)
