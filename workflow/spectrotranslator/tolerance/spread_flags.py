"""How much input flags and reasons differ between selections that nothing tells apart.

Whether a star's inputs lie where the training stars lie follows from the training sample alone, so
no network is needed.
"""

from collections.abc import Iterator
from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd

from cdstables.layout import layout_from_yaml
from spectrotranslator.comparison.choices import Ranges, joined_ranges
from spectrotranslator.comparison.read_catalogues import text_labels
from spectrotranslator.config import Configuration, load
from spectrotranslator.config.resolve_from_fingerprint import (
    compatible_selections_of,
    resolve_method,
    resolve_selection,
)
from spectrotranslator.files import write_json
from spectrotranslator.sample.crossmatch import sampler
from spectrotranslator.sample.split import TRAIN, split
from spectrotranslator.step import Step
from spectrotranslator.translation.montecarlo import measurements
from spectrotranslator.translation.quality_flags import PairMaps

from .replicates import calibration_stars

MOST_SELECTIONS = 20


def failing_pairs(
    configuration: Configuration, name: str, samples: dict[str, pd.DataFrame], stars: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Network kind to the pairs of inputs that fail, shape (stars, pairs).

    Parameters
    ----------
    configuration : Configuration
        No setting of its compared method is ``fingerprint``.
    name : str
        The direction.
    samples : dict of pandas.DataFrame
        Network kind to a whole training sample, in its order.
    stars : pandas.DataFrame
        Stars of the catalogue.
    """
    settings = configuration.methods[configuration.comparison.method].montecarlo
    found = {}
    for kind, network in configuration.directions[name].networks.items():
        sample = samples[kind]
        training = sample[split(sample, configuration.split) == TRAIN]
        values = training[[f"from:{feature}" for feature in network.inputs]].to_numpy(np.float64)
        maps = PairMaps.of(values, settings.map_bins, settings.map_precision)
        found[kind] = maps.outside(measurements(stars, network.inputs, settings)[0])
    return found


def spread_over_selections(
    configuration: Configuration,
    name: str,
    tables: dict[str, pd.DataFrame],
    stars: pd.DataFrame,
    selections: list[str],
    labels: dict[str, list[str]],
) -> dict[str, Ranges]:
    """Least and largest root of the share of rows that differ from the chosen selection's.

    Parameters
    ----------
    configuration : Configuration
        Its selection is the chosen one.
    name : str
        The direction.
    tables : dict of pandas.DataFrame
        Survey to its stars.
    stars : pandas.DataFrame
        Stars of the catalogue.
    selections : list of str
        Those that nothing tells apart.
    labels : dict of list of str
        Network kind to its columns of input flags; under ``""`` those of reasons.
    """
    sample_of = sampler(configuration, configuration.directions[name], tables)
    kinds = list(configuration.directions[name].networks)

    def failing(selection: str) -> dict[str, np.ndarray]:
        chosen = configuration.candidate_selections[selection]
        samples = {kind: sample_of(chosen, kind) for kind in kinds}
        return failing_pairs(configuration, name, samples, stars)

    own = failing(configuration.selection)
    return joined_ranges(_ends(own, failing(other), labels) for other in selections)


def _ends(own: dict, other: dict, labels: dict[str, list[str]]) -> dict[str, Ranges]:
    found: dict[str, Ranges] = {}
    reasons = np.zeros(len(next(iter(own.values()))), bool)
    for kind, failing in own.items():
        reasons |= (failing != other[kind]).any(axis=1)
        share = sqrt(float((failing.any(axis=1) != other[kind].any(axis=1)).mean()))
        found |= {label: {"differing": [share, share]} for label in labels[kind]}
    share = sqrt(float(reasons.mean()))
    return found | {label: {"differing_inputs": [share, share]} for label in labels[""]}


def _labels(layout: Path, kinds: list[str]) -> dict[str, list[str]]:
    table = layout_from_yaml(layout)
    flags = {
        kind: [c.label for c in table.columns if (c.value or {}).get("flag") == f"input_{kind}"]
        for kind in kinds
    }
    return flags | {"": text_labels(table)}


def _selections(configuration: Configuration, fingerprint: Path) -> Iterator[str]:
    known = configuration.candidate_selections
    return (one for one in compatible_selections_of(fingerprint)[:MOST_SELECTIONS] if one in known)


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    direction = configuration.directions[arguments.direction]
    configuration = resolve_selection(configuration, arguments.fingerprint)
    method = configuration.comparison.method
    configuration = resolve_method(configuration, method, arguments.fingerprint)
    selections = list(_selections(configuration, arguments.fingerprint))
    found: dict[str, Ranges] = {}
    if configuration.training_sample == "ours" and configuration.selection in selections:
        tables = {
            direction.origin: pd.read_parquet(arguments.stars),
            direction.target: pd.read_parquet(arguments.target),
        }
        stars = calibration_stars(configuration, arguments.direction, arguments.stars)
        labels = _labels(arguments.layout, list(direction.networks))
        names = (configuration, arguments.direction, tables, stars)
        found = spread_over_selections(*names, selections, labels)
    write_json(arguments.spread, {"selections": selections, "columns": found})


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("direction", "name of the direction", required=True)
step.input("layout", "the column layout that the configuration names")
step.input("stars", "stars of the survey translated from, Parquet")
step.input("target", "stars of the survey translated to, Parquet")
step.input("fingerprint", "what the published catalogue says, JSON")
step.output("spread", "spread of the flags over selections, JSON")
step.setting("comparison.method")
step.setting("comparison.calibration_rows")
step.setting("methods.{compared_method}.montecarlo")
step.setting("directions.{direction}")
step.setting("surveys")
step.setting("selections")
step.setting("selection_grid")
step.setting("selection")
step.setting("selection_fallback")
step.setting("training_sample")
step.setting("match")
step.setting("crossmatch")
step.setting("split")
