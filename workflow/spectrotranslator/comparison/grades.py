"""Grades: whether a column is what an independent replicate of the same method would give.

The tolerance is the scatter between replicates. For a statistic with mean m and standard
deviation s over pairs of K replicates, the published-regenerated pair is a draw from the same
distribution: (x - m) / (s sqrt(1 + 1/K)) follows Student's t with K - 1 degrees of freedom.

A column deviates where an independent replicate would lie as far out with less than 1% chance. Of
many columns some do so by chance: the catalogue as a whole is held to the test of Simes (1986,
Biometrika 73, 751) over all columns, at 1%, which holds for columns that move together. A column
of less than 0.1% chance is never put down to chance, and is named apart.

Statistics that grow with every disagreement (scatter, share of rows that differ) are held to their
upper side alone: two catalogues may lie closer than two replicates.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import expm1, sqrt

from scipy.special import stdtr, stdtrit

from spectrotranslator.errors import InputError

IDENTICAL, EQUIVALENT, CONSISTENT = "identical", "equivalent", "consistent"
DEVIATES, MISSING = "deviates", "missing"
ORDER = (IDENTICAL, EQUIVALENT, CONSISTENT, DEVIATES, MISSING)
SEED = "seed"
DENIAL = 0.01
NEVER_BY_CHANCE = 0.001
ONE_SIDED = ("scatter", "differing")


@dataclass(frozen=True)
class Grade:
    """A column's grade, why, and for ``deviates`` its class.

    ``chance`` is how likely an independent replicate lies at least as far out; None where nothing
    is left to chance.
    """

    grade: str
    reason: str
    kind: str | None = None
    chance: float | None = None

    def as_dict(self) -> dict:
        """For JSON; the class goes under its own name."""
        value = asdict(self)
        value["class"] = value.pop("kind")
        return value


@dataclass(frozen=True)
class Tolerance:
    """Mean and standard deviation of one statistic over pairs of ``replicates`` replicates.

    ``one_sided`` says that a value below the mean can only mean better agreement.
    """

    mean: float
    std: float
    replicates: int
    one_sided: bool = False

    def probability(self, value: float) -> float:
        """How likely a pair of replicates lies at least as far from the mean, or above it."""
        distance = value - self.mean
        if not self.one_sided:
            distance = abs(distance)
        if self.std == 0:
            return 1.0 if distance <= 0 else 0.0
        pull = distance / (self.std * sqrt(1 + 1 / self.replicates))
        return float(self._sides * stdtr(self.replicates - 1, -pull))

    def detectable(self, tests: int, denial: float = DENIAL) -> float:
        """Distance from the mean of which one of ``tests`` statistics has ``denial`` as chance."""
        pull = -stdtrit(self.replicates - 1, denial / tests / self._sides)
        return float(pull * self.std * sqrt(1 + 1 / self.replicates))

    @property
    def _sides(self) -> int:
        return 1 if self.one_sided else 2


def grade_numbers(
    statistics: dict[str, float],
    tolerances: dict[str, Tolerance] | None,
    logarithmic: bool = False,
) -> Grade:
    """Grade of a numeric column from its statistics.

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
    chance = min(1.0, chances[worst] * len(chances))
    if chance >= DENIAL:
        return Grade(EQUIVALENT, figures, chance=chance)
    kind = "code" if worst in ("lag", "offset", "shape") else "training"
    return Grade(DEVIATES, figures, kind, chance)


def _in_words(name: str, value: float, tolerance: Tolerance, logarithmic: bool) -> str:
    if name == "bias" and not logarithmic:
        return f"shifted by {value:.3g}; two replicates by 0 ± {tolerance.std:.2g}"
    if name == "lag":
        return (
            f"shifted by {value:.3g} against the other percentiles; two replicates by "
            f"0 ± {tolerance.std:.2g}"
        )
    change, between = (f"{100 * expm1(v):+.1f}%" for v in (value - tolerance.mean, tolerance.std))
    what = {
        "bias": "values changed by",
        "scatter": "scatter against that between two replicates",
        "offset": "distance to the median changed by",
        "shape": "distance to the median, against the other percentiles', changed by",
    }[name]
    return f"{what} {change}; two replicates ± {between[1:]}"


def grade_share(differing: int, matched: int, tolerance: Tolerance | None, kind: str) -> Grade:
    """Grade of a flag or comment column from the number of rows that differ.

    Without a tolerance the column must match exactly.
    """
    if differing == 0:
        return Grade(IDENTICAL, f"all {matched} rows agree")
    figures = f"{differing} of {matched} rows differ"
    if tolerance is None:
        return Grade(DEVIATES, f"{figures}, and none may", kind)
    chance = tolerance.probability(sqrt(differing / matched))
    if chance >= DENIAL:
        return Grade(EQUIVALENT, f"{figures}, as between two replicates", chance=chance)
    expected = tolerance.mean**2 * matched
    told = f"{figures}, about {expected:.0f} between two replicates"
    return Grade(DEVIATES, told, kind, chance)


def worst(grades: Iterable[str]) -> str:
    """The worst of several grades."""
    return max(grades, key=ORDER.index)


def deviating_by_chance(columns: Mapping[str, dict]) -> list[str]:
    """The deviating columns of a catalogue that as many columns hold by chance; none or all.

    Other seeds would have others deviate: that is their class.
    """
    return [n for n in _deviating_alone(columns) if columns[n]["chance"] >= NEVER_BY_CHANCE]


def too_far_for_chance(columns: Mapping[str, dict]) -> list[str]:
    """Columns of less than 0.1% chance where all columns together do not deviate."""
    return [n for n in _deviating_alone(columns) if columns[n]["chance"] < NEVER_BY_CHANCE]


def _deviating_alone(columns: Mapping[str, dict]) -> list[str]:
    """Deviating columns, where the test of all columns together does not deny the catalogue."""
    chances = _chances(columns)
    count = len(chances)
    if any(count * chance / rank < DENIAL for rank, chance in enumerate(chances, 1)):
        return []
    deviating = {n: c for n, c in columns.items() if c["grade"] == DEVIATES}
    return [name for name, column in deviating.items() if column["chance"] is not None]


def denial_of_catalogue(columns: Mapping[str, dict]) -> float:
    """The chance below which one column alone makes the whole catalogue deviate."""
    return DENIAL / max(1, len(_chances(columns)))


def meaning_of_chance(by_chance: Sequence[str], too_far: Sequence[str], columns: int) -> str | None:
    """What to make of columns that deviate in a catalogue that does not, in plain sentences."""
    told = []
    if by_chance:
        told.append(
            f"{len(by_chance)} of {columns} columns ({', '.join(by_chance)}) lie beyond their own "
            "1% limit, as a few of so many do in any two runs of one method: no evidence of a "
            "fault, unless another run with other seeds has the same columns deviate"
        )
    if too_far:
        told.append(
            f"{', '.join(too_far)} deviates with less than 0.1% chance, which is not put down to "
            "chance, though all columns together do not contradict another run of the method: "
            "run again with other seeds before trusting it"
        )
    return "; ".join(told) or None


def _chances(columns: Mapping[str, dict]) -> list[float]:
    return sorted(c["chance"] for c in columns.values() if c["chance"] is not None)
