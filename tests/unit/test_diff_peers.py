"""Orphans, matches and differences are those that STILTS finds in the same two catalogues."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table as AstropyTable

from cdstables.layout import layout_from_yaml
from spectrotranslator.comparison.catalogue_diff import compare
from spectrotranslator.comparison.read_catalogues import number_labels, read_catalogue

pytestmark = pytest.mark.skipif(not shutil.which("stilts"), reason="stilts is not installed")

ROWS = 3000


@pytest.fixture
def sides(tmp_path, request, monkeypatch):
    """Two FITS catalogues of one layout that share most of their rows, in another order."""
    monkeypatch.chdir(request.config.rootpath)
    layout = layout_from_yaml("config/catalogues/a2g.yaml")
    chance = np.random.default_rng(8)
    columns = {}
    for column in layout.columns:
        if column.boolean:
            columns[column.label] = chance.random(ROWS) < (2 if column.width == 4 else 0.5)
        elif column.label == layout.columns[0].label:
            columns[column.label] = [f"2M{number:08d}" for number in range(ROWS)]
        elif column.kind == "I":
            columns[column.label] = np.arange(ROWS)
        elif column.kind == "A":
            columns[column.label] = ['""'] * ROWS
        else:
            columns[column.label] = np.abs(chance.normal(5, 1, ROWS))
    table = pd.DataFrame(columns)
    other = table.copy()
    for label in number_labels(layout):
        other[label] += 0.1 * chance.normal(size=ROWS)
    paths = tmp_path / "one.fits", tmp_path / "two.fits"
    AstropyTable.from_pandas(table[:-20]).write(paths[0])
    AstropyTable.from_pandas(other[35:].sample(frac=1, random_state=1)).write(paths[1])
    return layout, paths


def stilts(*arguments: str) -> None:
    subprocess.run(["stilts", *arguments], check=True, capture_output=True)


def test_stilts_finds_the_same_rows_and_the_same_pulls(sides, tmp_path):
    layout, (one, two) = sides
    found = compare(read_catalogue(one, layout), read_catalogue(two, layout), None)
    joined = tmp_path / "joined.fits"
    stilts(
        "tmatch2", f"in1={one}", f"in2={two}", "matcher=exact", "values1=APOGEE",
        "values2=APOGEE", "join=1and2", f"out={tmp_path / 'both.fits'}",
    )  # fmt: skip
    stilts(
        "tpipe", f"in={tmp_path / 'both.fits'}", f"out={joined}",
        "cmd=addcol pull (Teff50_2-Teff50_1)/e_Teff50_1",
        "cmd=addcol half (Teff50_2-Teff50_1)/((Teff84_1-Teff16_1)/2)",
    )  # fmt: skip
    theirs = AstropyTable.read(joined).to_pandas()
    theirs["APOGEE_1"] = theirs["APOGEE_1"].str.decode("ascii").str.strip()
    theirs = theirs.set_index("APOGEE_1")
    ours = found.stars.to_pandas().set_index("APOGEE").loc[theirs.index]
    assert len(ours) == len(theirs) == found.summary["rows"]["matched"]
    difference = theirs["Teff50_2"] - theirs["Teff50_1"]
    assert np.allclose(ours["Teff50_difference"], difference, rtol=1e-6)
    assert np.allclose(ours["Teff50_pull_systematic"], theirs["pull"], rtol=1e-6)
    width = theirs["Teff84_1"] > theirs["Teff16_1"]
    pulls = ours["Teff50_pull_interval"]
    assert np.allclose(pulls[width], theirs["half"][width], rtol=1e-6)
    assert pulls[~width].isna().all()
    for side, count in (("1not2", "only_published"), ("2not1", "only_regenerated")):
        lost = tmp_path / f"{side}.fits"
        stilts(
            "tmatch2", f"in1={one}", f"in2={two}", "matcher=exact", "values1=APOGEE",
            "values2=APOGEE", f"join={side}", f"out={lost}",
        )  # fmt: skip
        names = {str(name).strip() for name in AstropyTable.read(lost)["APOGEE"].astype(str)}
        table = found.unmatched.to_pandas()
        ours_lost = table.loc[table["what"] == count.replace("_", " "), "identifier"]
        assert set(ours_lost) == names
