"""The regenerated catalogue against the published one, star by star."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..compare.statistics import robust_scatter
from .style import BLUE

WIDTHS = 6


def difference_table(stars: pd.DataFrame, diff: dict) -> pd.DataFrame:
    """Quantiles of every median column's differences, in the column's unit."""
    rows = []
    for label, column in diff["columns"].items():
        if "quantiles" in column and label.endswith("50") and not label.startswith("e_"):
            rows += [
                {"column": label, "unit": column["unit"], "quantile": float(q), "difference": value}
                for q, value in column["quantiles"].items()
            ]
    return pd.DataFrame(rows)


def draw(stars: pd.DataFrame, diff: dict) -> Figure:
    """Histogram of differences of the medians, in the column's unit."""
    labels = [
        label
        for label, column in diff["columns"].items()
        if "quantiles" in column and label.endswith("50") and not label.startswith("e_")
    ]
    figure = Figure(figsize=(2.4 * len(labels), 2.8))
    for axis, label in zip(figure.subplots(1, len(labels), squeeze=False)[0], labels, strict=True):
        values = stars[f"{label}_difference"].to_numpy()
        values = values[np.isfinite(values)]
        middle, half = np.median(values), WIDTHS * robust_scatter(values)
        axis.hist(
            values, bins=60, range=(middle - half, middle + half), color=BLUE, histtype="stepfilled"
        )
        axis.axvline(0, color="black", lw=0.8)
        axis.set_xlabel(f"Δ {label}\n{_unit(diff['columns'][label]['unit'])}")
        axis.set_yticks([])
    return figure


def _unit(unit: str) -> str:
    """A CDS unit for an axis; square brackets mean a logarithm."""
    if unit == "---":
        return ""
    return f"[dex({unit[1:-1]})]" if unit.startswith("[") else f"[{unit}]"
