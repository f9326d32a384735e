"""What every column of a translation holds: unit, description and UCD.

References
----------
IVOA Recommendation 1.5 (2023), The UCD1+ controlled vocabulary. Bounds of an interval are
``stat.min`` and ``stat.max``, as in Gaia's archive.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from spectrotranslator.config.configuration import Configuration, Direction

UCDS = {
    "K": "phys.temperature.effective",
    "dex(cm/s2)": "phys.gravity",
    "dex": "phys.abund",
    "km/s": "spect.dopplerVeloc",
    "mag": "phot.color",
}
FROM_RESIDUALS = (
    "those of a new measurement, from residuals of stars left out of the training, as no input has "
    "an error"
)


@dataclass(frozen=True)
class Description:
    """Unit as astropy writes it (empty: none), a line of text, and a UCD (empty: none)."""

    unit: str
    text: str
    ucd: str


def kinds_from_residuals(configuration: Configuration, method: str, direction: str) -> list[str]:
    """Networks of a method whose percentiles are those of residuals, as no input has an error."""
    chosen = configuration.directions[direction]
    if configuration.methods[method].montecarlo.intervals != "realisations":
        return []
    survey = configuration.surveys[chosen.origin]
    return [k for k, network in chosen.networks.items() if not survey.states_errors(network.inputs)]


def descriptions(
    columns: Iterable[str],
    direction: Direction,
    units: Mapping[str, str],
    base: str,
    from_residuals: Collection[str] = (),
) -> dict[str, Description]:
    """What each of the ``columns`` of a translation holds, of those that are known.

    Parameters
    ----------
    units
        Output to its unit.
    base
        Name of the survey on whose base the outputs are.
    from_residuals
        Kinds of network whose percentiles are those of residuals.
    """
    known = dict(_NAMING)
    for kind, network in direction.networks.items():
        known |= _flags(kind, network.inputs, network.outputs)
    found = {name: known[name] for name in columns if name in known}
    for kind, network in direction.networks.items():
        why = f" ({FROM_RESIDUALS})" if kind in from_residuals else ""
        for output in network.outputs:
            for name in columns:
                if name not in known and name.startswith(f"{output}_"):
                    statistic = name.removeprefix(f"{output}_")
                    told = _statistic(output, statistic, units.get(output, ""), base, why)
                    found |= {name: told} if told else {}
    return found


_NAMING = {
    "row": Description("", "row of the survey's table, from 0", "meta.record"),
    "key": Description("", "what names the row", "meta.id"),
    "identifier": Description("", "the survey's name of the star", "meta.id;meta.main"),
    "source_id": Description("", "Gaia source id, 0 where there is none", "meta.id"),
    "comment": Description("", "what is missing or outside the training range", "meta.note"),
}


def _statistic(output: str, name: str, unit: str, base: str, why: str) -> Description | None:
    ucd = UCDS.get(unit, "")
    kind, _, percentile = name.rpartition("p")
    if kind in ("", "predictive_") and _is_number(percentile):
        what = f"a new measurement of {output}" if kind else output
        bound = {-1: ";stat.min", 0: "", 1: ";stat.max"}[_sign(float(percentile) - 50)]
        text = f"{percentile}th percentile of {what} on the base of {base}{'' if kind else why}"
        return Description(unit, text, ucd and f"{ucd}{bound}")
    if name == "systematic":
        return Description(unit, f"scatter of the networks in {output}", f"stat.stdev;{ucd}")
    head, _, member = name.rpartition("_")
    if head == "member" and member.isdigit():
        return Description(unit, f"{output} by network {member}, inputs unperturbed", ucd)
    return None


def _flags(kind: str, inputs: list[str], outputs: list[str]) -> dict[str, Description]:
    quality = "meta.code.qual"
    return {
        f"missing_{kind}": Description("", f"an input of the {kind} network is missing", quality),
        f"input_{kind}": Description(
            "", "good: all inputs there, every pair of them within the training stars", quality
        ),
        f"output_{kind}": Description(
            "", "good: every pair of outputs within the training stars", quality
        ),
        f"reasons_input_{kind}": Description("", _pairs(inputs), "meta.code"),
        f"reasons_output_{kind}": Description("", _pairs(outputs), "meta.code"),
        f"distance_{kind}": Description(
            "", "distance to the training stars, in standard deviations of the inputs", "stat.value"
        ),
        f"joint_{kind}": Description(
            "", "good: within the training stars in all inputs together", quality
        ),
    }


def _pairs(features: list[str]) -> str:
    bits = (f"{bit}: {a} and {b}" for bit, (a, b) in enumerate(combinations(features, 2)))
    return f"pairs outside, by bit: {', '.join(bits) or 'none'}"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
