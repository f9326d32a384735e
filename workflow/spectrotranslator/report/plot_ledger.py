"""The ledger as a flow of rows: what every cut leaves, down to the training samples."""

import pandas as pd
from matplotlib.axes import Axes

from .style import BLUE, GREY, ORANGE, SKY_BLUE, Drawn, panels

LONGEST = 34


def steps(direction: dict) -> pd.DataFrame:
    """A line a step of one direction: branch, cut, rows in and out.

    The networks share all steps but their last.
    """
    lines = {}
    for network in direction["networks"].values():
        for line in network["training"]:
            branch = line.get("survey", "both")
            one = {"branch": branch, "what": line["what"], "in": line["in"], "out": line["out"]}
            lines.setdefault((branch, line["what"]), one)
    return pd.DataFrame(list(lines.values()))


def draw(ledger: dict) -> Drawn:
    """Bars of rows after every cut, with what the cut took, a panel a direction."""
    tables = {name: steps(direction) for name, direction in ledger["directions"].items()}
    most = max(len(table) for table in tables.values())
    figure, axes = panels(
        1, len(tables), size=(2.6, 0.24 * most + 0.1), gap=(2.6, 0.5), margin=(2.5, 0.75, 0.5, 0.4)
    )
    for axis, (name, table) in zip(axes[0], tables.items(), strict=True):
        _bars(axis, table)
        axis.set_title(name)
        axis.set_ylim(most - 0.4, -0.6)
        axis.set_xlabel("rows")
    return Drawn(
        "flow",
        "Flow of rows",
        "Rows that each cut leaves (solid) and takes (pale), from the surveys' tables (light and "
        "dark blue) through the match to the training samples (grey). The longest pale bar is the "
        "cut that decides the sample.",
        figure,
        pd.concat([table.assign(direction=name) for name, table in tables.items()]),
    )


def _bars(axis: Axes, table: pd.DataFrame) -> None:
    branches = list(dict.fromkeys(table["branch"]))
    colours = dict(zip([b for b in branches if b != "both"], (BLUE, SKY_BLUE), strict=False))
    for place, (branch, before, out) in enumerate(
        zip(table["branch"], table["in"], table["out"], strict=True)
    ):
        axis.barh(place, out, 0.75, color=colours.get(branch, GREY))
        axis.barh(place, before - out, 0.75, out, color=ORANGE, alpha=0.35)
        axis.text(1.02 * before, place, f"{out}", va="center", fontsize=8)
    axis.set_yticks(range(len(table)), labels(table), fontsize=8)


def labels(table: pd.DataFrame) -> list[str]:
    """What every step is called on the axis: with its survey where both have it, not too long."""
    shared = table["what"].duplicated(keep=False)
    named = table["what"].where(~shared, table["what"] + ", " + table["branch"])
    return [f"{name[: LONGEST - 1]}…" if len(name) > LONGEST else name for name in named]
