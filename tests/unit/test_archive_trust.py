"""Trust on first use, the shared folder, and changed bytes noticed."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from minisky.faults import Fault
from minisky.mock_archive import VIZIER, VIZIER_MIRROR, Archive
from spectrotranslator.download import fetch_file as fetching
from spectrotranslator.download.checksum_lock import check_lock
from spectrotranslator.download.download import Receipt
from spectrotranslator.download.http import RetryPolicy, parse_retry_policy
from spectrotranslator.download.registry import Source, address, read_registry
from spectrotranslator.download.verify_sources import changed_sources, remove_changed
from spectrotranslator.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Source("readme", "ReadMe", "d", "r", (VIZIER + "ReadMe",), None, None, None, *[""] * 4)


def receipt(content: bytes, modified: str = "Mon, 01 Jan 2024 00:00:00 GMT") -> Receipt:
    digest = hashlib.sha256(content).hexdigest()
    headers = {"Last-Modified": modified}
    return Receipt(VIZIER + "ReadMe", VIZIER + "ReadMe", len(content), digest, headers)


def test_first_use_is_noted_and_the_same_again_is_fine(tmp_path):
    lock = tmp_path / "config" / "lock.json"
    check_lock(lock, SOURCE, receipt(b"one"))
    before = lock.read_bytes()
    check_lock(lock, SOURCE, receipt(b"one", "Tue, 02 Jan 2024 00:00:00 GMT"))
    assert lock.read_bytes() == before
    assert json.loads(before)["readme"]["sha256"] == hashlib.sha256(b"one").hexdigest()


def test_later_difference_stops_and_says_what_changed(tmp_path):
    lock = tmp_path / "lock.json"
    check_lock(lock, SOURCE, receipt(b"one"))
    with pytest.raises(InputError) as caught:
        check_lock(lock, SOURCE, receipt(b"three", "Tue, 02 Jan 2024 00:00:00 GMT"))
    message = str(caught.value)
    for words in ("bytes was 3, is 5", "02 Jan 2024", "sha256 was", "take 'readme' out of"):
        assert words in message


def test_registered_checksum_needs_no_note(tmp_path):
    check_lock(tmp_path / "lock.json", replace(SOURCE, sha256="ab"), receipt(b"one"))
    assert not (tmp_path / "lock.json").exists()


def test_lock_that_is_not_json_is_named(tmp_path):
    lock = tmp_path / "lock.json"
    lock.write_text("{")
    with pytest.raises(InputError, match=r"lock\.json, line 1"):
        check_lock(lock, SOURCE, receipt(b"one"))


@pytest.fixture
def archive(tmp_path, monkeypatch):
    served = tmp_path / "served"
    served.mkdir()
    (served / "ReadMe").write_text("the readme\n")
    with Archive(published=served) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        running.served = served / "ReadMe"
        yield running


def fetch(run: Path, *options: str) -> None:
    command = ["--registry", str(ROOT / "config/sources.csv"), "--name", "readme", *options]
    command += ["--file", str(run / "ReadMe"), "--receipt", str(run / "receipts/ReadMe.json")]
    command += ["--retry", "attempts=2,wait_s=0.01"]
    fetching.main(fetching.step.parser.parse_args(command))


def test_file_changed_at_the_archive_never_gets_its_final_name(archive, tmp_path):
    lock = ["--lock", str(tmp_path / "lock.json")]
    fetch(tmp_path / "a", *lock)
    archive.served.write_text("another readme\n")
    with pytest.raises(InputError, match="ReadMe is not the file first fetched on"):
        fetch(tmp_path / "b", *lock)
    assert not (tmp_path / "b" / "ReadMe").exists()
    fetch(tmp_path / "c")


def test_shared_folder_serves_many_runs_and_nothing_comes_twice(archive, tmp_path):
    shared = ["--folder", str(tmp_path / "shared"), "--lock", str(tmp_path / "lock.json")]
    for run in "abc":
        fetch(tmp_path / run, *shared)
        assert (tmp_path / run / "ReadMe").read_text() == "the readme\n"
        told = json.loads((tmp_path / run / "receipts/ReadMe.json").read_text())
        assert told["citation"] == "2024A&A...690A..54T"
        assert (tmp_path / run / "ReadMe").is_symlink()
    assert archive.bytes_sent("ReadMe") == len("the readme\n")


def test_damaged_file_in_the_shared_folder_is_fetched_again(archive, tmp_path):
    shared = ["--folder", str(tmp_path / "shared")]
    fetch(tmp_path / "a", *shared)
    (tmp_path / "shared" / "ReadMe").write_text("the leadme\n")
    fetch(tmp_path / "b", *shared)
    assert (tmp_path / "b" / "ReadMe").read_text() == "the readme\n"


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"bytes": 999}])
def test_shared_file_is_taken_only_as_what_is_registered(archive, tmp_path, wrong):
    place = tmp_path / "shared" / "ReadMe"
    receipt_path = fetching.receipt_of(place)
    fetching.fetch(SOURCE, place, receipt_path, RetryPolicy(attempts=1), None)
    told = json.loads(receipt_path.read_text())
    right = replace(SOURCE, bytes=told["bytes"], sha256=told["sha256"])
    assert fetching._fetched_before(right, place, receipt_path, None)
    assert not fetching._fetched_before(replace(SOURCE, **wrong), place, receipt_path, None)


def run_folder(tmp_path, name="ReadMe", content=b"abcdef") -> Path:
    run = tmp_path / "run"
    (run / "sources" / "receipts").mkdir(parents=True)
    (run / "sources" / name).write_bytes(content)
    (run / "sources" / "receipts" / f"{name}.json").write_text("{}")
    entry = {"file": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (run / "sources" / "manifest.json").write_text(json.dumps({"sources": [entry]}))
    return run


def change_keeping_time(path: Path, content: bytes) -> None:
    times = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_one_changed_byte_is_noticed_though_the_time_is_kept(tmp_path):
    run = run_folder(tmp_path)
    assert changed_sources(run) == []
    change_keeping_time(run / "sources" / "ReadMe", b"abcdeF")
    assert changed_sources(run) == ["ReadMe"]
    assert remove_changed(run) == ["ReadMe"]
    assert not (run / "sources" / "ReadMe").exists()
    assert not (run / "sources/receipts/ReadMe.json").exists()
    assert changed_sources(run) == []


def test_changed_shared_file_is_removed_where_it_lies(tmp_path):
    run = run_folder(tmp_path)
    folder = tmp_path / "downloads"
    folder.mkdir()
    shared = folder / "ReadMe"
    (run / "sources" / "ReadMe").rename(shared)
    (run / "sources" / "ReadMe").symlink_to(shared)
    change_keeping_time(shared, b"abcdeF")
    assert remove_changed(run, folder) == ["ReadMe"]
    assert not shared.exists()
    assert not (run / "sources" / "ReadMe").is_symlink()


def test_run_without_or_with_a_damaged_manifest_has_nothing_to_hold_against(tmp_path):
    assert changed_sources(tmp_path) == []
    run = run_folder(tmp_path)
    (run / "sources" / "manifest.json").write_text("{")
    assert changed_sources(run) == []
    assert not (run / "sources" / "manifest.json").exists(), "so that it is made anew"


def test_retry_policy_is_read_from_pairs_and_refuses_the_rest():
    assert parse_retry_policy("") == RetryPolicy()
    assert parse_retry_policy("stall_s=2,attempts=3") == RetryPolicy(stall_s=2.0, attempts=3)
    for wrong in ("stall=2", "attempts=x", "attempts"):
        with pytest.raises(InputError, match="retry"):
            parse_retry_policy(wrong)


def test_registry_names_every_source_once_with_its_mirrors():
    registry = read_registry(ROOT / "config/sources.csv")
    assert registry["readme"].urls == (VIZIER + "ReadMe", VIZIER_MIRROR + "ReadMe")
    assert all(entry.licence and entry.citation for entry in registry.values())


def test_figures_by_others_are_told_and_do_not_stop(archive, tmp_path, capsys):
    lines = (ROOT / "config/sources.csv").read_text().splitlines()
    columns = lines[0].split(",")
    line = dict(zip(columns, lines[1].split(","), strict=True))
    line |= {"bytes": "5", "sha256": "0" * 64, "figures_from": "a log of others"}
    path = tmp_path / "sources.csv"
    path.write_text(lines[0] + "\n" + ",".join(line.values()) + "\n")
    assert read_registry(path)["readme"].bytes is None
    command = ["--registry", str(path), "--name", "readme", "--file", str(tmp_path / "ReadMe")]
    command += ["--receipt", str(tmp_path / "r.json"), "--retry", "attempts=2,wait_s=0.01"]
    fetching.main(fetching.step.parser.parse_args(command))
    told = json.loads((tmp_path / "r.json").read_text())["differs"]
    assert told[0] == "bytes is 11, a log of others says 5"
    assert told[1].startswith("sha256 is ")
    assert told[0] in capsys.readouterr().err


def test_main_tables_have_the_sizes_that_others_saw():
    registry = read_registry(ROOT / "config/sources.csv")
    galah, apogee = registry["galah_main"], registry["apogee_lite"]
    assert (galah.likely_bytes, apogee.likely_bytes) == (873_518_400, 1_834_963_200)
    assert galah.bytes is apogee.bytes is apogee.sha256 is None
    assert round(galah.likely_bytes / 2**20) == galah.mebibytes
    assert any(url.startswith("https://dr17.sdss.org/sas/dr17/") for url in apogee.urls)


def test_registry_saved_by_excel_is_read(tmp_path):
    path = tmp_path / "sources.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (ROOT / "config/sources.csv").read_bytes())
    assert read_registry(path) == read_registry(ROOT / "config/sources.csv")


@pytest.mark.parametrize(
    ("line", "words"), [(b"x,\xe9\n", "not UTF-8"), (b'"a"b,c\n', "not CSV"), (b"a,b\n", "as many")]
)
def test_registry_line_that_cannot_be_read_is_named(tmp_path, line, words):
    path = tmp_path / "sources.csv"
    plain = (ROOT / "config/sources.csv").read_bytes()
    path.write_bytes(plain + line)
    number = plain.count(b"\n") + 1
    with pytest.raises(InputError, match=rf"sources\.csv, line {number}: .*{words}"):
        read_registry(path)


def test_registry_without_a_column_is_refused(tmp_path):
    path = tmp_path / "sources.csv"
    path.write_text("file,url\na,b\n")
    with pytest.raises(InputError, match=r"line 2: there is no column 'name'"):
        read_registry(path)


@pytest.mark.parametrize("text", ["{bad", '["https://a"]', '"x"', '{"https://": 1}', "null"])
def test_address_map_that_is_no_map_is_refused_by_its_name(monkeypatch, text):
    monkeypatch.setenv("SPECTROTRANSLATOR_URL_MAP", text)
    with pytest.raises(InputError, match="SPECTROTRANSLATOR_URL_MAP"):
        address("https://a/b")


def test_longest_prefix_of_the_address_map_wins(monkeypatch):
    prefixes = {"https://a/": "http://x/", "https://a/b/": "http://y/"}
    monkeypatch.setenv("SPECTROTRANSLATOR_URL_MAP", json.dumps(prefixes))
    assert address("https://a/b/c") == "http://y/c"
    assert address("https://a/c") == "http://x/c"
    assert address("https://z/c") == "https://z/c"


def test_refused_change_leaves_no_part_behind_to_be_taken_for_it(archive, tmp_path):
    lock = ["--lock", str(tmp_path / "lock.json")]
    fetch(tmp_path / "a", *lock)
    archive._faults.append(Fault("ReadMe", "wrong-bytes", 3, requests=(1,)))
    archive._counts.append(0)
    with pytest.raises(InputError):
        fetch(tmp_path / "b", *lock)
    fetch(tmp_path / "b", *lock)
    assert (tmp_path / "b" / "ReadMe").read_text() == "the readme\n"
