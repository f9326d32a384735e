"""Hostile inputs execute, write, delete and reach nothing: an audit hook and a canary watch."""

import io
import json
import os
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spectrotranslator.config.loading import load, resolve
from spectrotranslator.download.http import TransferError
from spectrotranslator.download.registry import read_registry
from spectrotranslator.download.tap import _parsed
from spectrotranslator.download.verify_sources import remove_changed
from spectrotranslator.errors import InputError
from spectrotranslator.expressions import compile_cut
from spectrotranslator.files import read_json
from spectrotranslator.network.saved_model import load_model
from spectrotranslator.provenance.finished_run import read_run
from spectrotranslator.untrusted import safe_tar_members

ACTS = (
    "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.chown", "shutil.rmtree", "shutil.move", "shutil.copyfile", "socket.connect",
    "socket.getaddrinfo", "ctypes.dlopen", "pickle.find_class", "urllib.Request",
)  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
SLOWEST_S = 3


class Watch:
    """What an audit hook saw while it was watching."""

    def __init__(self) -> None:
        self.watching = False
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple) -> None:
        if not self.watching:
            return
        if event in ACTS:
            self.seen.append(f"{event} {arguments}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
            self.seen.append(f"open for writing {arguments[0]}")


WATCH = Watch()
TABLE = pd.DataFrame({"teff": [1.0, np.nan], "flag": [1, 2], "name": ["a", "b"]})

CUTS = [
    "teff > @pd.io.common.os.system('touch {mark}')", "@pd", "teff.to_csv('{mark}') == 0",
    "__import__('os').system('touch {mark}')", "teff.__class__.__mro__ == 0",
    "(lambda: open('{mark}', 'w'))()", "[x for x in (1,)]", "open('{mark}', 'w')", "teff[0] == 1",
    "exec('1')", "eval('1')", "teff if flag else name", "(teff := 3) > 2", "f'{teff}' == 'a'",
    "teff ** 99999999 > 1", "2 ** 2 ** 2 ** 2 ** 99 > teff", "teff > " + "9" * 5000,
    "(" * 5000 + "teff" + ")" * 5000, "not " * 5000 + "flag", "teff > 1 or " * 5000 + "teff > 2",
    "teff > 1; import os", "teff\n> 1\nimport os", "teff > 1 # \x1b[2K",
    "name == 'a' * 10000000000",
    "abs(teff, flag) > 1", "isfinite(*teff)", "abs(teff=1) > 0", "`teff`.`os` > 1", "yield", "",
    "flag.STAR_BAD.real", "teff @ flag > 1", "await teff", "*teff", "teff == b'a'", "teff > 1j",
    "teff is None", "teff << 9999999999 > 1",
]  # fmt: skip

CONFIGURATIONS = [
    "a: !!python/object/apply:os.system ['touch {mark}']", "a: !!python/name:os.system",
    "a: &a [*a]", "a: [" * 10_000, "a: " + "9" * 5000, "? [a]\n: b", "1: a", "a: 1\na: 2",
    "extends: x.yaml", "extends: /dev/zero", "extends: ../../../../etc/passwd",
    "extends: [" + "x.yaml, " * 500 + "]", "run: $(touch {mark})", "surveys: {{'{{x}}': 1}}",
    "\x00", "a: \x1b[2K", "--- a\n--- b", "a: *b", "<<: [1, 2]", "a: 1e999999999999",
]  # fmt: skip

MANIFESTS = [
    {"file": "../../../../canary"}, {"file": "{canary}"}, {"file": "../receipts/../../canary"},
    {"file": "."}, {"file": ""}, {"file": 5}, {"file": None}, {"file": "a\x00b"},
    {"file": "-rf"}, {"file": "$(touch x)"}, {"file": ["x"]}, {"file": "a/../../../canary"},
]  # fmt: skip

VOTABLES = [
    b'<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><VOTABLE>&x;</VOTABLE>',
    b'<!DOCTYPE v SYSTEM "http://127.0.0.1/x.dtd"><VOTABLE/>',
    b'<VOTABLE><RESOURCE><TABLE><DATA><FITS><STREAM href="file:///etc/passwd"/></FITS></DATA>'
    b"</TABLE></RESOURCE></VOTABLE>",
    b'<VOTABLE><RESOURCE><TABLE><DATA><BINARY2><STREAM href="http://127.0.0.1:9/"/></BINARY2>'
    b"</DATA></TABLE></RESOURCE></VOTABLE>",
    b"<a>" * 100_000, b"<html>", b"", b"\xff\xfe\x00", b'{"error": 1}', b"VOTABLE",
]  # fmt: skip

FACTS = {"inputs": ["a"], "outputs": ["b"], "correct": "first", "network": {"widths": [16]},
         "input_scaling": {"mean": [0], "std": [1]},
         "output_scaling": {"mean": [0], "std": [1]}}  # fmt: skip
DESCRIPTIONS = [
    "[" * 100_000, "{}", "null", "[]", '{"a": 1, "a": 2}', "9" * 5000, '{"inputs": NaN}',
    json.dumps(FACTS | {"network": {"widths": [10**9]}}),
    json.dumps(FACTS | {"network": {"widths": [16384] * 20}}),
    json.dumps(FACTS | {"network": "x"}), json.dumps(FACTS | {"inputs": "x" * 100}),
    json.dumps(FACTS | {"inputs": ["x"] * 100_000}), json.dumps(FACTS),
]  # fmt: skip
HEADERS = [
    {"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4]}},
    {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 10**15]}},
    {"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}},
    {"a": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]}},
    {"__metadata__": 5}, [], {"a": None},
]  # fmt: skip


@pytest.fixture
def place(tmp_path):
    """A folder for the input, beside a canary that must be as before."""
    folder = tmp_path / "repo" / "results" / "run"
    folder.mkdir(parents=True)
    canary = tmp_path / "canary"
    canary.write_text("alive")
    yield folder
    assert canary.read_text() == "alive"
    assert not (tmp_path / "mark").exists()


def refused(act, *arguments) -> None:
    """``act`` ends soon, in one line, and does nothing meanwhile."""
    WATCH.seen.clear()
    started = time.monotonic()
    WATCH.watching = True
    try:
        with pytest.raises((InputError, TransferError)) as caught:
            act(*arguments)
    finally:
        WATCH.watching = False
    assert WATCH.seen == []
    assert time.monotonic() - started < SLOWEST_S
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 5_000


def marked(text: str, place: Path) -> str:
    return text.replace("{mark}", str(place.parents[2] / "mark"))


@pytest.mark.parametrize("number", range(len(CUTS)))
def test_cuts(place, number):
    refused(lambda: compile_cut(marked(CUTS[number], place)).evaluate(TABLE))


@pytest.mark.parametrize("number", range(len(CONFIGURATIONS)))
@pytest.mark.parametrize("read", [lambda path: resolve(str(path)), load])
def test_configurations(place, number, read):
    path = place / "x.yaml"
    path.write_text(marked(CONFIGURATIONS[number], place))
    refused(read, path)


@pytest.mark.parametrize("number", range(len(MANIFESTS)))
def test_manifests_of_sources(place, number):
    (place / "sources" / "receipts").mkdir(parents=True)
    entry = {"bytes": 1, "sha256": "0"} | MANIFESTS[number]
    if isinstance(entry["file"], str):
        entry["file"] = entry["file"].replace("{canary}", str(place.parents[2] / "canary"))
    (place / "sources" / "manifest.json").write_text(json.dumps({"sources": [entry]}))
    refused(remove_changed, place)


@pytest.mark.parametrize("text", ["{}", "[]", "null", "[" * 100_000, "x", '{"run": "../x"}',
                                  '{"schema_version": 3, "run": "../../x", "evidence": "real",'
                                  ' "files": [], "jobs": {}}'])  # fmt: skip
def test_manifests_of_runs(place, text):
    (place / "provenance").mkdir()
    (place / "provenance" / "manifest.json").write_text(text)
    refused(read_run, place)


@pytest.mark.parametrize("number", range(len(VOTABLES)))
def test_answers_of_archives(place, number):
    refused(_parsed, VOTABLES[number])


def weights(path: Path, header: object = None, tail: bytes = b"\0\0\0\0") -> Path:
    head = json.dumps({} if header is None else header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + tail)
    return path


@pytest.mark.parametrize("number", range(len(DESCRIPTIONS)))
def test_descriptions_of_models(place, number):
    (place / "training.json").write_text(DESCRIPTIONS[number])
    refused(load_model, weights(place / "weights.safetensors"))


@pytest.mark.parametrize("number", range(len(HEADERS)))
def test_weights_of_models(place, number):
    (place / "training.json").write_text(json.dumps(FACTS))
    refused(load_model, weights(place / "weights.safetensors", HEADERS[number], b"\0" * 2000))


NOT_FINITE = {"a": {"dtype": "F32", "shape": [500], "data_offsets": [0, 2000]}}


def test_weights_that_are_not_finite(place):
    (place / "training.json").write_text(json.dumps(FACTS))
    path = weights(place / "weights.safetensors", NOT_FINITE, np.full(500, np.nan, "<f4").tobytes())
    refused(load_model, path)


@pytest.mark.parametrize("special", ["fifo", "/dev/zero", "/dev/random"])
@pytest.mark.parametrize("read", [read_json, load, read_registry])
def test_special_files(place, special, read):
    path = place / "x.json"
    if special == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(special)
    refused(read, path)


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "a\x1b[2K", ""])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.FIFOTYPE])
def test_archives_of_code(place, name, kind):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    (place / "code.tar").write_bytes(stream.getvalue())
    refused(lambda: list(safe_tar_members(place / "code.tar")))


def test_the_watch_sees_what_acts(tmp_path):
    for act in (lambda: (tmp_path / "x").write_text("x"), lambda: (tmp_path / "x").unlink(),
                lambda: os.system("true")):  # fmt: skip
        WATCH.seen.clear()
        WATCH.watching = True
        act()
        WATCH.watching = False
        assert WATCH.seen
