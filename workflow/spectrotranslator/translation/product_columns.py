"""What every column of a catalogue is: unit, words and unified content descriptor (UCD)."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

from cdstables.layout import Column, Table
from spectrotranslator.config import Configuration
from spectrotranslator.config.configuration import Direction, Feature, NetworkKind

from .residual_percentiles import FROM_RESIDUALS, kinds_from_residuals

#: What the flag of a label says where the star is not fit for use.
FLAG_BITS = {
    1: "the survey's own cuts do not hold",
    2: "an input of the network is missing",
    4: "inputs outside the training stars in a pair of inputs",
    8: "outputs outside the training stars in a pair of outputs",
    16: "far from all training stars in all inputs together",
    32: "there is no value",
}
_ENDS = {True: "stat.min", False: "stat.max"}


@dataclass(frozen=True)
class Description:
    """Words for a column; ``unit`` in the notation of the CDS, ``---`` for none.

    References
    ----------
    IVOA Recommendation, UCD1+ controlled vocabulary, version 1.5.
    """

    text: str
    ucd: str
    unit: str = "---"


def cds_unit(unit: str) -> str:
    """A configured unit in the notation of the CDS: ``dex(cm/s2)`` is ``[cm/s2]``."""
    if unit == "dex":
        return "[-]"
    if unit.startswith("dex("):
        return f"[{unit[4:-1]}]"
    return unit or "---"


def configured_unit(unit: str) -> str:
    """A unit in the notation of the CDS as a configuration writes it, empty for none."""
    if unit == "[-]":
        return "dex"
    if unit.startswith("["):
        return f"dex({unit[1:-1]})"
    return "" if unit == "---" else unit


def catalogue_descriptions(
    configuration: Configuration,
    method: str,
    direction: str,
    layout: Table | None,
    from_residuals: Collection[str] | None = None,
) -> dict[str, Description]:
    """Column to what it is, for the catalogue of one direction.

    Parameters
    ----------
    configuration : Configuration
        The resolved configuration.
    method, direction : str
        Names of what made the catalogue.
    layout : Table or None
        The published layout, whose columns are described in its own words.
    from_residuals : collection of str, optional
        Networks whose percentiles come from residuals; by default those that the configuration
        makes so.
    """
    chosen = configuration.directions[direction]
    origin = configuration.surveys[chosen.origin].title
    target = configuration.surveys[chosen.target]
    found = _rows(origin, "identifier" if layout is None else None)
    settings = configuration.methods[method]
    residual = from_residuals
    if residual is None:
        residual = kinds_from_residuals(configuration, method, direction)
    for kind, network in chosen.networks.items():
        for label in network.outputs:
            feature = target.features[label]
            why = f", {FROM_RESIDUALS}" if kind in residual else ""
            found |= _label(label, feature, target.title, settings.montecarlo.percentiles, why)
            found |= _members(label, feature, settings.ensemble.trained)
        found |= correlations(network.outputs)
        found |= _flags(kind, network)
    if layout is not None:
        found |= {
            column.label: _of_layout(column, chosen, configuration) for column in layout.named
        }
    return found


def _rows(origin: str, identifier: str | None) -> dict[str, Description]:
    found = {
        "row": Description(f"Row (from 0) of the star in the table of {origin}", "meta.record"),
        "key": Description(f"Key of the row in {origin}; the noise of its inputs hangs on it",
                           "meta.id"),
        "ra": Description(f"Right ascension of {origin}", "pos.eq.ra;meta.main", "deg"),
        "dec": Description(f"Declination of {origin}", "pos.eq.dec;meta.main", "deg"),
        "comment": Description("Reasons why a quality flag is false", "meta.note"),
        "full_comment": Description("Reasons why a quality flag is false, whole", "meta.note"),
    }  # fmt: skip
    if identifier:
        found[identifier] = Description(f"Identifier of the star in {origin}", "meta.id;meta.main")
        found["source_id"] = Description("Identifier of the source in Gaia (source_id)", "meta.id")
    return found


def words(label: str, feature: Feature) -> str:
    """What a label is, in the configuration's words or by its name."""
    return feature.description or label


def _label(
    label: str, feature: Feature, target: str, percentiles: list[float], why: str
) -> dict[str, Description]:
    unit, base = cds_unit(feature.unit), f"{words(label, feature)}, on the base of {target}"
    found = {
        f"{label}_systematic": Description(
            f"{words(label, feature)}: scatter between the networks of the ensemble",
            f"stat.error.sys;{feature.ucd}",
            unit,
        )
    }
    for p in percentiles:
        ucd = f"{feature.ucd};{_end(p)}"
        found[f"{label}_p{p:g}"] = Description(f"{base}, percentile {p:g}{why}", ucd, unit)
        found[f"{label}_predictive_p{p:g}"] = Description(
            f"{base}: percentile {p:g} of what the survey would measure, its error included",
            ucd,
            unit,
        )
    return found


def _end(percentile: float) -> str:
    return "stat.median" if percentile == 50 else _ENDS[percentile < 50]


def _members(label: str, feature: Feature, members: int) -> dict[str, Description]:
    return {
        f"{label}_member_{member}": Description(
            f"{words(label, feature)}: prediction of network {member} for the inputs as they are",
            feature.ucd,
            cds_unit(feature.unit),
        )
        for member in range(members)
    }


def correlations(labels: list[str]) -> dict[str, Description]:
    """Columns with the correlation of every pair of labels that one network translates."""
    return {
        f"{a}_{b}_correlation": Description(
            f"Correlation of the translated {a} and {b}, of input noise and networks",
            "stat.correlation",
        )
        for a, b in combinations(labels, 2)
    }


def _flags(kind: str, network: NetworkKind) -> dict[str, Description]:
    inside = f"of the {kind} network lie within its training stars, pair by pair"
    found = {
        f"missing_{kind}": Description(
            f"true where the {kind} network lacked an input", "meta.code"
        ),
        f"input_{kind}": Description(f"true where all inputs {inside}", "meta.code.qual"),
        f"output_{kind}": Description(f"true where all outputs {inside}", "meta.code.qual"),
        f"distance_{kind}": Description(
            f"Distance to the nearest training stars in all inputs of the {kind} network, in "
            "standard deviations",
            "stat.value",
        ),
        f"joint_{kind}": Description(
            f"true where that distance is one that training stars of the {kind} network have",
            "meta.code.qual",
        ),
    }
    for side, features in (("input", network.inputs), ("output", network.outputs)):
        pairs = (f"{a} and {b}" for a, b in combinations(features, 2))
        bits = ", ".join(f"{bit}: {pair}" for bit, pair in enumerate(pairs))
        found[f"reasons_{side}_{kind}"] = Description(
            f"pairs outside the training stars, by bit: {bits or 'none'}", "meta.code.multip"
        )
    return found


def _of_layout(column: Column, direction: Direction, configuration: Configuration) -> Description:
    value = column.value or {}
    if "label" not in value:
        return Description(column.explanation, _ucd_of(value), column.unit)
    feature = configuration.surveys[direction.target].features[value["label"]]
    statistic = value["statistic"]
    if statistic == "systematic":
        ucd = f"stat.error.sys;{feature.ucd}"
    else:
        ucd = f"{feature.ucd};{_end(float(statistic[1:]))}"
    return Description(column.explanation, ucd, cds_unit(feature.unit))


def _ucd_of(value: dict) -> str:
    if "identifier" in value:
        return "meta.id" if value["identifier"] == "source_id" else "meta.id;meta.main"
    return "meta.code.qual" if "flag" in value else "meta.note"


def magnitudes(configuration: Configuration, direction: Direction) -> dict[str, Description]:
    """Magnitudes behind the colours of a direction's surveys, and their errors."""
    found = {}
    for survey in (direction.target, direction.origin):
        for feature in configuration.surveys[survey].features.values():
            for name in feature.difference or ():
                unit = cds_unit(feature.unit)
                found[name] = Description(f"Magnitude {name}", "phot.mag", unit)
                found[f"{name}_error"] = Description(
                    f"Error of the magnitude {name}", "stat.error;phot.mag", unit
                )
    return found


def survey_columns(configuration: Configuration, survey: str) -> dict[str, str]:
    """Column of a homogenised catalogue to the column of a survey's stars that it shows."""
    chosen = configuration.surveys[survey]
    kept = [name for name in chosen.keep if name != chosen.snr]
    signal = {f"{survey}_snr": "snr"} if chosen.snr else {}
    return signal | {f"{survey}_{name}": name for name in kept}


def homogenised_descriptions(
    configuration: Configuration, direction: Direction
) -> dict[str, Description]:
    """Column to what it is, for the homogenised catalogue on the base of a direction's target.

    Parameters
    ----------
    configuration : Configuration
        The resolved configuration.
    direction : Direction
        The direction that leads to the base.
    """
    origin, target = (configuration.surveys[s].title for s in (direction.origin, direction.target))
    found = _star(direction, origin, target) | magnitudes(configuration, direction)
    for survey in (direction.target, direction.origin):
        title, signal = configuration.surveys[survey].title, f"{survey}_snr"
        for name, column in survey_columns(configuration, survey).items():
            found[name] = (
                Description(f"Signal to noise in {title}", "stat.snr")
                if name == signal
                else Description(f"{column} of {title}", "meta.code")
            )
    for network in direction.networks.values():
        owns = network.inputs[network.corrected]
        for label, own in zip(network.outputs, owns, strict=True):
            feature = configuration.surveys[direction.target].features[label]
            own_feature = configuration.surveys[direction.origin].features[own]
            found |= _homogenised_label(label, feature, target)
            found |= _own(label, own, own_feature, origin)
        found |= correlations(network.outputs)
    return found


def _star(direction: Direction, origin: str, target: str) -> dict[str, Description]:
    distance = f"Distance, of {target} where it has one, else of {origin}"
    return {
        "source_id": Description(
            "Identifier of the source in Gaia (source_id)", "meta.id;meta.main"
        ),
        "key": Description("Key of the star in both surveys", "meta.id;meta.main"),
        "star": Description(
            f"Key of the star in {target}, or 'unmatched' and its key in {origin}",
            "meta.id;meta.main",
        ),
        "origin": Description("Survey whose values stand", "meta.id"),
        "measured": Description(
            f"true where {target} measured the star, all labels of it or "
            "all there are; false where they are translated",
            "meta.code",
        ),
        f"{direction.origin}_identifier": Description(
            f"Identifier of the star in {origin}", "meta.id"
        ),
        f"{direction.target}_identifier": Description(
            f"Identifier of the star in {target}", "meta.id"
        ),
        f"{direction.origin}_row": Description(
            f"Row (from 0) in the table of {origin}", "meta.record"
        ),
        f"{direction.target}_row": Description(
            f"Row (from 0) in the table of {target}", "meta.record"
        ),
        "ra": Description("Right ascension", "pos.eq.ra;meta.main", "deg"),
        "dec": Description("Declination", "pos.eq.dec;meta.main", "deg"),
        "healpix29": Description(
            "HEALPix number of order 29, nested, equatorial; shifted right "
            "by 2(29-k) bits it is that of order k",
            "pos.healpix",
        ),
        "distance": Description(distance, "pos.distance", "pc"),
        "distance_low": Description(f"{distance}, 16th percentile", "pos.distance;stat.min", "pc"),
        "distance_high": Description(f"{distance}, 84th percentile", "pos.distance;stat.max", "pc"),
        "recommended": Description("true where every label is recommended", "meta.code.qual"),
    }


def _homogenised_label(label: str, feature: Feature, target: str) -> dict[str, Description]:
    unit, ucd = cds_unit(feature.unit), feature.ucd
    base = f"{words(label, feature)}, on the base of {target}"
    bits = ", ".join(f"{bit}: {meaning}" for bit, meaning in FLAG_BITS.items())
    return {
        label: Description(base, ucd, unit),
        f"{label}_error": Description(
            f"Error: measured, that which {target} states; translated, half the interval, with the "
            "scatter of the networks where the interval lacks it",
            f"stat.error;{ucd}",
            unit,
        ),
        f"{label}_low": Description(
            "Lower end of the interval: measured, the value less its error; translated, the 16th "
            "percentile of the value",
            f"{ucd};stat.min",
            unit,
        ),
        f"{label}_high": Description(
            "Upper end of the interval: measured, the value and its error; translated, the 84th "
            "percentile of the value",
            f"{ucd};stat.max",
            unit,
        ),
        f"{label}_measured": Description(
            f"true where {target} measured {label}, false where it is translated or there is none",
            "meta.code",
        ),
        f"{label}_flag": Description(f"0 where {label} is good, else by bit {bits}", "meta.code"),
        f"{label}_recommended": Description(
            f"true where there is a {label} whose flag is 0", "meta.code.qual"
        ),
        f"{label}_translated": Description(
            f"{base}: the translation, also where measured", ucd, unit
        ),
    }


def _own(label: str, own: str, feature: Feature, origin: str) -> dict[str, Description]:
    unit, text = cds_unit(feature.unit), f"{words(own, feature)} ({own}) as {origin} measured it"
    return {
        f"{label}_own": Description(text, feature.ucd, unit),
        f"{label}_own_error": Description(
            f"Error of {own} as {origin} states it", f"stat.error;{feature.ucd}", unit
        ),
    }
