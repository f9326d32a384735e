"""One look for all figures: colours, panels, axes, and how figures are written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from spectrotranslator.files import atomic

mpl.use("Agg")

# Okabe & Ito's palette, told apart by colour-blind readers.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY_BLUE, VERMILION, YELLOW, GREY = "#56B4E9", "#D55E00", "#F0E442", "#777777"
PALETTE = [BLUE, ORANGE, GREEN, PURPLE, SKY_BLUE, VERMILION, YELLOW, GREY]
BAND = (16, 84)
PIXELS = (150, 200)
OPACITY = 0.45
LABEL_BELOW = 0.27
SEQUENTIAL, DIVERGING = "cividis", "RdBu_r"

mpl.rcParams.update(
    {
        "savefig.dpi": 200,
        "font.size": 10,
        "axes.titlesize": 10,
        "axes.titley": 1.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": mpl.cycler(color=PALETTE),
        "image.cmap": SEQUENTIAL,
        "legend.frameon": False,
        "svg.hashsalt": "spectrotranslator",
    }
)


@dataclass(frozen=True)
class Drawn:
    """A figure, what it is called and says, and the data behind it."""

    name: str
    title: str
    caption: str
    figure: Figure
    data: pd.DataFrame

    def save(self, folder: Path) -> None:
        """Write ``name``.svg, ``name``.pdf and ``name``.csv into ``folder``, no date in any."""
        for suffix, metadata in (("svg", {"Date": None}), ("pdf", {"CreationDate": None})):
            with atomic(folder / f"{self.name}.{suffix}") as temporary:
                self.figure.savefig(temporary, format=suffix, metadata=metadata)
        with atomic(folder / f"{self.name}.csv") as temporary:
            self.data.to_csv(temporary, index=False, lineterminator="\n", float_format="%.9g")


def panels(
    rows: int,
    columns: int,
    size: tuple[float, float] = (2.3, 1.8),
    gap: tuple[float, float] = (0.7, 0.65),
    margin: tuple[float, float, float, float] = (0.75, 0.2, 0.55, 0.4),
    label_left: float = 0.48,
    **shared,
) -> tuple[Figure, np.ndarray]:
    """A figure of equal panels, shape (rows, columns), and their axes; all lengths in inches.

    ``margin`` is left, right, bottom, top; ``label_left`` the distance of the vertical axis's
    label. Layout by lengths is quicker than by a solver, and the
    same in every figure.
    """
    left, right, bottom, top = margin
    width = left + right + columns * size[0] + (columns - 1) * gap[0]
    height = bottom + top + rows * size[1] + (rows - 1) * gap[1]
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        bottom=bottom / height,
        top=1 - top / height,
        wspace=gap[0] / size[0],
        hspace=gap[1] / size[1],
    )
    axes = figure.subplots(rows, columns, squeeze=False, **shared)
    for axis in axes.flat:
        axis.locator_params(nbins=5)
        # Given once, the places of the labels need not be sought at every drawing.
        axis.xaxis.set_label_coords(0.5, -LABEL_BELOW / size[1])
        axis.yaxis.set_label_coords(-label_left / size[0], 0.5)
    return figure, axes


def labelled(name: str, unit: str) -> str:
    """Axis label with its unit."""
    return f"{name} [{unit}]" if unit else name


def cds_unit(unit: str) -> str:
    """A unit of a CDS table for an axis: ``---`` is none, square brackets mean a logarithm."""
    if unit == "---":
        return ""
    return f"dex({unit[1:-1]})" if unit.startswith("[") else unit


def running(x: np.ndarray, y: np.ndarray, bins: int = 12) -> pd.DataFrame:
    """Median and 16-84% of ``y`` in bins of equal number along ``x``; at least 5 values a bin."""
    order = np.argsort(x, kind="stable")
    lines = []
    for rows in np.array_split(order, bins):
        if len(rows) >= 5:
            low, middle, high = np.percentile(y[rows], [BAND[0], 50, BAND[1]])
            lines.append((np.median(x[rows]), low, middle, high))
    return pd.DataFrame(lines, columns=["x", "low", "median", "high"], dtype=np.float64)


def robust_limits(values: Sequence[float], share: float = 0.01) -> tuple[float, float]:
    """Axis limits that leave out ``share`` of the finite values, with a margin."""
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [share / 2, 1 - share / 2])
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def scatter_with_running(
    axis: Axes, x: np.ndarray, y: np.ndarray, colour: str, limits: tuple[float, float]
) -> None:
    """Points under their running median and band."""
    across = robust_limits(x)
    points(axis, x, y, colour, (*across, *limits))
    line = running(x, y)
    axis.fill_between(line["x"], line["low"], line["high"], color=colour, alpha=0.3, lw=0)
    axis.plot(line["x"], line["median"], color="black", lw=1.5)
    axis.axhline(0, color=GREY, lw=0.8)
    axis.set_xlim(*across)
    axis.set_ylim(*limits)


def points(axis: Axes, x: np.ndarray, y: np.ndarray, colour: str, extent: tuple) -> None:
    """A scatter plot as one picture, whatever the number of points; darker where they meet.

    ``extent`` is left, right, bottom, top; what lies outside is not shown.
    """
    low, high, bottom, top = extent
    count = np.histogram2d(y, x, PIXELS, ((bottom, top), (low, high)))[0]
    count[1:] += count[:-1]
    count[:, 1:] += count[:, :-1]
    picture = np.empty((*PIXELS, 4))
    picture[..., :3] = to_rgb(colour)
    picture[..., 3] = 1 - (1 - OPACITY) ** count
    axis.imshow(picture, origin="lower", extent=extent, aspect="auto", interpolation="none")


def colour_bar(figure: Figure, axis: Axes, shown, label: str) -> None:
    """A narrow bar inside the panel's own gap, so that panels stay equal."""
    place = axis.inset_axes((1.03, 0.0, 0.05, 1.0))
    bar = figure.colorbar(shown, cax=place, label=label)
    bar.ax.locator_params(nbins=4)
    bar.solids.set_rasterized(True)


def image(axis: Axes, edges: tuple[np.ndarray, np.ndarray], values: np.ndarray, **settings):
    """A map of cells, shape (x, y), as one rasterised image; NaN shows nothing."""
    x, y = edges
    return axis.imshow(
        values.T,
        origin="lower",
        extent=(x[0], x[-1], y[0], y[-1]),
        aspect="auto",
        interpolation="nearest",
        **settings,
    )
