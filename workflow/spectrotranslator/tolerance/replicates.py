"""One replicate of a run's compared method with other seeds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from cdstables.layout import layout_from_yaml
from spectrotranslator.config import Configuration
from spectrotranslator.config.resolve_from_fingerprint import resolve_realisations
from spectrotranslator.network.fit_ensemble import fit_ensemble
from spectrotranslator.network.saved_model import Model
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.sample.cuts import apply_cuts
from spectrotranslator.seeds import seed
from spectrotranslator.translation.catalogue_columns import comment_style, layout_columns
from spectrotranslator.translation.load_networks import network_part
from spectrotranslator.translation.montecarlo import in_blocks, translate

MOST_ROWS = 50_000

# Direction, kind and sample of a network to its trained members.
Members = Callable[[str, str, Sample], list[Model]]


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
    """One replicate: every network trained, at most 50,000 rows of each catalogue translated."""
    configuration = with_replicate_seeds(configuration, replicate)

    def trained(name: str, kind: str, sample: Sample) -> list[Model]:
        return fit_ensemble(configuration, configuration.comparison.method, name, kind, sample)

    return catalogues(configuration, folder, trained)


def catalogues(
    configuration: Configuration, folder: Path, members: Members
) -> dict[str, pd.DataFrame]:
    """Every compared catalogue, at most 50,000 rows of it, from the members of its networks."""
    return {
        name: _catalogue(configuration, name, folder, members) for name in compared(configuration)
    }


def compared(configuration: Configuration) -> list[str]:
    """Directions that have a table to compare."""
    return [name for name, direction in configuration.directions.items() if direction.catalogue]


def _catalogue(
    configuration: Configuration, name: str, folder: Path, members: Members
) -> pd.DataFrame:
    compared_method = configuration.comparison.method
    method = resolve_realisations(
        configuration.methods[compared_method], folder / "fingerprint" / f"{name}.json"
    )
    direction = configuration.directions[name]
    parts = []
    for kind, shape in direction.networks.items():
        sample = Sample.read(folder / "sample" / f"{name}-{kind}.parquet", shape)
        models = members(name, kind, sample)
        parts.append(network_part(configuration, compared_method, name, kind, sample, models))
    blocks = in_blocks(_subsample(folder, name, configuration), method.montecarlo.block_rows)
    blocks = translate(blocks, parts, method.ensemble, method.montecarlo)
    translated = pd.concat(blocks, ignore_index=True)
    layout = layout_from_yaml(direction.catalogue)
    return layout_columns(translated, layout, comment_style(direction.catalogue))


def _subsample(folder: Path, name: str, configuration: Configuration) -> pd.DataFrame:
    """The catalogue's stars, of a large one a fixed part."""
    direction = configuration.directions[name]
    stars = pd.read_parquet(folder / "sample" / f"{direction.origin}.parquet")
    stars, _ = apply_cuts(stars, direction.rows, configuration.surveys[direction.origin].bits)
    if len(stars) <= MOST_ROWS:
        return stars
    chosen = np.random.default_rng(seed(name, "calibration rows")).permutation(len(stars))
    return stars.iloc[np.sort(chosen[:MOST_ROWS])]
