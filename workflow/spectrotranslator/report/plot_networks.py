"""Importance of the inputs and the losses of training."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .style import PALETTE, Drawn, panels

QUANTITIES = ("output", "correction")


def importance_table(method: str, importances: dict[str, dict]) -> pd.DataFrame:
    """One line a quantity, network, output and input, in percent."""
    rows = [
        {
            "method": method,
            "quantity": quantity,
            "network": kind,
            "output": output,
            "input": name,
            "percent": result[quantity]["percent"][i][o],
            "std_of_members": result[quantity]["percent_std_of_members"][i][o],
            "error_over_stars": result[quantity]["percent_error_over_stars"][i][o],
        }
        for kind, result in importances.items()
        for quantity in QUANTITIES
        for o, output in enumerate(result["outputs"])
        for i, name in enumerate(result["inputs"])
    ]
    return pd.DataFrame(rows)


def draw_importance(direction: str, table: pd.DataFrame) -> Drawn:
    """Stacked bars, an output a bar, for the output and for the correction of every method."""
    methods = list(dict.fromkeys(table["method"]))
    inputs = list(dict.fromkeys(table["input"]))
    outputs = list(dict.fromkeys(table["output"]))
    figure, axes = panels(
        len(methods),
        2,
        size=(3.8, 0.42 * len(outputs) + 0.2),
        gap=(0.3, 0.8),
        margin=(1.3, 0.2, 0.55, 0.85),
        sharey=True,
    )
    for row, method in zip(axes, methods, strict=True):
        for axis, quantity in zip(row, QUANTITIES, strict=True):
            chosen = table[(table["method"] == method) & (table["quantity"] == quantity)]
            _bars(axis, chosen, inputs, outputs)
            axis.set_title(f"of the {quantity}, {method}")
    for axis in axes[-1]:
        axis.set_xlabel("importance [%]")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper center", ncols=len(inputs), fontsize=9)
    return Drawn(
        f"importance-{direction}",
        f"Importance of the inputs, {direction}",
        "Share of each input in the prediction (left) and in the correction alone (right), from "
        "exact Shapley values; whiskers: scatter over members and stars in quadrature. The "
        "prediction starts from the label's own input, so the right panels tell what the network "
        "adds to it.",
        figure,
        table,
    )


def _bars(axis: Axes, table: pd.DataFrame, inputs: list[str], outputs: list[str]) -> None:
    place = {output: number for number, output in enumerate(outputs)}
    bottom = np.zeros(len(outputs))
    for number, name in enumerate(inputs):
        mine = table[table["input"] == name]
        at = [place[output] for output in mine["output"]]
        share = mine["percent"].to_numpy()
        error = np.hypot(mine["std_of_members"], mine["error_over_stars"])
        axis.barh(at, share, 0.7, bottom[at], color=PALETTE[number % len(PALETTE)], label=name)
        bottom[at] += share
        axis.errorbar(bottom[at], at, xerr=error, fmt="none", ecolor="black", elinewidth=0.9)
    axis.set_yticks(range(len(outputs)), outputs)
    axis.set_xlim(0, 108)
    axis.set_ylim(len(outputs) - 0.5, -0.5)


def _decades(losses: pd.DataFrame) -> tuple[float, float]:
    """Limits that hold at least one whole power of ten, so that the axis has a number."""
    every = losses[["loss", "validation_loss"]].to_numpy()
    low, high = every.min(), every.max()
    return min(low / 1.2, 10 ** np.floor(np.log10(high))), high * 1.2


def draw_histories(direction: str, table: pd.DataFrame) -> Drawn:
    """Loss of every member by epoch, a panel a method and network."""
    groups = list(table.groupby(["method", "network"], sort=False))
    figure, axes = panels(1, len(groups), size=(2.0, 1.6), gap=(0.6, 0.6))
    for axis, ((method, kind), losses) in zip(axes[0], groups, strict=True):
        for number, (_, member) in enumerate(losses.groupby("member")):
            steps = range(len(member))
            colour = PALETTE[number % len(PALETTE)]
            axis.plot(steps, member["loss"], color=colour, lw=0.8, alpha=0.6)
            axis.plot(steps, member["validation_loss"], color=colour, lw=1.4)
        axis.set_yscale("log")
        axis.set_ylim(*_decades(losses))
        axis.minorticks_off()
        axis.set_xlabel("epoch, all phases")
        axis.set_title(f"{method}, {kind}", fontsize=9)
    axes[0, 0].set_ylabel("loss (standardised)")
    return Drawn(
        f"training-{direction}",
        f"Training of {direction}",
        "Loss of every member: thin lines training stars, thick lines validation stars. Both "
        "should have flattened; thick lines that rise again while thin ones fall say overfitting.",
        figure,
        table,
    )
