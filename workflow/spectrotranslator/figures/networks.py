"""Importance of the inputs and the losses of training."""

import pandas as pd
from matplotlib.figure import Figure

from .style import PALETTE


def importance_table(importances: dict[str, dict]) -> pd.DataFrame:
    """One line a quantity, network, output and input, in percent."""
    rows = [
        {
            "quantity": quantity,
            "network": kind,
            "output": output,
            "input": name,
            "percent": result[quantity]["percent"][i][o],
            "std_of_members": result[quantity]["percent_std_of_members"][i][o],
            "error_over_stars": result[quantity]["percent_error_over_stars"][i][o],
        }
        for kind, result in importances.items()
        for quantity in ("output", "correction")
        for o, output in enumerate(result["outputs"])
        for i, name in enumerate(result["inputs"])
    ]
    return pd.DataFrame(rows)


def draw_importance(table: pd.DataFrame) -> Figure:
    """Stacked bars, an output a bar, for the output and for the correction."""
    figure = Figure(figsize=(9, 4))
    axes = figure.subplots(1, 2, sharey=True)
    inputs = list(dict.fromkeys(table["input"]))
    for axis, quantity in zip(axes, ("output", "correction"), strict=True):
        wide = (
            table[table["quantity"] == quantity]
            .pivot_table(index="output", columns="input", values="percent", sort=False)
            .fillna(0)
        )
        bottom = 0
        for colour, name in zip(PALETTE, inputs, strict=False):
            axis.barh(wide.index, wide[name], left=bottom, color=colour, label=name)
            bottom = bottom + wide[name]
        axis.set_xlabel("importance [%]")
        axis.set_title(f"of the {quantity}")
    axes[0].invert_yaxis()
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(inputs), 7))
    return figure


def draw_histories(table: pd.DataFrame) -> Figure:
    """Loss of every member by epoch, a panel a network."""
    kinds = list(dict.fromkeys(table["network"]))
    figure = Figure(figsize=(9, 3.2))
    for axis, kind in zip(figure.subplots(1, len(kinds), squeeze=False)[0], kinds, strict=True):
        for number, (_, member) in enumerate(table[table["network"] == kind].groupby("member")):
            steps = range(len(member))
            colour = PALETTE[number % len(PALETTE)]
            axis.plot(steps, member["loss"], color=colour, lw=0.8, alpha=0.6)
            axis.plot(steps, member["validation_loss"], color=colour, lw=1.4)
        axis.set_yscale("log")
        axis.set_xlabel("epoch, all phases")
        axis.set_title(kind)
    figure.axes[0].set_ylabel("mean absolute error\n(standardised)")
    return figure
