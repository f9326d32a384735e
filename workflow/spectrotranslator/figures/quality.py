"""Residuals before and after translation, on stars that trained no network."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..catalogue.ensemble import Ensemble
from ..catalogue.leftout import unseen
from ..catalogue.montecarlo import trimmed
from ..compare.statistics import robust_scatter
from ..configuration.model import Direction, Feature, Method
from ..network.sample import TEST, VALIDATION, Sample
from .style import BLUE, ORANGE, labelled, robust_limits, running


def held_out(sample: Sample, ensemble: Ensemble, method: Method) -> tuple[Sample, np.ndarray, str]:
    """Stars that trained none of the networks they are judged by, their predictions, and which.

    The test stars; where there are none, those that chose when training stopped: the validation
    stars, or with folds every star by the members that left it out.
    """
    if (sample.part == TEST).any():
        stars = sample.of(TEST)
        return stars, _combined(stars, ensemble, method), "test stars, which no network saw"
    if not method.training.folds:
        stars = sample.of(VALIDATION)
        whose = "validation stars, which chose when training stopped"
        return stars, _combined(stars, ensemble, method), whose
    members = ensemble.predict(sample.inputs)
    weight = unseen(sample, len(members), method.training.folds)[:, :, None]
    centre = (members * weight).sum(axis=0) / weight.sum(axis=0)
    return sample, centre, "all stars, each by the networks whose training left it out"


def _combined(stars: Sample, ensemble: Ensemble, method: Method) -> np.ndarray:
    return trimmed(ensemble.predict(stars.inputs), method.ensemble.trim)[0]


def residuals(
    direction: Direction, samples: dict[str, Sample], ensembles: dict[str, Ensemble], method: Method
) -> tuple[pd.DataFrame, str]:
    """One line a star and label: label, prediction and the uncorrected input; and which stars."""
    parts, whose = [], ""
    for kind, network in direction.networks.items():
        sample, centre, whose = held_out(samples[kind], ensembles[kind], method)
        before = sample.inputs[:, ensembles[kind].corrected]
        parts += [
            pd.DataFrame(
                {
                    "label": name,
                    "target": sample.outputs[:, i],
                    "before": before[:, i],
                    "after": centre[:, i],
                }
            )
            for i, name in enumerate(network.outputs)
        ]
    return pd.concat(parts, ignore_index=True), whose


def figures_of(table: pd.DataFrame, features: dict[str, Feature]) -> pd.DataFrame:
    """Bias, standard deviation and robust scatter of every label, before and after."""
    rows = []
    for name, stars in table.groupby("label", sort=False):
        line = {"label": name, "unit": features[name].unit, "stars": len(stars)}
        for when in ("before", "after"):
            difference = (stars[when] - stars["target"]).to_numpy()
            line |= {
                f"mean_{when}": difference.mean(),
                f"std_{when}": difference.std(),
                f"robust_{when}": robust_scatter(difference),
            }
        rows.append(line)
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame, features: dict[str, Feature], labels: Sequence[str]) -> Figure:
    """Residual against the target's value, before and after, a row of panels a label."""
    figure = Figure(figsize=(9, 2.3 * len(labels)))
    axes = figure.subplots(len(labels), 2, squeeze=False, sharex="row", sharey="row")
    for row, label in zip(axes, labels, strict=True):
        stars = table[table["label"] == label]
        for axis, when, colour in zip(row, ("before", "after"), (ORANGE, BLUE), strict=True):
            _panel(axis, stars, when, colour, label, features[label].unit)
        row[0].set_ylabel(labelled(f"Δ {label}", features[label].unit))
    return figure


def _panel(axis, stars: pd.DataFrame, when: str, colour: str, label: str, unit: str) -> None:
    x = stars["target"].to_numpy()
    y = (stars[when] - stars["target"]).to_numpy()
    axis.plot(x, y, ".", ms=2, color=colour, alpha=0.4, rasterized=True)
    line = running(x, y)
    axis.fill_between(line["x"], line["low"], line["high"], color=colour, alpha=0.25, lw=0)
    axis.plot(line["x"], line["median"], color="black", lw=1.5)
    axis.axhline(0, color="grey", lw=0.8)
    axis.set_xlim(*robust_limits(x))
    both = np.concatenate([(stars[w] - stars["target"]).to_numpy() for w in ("before", "after")])
    axis.set_ylim(*robust_limits(both))
    axis.set_title(f"{when}: {y.mean():.3g} ± {y.std():.3g} {unit}", fontsize=10)
    axis.set_xlabel(labelled(label, unit))
