"""Grades: is a column what an independent execution of the same method would give?

The tolerance is the scatter between executions. For a statistic with mean m and standard
deviation s over pairs of K executions, the published-regenerated pair is a draw from the same
distribution: (x - m) / (s sqrt(1 + 1/K)) follows Student's t with K - 1 degrees of freedom.
"""

from dataclasses import asdict, dataclass
from math import expm1, sqrt

from scipy.special import stdtr, stdtrit

from ..errors import InputError

IDENTICAL, EQUIVALENT, CONSISTENT = "identical", "equivalent", "consistent"
DEVIATES, MISSING = "deviates", "missing"
ORDER = (IDENTICAL, EQUIVALENT, CONSISTENT, DEVIATES, MISSING)
DENIAL = 0.01


@dataclass(frozen=True)
class Grade:
    """A column's grade, why, and for ``deviates`` its class."""

    grade: str
    reason: str
    kind: str | None = None

    def as_dict(self) -> dict:
        """For JSON; the class goes under its own name."""
        value = asdict(self)
        value["class"] = value.pop("kind")
        return value


@dataclass(frozen=True)
class Tolerance:
    """Mean and standard deviation of one statistic over pairs of ``executions`` executions."""

    mean: float
    std: float
    executions: int

    def probability(self, value: float) -> float:
        """How likely a pair of executions lies at least as far from the mean."""
        if self.std == 0:
            return 1.0 if value == self.mean else 0.0
        pull = abs(value - self.mean) / (self.std * sqrt(1 + 1 / self.executions))
        return float(2 * stdtr(self.executions - 1, -pull))

    def detectable(self, tests: int) -> float:
        """Distance from the mean at which a statistic is called deviating."""
        pull = -stdtrit(self.executions - 1, DENIAL / tests / 2)
        return float(pull * self.std * sqrt(1 + 1 / self.executions))


def grade_numbers(
    statistics: dict[str, float],
    tolerances: dict[str, Tolerance] | None,
    tests: int,
    logarithmic: bool = False,
) -> Grade:
    """Grade of a numeric column from its statistics; ``tests`` is how many are made in all.

    ``logarithmic`` says that the column's bias is one of its logarithm.
    """
    if tolerances is None:
        return Grade(
            DEVIATES,
            "differs, and no tolerances are given (./reproduce calibrate makes them)",
            "training",
        )
    if lacking := set(statistics) - set(tolerances):
        raise InputError(f"the tolerances hold no {min(lacking)!r}: ./reproduce calibrate again")
    chances = {name: tolerances[name].probability(value) for name, value in statistics.items()}
    worst = min(chances, key=chances.__getitem__)
    figures = _in_words(worst, statistics[worst], tolerances[worst], logarithmic)
    if chances[worst] * tests >= DENIAL:
        return Grade(EQUIVALENT, figures)
    kind = "code" if worst in ("offset", "shape") else "training"
    return Grade(DEVIATES, figures, kind)


def _in_words(name: str, value: float, tolerance: Tolerance, logarithmic: bool) -> str:
    if name == "bias" and not logarithmic:
        return f"shifted by {value:.3g}; two executions by 0 ± {tolerance.std:.2g}"
    change, between = (f"{100 * expm1(v):+.1f}%" for v in (value - tolerance.mean, tolerance.std))
    what = {
        "bias": "values changed by",
        "scatter": "scatter against that between two executions",
        "offset": "distance to the median changed by",
        "shape": "distance to the median, against the other percentiles', changed by",
    }[name]
    return f"{what} {change}; two executions ± {between[1:]}"


def grade_share(
    differing: int, matched: int, tolerance: Tolerance | None, tests: int, kind: str
) -> Grade:
    """Grade of a flag or comment column from the number of rows that differ.

    Without a tolerance the column must match exactly.
    """
    if differing == 0:
        return Grade(IDENTICAL, f"all {matched} rows agree")
    figures = f"{differing} of {matched} rows differ"
    if tolerance is None:
        return Grade(DEVIATES, f"{figures}, and none may", kind)
    share = sqrt(differing / matched)
    if share <= tolerance.mean or tolerance.probability(share) * tests >= DENIAL:
        return Grade(EQUIVALENT, f"{figures}, as between two executions")
    expected = tolerance.mean**2 * matched
    return Grade(DEVIATES, f"{figures}, about {expected:.0f} between two executions", kind)


def worst(grades: list[str]) -> str:
    """The overall grade: the worst of its parts."""
    return max(grades, key=ORDER.index)
