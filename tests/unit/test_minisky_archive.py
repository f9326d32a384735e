"""The loopback archive: files with ranges, TAP, scripted faults, and the wrapper of a command."""

import gzip
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import pyvo
import requests
from astropy.table import Table

from minisky.adql import QueryError, run_query
from minisky.faults import Fault
from minisky.mock_archive import APOGEE, PREFIXES, TAP, VIZIER, Archive
from minisky.votable import read_votable, write_votable
from spectrotranslator.download.tap import columns_query

JOIN = (
    'SELECT g.Source, g.Gmag, g.e_Gmag FROM "I/355/gaiadr3" AS g'
    " JOIN TAP_UPLOAD.ids AS u ON g.Source = u.source_id"
)
CONTENT = bytes(range(256)) * 40
LITE = "allStarLite-dr17-synspec_rev1.fits"


@pytest.fixture
def folders(tmp_path):
    sky, published = tmp_path / "sky", tmp_path / "published"
    sky.mkdir()
    published.mkdir()
    (sky / LITE).write_bytes(CONTENT)
    source = np.arange(1, 101, dtype=np.int64) * 68_000_000_000_000_001
    gaia = pd.DataFrame({"Source": source, "Gmag": np.linspace(8, 16, 100) + 1 / 3})
    gaia["e_Gmag"] = np.where(np.arange(100) == 7, np.nan, 0.002)
    gaia.to_parquet(sky / "gaia.parquet")
    (published / "ReadMe").write_text("read me\n")
    (published / "g2a.dat.gz").write_bytes(gzip.compress(b"one\ntwo\n", mtime=0))
    return sky, published


@pytest.fixture
def archive(folders):
    faults: list[Fault] = []
    with Archive(*folders, faults) as running:
        yield running


def lite(archive):
    return archive.url_map()[APOGEE] + LITE


def misbehaving(folders, *faults):
    return Archive(*folders, faults)


def tap(archive):
    return pyvo.dal.TAPService(archive.url_map()[TAP])


def some_ids(n):
    return Table({"source_id": np.arange(1, n + 1, dtype=np.int64) * 68_000_000_000_000_001})


def test_every_canonical_prefix_has_an_address(archive):
    assert set(archive.url_map()) == set(PREFIXES)
    assert len(set(archive.url_map().values())) == len(PREFIXES)


def test_file_comes_whole_with_length_and_validators(archive):
    answer = requests.get(lite(archive))
    assert answer.content == CONTENT
    assert {"ETag", "Last-Modified", "Content-Length", "Accept-Ranges"} <= set(answer.headers)
    head = requests.head(lite(archive))
    assert int(head.headers["Content-Length"]) == len(CONTENT)
    assert requests.get(lite(archive) + "x").status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "span"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=9999999-", 416, slice(0, 0)),
        ("lines=1-2", 200, slice(0, None)),
    ],
)
def test_ranges_are_honoured(archive, asked, status, span):
    answer = requests.get(lite(archive), headers={"Range": asked})
    assert answer.status_code == status
    assert answer.content == CONTENT[span]


def test_range_needs_the_validator_that_it_was_promised_under(archive):
    etag = requests.head(lite(archive)).headers["ETag"]
    ask = {"Range": "bytes=5-", "If-Range": etag}
    assert requests.get(lite(archive), headers=ask).status_code == 206
    ask["If-Range"] = '"another"'
    assert requests.get(lite(archive), headers=ask).status_code == 200


def test_packed_catalogue_is_served_packed_and_plain(archive):
    base = archive.url_map()[VIZIER]
    assert gzip.decompress(requests.get(base + "g2a.dat.gz").content) == b"one\ntwo\n"
    plain = requests.get(base + "g2a.dat", headers={"Range": "bytes=4-6"})
    assert plain.content == b"two"


def test_bytes_sent_are_counted_by_path(archive):
    requests.get(lite(archive), headers={"Range": "bytes=0-99"})
    requests.get(archive.url_map()[VIZIER] + "ReadMe")
    assert archive.bytes_sent("allStarLite") == 100
    assert archive.bytes_sent() == 108


def test_tap_joins_an_upload_synchronously_and_asynchronously(archive):
    ids = some_ids(30)
    for run in (tap(archive).run_sync, tap(archive).run_async):
        table = run(JOIN, uploads={"ids": ids}).to_table()
        assert list(table["Source"]) == list(ids["source_id"])
        assert table["Gmag"][3] == np.linspace(8, 16, 100)[3] + 1 / 3
        assert table["e_Gmag"].mask[7]


def test_tap_says_overflow_when_rows_are_left_out(archive):
    cut = tap(archive).run_sync('SELECT Source FROM "I/355/gaiadr3"', maxrec=9)
    assert (len(cut), cut.query_status) == (9, "OVERFLOW")
    wanted = tap(archive).run_sync('SELECT TOP 9 Source FROM "I/355/gaiadr3"')
    assert (len(wanted), wanted.query_status) == (9, "OK")


def test_tap_describes_itself(archive):
    service = tap(archive)
    assert service.hardlimit == 2_000_000
    names = [column.name for column in service.tables["I/355/gaiadr3"].columns]
    assert names == ["Source", "Gmag", "e_Gmag"]
    assert len(service.run_sync(columns_query("I/355/gaiadr3"))) == 3
    plain = "SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = 'I/355/gaiadr3'"
    assert len(service.run_sync(plain)) == 0  # VizieR lists the name with its double quotes


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('SELECT nothing FROM "I/355/gaiadr3"', "unknown column nothing"),
        ("SELECT Source FROM stars", "unknown table stars"),
        ("DROP TABLE stars", "cannot parse"),
    ],
)
def test_tap_refuses_what_it_does_not_understand(archive, query, words):
    with pytest.raises(pyvo.dal.DALQueryError, match=words):
        tap(archive).run_sync(query)


def test_queries_filter_order_count_and_rename():
    tables = {"t": pd.DataFrame({"a": [3, 1, 2], "b": ["x", "y", "z"]})}
    assert run_query("select a as n from t where a >= 2 order by a", tables)["n"].tolist() == [2, 3]
    assert run_query("SELECT COUNT(*) AS n FROM t", tables)["n"].tolist() == [3]
    assert run_query("SELECT * FROM t WHERE a IN (1, 3)", tables)["b"].tolist() == ["x", "y"]
    between = run_query("SELECT b FROM t WHERE a BETWEEN 1 AND 2 AND b = 'z'", tables)
    assert between["b"].tolist() == ["z"]
    with pytest.raises(QueryError, match="condition"):
        run_query("SELECT a FROM t WHERE a LIKE 3", tables)


def test_votable_carries_doubles_and_long_integers_exactly():
    table = pd.DataFrame({"i": [2**62 + 1], "f": [0.1 + 0.2], "s": ["<&>"]})
    back = read_votable(write_votable(table))
    assert int(back["i"][0]) == 2**62 + 1
    assert back["f"][0] == 0.1 + 0.2
    assert str(back["s"][0]) == "<&>"


def test_faults_before_the_first_byte(folders):
    faults = (
        Fault("allStar", "drop", requests=(1,)),
        Fault("allStar", "status", 503, requests=(2,), retry_after="3"),
        Fault("allStar", "html", requests=(3,)),
        Fault("ReadMe", "redirect", "/vizier-mirror/ReadMe", requests=(1,)),
        Fault("g2a", "redirect-loop"),
    )
    with misbehaving(folders, *faults) as archive:
        with pytest.raises(requests.ConnectionError):
            requests.get(lite(archive))
        answer = requests.get(lite(archive))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
        assert requests.get(lite(archive)).text.startswith("<!DOCTYPE html>")
        assert requests.get(lite(archive)).content == CONTENT
        assert requests.get(archive.url_map()[VIZIER] + "ReadMe").text == "read me\n"
        with pytest.raises(requests.TooManyRedirects):
            requests.get(archive.url_map()[VIZIER] + "g2a.dat")


@pytest.mark.parametrize("kind", ["cut", "reset", "wrong-length"])
def test_body_that_ends_early_is_noticed_by_a_careful_client(folders, kind):
    with (
        misbehaving(folders, Fault("allStar", kind, 500)) as archive,
        pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)),
    ):
        requests.get(lite(archive))


def test_body_cut_without_a_length_looks_whole(folders):
    with misbehaving(folders, Fault("allStar", "cut-lengthless", 500)) as archive:
        answer = requests.get(lite(archive))
        assert answer.content == CONTENT[:500]
        assert "Content-Length" not in answer.headers


def test_stalled_connection_runs_into_the_clients_patience(folders):
    with (
        misbehaving(folders, Fault("allStar", "stall", 30)) as archive,
        pytest.raises(requests.ConnectionError),
    ):
        requests.get(lite(archive), timeout=(1, 0.3))


def test_file_that_changes_between_ranges_has_new_validators(folders):
    with misbehaving(folders, Fault("allStar", "changed", requests=(2, 3))) as archive:
        first = requests.get(lite(archive), headers={"Range": "bytes=0-9"})
        ask = {"Range": "bytes=10-19", "If-Range": first.headers["ETag"]}
        second = requests.get(lite(archive), headers=ask)
        assert second.status_code == 200
        assert second.content != CONTENT
        third = requests.get(lite(archive), headers={"Range": "bytes=10-19"})
        assert third.headers["ETag"] != first.headers["ETag"]


def test_ignored_range_and_flipped_byte(folders):
    faults = (Fault("allStar", "ignore-range", requests=(1,)), Fault("ReadMe", "wrong-bytes", 2))
    with misbehaving(folders, *faults) as archive:
        answer = requests.get(lite(archive), headers={"Range": "bytes=0-9"})
        assert (answer.status_code, answer.content) == (200, CONTENT)
        content = requests.get(archive.url_map()[VIZIER] + "ReadMe").content
        assert [a == b for a, b in zip(content, b"read me\n", strict=True)].count(False) == 1


def test_tap_faults_truncate_double_and_lose_rows(folders):
    faults = [
        Fault("sync", "tap-overflow", 5, requests=(1,)),
        Fault("sync", "tap-truncate", 5, requests=(2,)),
        Fault("sync", "tap-missing", 2, requests=(3,)),
        Fault("sync", "tap-double", 3, requests=(4,)),
        Fault("sync", "tap-error", requests=(5,)),
    ]
    with misbehaving(folders, *faults) as archive:
        service = tap(archive)
        with pytest.warns(pyvo.dal.DALOverflowWarning):
            assert len(service.run_sync(JOIN, uploads={"ids": some_ids(20)})) == 5
        assert len(service.run_sync(JOIN, uploads={"ids": some_ids(20)})) == 5
        assert len(service.run_sync(JOIN, uploads={"ids": some_ids(20)})) == 18
        assert len(service.run_sync(JOIN, uploads={"ids": some_ids(20)})) == 23
        with pytest.raises(pyvo.dal.DALQueryError, match="tired"):
            service.run_sync(JOIN, uploads={"ids": some_ids(20)})
        assert len(service.run_sync(JOIN, uploads={"ids": some_ids(20)})) == 20


def test_refused_prefix_has_nobody_listening(archive):
    address = archive.url_map(refused=[APOGEE])[APOGEE]
    with pytest.raises(requests.ConnectionError):
        requests.get(address + LITE)


def test_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="no such fault"):
        Fault("x", "explode")


def serve(folders, code, *arguments):
    command = [sys.executable, "-m", "minisky.serve", "--sky", str(folders[0])]
    command += ["--published", str(folders[1]), *arguments, "--", sys.executable, "-c", code]
    environment = os.environ
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


FETCH = """
import json, os, sys, urllib.request
addresses = json.loads(os.environ["SPECTROTRANSLATOR_URL_MAP"])
address = addresses["https://cdsarc.cds.unistra.fr/ftp/J/A+A/690/A54/"]
print(urllib.request.urlopen(address + "ReadMe").read().decode(), end="")
sys.exit(7)
"""


def test_serve_gives_the_command_an_archive_and_returns_its_status(folders):
    result = serve(folders, FETCH)
    assert result.stdout == "read me\n"
    assert result.returncode == 7


def test_serve_scripts_faults_from_a_file(folders, tmp_path):
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"path": "ReadMe", "kind": "status", "value": 403}]))
    result = serve(folders, FETCH, "--faults", str(faults))
    assert "403" in result.stderr


def test_serve_without_its_folder_says_so_in_one_line(tmp_path):
    result = serve((tmp_path / "nowhere", tmp_path), FETCH)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "nowhere" in result.stderr
