"""Units of a user's columns: converted to those that a network was trained in."""

import re
from pathlib import Path

import numpy as np
from astropy.units import (
    Unit,
    UnitBase,
    UnitConversionError,
    UnrecognizedUnit,
    dex,
    dimensionless_unscaled,
)
from astropy.units.function import FunctionUnitBase

from spectrotranslator.errors import InputError
from spectrotranslator.surveys.derived_columns import SENTINEL

#: Units as surveys write them though no standard does, by the unit that is meant.
SPELLINGS = {
    "K": r"kelvins?|deg\.? ?k",
    "dex": r"[-\[\]]*|dex|dex\(cm ?/ ?s2\)|\[?log.*|\[cm.*\]",
    "km/s": r"km ?/ ?sec|km ?s\^?-1|km\.s\^-1|kms",
    "mag": r"mags?|magnitudes?|mag ?\(\w+\)",
}
#: Units that give values a thousand times too small and too large, by the unit that is meant.
THOUSANDS = {"K": ("kK", "mK"), "km/s": ("Mm/s", "m/s"), "mag": ("kmag", "mmag")}
#: How far outside the training range a typical value is looked at, and how far from it a thousand
#: times as much or as little may then lie.
FAR, MARGIN = 10.0, 2.0


def known_unit(text: str) -> UnitBase:
    """The unit that a user names.

    Raises
    ------
    InputError
        astropy does not know it.
    """
    try:
        return Unit(text)
    except (ValueError, TypeError):
        raise InputError(f"{text!r} is no unit that is known, such as kK, m/s or mag") from None


def converted(
    path: Path, name: str, values: np.ndarray, found: UnitBase, wanted: str, error: bool = False
) -> np.ndarray:
    """Values in the unit ``wanted``; one that is all nines, such as -9999, is -9999 still.

    Parameters
    ----------
    path, name
        Table and column, for messages.
    values
        Shape (rows,), in the unit ``found``.
    wanted
        The network's unit, as astropy writes it.
    error
        Whether they are errors, which a logarithmic unit does not shift.

    Raises
    ------
    InputError
        The unit is not known or does not measure the same quantity.
    """
    expected = Unit(wanted)
    if same_unit(found, wanted):
        return values
    if isinstance(found, UnrecognizedUnit):
        raise InputError(
            f"{path}: column {name!r} is in {str(found)!r}, a unit that is not known; write it as "
            f"{wanted}"
        )
    logarithmic = isinstance(expected, FunctionUnitBase)
    try:
        if logarithmic != isinstance(found, FunctionUnitBase):
            raise UnitConversionError
        in_expected = found.to(expected, values)
        if error and logarithmic:
            in_expected = values
    except UnitConversionError:
        raise InputError(
            f"{path}: column {name!r} is in {found}, which does not convert to {wanted}, the "
            "network's unit; give the quantity that the network reads"
        ) from None
    return np.where(all_nines(values) & (values < -9000), SENTINEL, in_expected)


def all_nines(values: np.ndarray) -> np.ndarray:
    """Where values are written in nines alone, such as -999, 99.99 or 9999; shape (rows,)."""
    whole = np.abs(values)
    marks = (10.0**digits - 10.0**-decimals for digits in range(2, 7) for decimals in range(4))
    return np.any([np.isclose(whole, mark, rtol=0, atol=1e-6) for mark in marks], axis=0)


def same_unit(found: UnitBase, wanted: str) -> bool:
    """Whether a unit is the one called ``wanted``, also as surveys write it."""
    expected = Unit(wanted)
    logarithmic = str(expected).startswith("dex")
    if found == expected or (logarithmic and found in (dex, dimensionless_unscaled)):
        return True
    spelling = SPELLINGS.get(wanted.partition("(")[0], "")
    known = isinstance(found, UnrecognizedUnit) or spelling == SPELLINGS["mag"]
    return bool(known and re.fullmatch(spelling, str(found).strip().lower()))


def thousandfold(typical: float, low: float, high: float, unit: str) -> str | None:
    """The unit that values seem to be in, where they lie a thousand times off; else None.

    Parameters
    ----------
    typical
        A typical absolute value.
    low, high
        Training range, in ``unit``, the unit that is wanted.
    """
    least, most = sorted((abs(low), abs(high)))
    least = 0.0 if low <= 0 <= high else least
    small, large = THOUSANDS.get(unit, (None, None))
    if typical > FAR * most and least <= MARGIN * typical / 1000 <= MARGIN**2 * most:
        return large
    if typical * FAR < least and least <= MARGIN * typical * 1000 <= MARGIN**2 * most:
        return small
    return None
