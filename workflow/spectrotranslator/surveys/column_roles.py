"""What the columns of a table of stars hold, as their names say."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

#: Label to the names it goes by, without separators and in small letters.
LABELS = {
    "teff": {"teff", "temperature", "temp"},
    "logg": {"logg", "gravity"},
    "feh": {"feh", "mh", "met", "metallicity"},
    "alpha": {"mgfe", "alphafe", "alpham", "afe"},
    "rv": {"rv", "vrad", "hrv", "vhelio", "vlos", "radialvelocity"},
}
ERRORS = {"e", "err", "error", "errors", "sig", "sigma", "unc", "uncertainty", "sd"}
#: Words that make a column something else than a value or its error.
OTHER = {"flag", "flags", "nr", "method", "ref", "id", "qual", "quality"}
SOURCE_IDS = re.compile(r"(gaia_?)?(e?dr\d_?)?source_?id|gaia_?(e?dr\d_?)?(source_?)?id|gaiae?dr\d")
SNR = re.compile(r"(snr|s_?n|signal_to_noise)(_.*)?|.*_snr")


@dataclass(frozen=True)
class LabelColumn:
    """A column that holds a label, with its error's and what else its name says (its ``side``).

    ``word`` is the name that the label goes by there.
    """

    label: str
    word: str
    side: str
    column: str
    error: str | None = None


def label_columns(names: Iterable[str]) -> list[LabelColumn]:
    """The columns that hold a label, each with its error, in the table's order.

    ``e_teff_a`` is the error of ``teff_a``, a temperature of side ``a``.
    """
    found = [(name, *told) for name in names if (told := _parsed(name))]
    errors = {tuple(about): name for name, *about, is_error in found if is_error}
    return [
        LabelColumn(*about, name, errors.get(tuple(about)))
        for name, *about, is_error in found
        if not is_error
    ]


def _parsed(name: str) -> tuple[str, str, str, bool] | None:
    """Label, word, side, and whether it is an error."""
    tokens = [token for token in re.split(r"[^a-z0-9]+", name.lower()) if token]
    rest = [token for token in tokens if token not in ERRORS]
    if OTHER & set(rest):
        return None
    for length in (2, 1):
        for start in range(len(rest) - length + 1):
            word = "".join(rest[start : start + length])
            side = "_".join(rest[:start] + rest[start + length :])
            for label, known in LABELS.items():
                if word in known:
                    return label, word, side, len(rest) < len(tokens)
                if word[:1] == "e" and word[1:] in known:
                    return label, word[1:], side, True
    return None


def best_columns(columns: list[LabelColumn]) -> dict[str, LabelColumn]:
    """Label to its column: one with an error before one without, then that of the shortest side."""
    order = sorted(columns, key=lambda one: (one.error is None, len(one.side)))
    best: dict[str, LabelColumn] = {}
    for one in order:
        best.setdefault(one.label, one)
    return {label: best[label] for label in LABELS if label in best}


def paired(
    first: list[LabelColumn], second: list[LabelColumn]
) -> dict[str, tuple[LabelColumn, LabelColumn]]:
    """Labels that both tables hold, under the same word where they can be."""
    pairs = {}
    for label in LABELS:
        both = [
            (one, two)
            for one, two in product(first, second)
            if one.label == label and two.label == label
        ]
        if both:
            pairs[label] = min(both, key=lambda pair: (
                pair[0].word != pair[1].word,
                sum(one.error is None for one in pair),
                sum(len(one.side) for one in pair),
            ))  # fmt: skip
    return pairs


def two_sides(columns: list[LabelColumn]) -> list[list[LabelColumn]]:
    """The two sides of a matched table that hold most labels and errors, in the table's order."""
    sides: dict[str, list[LabelColumn]] = {}
    for one in columns:
        sides.setdefault(one.side, []).append(one)
    richest = sorted(sides, key=lambda side: -sum(1 + bool(c.error) for c in sides[side]))[:2]
    return [sides[side] for side in sides if side in richest]


def first_matching(names: Iterable[str], pattern: re.Pattern) -> str | None:
    """The first name that the pattern matches whole, whatever its case."""
    return next((name for name in names if pattern.fullmatch(name.lower())), None)


def source_id_column(names: Iterable[str]) -> str | None:
    """The column of Gaia's ids, of the latest release where there are several."""
    found = [name for name in names if SOURCE_IDS.fullmatch(name.lower())]

    def release(name: str) -> str:
        return (re.findall(r"dr(\d)", name.lower()) or ["0"])[0]

    return max(found, key=release) if found else None


def position_columns(names: Iterable[str]) -> tuple[str, str] | None:
    """Right ascension and declination, where the names say so."""
    known = {name.lower(): name for name in names}
    for low, name in known.items():
        if match := re.fullmatch(r"(_?)ra(|_.*|deg|j2000)", low):
            for word in ("dec", "de"):
                if (other := f"{match[1]}{word}{match[2]}") in known:
                    return name, known[other]
    return None
