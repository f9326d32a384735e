"""Where the translation can be trusted: training sample, catalogue and share of good stars."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import Direction, Feature

from .style import Drawn, colour_bar, image, labelled, panels

CELLS = 40
FEWEST_STARS = 3


@dataclass(frozen=True)
class Plane:
    """Two features of the survey translated from; ``down``: values fall along both axes."""

    x: str
    y: str
    down: bool


def planes(direction: Direction, features: dict[str, Feature]) -> list[Plane]:
    """The Kiel diagram, and the first abundance with the second, where the inputs have them."""
    inputs = next(iter(direction.networks.values())).inputs
    by_unit: dict[str, list[str]] = {}
    for name in inputs:
        by_unit.setdefault(features[name].unit, []).append(name)
    temperature, gravity, abundances = (
        by_unit.get(unit, []) for unit in ("K", "dex(cm/s2)", "dex")
    )
    found = []
    if temperature and gravity:
        found.append(Plane(temperature[0], gravity[0], True))
    if len(abundances) >= 2:
        found.append(Plane(abundances[0], abundances[1], False))
    elif abundances and temperature:
        found.append(Plane(temperature[0], abundances[0], False))
    return found


def cells(
    plane: Plane, training: pd.DataFrame, catalogue: pd.DataFrame, good: np.ndarray
) -> pd.DataFrame:
    """A line a cell with stars: its middle, training stars, catalogue rows, good ones of them.

    ``training`` and ``catalogue`` hold both features under their names.
    """
    edges = tuple(_edges(training[name], catalogue[name]) for name in (plane.x, plane.y))
    counts = {
        "training": _count(plane, training, edges),
        "catalogue": _count(plane, catalogue, edges),
        "good": _count(plane, catalogue[good], edges),
    }
    middles = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    x, y = np.meshgrid(*middles, indexing="ij")
    table = pd.DataFrame({"x": x.ravel(), "y": y.ravel()})
    table = table.assign(**{name: count.ravel().astype(int) for name, count in counts.items()})
    return table.assign(plane=f"{plane.x}, {plane.y}")


def _edges(training: pd.Series, catalogue: pd.Series) -> np.ndarray:
    known = catalogue[np.isfinite(catalogue)]
    low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 1.0)
    low, high = min(low, training.min()), max(high, training.max())
    margin = 0.03 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, CELLS + 1)


def _count(plane: Plane, stars: pd.DataFrame, edges: tuple) -> np.ndarray:
    x, y = (stars[name].to_numpy(np.float64) for name in (plane.x, plane.y))
    known = np.isfinite(x) & np.isfinite(y)
    return np.histogram2d(x[known], y[known], edges)[0]


def draw(
    method: str,
    direction: str,
    tables: list[tuple[Plane, pd.DataFrame]],
    features: dict[str, Feature],
) -> Drawn:
    """Training stars, good rows and the share of good ones, a row of panels a plane."""
    figure, axes = panels(
        len(tables),
        3,
        size=(2.2, 2.0),
        gap=(1.25, 0.7),
        margin=(0.85, 0.75, 0.55, 0.35),
        label_left=0.6,
    )
    for row, (plane, table) in zip(axes, tables, strict=True):
        for axis, what in zip(row, ("training", "good", "share"), strict=True):
            edges, values = _values(table, what)
            settings = {"vmin": 0, "vmax": 1} if what == "share" else {}
            shown = image(axis, edges, values, **settings)
            name = "share of good stars" if what == "share" else "log10 stars"
            colour_bar(figure, axis, shown, name)
            axis.set_xlabel(labelled(plane.x, features[plane.x].unit))
            if plane.down:
                axis.invert_xaxis()
                axis.invert_yaxis()
        row[0].set_ylabel(labelled(plane.y, features[plane.y].unit))
    titles = ("training sample", "catalogue, all flags good", "share good")
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title)
    return Drawn(
        f"trust-{method}-{direction}",
        f"Where {direction} can be trusted, {method}",
        "Training sample, catalogue rows with all flags good, and their share in every cell with "
        "at least three rows, over the origin survey's own parameters. Dark cells of the share "
        "are extrapolation: the networks saw no star like those.",
        figure,
        pd.concat([table for _, table in tables], ignore_index=True),
    )


def _values(table: pd.DataFrame, what: str) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Edges and the values of a map, shape (x, y)."""
    edges = tuple(_outer(table[name]) for name in ("x", "y"))
    counts = {n: table[n].to_numpy(float).reshape(CELLS, CELLS) for n in ("training", "good")}
    if what == "share":
        every = table["catalogue"].to_numpy(float).reshape(CELLS, CELLS)
        share = counts["good"] / np.maximum(every, 1)
        return edges, np.where(every >= FEWEST_STARS, share, np.nan)
    with np.errstate(divide="ignore"):
        shown = np.log10(counts[what])
    return edges, np.where(counts[what] > 0, shown, np.nan)


def _outer(middles: pd.Series) -> np.ndarray:
    low, high = middles.min(), middles.max()
    half = (high - low) / (CELLS - 1) / 2
    return np.array([low - half, high + half])
