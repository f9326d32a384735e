"""Whatever a TAP service does, Gaia's magnitudes come right or in one clear line."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import votable
from astropy.table import Table

from minisky.faults import Fault
from minisky.gaia import ZERO_POINT_ERROR
from minisky.mock_archive import TAP, TAP_ESA, Archive
from spectrotranslator.config import dump, resolve
from spectrotranslator.download import fetch_photometry
from spectrotranslator.download.http import RetryPolicy, TransferError
from spectrotranslator.download.tap import ask
from spectrotranslator.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
IDS = np.arange(1, 101, dtype=np.int64) * 68_000_000_000_000_001
ABSENT = 3


@pytest.fixture
def sky(tmp_path):
    """A folder with Gaia's table: the last ids of IDS are not in it."""
    known = len(IDS) - ABSENT
    table = {"Source": IDS[:known]}
    for step, band in enumerate(("G", "BP", "RP")):
        table[f"{band}mag"] = np.round(np.linspace(9, 15, known) + step / 3, 6)
        table[f"e_{band}mag"] = np.round(0.005 + np.arange(known) * 1e-5, 6)
    table["BPmag"][5] = np.nan
    folder = tmp_path / "sky"
    folder.mkdir()
    pd.DataFrame(table).to_parquet(folder / "gaia.parquet")
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A run's configuration: two chunks, short retry, both services."""
    monkeypatch.chdir(ROOT)
    run = resolve("tiny")
    retry = {"attempts": 2, "wait_s": 0.01, "longest_wait_s": 1.5, "connect_s": 1}
    photometry = run.sources.photometry.model_copy(update={"chunk": 60, "answer_s": 0.6})
    sources = run.sources.model_copy(
        update={
            "photometry": photometry,
            "retry": run.sources.retry.model_copy(update=retry),
        }
    )
    dump(run.model_copy(update={"sources": sources}), tmp_path / "config.yaml")
    rows = pd.DataFrame({"source_id": np.concatenate([IDS[::-1], IDS[:10], [0, 0]])})
    rows.to_parquet(tmp_path / "rows.parquet")
    return tmp_path


@pytest.fixture
def serve(sky, monkeypatch):
    running = []

    def start(*faults, refused=()):
        archive = Archive(sky, faults=faults).__enter__()
        running.append(archive)
        for name, value in archive.environment(refused).items():
            monkeypatch.setenv(name, value)
        return archive

    yield start
    for archive in running:
        archive.__exit__(None, None, None)


def command(place) -> list[str]:
    out, receipt = place / "out" / "gaia.parquet", place / "out" / "receipt.json"
    return [
        "--config", str(place / "config.yaml"), "--name", "gaia", "--rows",
        str(place / "rows.parquet"), "--magnitudes", str(out), "--receipt", str(receipt),
    ]  # fmt: skip


def start(place) -> subprocess.Popen:
    """The stage in a process of its own."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "spectrotranslator.run_step",
            "spectrotranslator.download.fetch_photometry",
            *command(place),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )


def fetch(place) -> tuple[pd.DataFrame, dict]:
    out, receipt = place / "out" / "gaia.parquet", place / "out" / "receipt.json"
    fetch_photometry.main(fetch_photometry.step.parser.parse_args(command(place)))
    assert not list(out.parent.glob(".*")), "chunks are gone when the whole is there"
    return pq.read_table(out).to_pandas(), json.loads(receipt.read_text())


def whole(place, sky) -> dict:
    """Fetch, hold against Gaia's table, and return the receipt."""
    found, receipt = fetch(place)
    wanted = pd.read_parquet(sky / "gaia.parquet")[list(found)]
    pd.testing.assert_frame_equal(found, wanted, atol=2e-6, rtol=0)
    assert (receipt["asked"], receipt["answered"], receipt["absent"]) == (100, 97, ABSENT)
    return receipt


def refused(place) -> str:
    with pytest.raises(InputError) as caught:
        fetch(place)
    assert not (place / "out" / "gaia.parquet").exists()
    return str(caught.value)


def queries(archive, path="/tap/sync") -> int:
    return sum(exchange.path == path for exchange in archive.exchanges)


def test_magnitudes_come_sorted_exact_and_once_each(serve, place, sky):
    archive = serve()
    receipt = whole(place, sky)
    assert receipt["providers"] == {"gaia": 97}
    assert queries(archive) == 2
    assert queries(archive, "/tap-esa/sync") == 1, "absent ids are asked for elsewhere"


PASSING = {
    "overflow": [Fault("/tap/", "tap-overflow", 20)],
    "rows left out in silence": [Fault("/tap/", "tap-truncate", 20)],
    "missing ids": [Fault("/tap/", "tap-missing", 7)],
    "doubled ids": [Fault("/tap/", "tap-double", 7, requests=(1,))],
    "always doubled ids": [Fault("/tap/", "tap-double", 7)],
    "error": [Fault("/tap/", "tap-error")],
    "closed": [Fault("/tap/", "drop")],
    "reset": [Fault("/tap/", "reset", 900)],
    "cut short": [Fault("/tap/", "cut", 900)],
    "cut short, no length": [Fault("/tap/", "cut-lengthless", 900)],
    "too long a length": [Fault("/tap/", "wrong-length", 9)],
    "stall": [Fault("/tap/", "stall", 5)],
    "403": [Fault("/tap/", "status", 403)],
    "404": [Fault("/tap/", "status", 404)],
    "429": [Fault("/tap/", "status", 429)],
    "503": [Fault("/tap/", "status", 503)],
    "503 with a time": [Fault("/tap/", "status", 503, retry_after="60")],
    "redirect loop": [Fault("/tap/", "redirect-loop")],
    "HTML page": [Fault("/tap/", "html")],
}


@pytest.mark.parametrize("name", PASSING)
def test_second_service_makes_good_what_the_first_does_wrong(name, serve, place, sky):
    serve(*PASSING[name])
    receipt = whole(place, sky)
    assert sum(receipt["providers"].values()) == 97


@pytest.mark.parametrize("name", PASSING)
def test_fault_of_all_services_is_mended_or_named_in_one_line(name, serve, place, sky):
    (fault,) = PASSING[name]
    wide = Fault(r"/tap(-esa)?/", fault.kind, fault.value, fault.requests, None)
    serve(wide)
    if name in ("overflow", "rows left out in silence", "doubled ids"):
        whole(place, sky)
        return
    message = refused(place)
    words = {
        "missing ids": "absent",
        "always doubled ids": "more than once",
        "error": "the archive is tired",
        "cut short, no length": "no whole VOTable",
        "HTML page": "HTML page",
        "stall": "stalled",
        "redirect loop": "redirects without end",
    }
    assert words.get(name, "status" if name[:3].isdigit() else "the connection broke") in message
    assert "Gaia magnitudes" in message


def test_overflow_is_asked_for_in_halves_of_the_same_service(serve, place, sky):
    serve(Fault("/tap/", "tap-overflow", 20))
    assert whole(place, sky)["providers"] == {"gaia": 97}


def test_connection_refused_by_one_is_taken_to_the_other_and_by_both_is_named(serve, place, sky):
    serve(refused=[TAP])
    assert whole(place, sky)["providers"] == {"gaia_esa": 97}
    serve(refused=[TAP, TAP_ESA])
    (place / "out" / "gaia.parquet").unlink()
    message = refused(place)
    assert message.count("connection refused") == 2


def test_broken_run_asks_only_for_the_chunks_it_lacks(serve, place, sky):
    serve(Fault("tap", "status", 403, requests=tuple(range(2, 100))))
    refused(place)
    archive = serve()
    whole(place, sky)
    assert queries(archive) == 1


def test_killed_fetch_asks_only_for_the_chunk_it_was_killed_in(serve, place, sky):
    archive = serve(Fault("/tap/", "stall", 60, requests=(2,)))
    process = start(place)
    deadline = time.monotonic() + 60
    while queries(archive) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (place / "out" / "gaia.parquet").exists()
    archive = serve()
    whole(place, sky)
    assert queries(archive) == 1


def test_full_disk_is_one_line_and_whole_chunks_are_kept(serve, place, sky):
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root: not tried here")
    disk = place / "out"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    done = subprocess.run(mount, capture_output=True)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        (disk / "others").write_bytes(bytes(52 * 1024))
        archive = serve()
        process = start(place)
        message = process.communicate()[1]
        assert process.returncode == 2
        assert "No space left on device" in message.splitlines()[-1]
        assert not (disk / "gaia.parquet").exists()
        assert not (disk / "receipt.json").exists()
        (disk / "others").unlink()
        kept, asked = len(list(disk.glob(".*.chunks/*.parquet"))), queries(archive)
        whole(place, sky)
        assert kept > 0
        assert queries(archive) - asked == 2 - kept, "a whole chunk was asked for again"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_shared_folder_keeps_chunks_for_later_runs(serve, place, sky):
    text = (place / "config.yaml").read_text()
    shared = text.replace("sources:\n", f"sources:\n  folder: {place / 'shared'}\n", 1)
    (place / "config.yaml").write_text(shared)
    serve()
    whole(place, sky)
    archive = serve()
    whole(place, sky)
    assert archive.bytes_sent() == 0


def test_too_many_absent_ids_stop_the_run_and_name_one(serve, place, sky):
    table = pd.read_parquet(sky / "gaia.parquet")
    table.iloc[:80].to_parquet(sky / "gaia.parquet")
    serve()
    message = refused(place)
    assert "20 of 100 source ids" in message
    assert str(IDS[80]) in message


def test_answers_of_a_bad_moment_are_not_kept(serve, place, sky):
    text = (place / "config.yaml").read_text()
    shared = text.replace("sources:\n", f"sources:\n  folder: {place / 'shared'}\n", 1)
    (place / "config.yaml").write_text(shared)
    serve(Fault("tap", "tap-truncate", 0))
    assert "answered by no service" in refused(place)
    serve()
    whole(place, sky)


def test_answer_that_is_packed_though_nobody_asked_is_read(monkeypatch):
    stream = io.BytesIO()
    table = votable.from_table(Table({"Source": IDS}))
    votable.writeto(table, stream)
    packed = gzip.compress(stream.getvalue())

    class Packs(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(packed)))
            self.end_headers()
            self.wfile.write(packed)

    with ThreadingHTTPServer(("127.0.0.1", 0), Packs) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = ask(
            f"http://127.0.0.1:{server.server_port}", "SELECT", RetryPolicy(attempts=1)
        ).table
        server.shutdown()
    assert found["Source"].tolist() == IDS.tolist()


def test_errors_from_flux_over_error_hold_the_zero_point():
    error = fetch_photometry.magnitude_error(np.array([1000.0, np.inf]), ZERO_POINT_ERROR["g"])
    assert error[0] == pytest.approx(np.hypot(1.0857362e-3, 0.0027553202))
    assert error[1] == 0.0027553202


def test_column_that_a_service_lacks_is_named_by_it(serve):
    serve()
    with pytest.raises(TransferError, match="unknown column phot"):
        ask(TAP, 'SELECT phot FROM "I/355/gaiadr3"', RetryPolicy(attempts=1))
