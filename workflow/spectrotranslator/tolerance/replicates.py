"""One replicate of a run's compared method with other seeds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cdstables.layout import layout_from_yaml
from spectrotranslator.config import Configuration
from spectrotranslator.config.resolve_from_fingerprint import resolve_method
from spectrotranslator.network.fit_ensemble import fit_ensemble
from spectrotranslator.network.saved_model import Model
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.sample.cuts import apply_cuts
from spectrotranslator.seeds import seed
from spectrotranslator.translation.catalogue_columns import comment_style, layout_columns
from spectrotranslator.translation.load_networks import network_part
from spectrotranslator.translation.montecarlo import in_blocks, translate

# Kind and sample of a network of one direction to its trained members.
Members = Callable[[str, Sample], list[Model]]


@dataclass(frozen=True)
class DirectionFiles:
    """Files that replicates of one direction are made of.

    ``samples`` holds the training sample of each network kind, ``fingerprint`` what the published
    catalogue says, for a method that takes settings from it.
    """

    stars: Path
    samples: dict[str, Path]
    fingerprint: Path | None

    @classmethod
    def of_run(cls, configuration: Configuration, name: str, folder: Path) -> "DirectionFiles":
        """Those in the folder of a run that was made."""
        direction = configuration.directions[name]
        return cls(
            folder / "sample" / f"{direction.origin}.parquet",
            {kind: folder / "sample" / f"{name}-{kind}.parquet" for kind in direction.networks},
            folder / "fingerprint" / f"{name}.json",
        )

    @classmethod
    def of_step(cls, configuration: Configuration, arguments) -> "DirectionFiles":
        """Those that a step was given, the samples in the order of the direction's networks."""
        kinds = configuration.directions[arguments.direction].networks
        samples = dict(zip(kinds, arguments.samples, strict=True))
        return cls(arguments.stars, samples, arguments.fingerprint)


def with_replicate_seeds(configuration: Configuration, replicate: int | str) -> Configuration:
    """The configuration with every seed of the compared method drawn anew for one replicate."""
    name = configuration.comparison.method
    method = configuration.methods[name]
    changed = method.model_copy(
        update={
            section: getattr(method, section).model_copy(
                update={"seed": seed(getattr(method, section).seed, "replicate", replicate)}
            )
            for section in ("training", "montecarlo")
        }
    )
    return configuration.model_copy(update={"methods": {**configuration.methods, name: changed}})


def run_replicate(
    configuration: Configuration, replicate: int | str, folder: Path
) -> dict[str, pd.DataFrame]:
    """One replicate of every compared catalogue of a run: every network is trained.

    Parameters
    ----------
    configuration : Configuration
        That of the run.
    replicate : int or str
        Its number or name, which decides the seeds.
    folder : Path
        The folder of the run, which has been made.
    """
    method = configuration.comparison.method
    seeded = with_replicate_seeds(configuration, replicate)
    found = {}
    for name in compared(configuration):
        files = DirectionFiles.of_run(configuration, name, folder)
        found[name] = train_replicate(
            resolve_method(seeded, method, files.fingerprint), name, files
        )
    return found


def train_replicate(
    configuration: Configuration, name: str, files: DirectionFiles, spread: Callable = map
) -> pd.DataFrame:
    """The catalogue of the direction ``name`` from networks that are trained for it.

    ``configuration`` is as ``translate_replicate`` takes it, ``spread`` as ``fit_ensemble`` does.
    """

    def trained(kind: str, sample: Sample) -> list[Model]:
        method = configuration.comparison.method
        return fit_ensemble(configuration, method, name, kind, sample, spread)

    return translate_replicate(configuration, name, files, trained)


def compared(configuration: Configuration) -> list[str]:
    """Directions that have a table to compare."""
    return [name for name, direction in configuration.directions.items() if direction.catalogue]


def translate_replicate(
    configuration: Configuration, name: str, files: DirectionFiles, members: Members
) -> pd.DataFrame:
    """The catalogue of one direction, at most ``comparison.calibration_rows`` rows of it.

    Parameters
    ----------
    configuration : Configuration
        No setting of its compared method is ``fingerprint``.
    name : str
        The direction.
    members : callable
        Gives the trained members of a network.

    Returns
    -------
    pandas.DataFrame
        The columns of the published layout.
    """
    compared_method = configuration.comparison.method
    method = configuration.methods[compared_method]
    direction = configuration.directions[name]
    parts = []
    for kind, shape in direction.networks.items():
        sample = Sample.read(files.samples[kind], shape)
        names = (configuration, compared_method, name, kind, sample)
        parts.append(network_part(*names, members(kind, sample)))
    stars = calibration_stars(configuration, name, files.stars)
    blocks = in_blocks(stars, method.montecarlo.block_rows)
    with np.errstate(over="ignore", invalid="ignore"):
        translated = pd.concat(
            translate(blocks, parts, method.ensemble, method.montecarlo), ignore_index=True
        )
    layout = layout_from_yaml(direction.catalogue)
    return layout_columns(translated, layout, comment_style(direction.catalogue))


def calibration_stars(configuration: Configuration, name: str, stars: Path) -> pd.DataFrame:
    """The stars of one direction's catalogue, of a large one a part that is drawn once."""
    direction = configuration.directions[name]
    table = pd.read_parquet(stars)
    table, _ = apply_cuts(table, direction.rows, configuration.surveys[direction.origin].bits)
    most = configuration.comparison.calibration_rows
    if len(table) <= most:
        return table
    chosen = np.random.default_rng(seed(name, "calibration rows")).permutation(len(table))
    return table.iloc[np.sort(chosen[:most])]
