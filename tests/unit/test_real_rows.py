"""Real rows of both surveys, in the layouts of the real files, through readers, cuts and errors."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from minisky.compare_errors import SKY, SURVEYS, compared
from minisky.fits_table import TableWriter, read_layout, row_type
from minisky.settings import SkySettings
from minisky.sky import make_sky
from spectrotranslator.config import resolve
from spectrotranslator.sample.cuts import apply_cuts
from spectrotranslator.surveys.prepare_stars import stars
from spectrotranslator.surveys.read_survey import measured
from spectrotranslator.surveys.readers import READERS, columns_of

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
RUN = resolve("full", ROOT)
DISTANCES = ["r_med_photogeo", "r_lo_photogeo", "r_hi_photogeo"]
APOGEE_NAMES = {"dr3_source_id": "GAIAEDR3_SOURCE_ID"} | {
    name: f"GAIAEDR3_{name.upper()}" for name in DISTANCES
}


def rows_of(name: str) -> pd.DataFrame:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"no real rows beside the repository ({name})")
    return pd.read_csv(path)


def write_survey(path: Path, layout: str, table: pd.DataFrame, extension: str) -> Path:
    """A FITS file in a survey's own layout; what the real rows lack is NaN, 0 or blank."""
    columns = read_layout(layout)
    rows = np.zeros(len(table), row_type(columns))
    for name in rows.dtype.names:
        if name in table:
            values = table[name]
            text = rows.dtype[name].kind == "S"
            rows[name] = values.astype(str).str.encode("ascii") if text else values
        elif rows.dtype[name].kind == "f":
            rows[name] = np.nan
    with path.open("wb") as stream:
        writer = TableWriter(stream, columns, len(rows), extension)
        writer.write(rows)
        writer.close()
    return path


@pytest.fixture(scope="module")
def galah(tmp_path_factory) -> tuple[pd.DataFrame, list[Path]]:
    table = rows_of("galah_dr3_rows_1158.csv.gz")
    folder = tmp_path_factory.mktemp("galah")
    main = write_survey(folder / "main.fits", "galah", table, "galah")
    vac = write_survey(folder / "vac.fits", "vac", table[["sobject_id", *DISTANCES]], "vac")
    return table, [main, vac]


@pytest.fixture(scope="module")
def apogee(tmp_path_factory) -> tuple[pd.DataFrame, list[Path]]:
    table = rows_of("apogee_dr17_rows_1600.csv.gz")
    table = table.rename(columns=lambda name: APOGEE_NAMES.get(name, name.upper()))
    path = write_survey(tmp_path_factory.mktemp("apogee") / "lite.fits", "apogee", table, "apogee")
    return table, [path]


def read(survey: str, files: list[Path]) -> pd.DataFrame:
    return measured(RUN.surveys[survey], READERS[survey](files, columns_of(RUN.surveys[survey])))


def photometry(ids: pd.Series) -> pd.DataFrame:
    names = RUN.sources.photometry.columns
    known = {"Source": ids.drop_duplicates().to_numpy()}
    return pd.DataFrame(known | dict.fromkeys(names[1:], 12.0))


def test_ids_and_labels_of_real_galah_rows_come_through_exactly(galah):
    table, files = galah
    rows = read("galah", files)
    assert rows["key"].astype("int64").tolist() == table["sobject_id"].tolist()
    assert rows["source_id"].tolist() == table["dr3_source_id"].tolist()
    prepared = stars(RUN.surveys["galah"], rows, photometry(rows["source_id"]))
    for name in ("teff", "logg", "fe_h", "Mg_fe", "rv_galah"):
        np.testing.assert_allclose(prepared[name], table[name], rtol=1e-6)
        np.testing.assert_allclose(prepared[f"{name}_error"], table[f"e_{name}"], rtol=1e-6)
    np.testing.assert_allclose(prepared["distance"], table["r_med_photogeo"], rtol=1e-6)


def test_ids_and_labels_of_real_apogee_rows_come_through_exactly(apogee):
    table, files = apogee
    rows = read("apogee", files)
    assert rows["identifier"].tolist() == table["APOGEE_ID"].tolist()
    assert rows["source_id"].tolist() == table["GAIAEDR3_SOURCE_ID"].tolist()
    prepared = stars(RUN.surveys["apogee"], rows, photometry(rows["source_id"]))
    for name in ("TEFF", "LOGG", "M_H", "MG_FE"):
        np.testing.assert_allclose(prepared[name], table[name], rtol=1e-6)
        np.testing.assert_allclose(prepared[f"{name}_error"], table[f"{name}_ERR"], rtol=1e-6)


def test_real_rows_pass_the_cuts_that_their_flags_pass(galah):
    table, files = galah
    rows = read("galah", files)
    prepared = stars(RUN.surveys["galah"], rows, photometry(rows["source_id"]))
    selection = RUN.candidate_selections["advice"]
    kept, lines = apply_cuts(prepared, selection.cuts["galah"], RUN.surveys["galah"].bits)
    good = (table[["flag_sp", "flag_fe_h", "flag_Mg_fe"]] == 0).all(axis=1)
    assert len(kept) == int((good & (table["snr_c3_iraf"] > 30)).sum())
    assert lines[0]["in"] == len(table)


def test_named_bits_of_real_masks_are_those_of_arithmetic(apogee):
    table, files = apogee
    rows = read("apogee", files)
    prepared = stars(RUN.surveys["apogee"], rows, photometry(rows["source_id"]))
    cuts = RUN.candidate_selections["no_snr"].cuts["apogee"]
    kept, _ = apply_cuts(prepared, cuts, RUN.surveys["apogee"].bits)
    assert len(kept) == int((table["EXTRATARG"] // 16 % 2 == 0).sum())


@pytest.mark.parametrize("survey", SURVEYS)
def test_simulated_errors_are_distributed_as_those_of_real_rows(survey, request):
    table, _ = request.getfixturevalue(survey)
    found = compared(make_sky(SkySettings.model_validate(SKY)), survey, table)
    for number in ("median", "width"):
        ratio = found["simulated", number] / found["real", number]
        assert ratio.between(0.8, 1.25).all(), ratio
    for quantity in found["real"].columns.drop(["median", "width"]):
        slopes = found["simulated", quantity] - found["real", quantity]
        assert slopes.abs().max() < 0.25, slopes
