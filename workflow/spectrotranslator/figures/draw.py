"""Draw every figure of a run, with the data behind it."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from matplotlib.figure import Figure

from ..catalogue.ensemble import Ensemble
from ..configuration import Configuration, load
from ..files import read_json, write_json
from ..network.model import load_model
from ..network.sample import Sample
from ..stage import Stage
from . import differences, galaxy, networks, quality
from .names import compared, mapped
from .style import save

Drawn = tuple[str, Figure, pd.DataFrame]


def main(arguments) -> None:
    configuration = load(arguments.config)
    torch.set_num_threads(configuration.compute.threads)
    samples = {path.stem: path for path in arguments.samples}
    figures: dict[str, tuple[Figure, pd.DataFrame]] = {}
    facts: dict[str, dict] = {}
    for name, figure, data in _all(configuration, arguments, samples, facts):
        figures[name] = (figure, data)
    for stem in dict.fromkeys(path.with_suffix("") for path in arguments.figures):
        save(*figures[stem.name], stem)
    write_json(arguments.facts, facts)


def _all(configuration: Configuration, arguments, samples, facts) -> Iterator[Drawn]:
    for method in configuration.methods:
        for direction in configuration.directions:
            yield _quality(configuration, method, direction, samples, arguments.weights, facts)
            yield _importance(configuration, method, direction, arguments.importance)
            yield _training(method, direction, arguments.histories)
    for direction in compared(configuration):
        yield _difference(direction, arguments)
    for method, base in mapped(configuration):
        yield _galaxy(configuration, method, base, arguments.homogenised)


def _quality(configuration, method, name, samples, weights, facts) -> Drawn:
    direction = configuration.directions[name]
    features = configuration.surveys[direction.target].features
    found, ensembles = {}, {}
    for kind, network in direction.networks.items():
        found[kind] = Sample.read(samples[f"{name}-{kind}"], network)
        members = [path for path in weights if path.parts[-5:-2] == (method, name, kind)]
        ensembles[kind] = Ensemble([load_model(path) for path in members])
    table, whose = quality.residuals(direction, found, ensembles, configuration.methods[method])
    figures = quality.figures_of(table, features)
    facts[f"quality-{method}-{name}"] = {
        "stars": whose,
        "figures": figures.to_dict(orient="records"),
    }
    labels = list(figures["label"])
    return f"quality-{method}-{name}", quality.draw(table, features, labels), table


def _importance(configuration, method, name, paths) -> Drawn:
    kinds = configuration.directions[name].networks
    found = {path.stem: path for path in paths if path.parent.name == method}
    table = networks.importance_table({kind: read_json(found[f"{name}-{kind}"]) for kind in kinds})
    return f"importance-{method}-{name}", networks.draw_importance(table), table


def _training(method, name, paths) -> Drawn:
    tables = [
        pd.read_csv(path).assign(network=path.parts[-3], member=path.parts[-2])
        for path in paths
        if path.parts[-5:-3] == (method, name)
    ]
    table = pd.concat(tables, ignore_index=True)
    return f"training-{method}-{name}", networks.draw_histories(table), table


def _difference(name, arguments) -> Drawn:
    diff = next(read_json(path) for path in arguments.diffs if path.parent.name == name)
    stars = next(pd.read_parquet(path) for path in arguments.diff_rows if path.parent.name == name)
    return f"diff-{name}", differences.draw(stars, diff), differences.difference_table(stars, diff)


def _galaxy(configuration, method, base, paths: list[Path]) -> Drawn:
    path = next(p for p in paths if p.parts[-2:] == (method, f"homogenised_{base}.parquet"))
    stars = pd.read_parquet(path)
    features = configuration.surveys[base].features
    labels = [name for name, f in features.items() if f.unit == "dex" and name in stars]
    table = galaxy.maps(stars, labels)
    return f"galaxy-{method}-{base}", galaxy.draw(table, labels, "dex"), table


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.input("samples", "training samples", many=True)
stage.input("weights", "weights of all members", many=True)
stage.input("histories", "histories of all members", many=True)
stage.input("importance", "importance of the inputs", many=True)
stage.input("diffs", "comparisons, JSON", many=True, required=False)
stage.input("diff-rows", "comparisons, a line a star", many=True, required=False)
stage.input("homogenised", "homogenised catalogues", many=True, required=False)
stage.output("facts", "the numbers the page quotes, JSON")
stage.output("figures", "every figure as PNG, PDF and CSV", many=True)

if __name__ == "__main__":
    stage.run(main)
