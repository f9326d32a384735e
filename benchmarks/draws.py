"""What stratified draws buy: percentiles of few realisations held against those of 1,000.

Run it with ``python benchmarks/draws.py RUN METHOD DIRECTION`` after
``./reproduce RUN``. For 500 stars of the direction, complete and well inside the maps, it prints
for every label and percentile the root mean square distance to the percentile of 1,000 independent
realisations, in units of the star's half interval (84% less 16%, halved), and the ratio.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spectrotranslator.config import load
from spectrotranslator.translation.load_networks import network_parts, of_kinds
from spectrotranslator.translation.montecarlo import translate_block

STARS, MANY = 500, 1000


def columns(table: pd.DataFrame, label: str, percentiles: list[float]) -> np.ndarray:
    """Percentiles of one label, shape (stars, percentiles)."""
    return table[[f"{label}_p{p:g}" for p in percentiles]].to_numpy()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run")
    parser.add_argument("method")
    parser.add_argument("direction")
    parser.add_argument("--realisations", type=int, default=10)
    given = parser.parse_args()
    folder = Path("results") / given.run
    configuration = load(folder / "config.yaml")
    torch.set_num_threads(configuration.compute.threads)
    direction = configuration.directions[given.direction]
    method = configuration.methods[given.method]
    networks = folder / "networks" / given.method / given.direction
    weights = {k: sorted((networks / k).glob("member-*/*.safetensors")) for k in direction.networks}
    samples = [folder / "sample" / f"{given.direction}-{kind}.parquet" for kind in weights]
    calibrations = of_kinds(sorted(networks.glob("*/calibration.json")))
    names = (configuration, given.method, given.direction)
    parts = network_parts(*names, samples, weights, calibrations)
    catalogue = pd.read_parquet(folder / "catalogues" / given.method / f"{given.direction}.parquet")
    good = catalogue.loc[catalogue["QflagIi"] & catalogue["QflagIe"], "row"].head(STARS)
    stars = pd.read_parquet(folder / "sample" / f"{direction.origin}.parquet")
    stars = stars[stars["row"].isin(good)].reset_index(drop=True)

    def translated(realisations: int, draws: str, seed: int) -> pd.DataFrame:
        changed = {"realisations": realisations, "draws": draws, "seed": seed}
        settings = method.montecarlo.model_copy(update=changed)
        return translate_block(stars, parts, method.ensemble, settings)

    truth = translated(MANY, "independent", 1)
    few = {kind: translated(given.realisations, kind, 2) for kind in ("independent", "stratified")}
    percentiles = method.montecarlo.percentiles
    print(f"{len(stars)} stars, {given.realisations} realisations against {MANY}")
    print(f"{'label':<12} {'percentile':>10} {'independent':>12} {'stratified':>11} {'ratio':>6}")
    for label in [output for part in parts for output in part.ensemble.outputs]:
        half = (truth[f"{label}_p84"] - truth[f"{label}_p16"]).to_numpy()[:, None] / 2
        error = {
            kind: np.sqrt(
                (
                    ((columns(t, label, percentiles) - columns(truth, label, percentiles)) / half)
                    ** 2
                ).mean(axis=0)
            )
            for kind, t in few.items()
        }
        for i, p in enumerate(percentiles):
            a, b = error["independent"][i], error["stratified"][i]
            print(f"{label:<12} {p:>10g} {a:>12.3f} {b:>11.3f} {b / a:>6.2f}")


if __name__ == "__main__":
    main()
