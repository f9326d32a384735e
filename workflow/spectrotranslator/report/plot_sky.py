"""Both catalogues over the sky: where they differ, and where rows are good."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import SkyCoord

from .plot_differences import column_of, medians
from .style import DIVERGING, Drawn, panels

LONGITUDES, LATITUDES = 60, 30
FEWEST_STARS = 3
FARTHEST = 1.0
GOOD = "share of good rows"
EMPTY = "#e4e4e4"


def cell(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Number of the cell of each place (deg); cells of equal area, Galactic, -1 for no place.

    Longitude falls from 180 to -180 deg within a band, as one sees the sky; bands run from south
    to north.
    """
    known = np.isfinite(ra) & np.isfinite(dec)
    place = SkyCoord(ra[known] * units.deg, dec[known] * units.deg).galactic
    across = (180 - place.l.wrap_at(180 * units.deg).deg) / 360 * LONGITUDES
    up = (np.sin(place.b.rad) + 1) / 2 * LATITUDES
    columns, rows = (
        np.clip(value.astype(int), 0, count - 1)
        for value, count in ((across, LONGITUDES), (up, LATITUDES))
    )
    numbers = np.full(len(ra), -1)
    numbers[known] = rows * LONGITUDES + columns
    return numbers


def over_cells(cells: np.ndarray, quantities: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """A line a quantity and cell: stars with a number there, their median; of good rows the mean.

    Cells with fewer than three such stars are left out.
    """
    tables = []
    for name, values in quantities.items():
        known = (cells >= 0) & np.isfinite(values)
        groups = pd.Series(values[known]).groupby(cells[known])
        table = groups.agg(["size", "mean" if name == GOOD else "median"])
        table.columns = ["stars", "value"]
        table = table[table["stars"] >= FEWEST_STARS].rename_axis("cell").reset_index()
        tables.append(table.assign(quantity=name, **_middles(table["cell"].to_numpy())))
    return pd.concat(tables, ignore_index=True)


def _middles(cells: np.ndarray) -> dict[str, np.ndarray]:
    """Galactic longitude and latitude of the cells' middles, deg."""
    rows, columns = np.divmod(cells, LONGITUDES)
    return {
        "l": 180 - (columns + 0.5) / LONGITUDES * 360,
        "b": np.degrees(np.arcsin((rows + 0.5) / LATITUDES * 2 - 1)),
    }


def draw(
    direction: str,
    diff: dict,
    rows: Path,
    places: tuple[np.ndarray, np.ndarray],
    good: np.ndarray,
) -> Drawn:
    """Medians' pulls and the share of good rows, a panel each.

    ``rows`` is the comparison's table; ``places``, right ascension and declination (deg), and
    ``good`` belong to the rows of the regenerated catalogue.
    """
    order = column_of(rows, "row_regenerated").astype(int)
    labels = medians(diff)
    quantities = {f"Δ {n}": column_of(rows, f"{n}_pull_interval") for n in labels}
    quantities[GOOD] = good[order].astype(float)
    table = over_cells(cell(*(side[order] for side in places)), quantities)
    lines = -(-len(quantities) // 3)
    figure, axes = panels(
        lines,
        3,
        size=(2.6, 1.3),
        gap=(0.25, 0.75),
        margin=(0.25, 0.25, 0.65, 0.35),
        subplot_kw={"projection": "mollweide"},
    )
    for axis in axes.flat[len(quantities) :]:
        axis.remove()
    for axis, name in zip(axes.flat, quantities, strict=False):
        shares = name == GOOD
        settings = {"vmin": 0, "vmax": 1} if shares else {"vmin": -FARTHEST, "vmax": FARTHEST}
        shown = axis.pcolormesh(
            np.linspace(-np.pi, np.pi, LONGITUDES + 1),
            np.arcsin(np.linspace(-1, 1, LATITUDES + 1)),
            _map(table[table["quantity"] == name]),
            cmap=None if shares else DIVERGING,
            rasterized=True,
            **settings,
        )
        axis.set_facecolor(EMPTY)
        axis.set_title(name)
        axis.grid(alpha=0.3, lw=0.5)
        axis.set_xticklabels([])
        axis.set_yticklabels([])
        bar = figure.colorbar(
            shown, cax=axis.inset_axes((0.2, -0.14, 0.6, 0.06)), orientation="horizontal"
        )
        bar.solids.set_rasterized(True)
        bar.ax.tick_params(labelsize=8)
    return Drawn(
        f"sky-{direction}",
        f"{direction} over the sky",
        "Galactic longitude (the centre in the middle, growing to the left) and latitude, cells "
        "of equal area with at least three stars. Medians: regenerated less published in units of "
        "half the 16-84% interval, median of each cell, cut at one. A patch of one colour would "
        "be a difference of fields, which the networks do not know. Last: share of rows with all "
        "flags good.",
        figure,
        table[["quantity", "l", "b", "stars", "value"]],
    )


def _map(table: pd.DataFrame) -> np.ndarray:
    """Values, shape (latitudes, longitudes); NaN where there are too few stars."""
    values = np.full(LATITUDES * LONGITUDES, np.nan)
    values[table["cell"]] = table["value"]
    return values.reshape(LATITUDES, LONGITUDES)
