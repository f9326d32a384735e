"""What comes from somebody else is read whole and bounded, or refused in one line."""

import gzip
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from spectrotranslator.errors import InputError
from spectrotranslator.untrusted import (
    TarLimits,
    inside,
    parse_json,
    parse_yaml,
    printable,
    read_bytes,
    read_json_object,
    read_safetensors,
    read_text,
    regular_inside,
    safe_tar_members,
    yaml_line,
)

ROOT = Path(__file__).parents[2]


def refusal(function, *arguments, **options) -> str:
    """The one line with which ``function`` refuses, soon."""
    began = time.monotonic()
    with pytest.raises(InputError) as caught:
        result = function(*arguments, **options)
        list(result) if function is safe_tar_members else None
    assert time.monotonic() - began < 5
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000
    return str(caught.value)


# Texts


def test_what_a_terminal_would_obey_is_escaped():
    assert printable("a\x1b[2Jb\nc\r\x9b\u202e\ud800\x00") == (
        "a\\x1b[2Jb\\nc\\r\\x9b\\u202e\\ud800\\x00"
    )
    assert printable("x" * 300) == "x" * 200 + "..."
    assert printable("Ångström ü") == "Ångström ü"


@given(st.text(), st.integers(0, 50))
def test_printable_text_is_one_line_and_bounded(text, limit):
    shown = printable(text, limit)
    assert shown.isprintable()
    assert len(shown) <= 10 * limit + 3


# Files


def test_a_regular_file_is_read_whole(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"\x00\xff" * 5)
    assert read_bytes(file, 10) == b"\x00\xff" * 5
    assert "larger than 9 bytes" in refusal(read_bytes, file, 9)
    file.write_bytes(b"")
    assert read_bytes(file, 0) == b""


def test_a_link_is_read_only_where_links_are_allowed(tmp_path):
    (tmp_path / "f").write_text("x")
    (tmp_path / "l").symlink_to("f")
    (tmp_path / "loop").symlink_to("loop")
    assert "a link" in refusal(read_bytes, tmp_path / "l", 10)
    assert read_bytes(tmp_path / "l", 10, links=True) == b"x"
    refusal(read_bytes, tmp_path / "loop", 10, links=True)


def test_special_files_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    for path in (tmp_path / "fifo", "/dev/zero", tmp_path / "socket", tmp_path):
        assert "not a regular file" in refusal(read_bytes, path, 10)
    assert "not a regular file" in refusal(read_bytes, tmp_path / "zero", 10, links=True)


def test_absent_and_impossible_files_are_named(tmp_path):
    assert "no such file" in refusal(read_bytes, tmp_path / "f", 10)
    assert "not the name of a file" in refusal(read_bytes, "a\0b", 10)
    assert "too long" in refusal(read_bytes, tmp_path / ("x" * 400), 10)
    assert "\\x1b" in refusal(read_bytes, tmp_path / "a\x1b[2K", 10)


def test_a_file_that_says_no_size_is_bounded():
    assert "larger than 100 bytes" in refusal(read_bytes, "/proc/self/smaps", 100)


def test_text_that_is_not_utf8_names_the_byte(tmp_path):
    (tmp_path / "f").write_bytes(b"ab\nc\xff")
    assert refusal(read_text, tmp_path / "f", 10).endswith("f, line 2: not UTF-8 text at byte 4")
    (tmp_path / "f").write_bytes("ü\r\n".encode())
    assert read_text(tmp_path / "f", 10) == "ü\r\n"


# JSON

BAD_JSON = {
    '{"a": 1, "a": 2}': "line 1, column 10: duplicate key 'a'",
    '{"b": {"a": 1,\n "\\u0061": 2}}': "line 2, column 2: duplicate key 'a'",
    "[1, NaN]": "line 1, column 5: NaN is not a number of JSON",
    "[-Infinity]": "line 1, column 2: -Infinity",
    "[Infinity]": "line 1, column 2: Infinity",
    "[1e999]": "line 1, column 2: a number that is not finite",
    "[-" + "1" * 21 + "]": "line 1, column 2: an integer of more than 20 digits",
    "[\n" + "9" * 5000 + "]": "line 2, column 1: an integer of more than 20 digits",
    "[1." + "0" * 5000 + "]": "line 1, column 2: a number of more than 100 characters",
    "[" * 101: "line 1, column 101: nested deeper than 100 levels",
    "[" * 1_000_000: "nested deeper than 100 levels",
    '{"a":' * 100_000: "nested deeper than 100 levels",
    "{": "line 1, column 2: not JSON",
    "": "line 1, column 1: not JSON",
    "{'a': 1}": "line 1, column 2: not JSON",
    '["\\ud800"]': "not JSON in Unicode",
    '{"\\udfff": 1}': "not JSON in Unicode",
    '["\x1b"]': "line 1, column 3: not JSON",
    "[1,]": "not JSON",
    "]]]": "not JSON",
    '"' + '\\"' * 500_000: "not JSON",
    '"\\' * 500_000: "not JSON",
    "\ufeff{}": "not JSON",
}


@pytest.mark.parametrize("text", BAD_JSON, ids=range(len(BAD_JSON)))
def test_json_that_surprises_is_refused_by_its_place(text):
    message = refusal(parse_json, text, "f.json")
    assert message.startswith("f.json")
    assert BAD_JSON[text] in message


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**19), 10**19)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(VALUES, st.booleans())
def test_what_is_written_as_json_is_read_back(value, ascii_only):
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only, indent=1), "f") == value


def test_json_signs_in_texts_do_not_count():
    text = json.dumps(["[" * 200, '"{', "NaN", "1" * 40, "\\"])
    assert parse_json(text, "f") == json.loads(text)
    assert parse_json('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}', "f")["b"][1] == {"a": 2}


@settings(max_examples=200, deadline=None)
@given(st.text('[]{}":,\\ntrue0189.-eE \nNaNIfy', max_size=60) | st.text(max_size=40))
def test_any_text_is_json_or_one_line(text):
    try:
        value = parse_json(text, "f")
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert value == json.loads(text)


@pytest.mark.parametrize("text", ["[]", "null", "3", '"a"'])
def test_a_json_file_that_holds_no_object_is_refused(text, tmp_path):
    (tmp_path / "f").write_text(text)
    assert "an object is expected" in refusal(read_json_object, tmp_path / "f", 100)


def test_a_json_file_holds_an_object(tmp_path):
    (tmp_path / "f").write_text('{"a": [1]}')
    assert read_json_object(tmp_path / "f", 100) == {"a": [1]}


# YAML

LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
MERGES = "a0: &a0 {k: v, l: w}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1}]\n  k{n}: v\n" for n in range(1, 40)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5000))
BAD_YAML = {
    "a: 1\na: 2": "line 2: duplicate key 'a'",
    "b: {a: 1, 'a': 2}": "line 1: duplicate key 'a'",
    "a: 1\n123: 2": "line 2: key '123' is not text; put it in quotes",
    "1e5: 2": "line 1: key '1e5' may be read as a number; put it in quotes",
    "1.5: 2": "key '1.5' is not text; put it in quotes",
    "true: 2": "key 'true' is not text; put it in quotes",
    "on: 2": "key 'on' is not text; put it in quotes",
    "null: 2": "key 'null' is not text; put it in quotes",
    "2024-01-01: 2": "key '2024-01-01' is not text",
    "? [a]\n: 1": "line 1: a key is a list or mapping",
    "? {a: 1}\n: 1": "line 1: a key is a list or mapping",
    "a:\n  b: !!python/object/apply:os.system ['touch mark']": "line 2: unknown tag",
    "!!python/name:os.system": "unknown tag",
    "a: !mine x": "line 1: unknown tag '!mine'",
    "a: !!binary aGk=": "unknown tag",
    "a: !!set {b}": "unknown tag",
    "a: !!omap [b: 1]": "unknown tag",
    "a: !!map [1]": "unknown tag",
    "a: !!int x": "'x' is not of the type 'int'",
    "a: !!bool x": "'x' is not of the type 'bool'",
    "a: !!float x": "'x' is not of the type 'float'",
    "a: !!int ''": "is not of the type 'int'",
    "a:\n - " + "9" * 21: "line 2: an integer of more than 20 digits",
    "a: " + "9" * 5000: "an integer of more than 20 digits",
    "a: 1" + ":59" * 100_000: "an integer of more than 20 digits",
    "a: 1" + ":59" * 100_000 + ".5": "a number of more than 100 characters",
    "[" * 51: "nested deeper than 50 levels",
    "[" * 100_000: "nested deeper than 50 levels",
    "- " * 100_000: "nested deeper than 50 levels",
    "{a: " * 100_000: "nested deeper than 50 levels",
    "? " * 100_000: "nested deeper than 50 levels",
    LAUGHS: "more than 100000 values",
    MERGES: "more than 100000 values",
    CHAIN: "nested deeper than 50 levels",
    "a: &a [*a]": "line 1: alias 'a' contains itself",
    "a: &a\n  b: {c: *a}": "line 2: alias 'a' contains itself",
    "&a {<<: *a}": "alias 'a' contains itself",
    "a: *b": "line 1: no anchor 'b' above",
    "<<: 3": "line 1: '<<' takes a mapping",
    "<<: [3]": "'<<' takes a mapping",
    "a: 1\n---\nb: 2": "not YAML",
    "a: [1": "not YAML",
    "a: b: c": "line 1: not YAML",
    "a: '\x1b'": "not YAML",
    "a: \ud800": "not Unicode text",
    "a: " + "x" * 1_000_000: "larger than 1000000 bytes",
    "%TAG ! tag:evil,2000:\n---\n!x a": "unknown tag",
}


@pytest.mark.parametrize("text", BAD_YAML, ids=range(len(BAD_YAML)))
def test_yaml_that_surprises_is_refused_by_its_line(text):
    message = refusal(parse_yaml, text, "f.yaml")
    assert message.startswith("f.yaml")
    assert BAD_YAML[text] in message


@pytest.mark.parametrize("file", sorted(ROOT.glob("*/**/*.y*ml")), ids=lambda file: file.name)
def test_every_yaml_file_of_the_project_reads_as_before(file):
    text = file.read_text(encoding="utf-8")
    assert parse_yaml(text, str(file)) == yaml.safe_load(text)


def test_anchors_aliases_and_merge_keys_work():
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: [*a, *a]\nd: {<<: [{x: 5}, *a], z: 0}"
    assert parse_yaml(text, "f") == yaml.safe_load(text)


def test_yaml_values_keep_their_types_and_dates_are_texts():
    text = (
        "[1, -2.5, .inf, true, no, ~, '1', 2024-01-01, 0x10, =, 1e3, !!str 5, 99999999999999999999]"
    )
    assert parse_yaml(text, "f") == [
        1, -2.5, float("inf"), True, False, None, "1", "2024-01-01", 16, "=", "1e3", "5",
        99999999999999999999,
    ]  # fmt: skip
    assert parse_yaml("", "f") is None
    assert parse_yaml("'1e5': a\n'true': b", "f") == {"1e5": "a", "true": "b"}


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), max_size=10)
SETTINGS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**19), 10**19) | TEXTS | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)


@settings(deadline=None)
@given(SETTINGS)
def test_what_is_dumped_as_yaml_is_read_back(value):
    text = yaml.safe_dump(value, allow_unicode=True)
    try:
        assert parse_yaml(text, "f") == value
    except InputError as error:
        assert "may be read as a number" in str(error)


@settings(max_examples=200, deadline=None)
@given(st.text("ab&*[]{}:,-?!<>|'\"#%@ \n01.e~", max_size=60) | st.text(max_size=40))
def test_any_text_is_yaml_or_one_line(text):
    try:
        parse_yaml(text, "f")
    except InputError as error:
        assert str(error).isprintable()


def test_the_line_of_a_yaml_setting_is_found():
    text = "a: 1\nb:\n  c:\n  - d: 2\n  - d: 3\n"
    assert yaml_line(text, ["b", "c", 1, "d"], "f") == 5
    assert yaml_line(text, ["b", "x"], "f") == 2
    assert yaml_line(text, ["x"], "f") is None
    assert "deeper" in refusal(yaml_line, "[" * 100_000, ["a"], "f")


# Paths

BAD_NAMES = [
    "../x", "a/../../x", "/etc/passwd", "..", ".", "./", "", "a/..", None, 3, ["a"], b"a",
    "a\0b", "a\nb", "a\x1b[2K", "\u202ea", "x" * 5000, "\ud800", "out", "out/x", "file-out",
    "loop/../../x", "out/../x", "//etc", "sub/../../run-b/x",
]  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """A received folder in which links lead out."""
    folder = tmp_path / "run"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "f").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_text("x")
    (tmp_path / "run-b").mkdir()
    (folder / "out").symlink_to(tmp_path / "other")
    (folder / "file-out").symlink_to(tmp_path / "other" / "x")
    (folder / "in").symlink_to("sub")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "fifo")
    return folder


@pytest.mark.parametrize("name", BAD_NAMES, ids=range(len(BAD_NAMES)))
def test_a_name_that_leaves_its_folder_is_refused(name, run):
    refusal(inside, run, name)
    refusal(regular_inside, run, name)


def test_a_name_inside_its_folder_is_resolved(run):
    inner = run.resolve() / "sub" / "f"
    for name in ("sub/f", "./sub//f", "in/f", "sub/../sub/f"):
        assert inside(run, name) == inner
        assert regular_inside(run, name) == inner
    assert inside(run, "new/ü 1{a}$(b)'").name == "ü 1{a}$(b)'"
    assert inside(run, "-rf").is_absolute()


def test_only_an_existing_plain_file_is_regular(run):
    assert "no such file" in refusal(regular_inside, run, "sub/none")
    assert "not a regular file" in refusal(regular_inside, run, "fifo")
    assert "not a regular file" in refusal(regular_inside, run, "sub")
    refusal(regular_inside, run, "sub/f/g")
    refusal(regular_inside, run, "loop")


def test_links_may_lead_into_a_folder_that_is_named(run):
    other = run.parent / "other"
    assert regular_inside(run, "out/x", linked=[other]) == other.resolve() / "x"
    refusal(inside, run, "../other/x", linked=[other])


@settings(deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "a", "", "b", "/", "~"]), max_size=8).map("/".join))
def test_no_name_leads_out_of_its_folder(name):
    try:
        path = inside("/nowhere/run", name)
    except InputError:
        return
    assert path.is_relative_to("/nowhere/run")
    assert path != Path("/nowhere/run")


# Archives


def member(name: str, content: bytes = b"", **fields) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar(path: Path, *members, form=tarfile.PAX_FORMAT, mode="w") -> Path:
    with tarfile.open(path, mode, format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


def test_the_files_of_an_archive_are_read(tmp_path):
    members = [member("a", type=tarfile.DIRTYPE), member("a/b", b"x"), member("./c", b"")]
    for mode in ("w", "w:gz"):
        path = tar(tmp_path / "t", *members, mode=mode)
        assert list(safe_tar_members(path)) == [("a/b", b"x"), ("c", b"")]
    assert not (tmp_path / "a").exists()


BAD_MEMBERS = {
    "leaves": member("../x", b"x"),
    "leaves below": member("a/../../x", b"x"),
    "absolute": member("/etc/x", b"x"),
    "terminal codes": member("a\x1b[2K", b"x"),
    "line end": member("a\nb", b"x"),
    "link": member("l", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": member("l", type=tarfile.LNKTYPE, linkname="good"),
    "fifo": member("p", type=tarfile.FIFOTYPE),
    "device": member("d", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
    "twice": member("good", b"y"),
    "twice, written otherwise": member("./good", b"y"),
    "sparse": member("s", pax_headers={"GNU.sparse.size": "99", "GNU.sparse.map": "0,1"}),
    "sparse nonsense": member("s", pax_headers={"GNU.sparse.map": "x"}),
}


@pytest.mark.parametrize("kind", BAD_MEMBERS)
def test_a_member_that_is_no_plain_file_is_refused(kind, tmp_path):
    path = tar(tmp_path / "t", member("good", b"x"), BAD_MEMBERS[kind])
    assert refusal(safe_tar_members, path).startswith(str(path))


def test_the_bounds_of_an_archive_hold(tmp_path):
    path = tar(tmp_path / "t", *(member(f"m{n}", b"x" * 100) for n in range(5)))
    assert "more than 4 members" in refusal(safe_tar_members, path, TarLimits(members=4))
    assert "too large" in refusal(safe_tar_members, path, TarLimits(member_bytes=99))
    assert "larger than" in refusal(safe_tar_members, path, TarLimits(total_bytes=999))


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "t"
    path.write_bytes(gzip.compress(bytes(30_000_000)))
    limits = TarLimits(total_bytes=1_000_000)
    assert "unpacked" in refusal(safe_tar_members, path, limits)


def damaged(content: bytes, size: bytes) -> bytes:
    """``content`` with another size in its first header, and the sum that fits it."""
    header = bytearray(content[:512])
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content[512:]


@pytest.mark.parametrize("kind", [b"\0", b"5", b"x", b"g", b"L", b"K", b"S"])
@pytest.mark.parametrize("size", [-1, -512, -1024, 10**9, 2**62])
def test_sizes_that_lie_end_in_one_line(kind, size, tmp_path):
    path = tar(tmp_path / "t", member("a", b"x", type=kind), member("b", b"y"))
    field = (size % 256**12 if size < 0 else size | 0x80 << 88).to_bytes(12, "big")
    path.write_bytes(damaged(path.read_bytes(), field))
    refusal(safe_tar_members, path)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2600), st.binary(min_size=1, max_size=30))
def test_a_damaged_archive_is_read_or_refused(tmp_path_factory, place, noise):
    path = tmp_path_factory.getbasetemp() / "noise.tar"
    content = bytearray(tar(path, member("a", b"x" * 600), member("b", b"y")).read_bytes())
    content[place : place + len(noise)] = noise
    path.write_bytes(content)
    try:
        list(safe_tar_members(path))
    except InputError as error:
        assert str(error).isprintable()


@pytest.mark.parametrize("content", [b"", b"no tar", b"\x1f\x8b", b"\x1f\x8b\x08" + bytes(40)])
def test_what_is_no_archive_is_refused(content, tmp_path):
    (tmp_path / "t").write_bytes(content)
    refusal(safe_tar_members, tmp_path / "t")


def test_a_shortened_archive_is_refused(tmp_path):
    content = tar(tmp_path / "t", member("a", b"x" * 600), member("b", b"y")).read_bytes()
    for size in (100, 512, 700, 1536, 1600, 2048, 2560, 3000):
        (tmp_path / "t").write_bytes(content[:size])
        refusal(safe_tar_members, tmp_path / "t")


# Weights


def weights(header, data: bytes, size: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if size is None else size).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8), **more) -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


EIGHT = np.array([1.0, -2.0], "<f4").tobytes()


def test_safetensors_are_read_as_their_own_library_does(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    tensors = {
        "w": np.arange(6, dtype=np.float32).reshape(2, 3),
        "d": np.array([[0.1]]),
        "scalar": np.array(3.5),
        "empty": np.zeros((0, 4), np.float32),
    }
    numpy.save_file(tensors, tmp_path / "w", metadata={"format": "pt"})
    (tmp_path / "w").chmod(0o644)
    found = read_safetensors(tmp_path / "w", 10_000)
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        np.testing.assert_array_equal(found[name], tensor)
    found["w"][0, 0] = 5.0


BAD_WEIGHTS = {
    "empty": b"",
    "short": b"\x02\0\0\0\0\0\0",
    "no header": weights({"w": entry()}, EIGHT, size=0),
    "header beyond the file": weights({"w": entry()}, EIGHT, size=2**63),
    "header of 2 MB": weights(b"{" + b" " * 2_000_000 + b"}", b""),
    "header not UTF-8": weights(b'{"\xff": 1}', b""),
    "header not JSON": weights(b"{]", b""),
    "header is a list": weights([], b""),
    "header deep": weights(b'{"a":' * 1000, b""),
    "name twice": weights(b'{"w": 1, "w": 2}', EIGHT),
    "entry is a number": weights({"w": 3}, EIGHT),
    "key lacks": weights({"w": {"dtype": "F32", "shape": [2]}}, EIGHT),
    "key too many": weights({"w": entry(more=1)}, EIGHT),
    "integers": weights({"w": entry("I32")}, EIGHT),
    "half precision": weights({"w": entry("F16", (4,))}, EIGHT),
    "type is a list": weights({"w": entry(["F32"])}, EIGHT),
    "shape is a text": weights({"w": {**entry(), "shape": "2"}}, EIGHT),
    "shape is negative": weights({"w": entry(shape=(-2,), offsets=(8, 0))}, EIGHT),
    "shape is a truth value": weights({"w": entry(shape=(True, 2))}, EIGHT),
    "shape is real": weights({"w": entry(shape=(2.0,))}, EIGHT),
    "shape of 9 sizes": weights({"w": entry(shape=(1,) * 8 + (2,))}, EIGHT),
    "shape too large": weights({"w": entry(shape=(10**9, 10**9))}, EIGHT),
    "shape too large beside 0": weights({"w": entry(shape=(10**19, 0), offsets=(0, 0))}, b""),
    "offsets beyond": weights({"w": entry(shape=(4,), offsets=(0, 16))}, EIGHT),
    "offsets three": weights({"w": entry(offsets=(0, 8, 8))}, EIGHT),
    "overlap": weights({"v": entry(), "w": entry()}, EIGHT),
    "part overlap": weights({"v": entry(), "w": entry(shape=(1,), offsets=(4, 8))}, EIGHT),
    "gap": weights({"w": entry(shape=(1,), offsets=(4, 8))}, EIGHT),
    "more data": weights({"w": entry()}, EIGHT + b"x"),
    "less data": weights({"w": entry()}, EIGHT[:4]),
    "NaN": weights({"w": entry()}, np.array([1, np.nan], "<f4").tobytes()),
    "infinite": weights({"w": entry("F64", (1,))}, np.array([-np.inf], "<f8").tobytes()),
    "metadata no object": weights({"__metadata__": 3, "w": entry()}, EIGHT),
    "metadata no texts": weights({"__metadata__": {"a": [1]}, "w": entry()}, EIGHT),
}


@pytest.mark.parametrize("kind", BAD_WEIGHTS)
def test_weights_whose_header_lies_are_refused(kind, tmp_path):
    (tmp_path / "w").write_bytes(BAD_WEIGHTS[kind])
    assert refusal(read_safetensors, tmp_path / "w", 10_000_000).startswith(str(tmp_path / "w"))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 90), st.binary(min_size=1, max_size=8))
def test_damaged_weights_are_read_or_refused(tmp_path_factory, place, noise):
    content = bytearray(weights({"w": entry()}, EIGHT))
    content[place : place + len(noise)] = noise
    path = tmp_path_factory.getbasetemp() / "noise.safetensors"
    path.write_bytes(content)
    try:
        read_safetensors(path, 1000)
    except InputError as error:
        assert str(error).isprintable()


# Nothing acts

AUDITED = """
import json, os, sys
from spectrotranslator.errors import InputError
from spectrotranslator.untrusted import parse_json, parse_yaml, safe_tar_members

seen = []

def hook(event, args):
    changing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    reading = event == "open" and (args[1] in ("r", "rb") or not (args[2] or 0) & changing)
    if not reading and event != "sys._getframe" and not event.startswith("object.__getattr__"):
        seen.append(event)

def attempt(function, *arguments):
    try:
        list(function(*arguments) or [])
    except (InputError, TypeError):
        pass

given = json.load(sys.stdin)
attempt(parse_yaml, "a: [1, 2.5, !x 3]", "f")
attempt(parse_yaml, "'", "f")
attempt(parse_json, "{", "f")
for path in given["archives"]:
    attempt(safe_tar_members, path)
sys.addaudithook(hook)
for text in given["yaml"]:
    attempt(parse_yaml, text, "f")
for text in given["json"]:
    attempt(parse_json, text, "f")
for path in given["archives"]:
    attempt(safe_tar_members, path)
print(sorted(set(seen)))
"""


def test_hostile_texts_trigger_no_event_of_the_system(tmp_path):
    mark = tmp_path / "mark"
    acting = [
        f"!!python/object/apply:os.system ['touch {mark}']",
        f"!!python/object/new:subprocess.Popen [['touch', '{mark}']]",
        f"a: !!python/object/apply:builtins.open ['{mark}', 'w']",
        f"!!python/object/apply:builtins.exec [\"open('{mark}', 'w')\"]",
        "!!python/module:antigravity x",
    ]
    archives = [tar(tmp_path / f"{n}.tar", m) for n, m in enumerate(BAD_MEMBERS.values())]
    before = sorted(tmp_path.iterdir())
    given = {
        "yaml": [*acting, *BAD_YAML],
        "json": [*BAD_JSON, f'{{"__class__": "os.system", "a": "touch {mark}"}}'],
        "archives": list(map(str, archives)),
    }
    done = subprocess.run(
        [sys.executable, "-c", AUDITED],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "workflow"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
    assert sorted(tmp_path.iterdir()) == before
