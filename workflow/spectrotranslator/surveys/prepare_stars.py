"""Bring one survey to the features and errors the networks read, one row a measurement."""

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype
from pandas.api.types import is_integer_dtype

from spectrotranslator.config import load
from spectrotranslator.config.configuration import Feature, Survey
from spectrotranslator.files import atomic
from spectrotranslator.step import Step

from .derived_columns import SENTINEL, difference, quadrature
from .exact_integers import lossy
from .published_rows import is_published, published_rows


def missing(values: np.ndarray) -> np.ndarray:
    """Where ``values`` are missing in any survey's habit: not finite, or -9999 and below."""
    return ~np.isfinite(values) | (values <= SENTINEL)


def stars(survey: Survey, rows: pd.DataFrame, photometry: pd.DataFrame | None) -> pd.DataFrame:
    """Features in float64 under their own names, their errors as ``NAME_error``.

    A -9999 stays the number it is; what counts as missing is the method's choice. A distance that
    is not positive is missing. A feature without error columns has error 0. A colour's two
    magnitudes stand beside it with their errors, as ``MAGNITUDE_error``: colours that share one
    share its noise. Rows keep their order.
    """
    if photometry is not None:
        key = photometry.columns[0]
        rows = rows.merge(photometry, left_on="source_id", right_on=key, how="left").drop(
            columns=key
        )
    named = {"row", "key", "identifier", "source_id"} & set(rows)
    table = {name: rows[name] for name in rows if name in named}
    table |= {name: _plain(rows[name]) for name in rows if name in survey.keep}
    if survey.position:
        table |= {name: rows[c] for name, c in zip(("ra", "dec"), survey.position, strict=True)}
        table["epoch"] = np.full(len(rows), survey.epoch)
    if survey.motion:
        table |= {name: rows[c] for name, c in zip(("pmra", "pmdec"), survey.motion, strict=True)}
    if survey.distance:
        table["distance"] = _positive(rows[survey.distance])
    if survey.snr:
        table["snr"] = _plain(rows[survey.snr])
    if survey.distance_interval:
        bounds = ("distance_low", "distance_high")
        for name, column in zip(bounds, survey.distance_interval, strict=True):
            table[name] = _positive(rows[column])
    for name, feature in survey.features.items():
        table[name] = _value(name, feature, rows)
        table[f"{name}_error"] = _error(feature, rows)
        if feature.difference and len(feature.error) == 2:
            for magnitude, error in zip(feature.difference, feature.error, strict=True):
                table.setdefault(magnitude, rows[magnitude].to_numpy(np.float64))
                table[f"{magnitude}_error"] = rows[error].to_numpy(np.float64)
    return pd.DataFrame(table)


def _plain(values: pd.Series) -> pd.Series:
    """Nullable integers with gaps as float64 with NaN, unless that would round them."""
    gaps = isinstance(values.dtype, ExtensionDtype) and is_integer_dtype(values) and values.hasnans
    return values.astype(np.float64) if gaps and not lossy(values) else values


def _positive(values: pd.Series) -> pd.Series:
    return values.where(values > 0, np.nan)


def _value(name: str, feature: Feature, rows: pd.DataFrame) -> np.ndarray:
    if feature.difference:
        first, second = (rows[column].to_numpy(np.float64) for column in feature.difference)
        return difference(first, second)
    return rows[feature.column or name].to_numpy(np.float64)


def _error(feature: Feature, rows: pd.DataFrame) -> np.ndarray:
    if not feature.error:
        return np.zeros(len(rows))
    return quadrature([rows[column].to_numpy(np.float64) for column in feature.error])


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    survey = load(arguments.config).surveys[arguments.survey]
    photometry = pd.read_parquet(arguments.photometry) if arguments.photometry else None
    table = stars(survey, pd.read_parquet(arguments.rows), photometry)
    for path, layout in zip(arguments.published, arguments.layouts, strict=True):
        table["published"] = is_published(table, published_rows(path, layout))
    with atomic(arguments.stars) as temporary:
        table.to_parquet(temporary, index=False)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("survey", "name of the survey", required=True)
step.input("rows", "the survey's rows, Parquet")
step.input("photometry", "Gaia magnitudes, Parquet", required=False)
step.input("published", "published tables whose rows are marked", many=True, required=False)
step.input("layouts", "their layouts, in the same order", many=True, required=False)
step.output("stars", "stars with features and errors, Parquet")
step.setting("surveys.{survey}")
