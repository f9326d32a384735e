"""Do the percentiles hold what they promise, and what the spread of the ensemble is worth."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from spectrotranslator.config.configuration import Feature
from spectrotranslator.evaluation.residual_statistics import robust_scatter

from .style import GREY, PALETTE, Drawn, labelled, panels

PULLS = np.linspace(-5, 5, 51)
BINS = 6


def draw_calibration(direction: str, evaluation: dict, stars: dict[str, pd.DataFrame]) -> Drawn:
    """Coverage of the percentiles by label, and the pulls star by star, for every method."""
    labels = list(evaluation["labels"])
    figure, axes = panels(
        2,
        -(-(len(labels) + 1) // 2),
        size=(2.4, 1.8),
        gap=(0.7, 0.95),
        margin=(0.75, 0.2, 0.55, 0.6),
    )
    _coverage(axes.flat[0], evaluation, list(stars))
    tables = []
    for axis, label in zip(axes.flat[1:], labels, strict=False):
        tables.append(_pulls(axis, label, stars))
    for axis in axes.flat[len(labels) + 1 :]:
        axis.set_axis_off()
    axes.flat[0].legend(fontsize=8, loc="upper left", bbox_to_anchor=(-0.15, 1.3), ncols=2)
    return Drawn(
        f"calibration-{direction}",
        f"Percentiles of {direction}",
        "First panel: within the 16-84% (circles, lower line) and 5-95% percentiles (squares, "
        "upper line), open, the share of labels; filled, the share of true values that residuals "
        "and the labels' catalogue errors imply, with its 95% interval: long where labels are much "
        "noisier than the translation, and off where their errors are. Filled points below their "
        "line: intervals too narrow. "
        "Other panels: (label minus median) over its whole error, star by star, against a normal "
        "distribution (black). A histogram wider than the curve says that the errors are too "
        "small; label noise may hide that.",
        figure,
        pd.concat(tables, ignore_index=True),
    )


def _coverage(axis: Axes, evaluation: dict, methods: list[str]) -> None:
    labels = list(evaluation["labels"])
    for number, method in enumerate(methods):
        shift = 0.24 * (number - (len(methods) - 1) / 2)
        colour = PALETTE[number % len(PALETTE)]
        for i, label in enumerate(labels):
            told = evaluation["labels"][label]["intervals"].get(method)
            if told is None:
                continue
            name = method if i == 0 else None
            for width, mark in (("16-84", "o"), ("5-95", "s")):
                share, implied = told["coverage"][width]["label"], told["implied"][width]
                at = {"color": colour, "marker": mark, "ms": 5, "ls": "none"}
                axis.plot(i + shift, share, mfc="none", label=None if implied else name, **at)
                if implied:
                    axis.plot(i + shift, implied["value"], label=name, **at)
                    axis.vlines(i + shift, *implied["interval"], color=colour, lw=1)
                name = None
    for share in (0.68, 0.90):
        axis.axhline(share, color="black", lw=0.8, ls="--", zorder=0)
    axis.set_xticks(range(len(labels)), labels, rotation=45, ha="right", fontsize=8)
    axis.set_ylim(0, 1.02)
    axis.set_ylabel("share within")


def _pulls(axis: Axes, label: str, stars: dict[str, pd.DataFrame]) -> pd.DataFrame:
    middle = (PULLS[1:] + PULLS[:-1]) / 2
    data = {"label": label, "pull": middle}
    for number, (method, every) in enumerate(stars.items()):
        table = every[every["label"] == label]
        whole = np.hypot((table["high"] - table["low"]) / 2, table["error"])
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = ((table["target"] - table["after"]) / whole).to_numpy()
        pull = pull[np.isfinite(pull)]
        share = np.histogram(pull, PULLS)[0] / max(len(pull), 1) / (PULLS[1] - PULLS[0])
        axis.stairs(share, PULLS, color=PALETTE[number % len(PALETTE)], lw=1.5)
        data[method] = share
    axis.plot(middle, np.exp(-(middle**2) / 2) / np.sqrt(2 * np.pi), color="black", lw=1)
    axis.set_title(label)
    axis.set_xlabel("pull")
    axis.set_ylabel("density")
    return pd.DataFrame(data)


def draw_spread(
    direction: str, stars: dict[str, pd.DataFrame], features: dict[str, Feature]
) -> Drawn:
    """True scatter of the residual against the scatter of the members, in bins of equal number."""
    table = spread(stars)
    labels = list(dict.fromkeys(table["label"]))
    figure, axes = panels(
        1,
        len(labels),
        size=(1.6, 1.6),
        gap=(0.6, 0.6),
        margin=(0.8, 0.15, 0.55, 0.65),
        label_left=0.55,
    )
    for axis, label in zip(axes[0], labels, strict=True):
        for number, method in enumerate(stars):
            mine = table[(table["label"] == label) & (table["method"] == method)]
            colour = PALETTE[number % len(PALETTE)]
            axis.plot(mine["systematic"], mine["scatter"], "o-", ms=4, color=colour, label=method)
        both = table.loc[table["label"] == label, ["systematic", "scatter"]].to_numpy()
        both = both[both > 0]
        if len(both):
            ends = [both.min() / 1.3, both.max() * 1.3]
            axis.plot(ends, ends, color=GREY, lw=0.8, ls="--")
        unit = features[label].unit
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.minorticks_off()
        axis.set_xlabel(labelled("members", unit))
        axis.set_title(label)
    axes[0, 0].set_ylabel("scatter of residuals")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper center", ncols=len(names), fontsize=9)
    return Drawn(
        f"spread-{direction}",
        f"Spread of the ensemble, {direction}",
        "Scatter of the residuals (robust) of stars grouped by the scatter of their members. A "
        "rising line: the ensemble knows which stars it translates badly. Above the dashed line: "
        "its spread is less than the true error, since noise of inputs and labels is not in it.",
        figure,
        table,
    )


def spread(stars: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A line a method, label and bin: median scatter of the members, scatter of residuals."""
    lines = []
    for method, every in stars.items():
        for label, table in every.groupby("label", sort=False):
            order = np.argsort(table["systematic"].to_numpy(), kind="stable")
            residual = (table["after"] - table["target"]).to_numpy()
            for rows in np.array_split(order, BINS):
                if len(rows) >= 5:
                    lines.append(
                        {
                            "label": label,
                            "method": method,
                            "stars": len(rows),
                            "systematic": float(np.median(table["systematic"].to_numpy()[rows])),
                            "scatter": robust_scatter(residual[rows]),
                        }
                    )
    return pd.DataFrame(lines, columns=["label", "method", "stars", "systematic", "scatter"])
