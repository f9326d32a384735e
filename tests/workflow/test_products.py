"""What a user opens: every product, with every reader, says what it and each column is."""

import re
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.io.votable.ucd import check_ucd
from astropy.table import Table

from cdstables.checking import check_file
from cdstables.reading import read
from cdstables.readme import load_readme
from spectrotranslator.translation.column_documentation import DOCUMENT, document

NAMES = ("g2a", "homogenised_apogee")
TOLD = {"SIMULATED", "RUN", "METHOD", "DIRECTION", "VERSION", "COMMIT", "CONFIG", "INPUTS", "REF1"}
DOI = "10.1051/0004-6361/202451427"


@pytest.fixture(scope="module")
def folder(finished) -> Path:
    return finished.root / "results/tiny/catalogues/as-published"


def opened(path: Path) -> Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"use_names_over_ids": True} if path.suffix == ".vot" else {}
        return Table.read(path, **options)


@pytest.mark.parametrize("name", NAMES)
def test_fits_headers_say_what_the_file_is(folder, name):
    with fits.open(folder / f"{name}.fits") as hdus:
        for hdu in hdus:
            assert hdu.header["SIMULATED"] is True
            assert set(hdu.header) >= TOLD
            assert DOI in hdu.header["REF1"]
            assert re.fullmatch("[0-9a-f]{64}", hdu.header["CONFIG"])
        table = hdus[1].header
        for number in range(1, table["TFIELDS"] + 1):
            assert table[f"TCOMM{number}"]
            assert check_ucd(table[f"TUCD{number}"], True, True)


@pytest.mark.parametrize("name", NAMES)
def test_parquet_metadata_say_what_the_file_is(folder, name):
    schema = pq.read_schema(folder / f"{name}.parquet")
    told = {key.decode() for key in schema.metadata}
    assert told >= TOLD and schema.metadata[b"SIMULATED"] == b"T"
    assert not [f.name for f in schema if "dictionary" in str(f.type)]
    for field in schema:
        assert field.metadata[b"description"] and field.metadata[b"unit"]
        assert check_ucd(field.metadata[b"ucd"].decode(), True, True)


@pytest.mark.parametrize("name", NAMES)
def test_votables_say_what_the_file_is(folder, name):
    document = parse(folder / f"{name}.vot")
    infos = {info.name: info.value for info in document.resources[0].infos}
    assert set(infos) >= TOLD and infos["SIMULATED"] == "T"
    for field in document.get_first_table().fields:
        assert field.description and check_ucd(field.ucd, True, True)


@pytest.mark.parametrize("name", NAMES)
def test_every_reader_finds_one_table_with_units_and_masks(folder, name):
    frame = pd.read_parquet(folder / f"{name}.parquet")
    label = "Teff50" if name == "g2a" else "TEFF"
    suffixes = ("fits", "vot", "parquet")
    tables = {suffix: opened(folder / f"{name}.{suffix}") for suffix in suffixes}
    for suffix, table in tables.items():
        assert len(table) == len(frame), suffix
        assert (str(table[label].unit), str(table["ra"].unit)) == ("K", "deg"), suffix
        assert table.colnames == [c for c in frame if suffix == "parquet" or c != "full_comment"]
        values = np.ma.filled(np.ma.asarray(table[label], float), np.nan)
        np.testing.assert_array_equal(values, frame[label].to_numpy(float))
    if name != "g2a":
        lacking = frame["TEFF_own"].isna().to_numpy()
        assert 0 < lacking.sum() < len(frame)
        for suffix in ("fits", "vot"):
            np.testing.assert_array_equal(tables[suffix]["TEFF_own"].mask, lacking)
            np.testing.assert_array_equal(
                tables[suffix]["galah_row"].mask, frame["galah_row"].isna()
            )


def test_polars_reads_the_parquet_files(folder):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    for name in NAMES:
        table = polars.read_parquet(folder / f"{name}.parquet")
        assert table.columns == pq.read_schema(folder / f"{name}.parquet").names


@pytest.mark.skipif(not shutil.which("stilts"), reason="STILTS is not installed")
@pytest.mark.parametrize("name", NAMES)
def test_stilts_reads_them_and_votlint_is_silent(folder, name):
    lint = stilts("votlint", folder / f"{name}.vot")
    assert (lint.returncode, lint.stdout + lint.stderr) == (0, "")
    for suffix in ("fits", "vot"):
        told = stilts("tpipe", f"in={folder / name}.{suffix}", "omode=meta").stdout
        assert re.search(r"SIMULATED:\n +(true|T)\n", told), told[:2000]
        assert re.search(r": ra\(Double\)/deg - Right ascension", told)
        assert re.search(r"/K \(phys.temperature.effective", told) or "/K - " in told


def stilts(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run(["stilts", *map(str, words)], capture_output=True, text=True)


def test_the_readme_says_simulated_and_every_table_passes_check(folder):
    readme = load_readme(folder / "ReadMe")
    assert "SIMULATED" in readme.title
    notes = [" ".join(table.notes[0][1].split()) for table in readme.tables]
    assert all("no star of it exists" in note for note in notes)
    assert DOI in dict(readme.sections)["References"]
    assert "SIMULATED = T" in dict(readme.sections)["History"]
    for name in NAMES:
        report = check_file(folder / f"{name}.dat", readme.table(f"{name}.dat"))
        assert not report.violations, report.violations[:3]


def test_the_cds_table_of_homogenised_stars_holds_their_values(folder):
    frame = pd.read_parquet(folder / "homogenised_apogee.parquet")
    path = folder / "homogenised_apogee.dat"
    table = read(path, load_readme(folder / "ReadMe").table(path)).to_pandas()
    assert list(table) == list(frame)
    assert (table["source_id"] == frame["source_id"]).all()
    np.testing.assert_allclose(table["TEFF"], frame["TEFF"], rtol=1e-7)
    assert (table["apogee_identifier"] == frame["apogee_identifier"]).all()


def test_rows_of_the_survey_and_places_stand_in_the_catalogue(finished, folder):
    stars = pd.read_parquet(finished.root / "results/tiny/sample/galah.parquet").set_index("row")
    found = pd.read_parquet(folder / "g2a.parquet")
    mine = stars.loc[found["row"]]
    for name in ("ra", "dec"):
        np.testing.assert_array_equal(found[name], mine[name])
    assert (found["GALAH"].to_numpy() == mine["identifier"].to_numpy()).all()


def test_correlations_are_those_of_translated_stars(folder):
    stars = pd.read_parquet(folder / "homogenised_apogee.parquet")
    found = stars["TEFF_LOGG_correlation"]
    assert found[stars["measured"]].isna().all()
    assert found[~stars["measured"]].abs().max() <= 1 + 1e-9
    assert found[~stars["measured"]].notna().all()


def test_the_document_of_the_columns_is_what_the_command_writes(finished, monkeypatch):
    monkeypatch.chdir(finished.root)
    assert DOCUMENT.read_text() == document()


def test_no_column_of_a_catalogue_is_missing_from_the_document(finished, folder):
    written = (finished.root / DOCUMENT).read_text()
    for name in NAMES:
        section = written.partition(f"## {name}\n")[2].partition("\n## ")[0]
        for column in pq.read_schema(folder / f"{name}.parquet").names:
            assert f"| `{re.sub('_member_[0-9]+$', '_member_K', column)}` |" in section
