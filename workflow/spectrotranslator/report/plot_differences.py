"""The regenerated catalogue against the published one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patches import Patch

from spectrotranslator.evaluation.residual_statistics import robust_scatter

from .style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SKY_BLUE,
    VERMILION,
    Drawn,
    cds_unit,
    image,
    labelled,
    panels,
    robust_limits,
    scatter_with_running,
)

WIDTHS, BINS = 6, 60
CELLS = 60
PULLS = np.linspace(-6, 6, 61)
COLOURS = {
    "identical": BLUE,
    "equivalent": SKY_BLUE,
    "consistent": GREEN,
    "deviates": VERMILION,
    "missing": GREY,
}
FARTHEST = 3.0


def is_median(label: str) -> bool:
    """Whether a column of the published layouts holds medians."""
    return label.endswith("50") and not label.startswith("e_")


def medians(diff: dict) -> list[str]:
    """Labels of the compared medians."""
    return [
        label
        for label, column in diff["columns"].items()
        if "quantiles" in column and is_median(label)
    ]


def draw(direction: str, diff: dict, rows: Path, regenerated: Callable[[str], np.ndarray]) -> Drawn:
    """Both sides, their differences, pulls, and differences against the parameter.

    A column of panels a median. ``rows`` is the comparison's table, ``regenerated`` gives a column
    of the regenerated catalogue, matched row by matched row; one column is held at a time.
    """
    labels = medians(diff)
    figure, axes = panels(4, len(labels), size=(1.9, 1.5), gap=(0.5, 0.75))
    tables = []
    for column, label in zip(axes.T, labels, strict=True):
        unit = cds_unit(diff["columns"][label]["unit"])
        difference, value = column_of(rows, f"{label}_difference"), regenerated(label)
        known = np.isfinite(difference)
        middle = float(np.median(difference[known]))
        half = WIDTHS * robust_scatter(difference[known]) or 1.0
        limits = (middle - half, middle + half)
        _density(column[0], (value - difference)[known], value[known])
        column[0].set_xlabel(labelled(f"{label} published", unit))
        tables.append(_histogram(column[1], label, difference[known], limits))
        column[1].set_xlabel(labelled(f"Δ {label}", unit))
        tables.append(_pulls(column[2], label, rows))
        scatter_with_running(column[3], value[known], difference[known], BLUE, limits)
        column[3].set_xlabel(labelled(label, unit))
        column[0].set_title(label)
    names = ("regenerated", "stars", "density", "Δ, regenerated − published")
    for row, name in zip(axes, names, strict=True):
        row[0].set_ylabel(name)
    axes[2, 0].legend(fontsize=8, loc="upper left")
    return Drawn(
        f"diff-{direction}",
        f"{direction} regenerated against published",
        "Medians, regenerated against published (top; darker: more stars), their differences, the "
        "differences in units of the published systematic error (blue) and of half the 16-84% "
        "interval (orange), and against the parameter (bottom). Two replicates of one method "
        "differ by the scatter of their trainings, so the width matters less than the shift, and a "
        "trend with the parameter more than both.",
        figure,
        pd.concat(tables, ignore_index=True),
    )


def of_catalogue(rows: Path, regenerated: Path) -> Callable[[str], np.ndarray]:
    """Columns of a regenerated catalogue's Parquet file, matched row by matched row."""
    order = pq.read_table(rows, columns=["row_regenerated"]).column(0).to_numpy()
    return lambda label: column_of(regenerated, label)[order]


def _density(axis: Axes, published: np.ndarray, regenerated: np.ndarray) -> None:
    limits = robust_limits(published)
    count, x, y = np.histogram2d(published, regenerated, CELLS, (limits, limits))
    count[count == 0] = np.nan
    image(axis, (x, y), count, cmap="Blues", norm=LogNorm(vmin=0.3))
    axis.plot(limits, limits, color="black", lw=0.8)


def column_of(path: Path, name: str) -> np.ndarray:
    """One column of a Parquet file as float64; missing values are NaN."""
    return pq.read_table(path, columns=[name]).column(0).to_numpy().astype(np.float64)


def _histogram(axis, label: str, values: np.ndarray, limits) -> pd.DataFrame:
    count, edges = np.histogram(values, BINS, limits)
    axis.stairs(count, edges, fill=True, color=BLUE)
    axis.axvline(0, color="black", lw=0.8)
    return _binned(label, "difference", edges, count)


def _pulls(axis, label: str, rows: Path) -> pd.DataFrame:
    there = pq.read_schema(rows).names
    tables = []
    for what, colour in (("systematic", BLUE), ("interval", ORANGE)):
        name = f"{label}_pull_{what}"
        if name not in there:
            continue
        values = column_of(rows, name)
        values = values[np.isfinite(values)]
        count = np.histogram(values, PULLS)[0]
        density = count / max(len(values), 1) / (PULLS[1] - PULLS[0])
        axis.stairs(density, PULLS, color=colour, lw=1.5, label=what)
        tables.append(_binned(label, f"pull_{what}", PULLS, count))
    axis.axvline(0, color="black", lw=0.8)
    axis.set_xlabel("pull")
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _binned(label: str, what: str, edges: np.ndarray, count: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {"column": label, "quantity": what, "from": edges[:-1], "to": edges[1:], "stars": count}
    )


def grades_table(diff: dict) -> pd.DataFrame:
    """A line a column: its grade, and its shift as a share of the least that would deviate."""
    lines = []
    for label, column in diff["columns"].items():
        limit = column.get("smallest_detectable", {}).get("bias")
        bias = column.get("statistics", {}).get("bias")
        share = abs(bias) / limit if limit and bias is not None else None
        lines.append({"column": label, "grade": column["grade"], "share_of_limit": share})
    return pd.DataFrame(lines)


def draw_grades(direction: str, diff: dict) -> Drawn:
    """Every column's grade, and how far its shift lies from the limit."""
    table = grades_table(diff)
    half = -(-len(table) // 2)
    figure, axes = panels(
        1, 2, size=(2.9, 0.19 * half + 0.1), gap=(1.2, 0.5), margin=(1.05, 0.2, 0.55, 0.45)
    )
    for axis, part in zip(axes[0], (table[:half], table[half:]), strict=True):
        share = part["share_of_limit"].astype(float).fillna(0).clip(upper=FARTHEST)
        place = np.arange(len(part))
        colours = [COLOURS[grade] for grade in part["grade"]]
        axis.barh(place, share, 0.7, color=colours)
        axis.scatter(np.zeros(len(part)), place, s=28, c=colours, marker="s", clip_on=False)
        axis.axvline(1, color="black", lw=0.8, ls="--")
        axis.set_yticks(place, part["column"], fontsize=8)
        axis.set_ylim(half - 0.4, -0.6)
        axis.set_xlim(0, FARTHEST)
        axis.set_xlabel("shift / limit of two replicates")
    seen = [grade for grade in COLOURS if grade in set(table["grade"])]
    handles = [Patch(color=COLOURS[grade], label=grade) for grade in seen]
    figure.legend(handles=handles, loc="upper center", ncols=len(handles), fontsize=9)
    return Drawn(
        f"grades-{direction}",
        f"Grades of {direction}, column by column",
        "Squares: the grade of each column. Bars: median difference from the published column as "
        "a share of the least that would be called deviating (dashed line); cut at three. Columns "
        "without a bar follow from the inputs alone or have no measured tolerance.",
        figure,
        table,
    )


def flags_table(diff: dict) -> pd.DataFrame:
    """A line a flag: rows by what both catalogues say, their agreement and Cohen's kappa."""
    wanted = ["true_true", "true_false", "false_true", "false_false", "agreement", "kappa"]
    lines = [
        {"column": label, **{name: column[name] for name in wanted}}
        for label, column in diff["columns"].items()
        if "kappa" in column
    ]
    return pd.DataFrame(lines, columns=["column", *wanted])


def draw_flags(direction: str, diff: dict) -> Drawn:
    """Both catalogues' flags as matrices of rows."""
    table = flags_table(diff)
    figure, axes = panels(
        1, max(len(table), 1), size=(1.05, 1.05), gap=(0.35, 0.5), margin=(0.75, 0.2, 0.6, 0.4)
    )
    for axis, (_, line) in zip(axes[0], table.iterrows(), strict=False):
        rows = np.array(
            [[line["true_true"], line["true_false"]], [line["false_true"], line["false_false"]]]
        )
        share = rows / max(rows.sum(), 1)
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
        for (i, j), count in np.ndenumerate(rows):
            colour = "white" if share[i, j] > 0.7 else "black"
            axis.text(j, i, f"{int(count)}", ha="center", va="center", fontsize=7, color=colour)
        axis.set_xticks([0, 1], ["T", "F"])
        axis.set_yticks([0, 1], ["T", "F"])
        axis.set_title(line["column"])
        axis.set_xlabel("regenerated")
    axes[0, 0].set_ylabel("published")
    return Drawn(
        f"flags-{direction}",
        f"Flags of {direction}",
        "Rows by what the published catalogue (down) and the regenerated one (across) say; T is "
        "true. What lies off the diagonal differs. Flags of missing and of input follow from the "
        "inputs and the training sample alone: there nothing may lie off it.",
        figure,
        table,
    )
