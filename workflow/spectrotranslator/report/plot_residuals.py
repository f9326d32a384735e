"""Residuals before and after translation, on stars that no method saw."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from spectrotranslator.config.configuration import Feature

from .style import BLUE, ORANGE, Drawn, labelled, panels, robust_limits, scatter_with_running

COLUMNS = ["label", "target", "before", "after"]
BINS = 50


def draw(method: str, direction: str, stars: pd.DataFrame, features: dict[str, Feature]) -> Drawn:
    """Residuals against label and prediction, and their histogram, a row of panels a label."""
    labels = list(dict.fromkeys(stars["label"]))
    figure, axes = panels(
        len(labels),
        4,
        size=(2.0, 1.5),
        gap=(0.45, 0.85),
        margin=(0.85, 0.15, 0.55, 0.35),
        label_left=0.55,
    )
    for row, label in zip(axes, labels, strict=True):
        _row(row, stars[stars["label"] == label], label, features[label].unit)
    return Drawn(
        f"quality-{method}-{direction}",
        f"Residuals of {direction}, {method}",
        "Survey translated minus survey aimed at, before (orange) and after (blue) translation, on "
        "stars that no network saw. Black: running median; band: 16 to 84% of the stars. Look for "
        "the blue median on the zero line and a narrower histogram. Against its own label every "
        "residual of a noisy label slopes; against the prediction (third column) a good "
        "translation is flat.",
        figure,
        stars[COLUMNS],
    )


def _row(row: np.ndarray, table: pd.DataFrame, label: str, unit: str) -> None:
    target, before, after = (table[n].to_numpy() for n in ("target", "before", "after"))
    limits = robust_limits(np.concatenate([before - target, after - target]))
    shown = (
        (target, before - target, ORANGE, "before", label),
        (target, after - target, BLUE, "after", label),
        (after, after - target, BLUE, "after", f"predicted {label}"),
    )
    for number, (axis, (x, y, colour, when, name)) in enumerate(zip(row, shown, strict=False)):
        scatter_with_running(axis, x, y, colour, limits)
        axis.set_title(f"{when}: {y.mean():.2g} ± {y.std():.3g}", fontsize=9)
        axis.set_xlabel(labelled(name, unit))
        if number:
            axis.set_yticklabels([])
    row[0].set_ylabel(labelled(f"Δ {label}", unit))
    _histogram(row[3], before - target, after - target, limits, labelled(f"Δ {label}", unit))


def _histogram(axis: Axes, before: np.ndarray, after: np.ndarray, limits, name: str) -> None:
    axis.hist(after, BINS, limits, color=BLUE, alpha=0.6, histtype="stepfilled", label="after")
    axis.hist(before, BINS, limits, color=ORANGE, lw=1.5, histtype="step", label="before")
    axis.axvline(0, color="black", lw=0.8)
    axis.set_xlim(*limits)
    axis.set_xlabel(name)
    axis.set_title("stars")
    axis.legend(fontsize=8, handlelength=1.2, borderaxespad=0.1, loc="upper left")
