"""Median abundances over the Galaxy, in Galactocentric radius and height."""

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import Galactocentric, SkyCoord, galactocentric_frame_defaults
from matplotlib.figure import Figure

from .style import labelled

FRAME = "v4.0"
FEWEST_STARS = 3
CELL_R, CELL_Z = 0.5, 0.25


def cylindrical(stars: pd.DataFrame) -> pd.DataFrame:
    """Galactocentric R and Z in kpc, from RA, Dec (deg) and distance (pc).

    The frame is astropy's, release v4.0: the Sun at 8.122 kpc, 20.8 pc above the plane.
    """
    with galactocentric_frame_defaults.set(FRAME):
        place = SkyCoord(
            ra=stars["ra"].to_numpy() * units.deg,
            dec=stars["dec"].to_numpy() * units.deg,
            distance=stars["distance"].to_numpy() * units.pc,
        ).transform_to(Galactocentric())
    place.representation_type = "cylindrical"
    return pd.DataFrame(
        {"R": place.rho.to_value(units.kpc), "Z": place.z.to_value(units.kpc)}, index=stars.index
    )


def maps(stars: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """Median of each label and number of stars in cells of CELL_R by CELL_Z kpc."""
    usable = stars[stars["recommended"] & (stars["distance"] > 0)]
    place = cylindrical(usable)
    middles = {
        name: (np.floor(place[name] / side) + 0.5) * side
        for name, side in (("R", CELL_R), ("Z", CELL_Z))
    }
    cells = pd.DataFrame(middles).assign(**{label: usable[label] for label in labels})
    grouped = cells.groupby(["R", "Z"])
    table = grouped[labels].median().assign(stars=grouped.size())
    return table[table["stars"] >= FEWEST_STARS].reset_index()


def draw(table: pd.DataFrame, labels: list[str], unit: str) -> Figure:
    """Maps of every label and of the number of stars."""
    figure = Figure(figsize=(4.2 * (len(labels) + 1), 3.6))
    panels = figure.subplots(1, len(labels) + 1, squeeze=False, sharex=True, sharey=True)[0]
    for axis, label in zip(panels, [*labels, "stars"], strict=True):
        values = np.log10(table[label]) if label == "stars" else table[label]
        title = "log number of stars" if label == "stars" else labelled(f"median {label}", unit)
        low, high = np.nanpercentile(values, [2, 98]) if len(values) else (0.0, 1.0)
        shown = axis.pcolormesh(*_cells(table, values), vmin=low, vmax=high, rasterized=True)
        figure.colorbar(shown, ax=axis, label=title)
        axis.set_xlabel("R [kpc]")
        axis.set_box_aspect(0.75)
    panels[0].set_ylabel("Z [kpc]")
    panels[0].set_xlim(2, 16)
    panels[0].set_ylim(-4, 4)
    return figure


def _cells(table: pd.DataFrame, values: pd.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges in R and Z and the value of every cell, NaN where there is none."""
    r, z = np.arange(2, 16.01, CELL_R), np.arange(-4, 4.01, CELL_Z)
    filled, _, _ = np.histogram2d(table["R"], table["Z"], [r, z], weights=values)
    there, _, _ = np.histogram2d(table["R"], table["Z"], [r, z])
    return r, z, np.where(there > 0, filled, np.nan).T
