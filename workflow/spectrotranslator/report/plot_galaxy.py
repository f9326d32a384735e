"""Median abundances over the Galaxy, before and after translation, in radius and height."""

import numpy as np
import pandas as pd

from .style import DIVERGING, Drawn, colour_bar, image, labelled, panels

FEWEST_STARS = 3
CELL_R, CELL_Z = 0.5, 0.25
EDGES = (np.arange(2, 16.01, CELL_R), np.arange(-4, 4.01, CELL_Z))


def maps(
    radius: np.ndarray,
    height: np.ndarray,
    before: dict[str, np.ndarray],
    after: dict[str, np.ndarray],
    measured: np.ndarray,
) -> pd.DataFrame:
    """A line a cell of CELL_R by CELL_Z kpc with at least FEWEST_STARS stars.

    Its middle (kpc), the median of each label before and after translation, stars, and how many
    of them the survey that gives the base measured itself.
    """
    columns = {f"{label}_before": values for label, values in before.items()}
    columns |= {f"{label}_after": values for label, values in after.items()}
    r, z = (
        np.floor((place - edge[0]) / side).astype(int)
        for place, edge, side in ((radius, EDGES[0], CELL_R), (height, EDGES[1], CELL_Z))
    )
    inside = (r >= 0) & (r < len(EDGES[0]) - 1) & (z >= 0) & (z < len(EDGES[1]) - 1)
    table = pd.DataFrame({"r": r, "z": z, "measured": measured, **columns})[inside]
    grouped = table.groupby(["r", "z"])
    found = grouped[list(columns)].median()
    found.insert(0, "stars", grouped.size())
    found.insert(1, "measured", grouped["measured"].sum())
    found = found[found["stars"] >= FEWEST_STARS].reset_index()
    found.insert(0, "R", EDGES[0][0] + (found.pop("r") + 0.5) * CELL_R)
    found.insert(1, "Z", EDGES[1][0] + (found.pop("z") + 0.5) * CELL_Z)
    return found


def draw(
    method: str, base: str, title: str, table: pd.DataFrame, labels: list[str], frame: dict
) -> Drawn:
    """Maps of every label before and after, of their difference, and of the stars."""
    figure, axes = panels(
        len(labels), 4, size=(1.9, 1.7), gap=(1.15, 0.5), margin=(0.7, 0.8, 0.55, 0.35),
        sharex=True, sharey=True,
    )  # fmt: skip
    for row, label in zip(axes, labels, strict=True):
        before, after = (table[f"{label}_{when}"] for when in ("before", "after"))
        both = np.concatenate([before, after])
        low, high = np.percentile(both, [2, 98]) if len(both) else (0.0, 1.0)
        far = float(np.percentile(np.abs(after - before), 98)) if len(both) else 1.0
        shown = (
            (before, labelled(label, "dex"), {"vmin": low, "vmax": high}),
            (after, labelled(label, "dex"), {"vmin": low, "vmax": high}),
            (
                after - before,
                labelled(f"Δ {label}", "dex"),
                {"vmin": -far, "vmax": far, "cmap": DIVERGING},
            ),
        )
        for axis, (values, name, settings) in zip(row, shown, strict=False):
            colour_bar(figure, axis, image(axis, EDGES, _map(table, values), **settings), name)
        row[0].set_ylabel("Z [kpc]")
    last = [(np.log10(table["stars"]), "log10 stars", {})]
    last.append((table["measured"] / table["stars"], "share measured", {"vmin": 0, "vmax": 1}))
    for row, (values, name, settings) in zip(axes, last, strict=False):
        colour_bar(figure, row[3], image(row[3], EDGES, _map(table, values), **settings), name)
    for axis in axes[-1]:
        axis.set_xlabel("R [kpc]")
    for axis, name in zip(axes[0], ("before", "after", "after less before", "cells"), strict=True):
        axis.set_title(name)
    return Drawn(
        f"galaxy-{method}-{base}",
        f"The Galaxy on the base of {title}, {method}",
        "Medians over Galactocentric radius and height, one row a star, recommended stars only: "
        "before, both surveys as they are; after, on one base. The third column shows where "
        "homogenising changes the picture; the last how many stars a cell holds and which share "
        f"of them {title} measured itself. {frame['name']}: the Sun at "
        f"{frame['sun_radius_kpc']:g} kpc, {frame['sun_height_pc']:g} pc above the plane; "
        f"distances: {frame['distances']}.",
        figure,
        table,
    )


def _map(table: pd.DataFrame, values: pd.Series) -> np.ndarray:
    """Values of the cells, shape (R, Z), NaN where there are too few stars."""
    shown = np.full([len(edge) - 1 for edge in EDGES], np.nan)
    r = ((table["R"] - EDGES[0][0]) / CELL_R).astype(int)
    z = ((table["Z"] - EDGES[1][0]) / CELL_Z).astype(int)
    shown[r, z] = values
    return shown
