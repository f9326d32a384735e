"""What each survey's files say, as one table of rows with the survey's own column names."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import Survey
from spectrotranslator.download.require_columns import require_columns

from .fits_columns import read_columns
from .table_files import kind_of, read_table_file, to_frame

PHOTOMETRY = {"Gmag", "BPmag", "RPmag", "e_Gmag", "e_BPmag", "e_RPmag"}

FITS = {".fits", ".fit", ".fts"}

# What GALAH's main table has not, and its value-added Gaia EDR3 table has.
VALUE_ADDED = re.compile(
    r"r_(med|lo|hi)_(photo)?geo|phot_(g|bp|rp)_mean_\w+|(pmra|pmdec|parallax)(_error)?"
    r"|bp_g|bp_rp|g_rp"
)


def columns_of(survey: Survey) -> list[str]:
    """Every column of the survey's files that its configuration mentions, once."""
    names = [*survey.key, survey.identifier, survey.source_id, survey.distance, survey.snr]
    names += [*(survey.position or ()), *(survey.motion or ()), *survey.keep]
    names += survey.distance_interval or ()
    for name, feature in survey.features.items():
        names += feature.difference or [feature.column or name]
        names += feature.error
    return [name for name in dict.fromkeys(names) if name and name not in PHOTOMETRY]


def columns_of_files(survey: Survey, files: int) -> list[list[str]]:
    """The columns needed of each of a survey's ``files``, in their order."""
    columns = columns_of(survey)
    if survey.reader != "galah" or files != 2:
        return [columns]
    added = [name for name in columns if VALUE_ADDED.fullmatch(name)]
    return [[name for name in columns if name not in added], ["sobject_id", *added]]


def read_galah(files: list[Path], columns: list[str]) -> pd.DataFrame:
    """GALAH's main table joined with its Gaia table on ``sobject_id``.

    ``files`` are the main table and the value-added Gaia table, in this order.
    """
    main, gaia = files
    from_gaia = [name for name in columns if VALUE_ADDED.fullmatch(name)]
    stars = read_columns(main, [name for name in columns if name not in from_gaia])
    if not from_gaia:
        return stars
    added = read_columns(gaia, ["sobject_id", *from_gaia]).drop_duplicates("sobject_id")
    return stars.merge(added, on="sobject_id", how="left", validate="many_to_one")


def read_apogee(files: list[Path], columns: list[str]) -> pd.DataFrame:
    """APOGEE's allStar or allStarLite table."""
    (path,) = files
    return read_columns(path, columns)


def read_vizier(path: Path, survey: Survey) -> pd.DataFrame:
    """A survey's copy at VizieR, under the survey's own names.

    What it lacks is missing (NaN); a flag it lacks is left out, so that a cut on it is refused.

    Raises
    ------
    InputError
        It lacks a part of the key, the identifier or the Gaia id.
    """
    table = pd.read_parquet(path)
    needed = [name for name in (*survey.key, survey.identifier, survey.source_id) if name]
    require_columns(path, needed, table)
    flags = set(survey.keep)
    lacking = [name for name in columns_of(survey) if name not in table and name not in flags]
    return table.assign(**dict.fromkeys(lacking, np.nan))


def read_table(files: list[Path], columns: list[str]) -> pd.DataFrame:
    """A user's own table: CSV, Parquet, FITS (also packed), VOTable or ECSV, by suffix."""
    (path,) = files
    if kind_of(path) in FITS:
        return read_columns(path, columns)
    return to_frame(path, read_table_file(path), columns)


READERS = {"galah": read_galah, "apogee": read_apogee, "table": read_table}
