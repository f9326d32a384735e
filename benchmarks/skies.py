"""Simulated overlaps with their truth, in memory: what the benchmarks of the networks judge on."""

import numpy as np
import pandas as pd

from minisky.settings import SkySettings
from minisky.sky import Sky, make_sky
from minisky.survey_columns import apogee_columns, galah_columns, vac_columns
from spectrotranslator.config import Configuration, resolve
from spectrotranslator.sample.crossmatch import matched, training_sample
from spectrotranslator.surveys.prepare_stars import stars
from spectrotranslator.surveys.read_survey import measured
from spectrotranslator.surveys.readers import columns_of

KEPT_SHARE = 0.66  # of the stars in common, what the survey's advice leaves


def overlap(
    stars_wanted: int, seed: int = 1, systematics: int = 7, direction: str = "g2a"
) -> pd.DataFrame:
    """Stars both surveys saw, in random order, after the cuts that the run ``full`` falls back to.

    Beside the training sample's ``from:X``, ``from:X_error``, ``to:Y`` and ``to:Y_error`` stands
    ``true:Y``, the value of ``Y`` on the target's base without noise.
    """
    common = round(stars_wanted / KEPT_SHARE)
    settings = SkySettings.model_validate(
        {
            "name": "benchmark",
            "seed": seed,
            "n_galah": round(1.05 * common) + 500,
            "n_apogee": round(1.2 * common) + 500,
            "n_common": common,
            "systematics": {"seed": systematics},
        }
    )
    configuration = resolve("full")
    sky = make_sky(settings)
    pairs = _pairs(configuration, sky, direction)
    pairs = pairs.sample(frac=1, random_state=seed, ignore_index=True)
    return pd.concat([pairs, _truth(sky, pairs["from:source_id"], direction)], axis=1)


def survey_tables(configuration: Configuration, sky: Sky) -> dict[str, pd.DataFrame]:
    """Both surveys' stars as the stage ``surveys.stars`` makes them."""
    photometry = sky.archive[list(configuration.sources.photometry.columns)]
    tables = {}
    for name, columns in (("galah", galah_columns), ("apogee", apogee_columns)):
        survey = configuration.surveys[name]
        rows = pd.DataFrame(columns(sky))
        if name == "galah":
            added = pd.DataFrame(vac_columns(sky)).drop_duplicates("sobject_id")
            wanted = [n for n in columns_of(survey) if n in added and n not in rows]
            rows = rows.merge(added[["sobject_id", *wanted]], on="sobject_id", how="left")
        tables[name] = stars(survey, measured(survey, rows), photometry)
    return tables


def _pairs(configuration: Configuration, sky: Sky, direction: str) -> pd.DataFrame:
    tables = survey_tables(configuration, sky)
    chosen = configuration.directions[direction]
    selection = configuration.candidate_selections[configuration.selection_fallback]
    pairs = matched(configuration, chosen, tables, selection, [])
    whole = training_sample(chosen, "extrinsic", pairs, [])["from:key"]
    return pairs[pairs["from:key"].isin(whole)]


def _truth(sky: Sky, source_id: pd.Series, direction: str) -> pd.DataFrame:
    place = pd.Index(sky.gaia["source_id"]).get_indexer(source_id)
    star = {name: column[place] for name, column in sky.stars.items()}
    labels = np.stack([star[name] for name in ("teff", "logg", "fe_h", "mg_fe")], axis=1)
    if direction == "g2a":
        names = ["TEFF", "LOGG", "M_H", "MG_FE", "VHELIO_AVG"]
        labels = labels + sky.systematics.apogee(star)
        velocity = sky.systematics.apogee_velocity(star)
    else:
        names = ["teff", "logg", "fe_h", "Mg_fe", "rv_galah"]
        labels = labels + sky.systematics.galah(star)
        velocity = sky.systematics.galah_velocity(star, np.zeros(len(place), bool))
    values = np.column_stack([labels, velocity])
    return pd.DataFrame(values, columns=[f"true:{name}" for name in names])
