"""The grade ``consistent``: inside the spread over the choices that are marked unknown.

The spread is measured: replicates under each alternative are held against replicates as
configured, and each statistic's least and largest value over all of them is kept.
"""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from cdstables.layout import Table
from spectrotranslator.comparison.grades import CONSISTENT, DENIAL, DEVIATES, Grade, Tolerance
from spectrotranslator.comparison.grading_statistics import grading_statistics
from spectrotranslator.comparison.percentile_groups import find_groups
from spectrotranslator.comparison.read_catalogues import number_labels
from spectrotranslator.config import Configuration
from spectrotranslator.config.method_settings import changed_method
from spectrotranslator.errors import InputError

Ranges = dict[str, Sequence[float]]


def with_choice(configuration: Configuration, name: str) -> Configuration:
    """The configuration with one of ``comparison.choices`` in place of what the method has.

    Raises
    ------
    InputError
        The choice names a setting that a method has not, or a value it refuses.
    """
    compared = configuration.comparison.method
    choices = configuration.comparison.choices
    try:
        method = changed_method(configuration.methods[compared], choices[name])
    except ValueError as error:
        raise InputError(f"comparison.choices.{name}: {error}") from None
    return configuration.model_copy(update={"methods": {**configuration.methods, compared: method}})


def spread_over_choices(
    replicates: Sequence[pd.DataFrame], choices: Mapping[str, pd.DataFrame], table: Table
) -> dict[str, Ranges]:
    """Least and largest of every statistic of a column, an alternative against a replicate run.

    The alternative stands for the published side.
    """
    groups = find_groups(number_labels(table))
    return joined_ranges(
        {
            label: {name: [value, value] for name, value in values.items()}
            for label, values in grading_statistics(alternative, replicate, groups).items()
        }
        for alternative in choices.values()
        for replicate in replicates
    )


def joined_ranges(several: Iterable[Mapping[str, Ranges]]) -> dict[str, Ranges]:
    """The least lower and the greatest upper end of every column's statistics."""
    found: dict[str, Ranges] = {}
    for columns in several:
        for label, ranges in columns.items():
            for name, (low, high) in ranges.items():
                least, greatest = found.setdefault(label, {}).setdefault(name, [low, high])
                found[label][name] = [min(least, low), max(greatest, high)]
    return found


def share_within_choices(
    graded: Grade, differing: int, matched: int, ends: Sequence[float] | None
) -> Grade:
    """``consistent`` where no more rows differ than between selections that nothing tells apart.

    Parameters
    ----------
    graded : Grade
        The grade without regard to them.
    differing, matched : int
        Rows that differ, of all that were compared.
    ends : list of float or None
        Least and largest square root of the share of rows that differ between such selections.
    """
    if graded.grade != DEVIATES or not ends or differing / matched > ends[1] ** 2:
        return graded
    told = "inside the spread over selections that the published catalogue does not tell apart"
    return Grade(CONSISTENT, f"{graded.reason}; {told}")


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
