"""A cell of a catalogue is computed again from what the run names, to the same bytes."""

import json
import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from spectrotranslator.errors import InputError
from spectrotranslator.provenance.cell_origin import explain, tell
from spectrotranslator.provenance.finished_run import read_run
from spectrotranslator.provenance.homogenised_lineage import HomogenisedCatalogue
from spectrotranslator.provenance.lineage import Catalogue, differing


@pytest.fixture(scope="module")
def run(finished):
    return read_run(finished.root / "results" / "tiny", finished.root)


@pytest.fixture(scope="module")
def catalogue(run):
    return Catalogue(run, "as-published", "g2a")


def test_a_thousand_random_cells_are_computed_again_to_the_same_bytes(run, catalogue):
    written = pd.read_parquet(catalogue.parquet)
    columns = [name for name in written if written[name].dtype.kind in "fiub"]
    chance, blocks = random.Random(6), {}
    for _ in range(1000):
        place, column = chance.randrange(len(written)), chance.choice(columns)
        rows = catalogue.bounds(place)
        if rows.start not in blocks:
            blocks[rows.start] = catalogue.shaped(catalogue.block(place))
        computed = blocks[rows.start][column].to_numpy()[place - rows.start]
        assert computed.tobytes() == written[column].to_numpy()[place].tobytes(), (place, column)
    assert {c for c in columns if c.startswith(("Flag", "Qflag"))}


def test_every_line_of_a_block_is_written_again_to_the_same_bytes(catalogue):
    computed = catalogue.shaped(catalogue.block(0))
    for place in range(0, catalogue.bounds(0).stop, 7):
        assert catalogue.line(computed.iloc[[place]]) == catalogue.written_line(place)


def test_a_changed_cell_is_seen(catalogue):
    computed = catalogue.shaped(catalogue.block(0))
    changed = computed.copy()
    changed.loc[3, "Teff50"] = np.nextafter(changed.loc[3, "Teff50"], np.inf)
    assert differing(computed, computed) == {}
    assert differing(computed, changed) == {"Teff50": 1}


def test_an_identifier_a_gaia_id_and_a_line_mean_the_same_row(run, catalogue):
    star = catalogue.stars.iloc[4]
    for name in (str(star["identifier"]), str(star["source_id"]), "5"):
        assert explain(run, "g2a", name, "Teff50")["line"] == 5


def test_the_story_of_a_cell_agrees_with_the_files_it_names(run, catalogue):
    told = explain(run, "g2a", "5", "logg84")
    assert told["agrees"] and told["line_agrees"] and told["evidence"] == "simulated"
    survey, added, gaia = told["sources"]
    assert survey["row"] == catalogue.stars["row"].iloc[4]
    assert {survey["file"], added["file"], gaia["file"]} <= {
        path.relative_to(run.folder).as_posix() for path in (run.folder / "sources").iterdir()
    }
    assert gaia["values"]["Source"] == catalogue.stars["source_id"].iloc[4]
    assert float(told["text"]) == told["value"]["logg84"]
    assert told["difference"] == float(told["text"]) - float(told["published"])
    assert np.percentile(told["realisations"], 84) == told["value"]["logg84"]
    assert len(told["members"]) == 5
    rows = pd.read_parquet(run.folder / "diff" / "g2a" / "rows.parquet")
    same = rows[rows["GALAH"] == catalogue.stars["identifier"].iloc[4]]
    assert same["logg84_difference"].iloc[0] == told["difference"]
    json.dumps(told, default=str)
    assert "the same bytes in all" in tell(told)


def test_the_failing_cells_are_those_of_the_flags(run, catalogue):
    written = pd.read_parquet(catalogue.parquet)
    place = int(np.flatnonzero(~written["QflagOi"])[0])
    told = explain(run, "g2a", str(place + 1), None)
    flags = {(flag["network"], flag["side"]): flag for flag in told["flags"]}
    failed = flags["intrinsic", "output"]["failed"]
    assert len(failed) == int(written["reasons_output_intrinsic"][place]).bit_count() > 0
    assert all(flag["good"] == (not flag["failed"]) for flag in told["flags"])


def test_membership_of_the_training_sample_is_told(run, catalogue):
    sample = pd.read_parquet(run.folder / "sample" / "g2a-intrinsic.parquet")
    inside = catalogue.stars["key"].isin(sample["from:key"]).to_numpy()
    star, other = int(np.flatnonzero(inside)[0]), int(np.flatnonzero(~inside)[0])
    told = catalogue.training(star)["intrinsic"]
    assert sample["from:key"][told["row"]] == catalogue.stars["key"].iloc[star]
    assert sample["part"][told["row"]] == told["part"]
    assert catalogue.training(other)["intrinsic"] is None


@pytest.mark.parametrize(
    ("catalogue_name", "row", "column", "says"),
    [
        ("a2x", "1", None, "no catalogue 'a2x'"),
        ("g2a", "nobody", None, "no row 'nobody'"),
        ("g2a", "0", None, "no row '0'"),
        ("g2a", "1", "Teff51", "no column 'Teff51'"),
    ],
)
def test_what_is_not_there_is_refused_by_name(run, catalogue_name, row, column, says):
    with pytest.raises(InputError, match=says):
        explain(run, catalogue_name, row, column)


def test_rows_of_a_homogenised_catalogue_are_made_again(run):
    stars = pd.read_parquet(run.folder / "catalogues/as-published/homogenised_apogee.parquet")
    lone = {how: int(np.flatnonzero(stars["measured"] == how)[3]) for how in (True, False)}
    for how, place in lone.items():
        found = explain(run, "homogenised_apogee", str(stars["source_id"][place]), "TEFF")
        assert (found["line"], found["measured"], found["agrees"]) == (place + 1, how, True)
        assert found["value"]["TEFF"] == stars["TEFF"][place]
        assert found["sources"][found["values_of"]][0]["row"] is not None
        assert "made again: the same values" in tell(found)


def test_a_changed_value_of_a_homogenised_catalogue_is_seen(run, monkeypatch):
    made = HomogenisedCatalogue(run, "as-published", "apogee")
    changed = made.written.to_pandas()
    changed.loc[5, "TEFF"] += 1
    table = pa.Table.from_pandas(changed, made.written.schema, preserve_index=False)
    monkeypatch.setattr(HomogenisedCatalogue, "written", table)
    found = explain(run, "homogenised_apogee", "6", None)
    assert found["differing"] == ["TEFF"] and not found["agrees"]
    assert "values differ in TEFF" in tell(found)


def test_a_homogenised_catalogue_or_column_that_is_not_there_is_named(run):
    with pytest.raises(InputError, match="no as-published/homogenised_x"):
        explain(run, "as-published/homogenised_x", "1", None)
    with pytest.raises(InputError, match="no column 'x'"):
        explain(run, "homogenised_apogee", "1", "x")
    with pytest.raises(InputError, match="no row 'nobody'"):
        explain(run, "homogenised_apogee", "nobody", None)
