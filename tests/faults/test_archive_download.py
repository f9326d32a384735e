"""Whatever an archive does, a download ends right or in one clear line, and the file is whole."""

import gzip
import hashlib
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table

from minisky.faults import Fault
from minisky.mock_archive import VIZIER, VIZIER_MIRROR, Archive
from spectrotranslator.download.download import CHUNK, _append, _part_of, download
from spectrotranslator.download.http import RetryPolicy
from spectrotranslator.download.registry import Source
from spectrotranslator.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
QUICK = RetryPolicy(connect_s=1, stall_s=0.4, attempts=3, wait_s=0.01, longest_wait_s=1.5)
TEXT = bytes(range(32, 127)) * 20_000


def entry(name: str, mirror: bool = False, **changes) -> Source:
    urls = (VIZIER + name, VIZIER_MIRROR + name) if mirror else (VIZIER + name,)
    plain = Source(
        name="it", file=name, dataset="", release="", urls=urls, bytes=None, rows=None,
        sha256=None, licence="", redistribution="", citation="", doi="",
    )  # fmt: skip
    return replace(plain, **changes)


def table_bytes(tmp_path) -> bytes:
    path = tmp_path / "made.fits"
    Table({"a": np.arange(4000), "b": np.ones(4000)}).write(path)
    return path.read_bytes()


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Start an archive with these faults that holds a text, a packed text and a FITS table."""
    place = tmp_path / "served"
    place.mkdir()
    contents = {
        "plain.txt": TEXT,
        "packed.dat.gz": gzip.compress(np.random.default_rng(1).bytes(200_000), mtime=0),
        "table.fits": table_bytes(tmp_path),
    }
    extra = {}
    for name, content in contents.items():
        (place / name).write_bytes(content)
        for folder in ("/vizier/", "/vizier-mirror/"):
            extra[folder + name] = place / name
    running = []

    def start(*faults, refused=()):
        archive = Archive(faults=faults, extra=extra).__enter__()
        running.append(archive)
        for name, value in archive.environment(refused).items():
            monkeypatch.setenv(name, value)
        archive.contents = contents
        return archive

    yield start
    for archive in running:
        archive.__exit__(None, None, None)


def fetch(source: Source, folder: Path, retry: RetryPolicy = QUICK) -> bytes:
    path = folder / source.file
    receipt = download(source, path, retry)
    content = path.read_bytes()
    assert receipt.bytes == len(content)
    assert receipt.sha256 == hashlib.sha256(content).hexdigest()
    assert not list(folder.glob(".*.download")), "nothing is left beside the whole file"
    return content


def refused(source: Source, folder: Path, retry: RetryPolicy = QUICK) -> str:
    path = folder / source.file
    with pytest.raises(InputError) as caught:
        download(source, path, retry)
    assert not path.exists(), "no half file under the final name"
    message = str(caught.value)
    assert "\n" not in message
    assert source.file in message
    return message


def test_file_comes_whole_with_a_true_receipt(serve, tmp_path):
    archive = serve()
    assert fetch(entry("plain.txt"), tmp_path) == TEXT
    assert archive.bytes_sent("plain") == len(TEXT)


# Faults that pass: the file comes right, and the server sends this many bytes (None: not counted).
PASSING = {
    "closed before the first byte": (Fault("plain", "drop", requests=(1,)), len(TEXT)),
    "reset in the middle": (Fault("plain", "reset", 700_000, requests=(1,)), None),
    "cut short, length announced": (Fault("plain", "cut", 700_000, requests=(1,)), len(TEXT)),
    "cut short, no length": (Fault("plain", "cut-lengthless", 700_000, (1,)), len(TEXT)),
    "too long a length": (Fault("plain", "wrong-length", 50, requests=(1,)), len(TEXT)),
    "429 without a time": (Fault("plain", "status", 429, requests=(1,)), None),
    "503 without a time": (Fault("plain", "status", 503, requests=(1,)), None),
    "500": (Fault("plain", "status", 500, requests=(1, 2)), None),
    "redirect": (Fault("vizier/", "redirect", "/vizier-mirror/plain.txt"), len(TEXT)),
    "stall": (Fault("plain", "stall", 5, requests=(1,)), len(TEXT)),
}


@pytest.mark.parametrize("name", PASSING)
def test_passing_fault_is_survived_and_only_what_is_missing_comes_again(name, serve, tmp_path):
    fault, sent = PASSING[name]
    archive = serve(fault)
    assert fetch(entry("plain.txt"), tmp_path) == TEXT
    if sent is not None:
        assert archive.bytes_sent("plain") == sent


LASTING = {
    "closed before the first byte": (Fault("plain", "drop"), "the connection broke"),
    "429": (Fault("plain", "status", 429), "status 429"),
    "503": (Fault("plain", "status", 503), "status 503"),
    "403": (Fault("plain", "status", 403), "status 403"),
    "404": (Fault("plain", "status", 404), "status 404"),
    "redirect loop": (Fault("plain", "redirect-loop"), "redirects without end"),
    "redirect nowhere": (Fault("plain", "redirect", "/nowhere"), "status 404"),
    "HTML page": (Fault("plain", "html"), "an HTML page came"),
    "stall ever again": (Fault("plain", "stall", 5), "stalled"),
}


@pytest.mark.parametrize("name", LASTING)
def test_lasting_fault_ends_in_one_line_that_says_why(name, serve, tmp_path):
    fault, words = LASTING[name]
    archive = serve(fault)
    source = entry("plain.txt")
    message = refused(source, tmp_path)
    assert words in message
    assert VIZIER in message
    assert archive.bytes_sent("plain") < len(TEXT)


def test_connection_refused_is_named_after_the_last_attempt(serve, tmp_path):
    serve(refused=[VIZIER])
    assert "connection refused" in refused(entry("plain.txt"), tmp_path)


@pytest.mark.parametrize("trouble", ["refused", "status 403", "status 503", "html", "wrong"])
def test_mirror_steps_in_at_once(serve, tmp_path, trouble):
    faults = {
        "status 403": [Fault("vizier/plain", "status", 403)],
        "status 503": [Fault("vizier/plain", "status", 503, retry_after="60")],
        "html": [Fault("vizier/plain", "html")],
        "wrong": [Fault("vizier/plain", "wrong-bytes", 1000)],
    }
    serve(*faults.get(trouble, []), refused=[VIZIER] if trouble == "refused" else [])
    source = entry("plain.txt", mirror=True, sha256=hashlib.sha256(TEXT).hexdigest())
    started = time.monotonic()
    assert fetch(source, tmp_path) == TEXT
    assert time.monotonic() - started < 5


def test_all_addresses_are_named_when_none_gives_the_file(serve, tmp_path):
    serve(Fault("vizier/", "status", 403), Fault("vizier-mirror", "status", 404))
    message = refused(entry("plain.txt", mirror=True), tmp_path)
    assert VIZIER in message
    assert VIZIER_MIRROR in message
    assert "403" in message
    assert "404" in message


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(serve, tmp_path, status):
    serve(Fault("plain", "status", status, requests=(1,), retry_after="1"))
    started = time.monotonic()
    assert fetch(entry("plain.txt"), tmp_path) == TEXT
    assert time.monotonic() - started >= 1


def test_retry_after_may_be_a_date(serve, tmp_path):
    when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2))
    serve(Fault("plain", "status", 503, requests=(1,), retry_after=when))
    started = time.monotonic()
    fetch(entry("plain.txt"), tmp_path, replace(QUICK, longest_wait_s=5))
    assert time.monotonic() - started >= 0.9


def test_waits_grow_and_have_an_end():
    retry = RetryPolicy()
    waits = [retry.wait(i) for i in range(12)]
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(waits) == retry.wait(0, wish=1e9) == 120


def test_file_changed_between_two_ranges_is_fetched_whole_in_its_new_form(serve, tmp_path):
    serve(
        Fault("plain", "cut", 700_000, requests=(1,)),
        Fault("plain", "changed", requests=tuple(range(2, 20))),
    )
    content = fetch(entry("plain.txt"), tmp_path)
    assert content == TEXT.translate(bytes(byte ^ 1 for byte in range(256)))


@pytest.fixture
def other_server():
    """Start a server of ``TEXT``, half of which lies beside ``plain.txt`` already."""
    servers = []

    def start(folder, text, cap=None, headers=None, told=True):
        class Answers(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                asked = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
                first = int(asked[1]) if asked else 0
                body = text[first : first + cap if cap and asked else None]
                self.send_response(206 if asked else 200)
                self.send_header("Content-Length", str(len(body)))
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                span = f"bytes {first}-{first + len(body) - 1}/{len(text)}"
                if asked:
                    self.send_header("Content-Range", span)
                self.end_headers()
                self.wfile.write(body)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        url = f"http://127.0.0.1:{server.server_port}/plain.txt"
        part = _part_of(url, folder / "plain.txt")
        part.path.write_bytes(TEXT[: len(TEXT) // 2])
        noted = {"validator": '"v1"', "total": len(TEXT) if told else None}
        part.note.write_text(json.dumps(noted))
        return entry("plain.txt", urls=(url,)), part

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


NEW = TEXT[::-1]


@pytest.mark.parametrize(
    ("text", "headers"), [(NEW, {"ETag": '"v2"'}), (NEW + b"more", {"ETag": '"v1"'})]
)
def test_range_of_another_file_is_never_joined_to_the_old_one(
    other_server, tmp_path, text, headers
):
    source, _ = other_server(tmp_path, text, headers=headers)
    assert fetch(source, tmp_path) == text


def test_server_that_gives_short_ranges_is_asked_for_the_next_ones(other_server, tmp_path):
    source, _ = other_server(tmp_path, TEXT, cap=300_000, headers={"ETag": '"v1"'})
    assert fetch(source, tmp_path) == TEXT


def test_size_is_told_by_the_range_where_it_was_not_told_before(other_server, tmp_path):
    source, _ = other_server(tmp_path, TEXT, cap=300_000, told=False)
    assert fetch(source, tmp_path) == TEXT


def test_download_killed_as_it_begins_anew_does_not_go_on_with_the_old_bytes(
    other_server, tmp_path, monkeypatch
):
    source, part = other_server(tmp_path, NEW, headers={"ETag": '"v2"'})
    part.note.write_text(json.dumps({"validator": "", "total": None}))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as killing, pytest.raises(KeyboardInterrupt):
        killing.setattr("spectrotranslator.download.download._append", killed)
        download(source, tmp_path / "plain.txt", QUICK)
    assert part.size == 0
    assert fetch(source, tmp_path) == NEW


def test_ignored_range_starts_anew_and_ends_right(serve, tmp_path):
    archive = serve(
        Fault("plain", "cut", 700_000, requests=(1,)),
        Fault("plain", "ignore-range", requests=(2,)),
    )
    assert fetch(entry("plain.txt"), tmp_path) == TEXT
    assert archive.bytes_sent("plain") == len(TEXT) + 700_000


def test_wrong_checksum_is_never_accepted(serve, tmp_path):
    serve(Fault("plain", "wrong-bytes", 1000))
    source = entry("plain.txt", sha256=hashlib.sha256(TEXT).hexdigest())
    assert "sha256 is" in refused(source, tmp_path)


def test_other_size_than_registered_is_refused_before_anything_is_written(serve, tmp_path):
    serve()
    assert "registered" in refused(entry("plain.txt", bytes=len(TEXT) + 1), tmp_path)
    assert not list(tmp_path.glob(".plain*"))


def test_length_that_always_promises_too_much_gives_the_file_that_is_there(serve, tmp_path):
    serve(Fault("plain", "wrong-length", 50))
    assert fetch(entry("plain.txt"), tmp_path) == TEXT


@pytest.mark.parametrize("name", ["packed.dat.gz", "table.fits"])
def test_file_cut_short_without_a_length_is_seen_from_its_content(serve, tmp_path, name):
    archive = serve(Fault(name, "cut-lengthless", 30_000, requests=(1, 2)))
    assert fetch(entry(name), tmp_path) == archive.contents[name]


@pytest.mark.parametrize(("name", "words"), [("packed.dat.gz", "gzip"), ("table.fits", "FITS")])
def test_file_that_stays_cut_short_is_refused(serve, tmp_path, name, words):
    serve(Fault(name, "cut-lengthless", 30_000))
    assert words in refused(entry(name), tmp_path)


@pytest.mark.parametrize("name", ["packed.dat.gz", "table.fits", "plain.txt"])
def test_web_page_under_a_wrong_type_is_refused(tmp_path, monkeypatch, name):
    page = tmp_path / "page"
    page.write_bytes(b"\n<HTML><title>Back soon</title></HTML>\n" * 100)
    with Archive(extra={f"/vizier/{name}": page}) as archive:
        for key, value in archive.environment().items():
            monkeypatch.setenv(key, value)
        assert "HTML page" in refused(entry(name), tmp_path / "down")


def test_connection_that_breaks_ever_again_goes_on_as_long_as_it_brings_something(serve, tmp_path):
    archive = serve(Fault("plain", "cut", 100_000))
    source = entry("plain.txt", bytes=len(TEXT))
    assert fetch(source, tmp_path) == TEXT
    assert archive.bytes_sent("plain") == len(TEXT)


SLOW = """
import sys
from pathlib import Path
from spectrotranslator.download.download import download
from spectrotranslator.download.registry import Source
from spectrotranslator.errors import InputError
source = Source("it", "plain.txt", "", "", (sys.argv[1],), None, None, None, "", "", "", "")
try:
    download(source, Path(sys.argv[2]) / "plain.txt")
except InputError as error:
    sys.exit(f"error: {error}")
"""


def start(folder: Path, **settings) -> subprocess.Popen:
    command = [sys.executable, "-c", SLOW, VIZIER + "plain.txt", str(folder)]
    return subprocess.Popen(command, text=True, **settings)


def test_killed_download_is_taken_up_where_it_stopped(serve, tmp_path):
    archive = serve(Fault("plain", "stall", 20, requests=(1,)))
    process = start(tmp_path)
    half = len(TEXT) // 2
    deadline = time.monotonic() + 20
    while not any(p.stat().st_size >= half for p in tmp_path.glob(".plain*.download")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "plain.txt").exists()
    assert fetch(entry("plain.txt"), tmp_path) == TEXT
    assert archive.bytes_sent("plain") == len(TEXT)


def test_full_disk_is_one_line_and_what_came_is_kept(serve, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root: not tried here")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        serve()
        assert "MB free on that disk" in refused(entry("plain.txt"), disk)
        serve(Fault("plain", "cut-lengthless", len(TEXT)))
        message = refused(entry("plain.txt"), disk)
        assert "disk is full" in message
        assert "are kept" in message
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        archive = serve()
        fetch(entry("plain.txt"), disk)
        assert archive.bytes_sent("plain") <= len(TEXT)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_block_that_a_disk_takes_only_in_part_is_not_taken_for_written(tmp_path):
    response = SimpleNamespace(raw=io.BytesIO(TEXT[:CHUNK]))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            _append(response, tmp_path / "part", 0, None, "it", QUICK)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "part").stat().st_size == 500_000


def test_few_connections_go_to_one_host_at_a_time(serve, tmp_path):
    archive = serve(Fault("plain", "stall", 0.3))
    busy, most = [0], [0]
    guard, answer_file = threading.Lock(), archive.find

    def find(path):
        with guard:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.1)
        with guard:
            busy[0] -= 1
        return answer_file(path)

    archive.find = find
    folders = [tmp_path / str(i) for i in range(5)]
    one = replace(QUICK, per_host=1, stall_s=5)
    threads = [
        threading.Thread(target=download, args=(entry("plain.txt"), f / "plain.txt", one))
        for f in folders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((f / "plain.txt").read_bytes() == TEXT for f in folders)
    assert most[0] == 1


def test_proxy_of_the_environment_is_used(serve, tmp_path, monkeypatch):
    archive = serve()
    monkeypatch.delenv("SPECTROTRANSLATOR_URL_MAP")
    monkeypatch.setenv("http_proxy", archive.url)
    source = entry("plain.txt", urls=("http://archive.invalid/vizier/plain.txt",))
    assert fetch(source, tmp_path) == TEXT


def test_file_of_before_stays_until_the_new_one_is_whole(serve, tmp_path):
    serve(Fault("plain", "status", 404))
    (tmp_path / "plain.txt").write_bytes(b"old")
    with pytest.raises(InputError):
        download(entry("plain.txt"), tmp_path / "plain.txt", QUICK)
    assert (tmp_path / "plain.txt").read_bytes() == b"old"
