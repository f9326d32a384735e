"""One look for all figures, and how they are written."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..files import atomic

mpl.use("Agg")

# Okabe & Ito's palette, told apart by colour-blind readers.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY_BLUE, VERMILION, YELLOW, GREY = "#56B4E9", "#D55E00", "#F0E442", "#777777"
PALETTE = [BLUE, ORANGE, GREEN, PURPLE, SKY_BLUE, VERMILION, YELLOW, GREY]

mpl.rcParams.update(
    {
        "figure.dpi": 110,
        "savefig.dpi": 150,
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": mpl.cycler(color=PALETTE),
        "figure.constrained_layout.use": True,
        "image.cmap": "cividis",
        "svg.hashsalt": "spectrotranslator",
        "pdf.fonttype": 42,
    }
)


def save(figure: Figure, data: pd.DataFrame, stem: Path) -> None:
    """Write ``stem``.png, ``stem``.pdf and ``stem``.csv, without a date in any."""
    for suffix, metadata in ((".png", {"Software": None}), (".pdf", {"CreationDate": None})):
        with atomic(stem.with_name(stem.name + suffix)) as temporary:
            figure.savefig(temporary, format=suffix[1:], metadata=metadata)
    with atomic(stem.with_name(stem.name + ".csv")) as temporary:
        data.to_csv(temporary, index=False, lineterminator="\n")


def labelled(name: str, unit: str) -> str:
    """Axis label with its unit."""
    return f"{name} [{unit}]" if unit else name


def running(x: np.ndarray, y: np.ndarray, bins: int = 12) -> pd.DataFrame:
    """Median and 16-84% of ``y`` in bins of equal number along ``x``."""
    edges = np.unique(np.quantile(x, np.linspace(0, 1, bins + 1)))
    place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
    rows = []
    for number in range(len(edges) - 1):
        inside = y[place == number]
        if len(inside) >= 5:
            low, middle, high = np.percentile(inside, [16, 50, 84])
            centre = np.median(x[place == number])
            rows.append({"x": centre, "low": low, "median": middle, "high": high})
    return pd.DataFrame(rows, columns=["x", "low", "median", "high"])


def robust_limits(values: Sequence[float], share: float = 0.01) -> tuple[float, float]:
    """Axis limits that leave out ``share`` of the values, with a margin."""
    low, high = np.quantile(np.asarray(values), [share / 2, 1 - share / 2])
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin
