"""Dispersion in clusters against what the errors imply, before and after translation."""

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter

from .style import BLUE, GREY, ORANGE, Drawn, panels

SHOWN = {"own": ORANGE, "translated": BLUE, "target": GREY}


def draw(method: str, direction: str, validation: dict) -> Drawn:
    """Measured over implied dispersion, a panel a label, clusters in their order.

    Parameters
    ----------
    method, direction : str
        The translation.
    validation : dict
        What ``evaluation.validate`` says of it.
    """
    table = ratios(validation)
    labels = list(dict.fromkeys(table["label"])) or [""]
    figure, axes = panels(
        1,
        len(labels),
        size=(2.4, 2.2),
        gap=(0.6, 0.5),
        margin=(0.85, 0.2, 1.15, 0.7),
        label_left=0.55,
    )
    for axis, label in zip(axes[0], labels, strict=True):
        mine = table[table["label"] == label]
        clusters = list(dict.fromkeys(mine["cluster"]))
        for number, (which, colour) in enumerate(SHOWN.items()):
            part = mine[mine["values"] == which]
            x = np.array([clusters.index(name) for name in part["cluster"]]) + 0.2 * (number - 1)
            away = np.abs(part[["low", "high"]].to_numpy().T - part["ratio"].to_numpy())
            axis.errorbar(x, part["ratio"], away, fmt="o", ms=4, color=colour, label=which)
        axis.axhline(1, color="black", lw=0.8)
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.set_xticks(range(len(clusters)), clusters, rotation=45, ha="right")
        axis.set_title(label)
    axes[0, 0].set_ylabel("measured / implied dispersion")
    axes[0, 0].legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1.1), ncols=3)
    return Drawn(
        f"clusters-{method}-{direction}",
        f"Dispersion in clusters, {direction}, {method}",
        "Dispersion of labels that the members of a cluster share, over what their errors imply, "
        "with 95% intervals over stars: the survey translated as it measures (own), the same stars "
        "translated, and the survey aimed at (target). 1: the errors explain all of it. More: a "
        "true dispersion, such as that of velocities in a globular cluster, or errors stated too "
        "small. Less: errors stated too large.",
        figure,
        table,
    )


def ratios(validation: dict) -> pd.DataFrame:
    """The figure's data: cluster, label, whose values, stars, ratio and its interval."""
    rows = [
        (cluster, label, which, one["stars"], one["ratio"]["value"], *one["ratio"]["interval"])
        for cluster, labels in validation["clusters"].items()
        for label, told in labels.items()
        for which, one in told.items()
        if which in SHOWN and "ratio" in one
    ]
    names = ["cluster", "label", "values", "stars", "ratio", "low", "high"]
    return pd.DataFrame(rows, columns=names)
