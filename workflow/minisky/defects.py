"""What goes wrong with the rows of a catalogue: which rows, and how."""

from dataclasses import dataclass

import numpy as np

MISSING = -9999.0


@dataclass(frozen=True)
class Defects:
    """Indices of the rows with each fault; no row has two."""

    gross: np.ndarray
    flagged: np.ndarray
    missing: np.ndarray
    sentinel: np.ndarray
    missing_error: np.ndarray


def draw_defects(rng: np.random.Generator, n: int, shares: dict[str, float]) -> Defects:
    """Pick the faulty among ``n`` rows, exactly the share of each kind (at least two of each)."""
    order = rng.permutation(n)
    picked = {}
    start = 0
    for kind in ("gross", "flagged", "missing", "sentinel", "missing_error"):
        count = max(round(shares[kind] * n), 2) if shares[kind] else 0
        picked[kind] = order[start : start + count]
        start += count
    return Defects(**picked)


def cycle_bits(bits: tuple[int, ...], n: int) -> np.ndarray:
    """One of ``bits`` for each of ``n`` rows, in turn, so that every bit is in use."""
    return np.resize(np.array(bits, dtype=np.int64), n)


def inject_defects(
    rng: np.random.Generator,
    defects: Defects,
    values: list[np.ndarray],
    errors: list[np.ndarray],
) -> None:
    """Blank values and errors in place: NaN, -9999, a value without its error, all of a row."""
    for rows, mark in ((defects.missing, np.nan), (defects.sentinel, MISSING)):
        which = rng.integers(0, len(values) + 1, rows.size)
        for column, (value, error) in enumerate(zip(values, errors, strict=True)):
            hit = rows[(which == column) | (which == len(values))]
            value[hit] = mark
            error[hit] = mark
    which = rng.integers(0, len(values), defects.missing_error.size)
    for column, error in enumerate(errors):
        error[defects.missing_error[which == column]] = np.nan
