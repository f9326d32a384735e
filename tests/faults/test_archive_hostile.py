"""Servers and neighbours that mean harm: bounded, named, and nothing of others is touched."""

import gzip
import io
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from astropy.io import votable
from astropy.table import Table

from spectrotranslator.download import fetch_file
from spectrotranslator.download.content_check import content_fault
from spectrotranslator.download.download import _part_of, download
from spectrotranslator.download.fetch_photometry import Provider, _checked
from spectrotranslator.download.fetch_vizier import _named
from spectrotranslator.download.http import RetryPolicy, TransferError, slot
from spectrotranslator.download.ranges import read_head
from spectrotranslator.download.registry import Source
from spectrotranslator.download.tap import _parsed, ask
from spectrotranslator.errors import InputError
from spectrotranslator.shared_files import waited_lock

QUICK = RetryPolicy(connect_s=1, stall_s=1, attempts=1, wait_s=0)


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's ``act`` says."""

    def do_GET(self):
        try:
            self.server.act(self)
        except OSError:
            return

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    do_HEAD = do_GET

    def give(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        return


@pytest.fixture
def serve():
    """Start a server that does ``act`` with every request; its address."""
    servers = []

    def start(act) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads, server.act = True, act
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def source(url: str, size: int | None = None) -> Source:
    return Source("s", "x.txt", "", "", (url,), size, None, None, "", "", "", "")


def trouble(url: str, folder: Path, size: int | None = None) -> str:
    """Why nothing could be fetched; soon, and nothing is left under the final name."""
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        download(source(url, size), folder / "x.txt", QUICK)
    assert time.monotonic() - started < 15
    assert not (folder / "x.txt").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def endless(request) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65536)


def drops(request) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x")
        time.sleep(0.1)


def dripping_headers(request) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        request.wfile.write(b"X: y\r\n")
        time.sleep(0.3)


def test_a_body_without_end_stops_at_the_registered_size(serve, tmp_path):
    assert "more than the 1000 bytes" in trouble(serve(endless), tmp_path, 1000)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1 << 21


@pytest.mark.parametrize("act", [drops, dripping_headers])
def test_a_server_that_drips_is_left(serve, tmp_path, act):
    assert "could not be fetched" in trouble(serve(act), tmp_path)
    with pytest.raises(TransferError):
        read_head(serve(act), QUICK)


HEADERS = [
    {"Content_Length": "\u00b2"}, {"Content_Length": "9" * 5000}, {"Content_Length": "-5"},
    {"Content_Range": "bytes 9-" + "9" * 5000}, {"Retry_After": "9" * 5000},
    {"Location": "http://[::1"}, {"Location": "http://a..b/"}, {"Location": "http://\udc80/"},
    {"Content_Encoding": "zstd\x1b"},
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(HEADERS)))
@pytest.mark.parametrize("status", [206, 302, 503])
def test_hostile_headers_are_an_error_of_one_line(serve, tmp_path, number, status):
    headers = {"Content_Length": ""} | HEADERS[number]

    def act(request):
        lines = [f"HTTP/1.1 {status} X"] + [
            f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value
        ]
        text = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")
        request.wfile.write(text)

    trouble(serve(act), tmp_path)


@pytest.mark.parametrize("where", ["ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://a/"])
def test_addresses_of_other_schemes_are_refused_at_once(serve, tmp_path, where):
    assert "is not an address of http" in trouble(where, tmp_path)
    away = serve(lambda request: request.give(b"", 302, Location=where))
    assert "is not an address of http" in trouble(away, tmp_path)


def test_a_password_of_a_mirror_is_written_nowhere(serve, tmp_path, monkeypatch):
    place = serve(lambda request: request.give(b"abcd\n")).removeprefix("http://")
    mapped = {"https://data.example/": f"http://sdss:s3cret@{place}/"}
    monkeypatch.setenv("SPECTROTRANSLATOR_URL_MAP", json.dumps(mapped))
    receipt = download(source("https://data.example/x.txt"), tmp_path / "x.txt", QUICK)
    assert receipt.final_url == f"http://{place}/x.txt"
    assert "s3cret" not in repr(receipt)


PAGES = {
    "XHTML": b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">\n<html/>',
    "HTML after a comment": b"<!-- sorry -->\n<html></html>",
    "HTML after a mark": b"\xef\xbb\xbf<!DOCTYPE HTML>",
    "a JSON message": b'{"error": "not found"}',
}


@pytest.mark.parametrize("page", PAGES)
def test_an_error_page_is_not_taken_for_the_file(serve, tmp_path, page):
    assert "came instead of the file" in trouble(
        serve(lambda request: request.give(PAGES[page])), tmp_path
    )


def test_a_gzip_bomb_is_counted_and_not_held(tmp_path, monkeypatch):
    monkeypatch.setattr("spectrotranslator.download.content_check.MOST_UNPACKED", 1 << 22)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"\0" * (1 << 24)))
    assert "unpacked" in content_fault(path, "x.gz")
    path.write_bytes(gzip.compress(b"\0" * (1 << 21)))
    assert content_fault(path, "x.gz") is None


def test_a_packed_answer_of_a_service_is_bounded(serve, monkeypatch):
    monkeypatch.setattr("spectrotranslator.download.tap.ANSWER_BYTES", 1 << 20)
    packed = gzip.compress(b" " * (1 << 26))
    url = serve(lambda request: request.give(packed, Content_Encoding="gzip"))
    with pytest.raises(TransferError, match="unpacked"):
        ask(url, "SELECT 1", QUICK)


ERROR = b"""<VOTABLE version="1.3"><RESOURCE type="results">
<INFO name="QUERY_STATUS" value="ERROR">Query timed out</INFO></RESOURCE></VOTABLE>"""


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [(400, b"Unknown column foo in table bar", "Unknown column foo in table bar"),
     (500, ERROR, "Query timed out"), (400, ERROR, "Query timed out"),
     (403, b"not for\nyou \x1b[2K", "not for you"), (503, b"at lunch", "at lunch")],
)  # fmt: skip
def test_a_service_s_own_words_reach_the_user(serve, status, body, says):
    with pytest.raises(TransferError, match=says) as caught:
        ask(serve(lambda request: request.give(body, status)), "SELECT 1", QUICK)
    assert str(caught.value).isprintable()


def table(**columns) -> Table:
    return Table({name: np.asarray(values) for name, values in columns.items()})


def document(given: Table) -> bytes:
    stream = io.BytesIO()
    votable.writeto(votable.from_table(given), stream)
    return stream.getvalue()


HOSTILE = {
    "a stream elsewhere": b'<VOTABLE><RESOURCE><TABLE><DATA><BINARY><STREAM href="file:///etc/'
    b'passwd"/></BINARY></DATA></TABLE></RESOURCE></VOTABLE>',
    "a stream with a prefix": b'<v:VOTABLE xmlns:v="x"><v:STREAM v:href="http://a/"/></v:VOTABLE>',
    "UTF-16": '<?xml version="1.0" encoding="utf-16"?><A><STREAM href="http://a"/></A>'.encode(
        "utf-16"
    ),
    "entities": b'<!DOCTYPE V [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><VOTABLE>&c;</VOTABLE>',
    "an external DTD": b'<!DOCTYPE V SYSTEM "file:///etc/passwd"><VOTABLE/>',
    "depth": b"<A>" * 10_000,
    "nothing": b"",
    "an encoding nobody knows": b'<?xml version="1.0" encoding="x-none"?><VOTABLE/>',
    "JSON": b'{"error": "down"}',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_answer_is_refused(what):
    with pytest.raises(TransferError) as caught:
        _parsed(HOSTILE[what])
    assert str(caught.value).isprintable()


GAIA = ("Source", "Gmag", "e_Gmag")
PROVIDER = Provider("gaia", "http://a", "t", GAIA, {})


def test_columns_of_an_answer_are_found_by_name():
    swapped = _parsed(document(table(e_Gmag=[0.1], Source=[7], Gmag=[12.0]))).table
    rows = _checked(swapped, PROVIDER, list(GAIA), np.array([7]))
    assert rows["Gmag"].to_pylist() == [12.0]
    assert rows["e_Gmag"].to_pylist() == [0.1]


WRONG = {
    "renamed": table(Source=[7], Gmag=[12.0], BPmag=[0.1]),
    "one missing": table(Source=[7], Gmag=[12.0]),
    "one more": table(Source=[7], Gmag=[12.0], e_Gmag=[0.1], more=[1.0]),
    "text": table(Source=[7], Gmag=["12"], e_Gmag=[0.1]),
    "fractions of ids": table(Source=[7.5], Gmag=[12.0], e_Gmag=[0.1]),
    "arrays": table(Source=[7], Gmag=[[12.0, 13.0]], e_Gmag=[0.1]),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_answer_of_other_columns_is_refused(what):
    with pytest.raises(TransferError):
        _checked(WRONG[what], PROVIDER, list(GAIA), np.array([7]))


def test_an_answer_in_another_unit_is_refused():
    given = table(Source=[7], Gmag=[12.0], e_Gmag=[0.1])
    given["Gmag"].unit = "Jy"
    with pytest.raises(TransferError, match="is in Jy, not in mag"):
        _checked(given, PROVIDER, list(GAIA), np.array([7]))


def test_truth_values_with_gaps_stay_truth_values_and_arrays_are_refused():
    given = Table({"a": np.ma.array([True, False], mask=[False, True])})
    assert _named(given, ["a"])["a"].isna().tolist() == [False, True]
    with pytest.raises(TransferError, match="several values a row"):
        _named(table(a=[[1, 2]]), ["a"])


def test_a_link_at_the_name_of_a_part_is_not_followed(serve, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    url = serve(lambda request: request.give(b"good\n", ETag='"1"'))
    part = _part_of(url, tmp_path / "x.txt")
    for name in (part.path, part.note):
        name.symlink_to(victim)
    download(source(url), tmp_path / "x.txt", QUICK)
    assert victim.read_text() == "mine"
    assert (tmp_path / "x.txt").read_text() == "good\n"


@pytest.mark.parametrize("note", ["{}", "[]", "null", "[" * 10_000, '{"validator": 5}', "x"])
def test_a_damaged_note_begins_anew(serve, tmp_path, note):
    url = serve(lambda request: request.give(b"good\n"))
    part = _part_of(url, tmp_path / "x.txt")
    part.path.write_bytes(b"PO")
    part.note.write_text(note)
    download(source(url), tmp_path / "x.txt", QUICK)
    assert (tmp_path / "x.txt").read_text() == "good\n"


def test_a_half_file_of_another_user_is_not_gone_on_with(serve, tmp_path, monkeypatch):
    url = serve(lambda request: request.give(b"good\n", ETag='"1"'))
    part = _part_of(url, tmp_path / "x.txt")
    part.path.write_bytes(b"POISON")
    part.note.write_text(json.dumps({"validator": '"1"', "total": 11}))
    assert part.resumable()
    monkeypatch.setattr("spectrotranslator.shared_files.os.geteuid", lambda: 4321)
    assert not part.resumable()
    assert part.size == 0


@pytest.mark.parametrize("planted", ["link", "fifo"])
def test_what_was_planted_at_a_lock_is_neither_emptied_nor_waited_for(tmp_path, planted):
    victim, lock = tmp_path / "victim", tmp_path / ".x.lock"
    victim.write_text("mine")
    if planted == "link":
        lock.symlink_to(victim)
    else:
        os.mkfifo(lock)
    with pytest.raises(InputError, match=r"\.x\.lock"), waited_lock(lock, "to test"):
        pass
    assert victim.read_text() == "mine"


def test_the_folder_of_locks_of_another_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (tmp_path / f"spectrotranslator-{os.getuid()}").symlink_to(tmp_path)
    with pytest.raises(InputError, match="not a folder of yours"), slot("http://a.example", 1):
        pass


def test_who_holds_a_lock_is_waited_for_aloud(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("spectrotranslator.shared_files.NOTICE_S", 0)
    lock, free = tmp_path / "x.lock", threading.Event()

    def hold():
        with waited_lock(lock, ""):
            free.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    threading.Timer(0.3, free.set).start()
    time.sleep(0.1)
    with waited_lock(lock, "to fetch x"):
        holder.join()
    assert "waiting for another process to fetch x" in capsys.readouterr().err


def test_a_shared_file_of_another_user_is_not_trusted_for_its_own_receipt(tmp_path, monkeypatch):
    place = tmp_path / "x.txt"
    place.write_text("planted")
    receipt = fetch_file.receipt_of(place)
    told = {"url": "http://a", "final_url": "http://a", "bytes": 7, "validators": {},
            "sha256": fetch_file.sha256(place)}  # fmt: skip
    receipt.write_text(json.dumps(told))
    assert fetch_file._fetched_before(source("http://a"), place, receipt, None)
    monkeypatch.setattr(fetch_file, "is_trusted", lambda path: False)
    assert not fetch_file._fetched_before(source("http://a"), place, receipt, None)


@pytest.mark.parametrize("text", ["{}", "[]", "null", "[" * 10_000, '{"url": 1}'])
def test_a_damaged_receipt_is_written_anew(tmp_path, text):
    place = tmp_path / "x.txt"
    place.write_text("x")
    receipt = fetch_file.receipt_of(place)
    receipt.write_text(text)
    assert not fetch_file._fetched_before(source("http://a"), place, receipt, None)


def test_a_table_may_come_plain_under_its_packed_name(tmp_path):
    record = b"1" * 60 + b"\n"
    content = tmp_path / "part"
    for text, fault in (
        (record * 3, None),
        (gzip.compress(record * 3), None),
        (b"the file is not here\n" * 2, "not gzip"),
        (record + b"2" * 61 + b"\n", "not gzip"),
        (b"\0" + record[1:] + record, "not gzip"),
    ):
        content.write_bytes(text)
        assert content_fault(content, "g2a.dat.gz") == fault
