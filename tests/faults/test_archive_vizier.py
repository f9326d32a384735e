"""The surveys by their copies at VizieR: whole, resumed, what lacks named, differences measured."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pyvo
from astropy.table import MaskedColumn, Table
from astroquery.utils.tap.core import TapPlus

from minisky.faults import Fault
from minisky.mock_archive import TAP, Archive
from spectrotranslator.cli.check_sources import check_sources
from spectrotranslator.config import Configuration, dump, resolve
from spectrotranslator.download import fetch_vizier
from spectrotranslator.download.http import RetryPolicy
from spectrotranslator.download.tap import ask
from spectrotranslator.errors import InputError
from spectrotranslator.sample.build_ledger import copies
from spectrotranslator.surveys.copy_differences import differences
from spectrotranslator.surveys.read_survey import measured
from spectrotranslator.surveys.readers import read_vizier

ROOT = Path(__file__).resolve().parents[2]
TABLE = "J/MNRAS/506/150/stars"
ROWS = 230


def copy() -> pd.DataFrame:
    """GALAH as VizieR may have it: rounded, without some columns, in no order."""
    chance = np.random.default_rng(4)
    table = {
        "recno": chance.permutation(ROWS) + 1,
        "GALAH": 10**14 + np.arange(ROWS),
        "GaiaEDR3": chance.integers(1, 2**61, ROWS),
        "Teff": np.round(chance.uniform(4000, 7000, ROWS), 1),
        "e_Teff": np.round(chance.uniform(50, 90, ROWS), 1),
        "logg": np.round(chance.uniform(1, 5, ROWS), 2),
        "[Fe/H]": np.where(np.arange(ROWS) % 9, np.round(chance.normal(0, 0.3, ROWS), 2), np.nan),
        "snrc3iraf": np.round(chance.uniform(20, 200, ROWS), 1),
        "Survey": [f" plate {i % 3} " for i in range(ROWS)],
    }
    return pd.DataFrame(table)


@pytest.fixture
def serve(monkeypatch):
    running = []

    def start(*faults):
        archive = Archive(faults=faults).__enter__()
        archive.tables.add(TABLE, copy())
        running.append(archive)
        for name, value in archive.environment().items():
            monkeypatch.setenv(name, value)
        return archive

    yield start
    for archive in running:
        archive.__exit__(None, None, None)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    dump(configured(), tmp_path / "config.yaml")
    return tmp_path


def configured(**columns) -> Configuration:
    run = resolve("tiny").model_dump(mode="json", by_alias=True, exclude_none=True)
    run["sources"] |= {"route": "vizier"}
    run["sources"]["retry"] = {"attempts": 2, "wait_s": 0.01, "stall_s": 0.5, "connect_s": 1}
    galah = run["surveys"]["galah"]["vizier"]
    galah["page"] = 50
    galah["columns"] |= {"survey_name": "Survey"} | columns
    return Configuration.model_validate(run)


def fetch(place) -> tuple[pd.DataFrame, dict]:
    out, receipt = place / "out" / "galah.vizier.parquet", place / "receipt.json"
    command = ["--config", str(place / "config.yaml"), "--survey", "galah", "--table", str(out)]
    fetch_vizier.main(fetch_vizier.step.parser.parse_args([*command, "--receipt", str(receipt)]))
    assert not list(out.parent.glob(".*"))
    return pd.read_parquet(out), json.loads(receipt.read_text())


def test_whole_table_comes_in_the_order_of_its_records_under_our_names(serve, place):
    serve()
    found, receipt = fetch(place)
    wanted = copy().sort_values("recno", ignore_index=True)
    assert found["sobject_id"].tolist() == wanted["GALAH"].tolist()
    assert found["dr3_source_id"].tolist() == wanted["GaiaEDR3"].tolist()
    np.testing.assert_array_equal(found["fe_h"], wanted["[Fe/H]"])
    assert found["survey_name"].tolist() == wanted["Survey"].str.strip().tolist()
    assert receipt["rows"] == ROWS
    assert {"e_logg", "Mg_fe", "rv_galah"} <= set(receipt["lacking"])
    assert "recno" not in found


FAULTS = {
    "overflow": Fault("sync", "tap-overflow", 20),
    "closed": Fault("sync", "drop", requests=(2, 4)),
    "reset": Fault("sync", "reset", 300, requests=(2, 4)),
    "cut": Fault("sync", "cut", 300, requests=(3,)),
    "503": Fault("sync", "status", 503, requests=(1, 3)),
    "stall": Fault("sync", "stall", 3, requests=(3,)),
    "HTML": Fault("sync", "html", requests=(3,)),
    "error": Fault("sync", "tap-error", requests=(2,)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_passing_fault_is_survived(name, serve, place):
    serve(FAULTS[name])
    assert len(fetch(place)[0]) == ROWS


def test_rows_left_out_in_silence_are_noticed_by_the_count(serve, place):
    serve(Fault("sync", "tap-truncate", 20, requests=(4,)))
    with pytest.raises(InputError, match=r"200 rows came, the table has 230"):
        fetch(place)
    assert not (place / "out" / "galah.vizier.parquet").exists()


def test_after_rows_were_left_out_all_is_asked_anew(serve, place):
    serve(Fault("sync", "tap-truncate", 20, requests=(4,)))
    with pytest.raises(InputError, match="try again"):
        fetch(place)
    serve()
    assert len(fetch(place)[0]) == ROWS


def test_blank_ids_and_flags_are_missing_and_not_zero():
    ids = MaskedColumn([2**62 + 1, 0, 3], mask=[False, True, False])
    flags = MaskedColumn(np.array([0, 0, 4], np.int16), mask=[False, True, False])
    found = fetch_vizier._named(
        Table({"a": ids, "b": flags, "c": np.int16([1, 2, 3])}), ["id", "f", "n"], ["a", "b", "c"]
    )
    assert found["id"].fillna(0).tolist() == [2**62 + 1, 0, 3]
    np.testing.assert_array_equal(found["f"], [0, np.nan, 4])
    assert found["n"].dtype == np.int64
    survey = (
        configured()
        .surveys["galah"]
        .model_copy(update={"key": ["n"], "identifier": "n", "source_id": "id"})
    )
    assert measured(survey, found)["source_id"].tolist() == [2**62 + 1, 0, 3]


def test_broken_run_asks_only_for_the_pages_it_lacks(serve, place):
    serve(Fault("sync", "status", 403, requests=tuple(range(5, 99))))
    with pytest.raises(InputError, match="403"):
        fetch(place)
    archive = serve()
    fetch(place)
    assert len(archive.exchanges) == 2 + 3, "names, count and the three pages that lacked"


def test_table_that_is_not_there_is_named(serve, place, monkeypatch):
    archive = serve()
    archive.tables.pop(TABLE)
    archive.tables.add("other", copy())
    with pytest.raises(InputError, match="lists no table J/MNRAS/506/150/stars"):
        fetch(place)


def test_table_without_rows_is_refused(serve, place):
    serve().tables.add(TABLE, copy().iloc[:0])
    with pytest.raises(InputError, match="no rows"):
        fetch(place)


def test_reader_fills_values_but_refuses_without_key_and_leaves_flags_out(serve, place):
    serve()
    fetch(place)
    survey = configured().surveys["galah"]
    rows = read_vizier(place / "out" / "galah.vizier.parquet", survey)
    assert rows["Mg_fe"].isna().all()
    assert "flag_sp" not in rows
    other = survey.model_copy(update={"key": ["sobject_id", "cob_id"]})
    with pytest.raises(InputError, match="no column 'cob_id'"):
        read_vizier(place / "out" / "galah.vizier.parquet", other)


def test_preflight_names_the_columns_that_lack_at_vizier(serve, place):
    serve()
    seen = check_sources(configured(), RetryPolicy(attempts=1, stall_s=1, connect_s=1), set())
    notes = [f for one in seen for f in one.findings if f.what == TABLE]
    (note,) = notes
    assert note.state == "note"
    assert "flag_sp" in note.found
    assert "sobject_id" not in note.found
    faults = [f for one in seen for f in one.findings if f.what == "III/286/catalog"]
    assert faults[0].state == "fault"


def test_differences_between_file_and_copy_are_measured_per_column():
    files = pd.DataFrame({"id": [1, 2, 3, 4], "teff": [5000.04, 4000.0, np.nan, 1.0]})
    files["name"] = ["a", "b", "c", "d"]
    files["flag"] = 0
    copied = pd.DataFrame({"id": [3, 2, 1, 9], "teff": [7.0, 4000.0, 5000.0, 1.0]})
    copied["name"] = ["c ", "x", "a", ""]
    found = differences(files, copied, ["id"])
    assert found["rows"] == {"both": 3, "only_files": 1, "only_vizier": 1}
    assert found["only_files"] == ["flag"]
    assert found["columns"]["teff"]["differ"] == 1
    assert found["columns"]["teff"]["largest"] == pytest.approx(0.04)
    assert found["columns"]["teff"]["missing_in_files_only"] == 1
    assert found["columns"]["name"] == {"differ": 1}


def test_ids_that_lost_digits_differ():
    ids = [4295806720123456789, 5853498713190525696, -(2**63)]
    files = pd.DataFrame({"key": list("abc"), "source_id": ids})
    copied = files.assign(source_id=[ids[0] + 1, ids[1], 2**63 - 1])
    found = differences(files, copied, ["key"])["columns"]["source_id"]
    assert (found["differ"], found["largest"]) == (2, 2.0**64)
    gaps = files.assign(source_id=pd.array([ids[0], None, ids[2]], "Int64"))
    found = differences(gaps, files, ["key"])["columns"]["source_id"]
    assert (found["differ"], found["missing_in_files_only"]) == (0, 1)


def test_the_ledger_says_how_the_copies_differ(serve, place):
    serve()
    fetch(place)
    configuration = configured()
    survey = configuration.surveys["galah"]
    path = place / "out" / "galah.vizier.parquet"
    own = measured(survey, read_vizier(path, survey)).iloc[1:]
    own.assign(teff=own["teff"] + 2).to_parquet(place / "own.parquet")
    alone = configuration.model_copy(update={"surveys": {"galah": survey}})
    found = copies(alone, [place / "own.parquet"], [path])["galah"]
    assert found["rows"] == {"both": ROWS - 1, "only_files": 0, "only_vizier": 1}
    assert found["columns"]["teff"]["largest"] == pytest.approx(2)
    assert found["columns"]["logg"]["differ"] == 0


def test_pyvo_and_astroquery_get_what_we_get_upload_included(serve, tmp_path):
    archive = serve()
    ids = copy()["GALAH"].to_numpy()[::7]
    query = (
        f'SELECT g."GALAH", g."Teff" FROM "{TABLE}" AS g '
        "JOIN TAP_UPLOAD.ids AS u ON g.GALAH = u.source_id"
    )
    ours = ask(TAP, query, RetryPolicy(attempts=1), ids).table
    address = archive.url_map()[TAP]
    upload = Table({"source_id": ids})
    service = pyvo.dal.TAPService(address)
    by_pyvo = service.run_sync(query, uploads={"ids": upload}).to_table()
    path = tmp_path / "ids.xml"
    upload.write(path, format="votable")
    job = TapPlus(url=address).launch_job(query, upload_resource=str(path), upload_table_name="ids")
    by_astroquery = job.get_results()
    for other in (by_pyvo, by_astroquery):
        columns = [list(column) for column in other.columns.values()]
        assert columns == [list(column) for column in ours.columns.values()]
        assert len(other) == len(ids)
