"""The difference across the plane as a figure, before and after translation."""

from spectrotranslator.evaluation.asymmetry import WHEN, Asymmetry

from .style import BLUE, GREY, ORANGE, Drawn, labelled, panels


def draw(method: str, base: str, found: Asymmetry, labels: list[str]) -> Drawn:
    """North less south against radius, a row of panels a label, before and after side by side."""
    figure, axes = panels(
        len(labels),
        2,
        size=(3.3, 1.8),
        gap=(0.35, 0.45),
        margin=(0.9, 0.2, 0.55, 0.4),
        label_left=0.62,
        sharex=True,
        sharey="row",
    )
    for row, label in zip(axes, labels, strict=True):
        for axis, when, colour in zip(row, WHEN, (ORANGE, BLUE), strict=True):
            table = found.table
            table = table[(table["when"] == when) & (table["label"] == label)]
            axis.axhline(0, color=GREY, lw=0.8)
            axis.fill_between(table["R"], table["low"], table["high"], color=colour, alpha=0.25)
            axis.errorbar(
                table["R"], table["difference"], table["error"], fmt="o-", ms=4, color=colour
            )
            axis.set_title(f"{label}, {when}: {_claim(found, when, label)}")
        row[0].set_ylabel(labelled("north − south", "dex"))
    for axis in axes[-1]:
        axis.set_xlabel("R [kpc]")
    return Drawn(
        f"asymmetry-{method}-{base}",
        f"North less south of the plane, {method}, base {base}",
        "Recommended stars compared within cells of R, |Z|, azimuth and surface gravity that hold "
        "both sides. Bars: standard errors from a bootstrap of whole fields of the sky, "
        "member-to-member scatter and distance errors together; band: 95% for all radii, elements "
        "and both columns at once. An asymmetry shows as a band that leaves zero; it is claimed "
        "where 99% bands would.",
        figure,
        found.table,
    )


def _claim(found: Asymmetry, when: str, label: str) -> str:
    if found.probability[when, label] is None:
        return "too few stars"
    return "asymmetry claimed" if found.claimed(when, label) else "none claimed"
