"""The grade ``consistent``: inside the spread over the choices that are marked unknown.

The spread is measured: replicates under each alternative are held against replicates as
configured, and each statistic's least and largest value over all of them is kept.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from cdstables.layout import Table
from spectrotranslator.comparison.grades import CONSISTENT, DENIAL, DEVIATES, Grade, Tolerance
from spectrotranslator.comparison.grading_statistics import grading_statistics
from spectrotranslator.comparison.percentile_groups import find_groups
from spectrotranslator.comparison.read_catalogues import number_labels
from spectrotranslator.config import Configuration
from spectrotranslator.config.configuration import Method
from spectrotranslator.errors import InputError

Ranges = dict[str, list[float]]


def with_choice(configuration: Configuration, name: str) -> Configuration:
    """The configuration with one of ``comparison.choices`` in place of what the method has.

    Raises
    ------
    InputError
        The choice names a setting that a method has not, or a value it refuses.
    """
    compared = configuration.comparison.method
    value = configuration.methods[compared].model_dump(mode="json")
    for setting, chosen in configuration.comparison.choices[name].items():
        section, _, key = setting.partition(".")
        if key not in value.get(section, {}):
            raise InputError(f"comparison.choices.{name}: a method has no setting {setting!r}")
        value[section][key] = chosen
    try:
        method = Method.model_validate(value)
    except ValueError as error:
        raise InputError(f"comparison.choices.{name}: {error}") from None
    return configuration.model_copy(update={"methods": {**configuration.methods, compared: method}})


def spread_over_choices(
    replicates: Sequence[pd.DataFrame], choices: Mapping[str, pd.DataFrame], table: Table
) -> dict[str, Ranges]:
    """Least and largest of every statistic of a column, an alternative against a replicate run.

    The alternative stands for the published side.
    """
    found: dict[str, Ranges] = {}
    groups = find_groups(number_labels(table))
    for alternative in choices.values():
        for replicate in replicates:
            for label, values in grading_statistics(alternative, replicate, groups).items():
                for name, value in values.items():
                    low, high = found.setdefault(label, {}).setdefault(name, [value, value])
                    found[label][name] = [min(low, value), max(high, value)]
    return found


def within_choices(
    graded: Grade,
    statistics: Mapping[str, float],
    tolerances: Mapping[str, Tolerance] | None,
    ranges: Ranges | None,
) -> Grade:
    """``consistent`` where every statistic that denies ``equivalent`` is what a choice can give.

    The scatter between replicates is allowed for beyond the ends of the spread.
    """
    if graded.grade != DEVIATES or not tolerances or not ranges:
        return graded
    tests = len(statistics)
    for name, value in statistics.items():
        if tolerances[name].probability(value) * tests >= DENIAL:
            continue
        margin = tolerances[name].detectable(tests)
        low, high = ranges.get(name, (value + 2 * margin, value - 2 * margin))
        if not low - margin <= value <= high + margin:
            return graded
    return Grade(CONSISTENT, f"{graded.reason}; inside the spread over unknown choices")
