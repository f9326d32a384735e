"""A user's own table, translated: its columns stay, the translated ones are appended."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from astropy.table import Table
from astropy.units import UnitBase

from spectrotranslator.download.require_columns import require_columns

from .residual_percentiles import FROM_RESIDUALS
from .trained_networks import Trained
from .user_table import features, flags, keys, renamed
from .write_user_table import with_translation


@dataclass(frozen=True)
class Translated:
    """A user's table with its translation.

    Attributes
    ----------
    table
        All columns of the user's table, then the translated ones with units and descriptions.
    added
        The translated columns alone, under the networks' names.
    names
        Translated columns that have another name in ``table``, to that name.
    notes
        What the user should know, in lines.
    missing
        Whether each input is missing, shape (stars, inputs).
    """

    table: Table
    added: pd.DataFrame
    names: dict[str, str]
    notes: list[str]
    missing: pd.DataFrame


def translate_table(
    trained: Trained,
    path: Path,
    own: Table,
    names: Mapping[str, str],
    id: str | None,
    units: Mapping[str, UnitBase],
) -> Translated:
    """Translate the stars of a user's table.

    Parameters
    ----------
    trained
        The networks.
    path
        What messages call the table.
    own
        The table.
    names
        Input to the column that holds it under another name.
    id
        Column that names the stars; by default the key of the survey, else the row.
    units
        Input to its unit, where the table states none or a wrong one.

    Raises
    ------
    InputError
        A column is missing, is no number, or is in a unit that the networks do not read.
    """
    table = renamed(path, own, dict(names))
    require_columns(path, units, table.colnames)
    sentinels = "missing" if trained.marks_sentinels else f"a number by {trained.method}"
    found = features(path, table, trained.survey, trained.inputs, dict(units), sentinels)
    masks = flags(path, table, trained.masked)
    named = keys(path, table, trained.survey, id)
    stars = pd.concat([named, found.table, masks], axis=1)
    result = trained.translate(stars, found.without_errors)
    whole, other = with_translation(path, own, result, trained.descriptions())
    notes = [*_about_errors(trained, found.without_errors), *found.notes]
    notes += [
        f"{name} is there already: the translated one is {new}" for name, new in other.items()
    ]
    return Translated(whole, result, other, notes, trained.missing(stars))


def _about_errors(trained: Trained, lacking: list[str]) -> list[str]:
    """What the percentiles are for inputs of which the table has no errors."""
    if not lacking:
        return []
    told = f"no errors of {', '.join(lacking)}: "
    if trained.calibrated:
        return [told + "the typical ones of the training stars are taken"]
    if trained.statements:
        return [f"{told}percentiles are {FROM_RESIDUALS}"]
    return [told + "taken as exact"]
