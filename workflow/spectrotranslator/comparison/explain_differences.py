"""Which settings would bring a deviating column closer, as the published catalogue itself tells.

A setting is named where the fingerprint excludes the value that was used. How much of a column's
difference it explains is computed where the difference follows from the setting (how wide
percentiles lie over n realisations, how far members scatter once trimmed, which flags another
selection gives); where it does not, the setting comes last.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from cdstables.layout import Table
from spectrotranslator.config.configuration import Configuration, Method
from spectrotranslator.surveys.derived_columns import SENTINEL_RULE
from spectrotranslator.translation.order_statistics import FRACTIONS, simulate, trimmed_spread

from . import grades
from .grades import CONSISTENT, DEVIATES

REALISATIONS = "montecarlo.realisations"
MEMBERS = "ensemble.members"
EPOCHS = "training.epochs"
MISSING = "montecarlo.missing"
MASKED = "montecarlo.masked"
SELECTION = "selection"
CLASSES = {
    "missing": "columns that the regenerated catalogue lacks",
    "inputs": "inputs differ, with no setting known to cause it",
    "selection": "the training sample differs, with no setting known to cause it",
    "code": "the shape of the percentiles or the text differs, which the code decides",
    "training": "other seeds do not explain these numbers, with no setting known to cause it",
}


def differing_settings(
    fingerprint: dict, configuration: Configuration, method: Method
) -> dict[str, dict]:
    """Setting to the value used, what the published catalogue says, and the stars behind it."""
    answers = fingerprint["answers"]
    found = {}
    for setting, name, used in (
        (REALISATIONS, "realisations", method.montecarlo.realisations),
        (MEMBERS, "members", method.ensemble.members),
        (EPOCHS, "training_length", method.training.epochs),
    ):
        answer = answers[name]
        if not answer["undetermined"]:
            low, high = answer["interval"]
            if not low <= used <= high:
                found[setting] = _line(used, answer["estimate"], answer["interval"])
    found |= _missing(answers["masks"], method)
    answer, used = answers["selection"], configuration.selection
    ours = configuration.training_sample == "ours"
    if not answer["undetermined"] and ours and answer["estimate"] != used:
        wrong = {}
        for line in answer["evidence"]["ranking"]:
            wrong.setdefault(line["selection"], line["contradicted_by"])
        stars = wrong.get(used)
        found[SELECTION] = _line(used, answer["estimate"], answer["interval"], stars)
    return found


def _line(used, estimate, interval, stars: int | None = None) -> dict:
    return {"used": used, "published": estimate, "interval": interval, "stars": stars}


def _missing(answer: dict, method: Method) -> dict[str, dict]:
    """Whether -9999 and flagged values were treated as they are here."""
    if answer["undetermined"]:
        return {}
    found = {}
    settings = method.montecarlo
    alone = answer["evidence"]["alone"]
    theirs = "sentinels too" if SENTINEL_RULE in answer["estimate"] else "not finite"
    if theirs != settings.missing and SENTINEL_RULE not in answer["evidence"]["untold"]:
        found[MISSING] = _line(settings.missing, theirs, [theirs], alone[SENTINEL_RULE][0])
    flags = {rule.removesuffix(" != 0") for rule in answer["estimate"] if rule.endswith(" != 0")}
    ours = {flag for flag in settings.masked.values() if f"{flag} != 0" in alone}
    if flags != ours:
        stars = sum(alone[f"{flag} != 0"][0] for flag in flags ^ ours)
        found[MASKED] = _line(sorted(ours), sorted(flags), [sorted(flags)], stars)
    return found


def explain(columns: Mapping[str, dict], layout: Table, differing: Mapping[str, dict]) -> dict:
    """Label of every column that is not equivalent to its settings, the best explained first.

    Each line holds the setting, the value used, the published one, and ``explains``: the share of
    the difference that follows from the setting, none where it cannot be computed.
    """
    values = {column.label: column.value or {} for column in layout.columns}
    found = {}
    for label, column in columns.items():
        if column["grade"] not in (CONSISTENT, DEVIATES):
            continue
        lines = []
        for setting, line in differing.items():
            if _touches(setting, values.get(label, {})):
                share = _explained(setting, line, column, values[label])
                lines.append({"setting": setting, **line, "explains": share})
        found[label] = sorted(lines, key=lambda one: -1 if one["explains"] is None
                              else one["explains"], reverse=True)  # fmt: skip
    return found


def overview(explained: Mapping[str, list[dict]]) -> list[dict]:
    """Settings over all columns: how many they touch, best explained first."""
    settings: dict[str, dict] = {}
    for label, lines in explained.items():
        for line in lines:
            entry = settings.setdefault(
                line["setting"],
                {k: line[k] for k in ("setting", "used", "published", "interval", "stars")}
                | {"columns": [], "explains": 0.0},
            )
            entry["columns"].append(label)
            entry["explains"] += line["explains"] or 0.0
    return sorted(settings.values(), key=lambda one: (-one["explains"], -len(one["columns"])))


def causes(diff: Mapping) -> list[str]:
    """Likely causes of what deviates in one catalogue, in sentences, the best supported first.

    First what holds for whole rows, then settings that the published catalogue itself excludes,
    then columns that must match exactly and that no such setting touches, then the rest by class.

    Parameters
    ----------
    diff : mapping
        ``diff.json`` with its ``explain``.
    """
    if diff["grade"] not in (CONSISTENT, DEVIATES, grades.MISSING):
        return []
    rows, settings = diff["rows"], diff["explain"]["settings"]
    found = [*diff["layout"], rows["reason"]] if rows["grade"] == DEVIATES else []
    told = {label for line in settings for label in line["columns"]}
    found = [*dict.fromkeys(found), *map(_setting_in_words, settings)]
    left: dict[str, list[str]] = {}
    for label, column in diff["columns"].items():
        if label in told or label in diff["by_chance"]:
            continue
        if column["grade"] == grades.MISSING:
            left.setdefault("missing", []).append(label)
        elif column["grade"] == DEVIATES:
            left.setdefault(column["class"], []).append(label)
    order = ("missing", "inputs", "selection", "code", "training")
    for kind in sorted(left, key=order.index):
        found.append(f"{_class_in_words(kind, diff)}: {', '.join(left[kind])}")
    return found


def _class_in_words(kind: str, diff: Mapping) -> str:
    """What a class of columns means, with the setting that the fingerprint could not give."""
    adopted = diff.get("adopted", [])
    untold = {line["setting"]: line["undetermined"] for line in adopted if line["undetermined"]}
    if kind == "selection" and SELECTION in untold:
        return f"the training sample differs, as the selection is not known ({untold[SELECTION]})"
    if kind == "training" and EPOCHS in untold:
        return (
            "neither other seeds nor comparison.choices explain these numbers; training.epochs, "
            "which the published catalogue does not tell, may"
        )
    return CLASSES[kind]


def _setting_in_words(line: Mapping) -> str:
    count = len(line["columns"])
    share = line["explains"] / count
    much = f"accounts for {100 * share:.0f}% of what" if share else "may account for part of what"
    return (
        f"{line['setting']} is {line['published']} in the published catalogue and {line['used']} "
        f"here: {much} differs in {count} {'column' if count == 1 else 'columns'}"
    )


def _touches(setting: str, value: dict) -> bool:
    """Whether a setting can change what fills a column."""
    flag, statistic = value.get("flag", ""), value.get("statistic")
    if "identifier" in value:
        return False
    if setting in (MISSING, MASKED):
        return True
    if setting == SELECTION:
        return not flag.startswith("missing")
    if flag or "comment" in value:
        return setting != MEMBERS and (flag.startswith("output") or "comment" in value)
    if setting == REALISATIONS:
        return statistic != "systematic"
    return True


def _explained(setting: str, line: dict, column: dict, value: dict) -> float | None:
    if "flag" in value or "comment" in value:
        return _of_flags(setting, line, column, value)
    statistics = column.get("statistics", {})
    if setting == REALISATIONS and "offset" in statistics:
        expected = _offset(line["used"], value["statistic"]) - _offset(
            line["published"], value["statistic"]
        )
        return _share(statistics["offset"], expected)
    if setting == MEMBERS and value.get("statistic") == "systematic" and statistics:
        spreads = [trimmed_spread(line[side])[0] for side in ("used", "published")]
        return _share(statistics["bias"], spreads[0] - spreads[1])
    return None


def _of_flags(setting: str, line: dict, column: dict, value: dict) -> float | None:
    """Stars behind the setting over rows that differ, where the flag follows from the inputs."""
    follows = value.get("flag", "").startswith(
        ("missing",) if setting in (MISSING, MASKED) else ("input",)
    )
    differing = column.get("true_false", 0) + column.get("false_true", 0)
    if not follows or not differing or line["stars"] is None:
        return None
    return min(1.0, line["stars"] / differing)


def _share(observed: float, expected: float) -> float:
    """How much nearer zero a difference would be without the expected part; 0: not at all."""
    if observed == 0:
        return 0.0
    return float(max(0.0, 1 - abs(observed - expected) / abs(observed)))


@lru_cache(maxsize=32)
def _offset(realisations: int, statistic: str) -> float:
    """Logarithm of the median distance of a percentile to the median, in units of the noise."""
    fraction = float(statistic.removeprefix("p")) / 100
    place = int(np.argmin(np.abs(FRACTIONS - fraction)))
    drawn = simulate(realisations, 20_000, np.random.default_rng(realisations))
    return float(np.log(np.median(np.abs(drawn[:, place] - drawn[:, 2]))))
