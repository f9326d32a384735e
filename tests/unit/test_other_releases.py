"""Other releases by configuration: documented columns, through readers and crossmatch."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from minisky.settings import SkySettings
from minisky.sky import Sky, make_sky
from minisky.survey_columns import apogee_columns, galah_columns, vac_columns
from spectrotranslator.config import resolve
from spectrotranslator.config.configuration import Configuration
from spectrotranslator.download.registry import read_registry
from spectrotranslator.sample.crossmatch import matched, training_sample
from spectrotranslator.surveys.prepare_stars import stars
from spectrotranslator.surveys.read_survey import measured
from spectrotranslator.surveys.readers import READERS, columns_of, columns_of_files

ROOT = Path(__file__).parents[2]
RELEASES = {
    "galah_dr4_apogee_dr17": ("galah_dr4",),
    str(ROOT / "config/examples/sdss_v_dr19.yaml"): ("galah_dr4", "sdss_v"),
}
GALAH_DR4 = {
    "gaiadr3_source_id": "dr3_source_id", "ra": "ra_dr2", "dec": "dec_dr2", "mg_fe": "Mg_fe",
    "e_mg_fe": "e_Mg_fe", "flag_mg_fe": "flag_Mg_fe", "si_fe": "Mg_fe", "e_si_fe": "e_Mg_fe",
    "flag_si_fe": "flag_Mg_fe", "ca_fe": "Mg_fe", "e_ca_fe": "e_Mg_fe", "flag_ca_fe": "flag_Mg_fe",
    "snr_px_ccd3": "snr_c3_iraf", "rv_comp_1": "rv_galah", "e_rv_comp_1": "e_rv_galah",
}  # fmt: skip
APOGEE = {f"{x}_FE{end}": f"MG_FE{end}" for x in ("SI", "CA") for end in ("", "_ERR", "_FLAG")}
SDSS_V = {
    "gaia_dr3_source_id": "GAIAEDR3_SOURCE_ID", "ra": "RA", "dec": "DEC",
    "pmra": "GAIAEDR3_PMRA", "pmde": "GAIAEDR3_PMDEC", "snr": "SNR", "v_rad": "VHELIO_AVG",
    "e_v_rad": "VERR", "teff": "TEFF", "e_teff": "TEFF_ERR", "logg": "LOGG", "e_logg": "LOGG_ERR",
    "m_h_atm": "M_H", "e_m_h_atm": "M_H_ERR", "fe_h": "M_H", "e_fe_h": "M_H_ERR", "mg_h": "MG_FE",
    "e_mg_h": "MG_FE_ERR", "result_flags": "ASPCAPFLAG", "spectrum_flags": "STARFLAG",
    "fe_h_flags": "MG_FE_FLAG", "mg_h_flags": "MG_FE_FLAG",
    **{f"r_{x}_photogeo": f"GAIAEDR3_R_{x.upper()}_PHOTOGEO" for x in ("med", "lo", "hi")},
}  # fmt: skip


@pytest.fixture(scope="module")
def sky() -> Sky:
    return make_sky(SkySettings(name="release", n_galah=1500, n_apogee=1500, n_common=1000))


def in_layout(columns: dict, names: dict) -> dict:
    """Columns of a simulated survey under another release's names."""
    return columns | {name: columns[old] for name, old in names.items()}


def tables(configuration: Configuration, sky: Sky, folder: Path) -> dict[str, pd.DataFrame]:
    """Stars of each survey, from files in its release's layout."""
    galah = in_layout(galah_columns(sky), GALAH_DR4)
    apogee = apogee_columns(sky)
    apogee = in_layout(apogee, APOGEE) | in_layout(apogee, SDSS_V)
    apogee["spectrum_pk"] = np.arange(len(apogee["TEFF"]))
    content = {"galah_dr4": [galah, vac_columns(sky)], "apogee": [apogee], "sdss_v": [apogee]}
    photometry = sky.archive[list(configuration.sources.photometry.columns)]
    result = {}
    for name, survey in configuration.surveys.items():
        files = [folder / f"{name}-{number}.fits" for number in range(len(content[name]))]
        needed = columns_of_files(survey, len(files))
        for path, columns, wanted in zip(files, content[name], needed, strict=True):
            Table({one: columns[one] for one in wanted}).write(path, overwrite=True)
        rows = READERS[survey.reader](files, columns_of(survey))
        result[name] = stars(survey, measured(survey, rows), photometry)
    return result


@pytest.mark.parametrize("run", RELEASES)
def test_files_in_a_release_s_layout_give_training_samples(run, sky, tmp_path):
    configuration = resolve(run, ROOT)
    found = tables(configuration, sky, tmp_path)
    for direction in configuration.directions.values():
        pairs = matched(configuration, direction, found, configuration.chosen_selection, [])
        for kind in direction.networks:
            assert len(training_sample(direction, kind, pairs, [])) > 400


@pytest.mark.parametrize("run", RELEASES)
def test_every_column_of_a_release_is_documented_as_checked_or_not(run):
    text = (ROOT / "docs/reference/releases.md").read_text()
    rows = [line for line in text.splitlines() if re.search(r"\| (un)?checked \|", line)]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    surveys = resolve(run, ROOT).surveys
    for name in RELEASES[run]:
        assert set(columns_of(surveys[name])) <= told, name


def test_fetched_files_of_other_releases_are_registered():
    configuration = resolve("galah_dr4_apogee_dr17", ROOT)
    registry = read_registry(ROOT / configuration.sources.registry)
    for names in configuration.sources.surveys.values():
        assert all(registry[name].urls for name in names)
