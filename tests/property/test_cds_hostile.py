"""Whatever text comes in, a result says what the text says, or one clear error comes out."""

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdstables.checking import check_file
from cdstables.layout import Column, ReadMe, Table, layout_from_yaml
from cdstables.reading import read, read_described
from cdstables.readme import decode, parse_readme
from cdstables.readme_text import format_readme
from spectrotranslator.errors import InputError

CATALOGUES = Path(__file__).parents[2] / "config" / "catalogues"
README = format_readme(
    ReadMe(
        "Ours (Us, 2024)",
        (
            layout_from_yaml(CATALOGUES / "g2a.yaml"),
            Table(
                "s.dat",
                20,
                3,
                "stars",
                (
                    Column.described(1, 8, "F8.4", "deg", "ra", "[0,360[?=-1 Right ascension (1)"),
                    Column.described(10, 10, "A1", "---", "f", "[ab] A flag"),
                    Column.described(12, 20, "E9.2", "[K]", "t", "?+ Words"),
                ),
                (("(1)", "a note"),),
            ),
        ),
    )
)
MIXED = Table(
    "x.dat",
    24,
    None,
    "",
    (
        Column(1, 6, "I6", "---", "i", null=""),
        Column(7, 15, "F9.3", "---", "f", null="-9"),
        Column(17, 19, "A3", "---", "a"),
        Column(21, 24, "A4", "---", "n", null="-"),
    ),
)
FORTRAN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))(?:[eEdDqQ]([-+]?\d+)|([-+]\d+))?", re.ASCII)


def parsed_or_refused(text: str) -> None:
    try:
        readme = parse_readme(text)
    except InputError as error:
        assert str(error).startswith("ReadMe")
        return
    assert readme.tables
    for table in readme.tables:
        for column in table.columns:
            assert re.search(rf"\b{column.end}\b", text)
            assert column.label in text


def test_every_prefix_of_a_readme_is_parsed_or_refused():
    step = 97
    for length in [*range(0, len(README), step), *range(len(README) - 200, len(README))]:
        parsed_or_refused(README[:length])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(README) - 1), st.integers(0, 7)), max_size=6))
def test_a_readme_with_flipped_bits_is_parsed_or_refused(flips):
    content = bytearray(README.encode())
    for place, bit in flips:
        content[place] ^= 1 << bit
    parsed_or_refused(decode(bytes(content)))


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_a_readme_with_lines_shuffled_or_lost_is_parsed_or_refused(data):
    lines = README.splitlines()
    picked = data.draw(st.lists(st.sampled_from(lines), max_size=40))
    parsed_or_refused("\n".join(picked))


@settings(deadline=None, max_examples=200)
@given(
    st.text(max_size=400)
    | st.text("-=\n 0123456789AIFE.[]?Byte-by-byte Description:", max_size=600)
)
def test_random_text_is_parsed_or_refused(text):
    parsed_or_refused(text)


@pytest.mark.parametrize("end", ["9" * 12, str(2**63), "9" * 400])
def test_a_record_of_absurd_length_is_refused_and_not_allocated(end):
    text = README.replace("12- 20 E9.2", f"12-{end} E9.2")
    assert text != README
    with pytest.raises(InputError, match="bytes a record"):
        parse_readme(text)


def obvious(line: bytes, column: Column):
    """What a field says, the slow and plain way."""
    text = line[column.start - 1 : column.end].decode("utf-8").strip(" ")
    if column.kind == "A":
        if column.null is not None and (text == "" or re.fullmatch("-{1,4}", text)):
            return None
        return text
    if text == "":
        return None
    if column.kind == "I":
        if not re.fullmatch(r"[-+]?[0-9]+", text) or not -(2**63) <= int(text) < 2**63:
            raise ValueError(text)
        return int(text)
    if re.fullmatch(r"[-+]?(nan|inf|infinity)", text, re.I | re.ASCII):
        return float(text)
    found = FORTRAN.fullmatch(text)
    if not found:
        raise ValueError(text)
    value = float(f"{found[1]}e{found[2] or found[3] or 0}")
    if value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return None if value == -9 else value


FIELDS = st.text("0123456789+-.eEdDqx naif\t", max_size=30) | st.text(max_size=20)
NUMBERS = st.floats().map(lambda value: f"{value:.3g}") | st.integers().map(str)
LINES = st.lists(
    st.tuples(NUMBERS, NUMBERS, FIELDS, FIELDS).map(
        lambda four: f"{four[0][:6]:>6}{four[1][:9]:<9} {four[2][:3]:<3} {four[3][:4]}"
    )
    | FIELDS,
    max_size=5,
)


@settings(deadline=None, max_examples=400)
@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_reader_says_what_the_text_says_or_refuses_it(lines, newline, ended):
    lines = [line.replace("\n", " ").replace("\r", " ") for line in lines]
    content = newline.join([*lines, ""] if ended else lines).encode("utf-8", "replace")
    expected = []
    records = content.split(b"\n")
    if records[-1] == b"":
        records.pop()
    try:
        for line in records:
            bare = line.removesuffix(b"\r") if newline == "\r\n" else line
            expected.append([obvious(bare, column) for column in MIXED.columns])
    except ValueError:
        expected = None
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x.dat"
        path.write_bytes(content)
        check_file(path, MIXED)
        if expected is None:
            with pytest.raises(InputError, match=r"x\.dat, line \d+, bytes \d+-\d+, column"):
                read(path, MIXED)
        else:
            rows = [list(row.values()) for row in read(path, MIXED).to_pylist()]
            assert repr(rows) == repr(expected)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400))
def test_random_bytes_are_read_or_refused(content):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x.dat"
        path.write_bytes(content)
        for use in (
            lambda: read(path, MIXED).num_rows,
            lambda: check_file(path, MIXED).records,
            lambda: read_described(path),
        ):
            try:
                use()
            except InputError as error:
                assert "x.dat" in str(error)
