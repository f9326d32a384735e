"""What a received table of sources or manifest names cannot lead out of its folder."""

import json
import os
from pathlib import Path

import pytest

from spectrotranslator.download.registry import (
    address_fault,
    is_file_name,
    read_registry,
    without_userinfo,
)
from spectrotranslator.download.verify_sources import changed_sources, remove_changed
from spectrotranslator.errors import InputError

HEADER = (
    "name,file,dataset,release,url,mirror,bytes,mebibytes,rows,sha256,figures_from,licence,redistribution,"
    "citation,doi\n"
)


def registry(folder: Path, **changes: str) -> Path:
    """A table of one source, changed."""
    line = {"name": "readme", "file": "ReadMe", "url": "https://a.example/ReadMe"} | changes
    columns = HEADER.strip().split(",")
    path = folder / "sources.csv"
    path.write_text(HEADER + ",".join(line.get(column, "") for column in columns) + "\n")
    return path


def received(folder: Path, name: object) -> Path:
    """A run whose manifest names ``name`` with another digest than anything has."""
    run = folder / "repo" / "results" / "run"
    (run / "sources" / "receipts").mkdir(parents=True)
    entry = {"file": name, "bytes": 1, "sha256": "0" * 64}
    (run / "sources" / "manifest.json").write_text(json.dumps({"sources": [entry]}))
    return run


@pytest.mark.parametrize(
    "name", ["../../../../victim.txt", "{victim}", "receipts/../../../../../victim.txt", "../x", 7]
)
def test_a_received_manifest_deletes_nothing(tmp_path, name):
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    named = name.format(victim=victim) if isinstance(name, str) else name
    run = received(tmp_path, named)
    with pytest.raises(InputError, match="no file of this folder"):
        remove_changed(run)
    assert victim.read_text() == "mine"


def test_a_link_out_of_the_run_is_refused_and_what_it_leads_to_stays(tmp_path):
    run = received(tmp_path, "ReadMe")
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    (run / "sources" / "ReadMe").symlink_to(victim)
    with pytest.raises(InputError, match="leads out"):
        remove_changed(run, tmp_path / "shared")
    assert victim.read_text() == "mine"


def test_a_folder_of_sources_that_is_a_link_is_refused(tmp_path):
    run = received(tmp_path, "victim.txt")
    (run / "sources").rename(tmp_path / "elsewhere")
    (run / "sources").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "victim.txt").write_text("mine")
    with pytest.raises(InputError, match="leads out"):
        remove_changed(run)
    assert (tmp_path / "elsewhere" / "victim.txt").exists()


@pytest.mark.parametrize("text", ["[]", "null", "{}", "[" * 100_000, '{"sources": 3}', "\xff"])
def test_a_damaged_manifest_is_made_anew(tmp_path, text):
    run = received(tmp_path, "ReadMe")
    (run / "sources" / "manifest.json").write_text(text)
    assert changed_sources(run) == []
    assert not (run / "sources" / "manifest.json").exists()


def test_a_manifest_that_is_a_fifo_is_refused_and_not_waited_for(tmp_path):
    run = received(tmp_path, "ReadMe")
    (run / "sources" / "manifest.json").unlink()
    os.mkfifo(run / "sources" / "manifest.json")
    with pytest.raises(InputError, match="not a regular file"):
        remove_changed(run)


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "a/b", "-rf", ".hidden", "", "a b", "$(touch x)", "a\nb", "a\x1b[2K",
     "receipts", "manifest.json", "x" * 300],
)  # fmt: skip
def test_a_file_that_is_no_plain_name_is_refused_with_its_line(tmp_path, name):
    assert not is_file_name(name)
    if "\n" not in name:
        with pytest.raises(InputError, match="line 2: file"):
            read_registry(registry(tmp_path, file=name))


@pytest.mark.parametrize(
    "url", ["ftp://cdsarc.u-strasbg.fr/x", "file:///etc/passwd", "gopher://a/", "//a/b", "http://",
            "https://a.example/\x1b[2K", "http://[::1", "http://a:99999999/", "javascript:1"],
)  # fmt: skip
@pytest.mark.parametrize("column", ["url", "mirror"])
def test_an_address_that_is_none_of_http_is_refused_by_name(tmp_path, url, column):
    assert "is not an address" in address_fault(url)
    with pytest.raises(InputError, match=r"line 2: .*is not an address"):
        read_registry(registry(tmp_path, **{column: url}))


def test_two_sources_with_one_file_or_name_are_refused(tmp_path):
    path = registry(tmp_path)
    line = path.read_text().splitlines()[1]
    path.write_text(f"{path.read_text()}{line.replace('readme', 'other')}\n")
    with pytest.raises(InputError, match="two sources have the file 'ReadMe'"):
        read_registry(path)
    path.write_text(f"{HEADER}{line}\n{line.replace(',ReadMe', ',Other')}\n")
    with pytest.raises(InputError, match="two sources have the name 'readme'"):
        read_registry(path)


def test_a_password_in_the_table_is_refused_and_not_shown(tmp_path):
    with pytest.raises(InputError, match="netrc") as caught:
        read_registry(registry(tmp_path, url="https://me:s3cret@a.example/x"))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://u:p@a.example/x", "https://a.example/x"),
        ("http://u@a.example:8080", "http://a.example:8080"),
        ("http://a:b@c@a.example/@x", "http://a.example/@x"),
        ("http://a.example/?m=x@y", "http://a.example/?m=x@y"),
    ],
)
def test_userinfo_is_taken_out_of_addresses(url, right):
    assert without_userinfo(url) == right


@pytest.mark.parametrize("value", ["-1", "9" * 5000, "٣", "1e9", "1.5"])
def test_sizes_that_are_no_numbers_are_refused(tmp_path, value):
    with pytest.raises(InputError, match="line 2"):
        read_registry(registry(tmp_path, bytes=value))
