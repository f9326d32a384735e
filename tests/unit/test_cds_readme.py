"""ReadMe files: what is understood, what is refused, what is written."""

import pytest

from cdstables.layout import Column, ReadMe, Table
from cdstables.marks import Limits, allowed_bytes, choices, format_marks, parse_marks
from cdstables.readme import parse_readme
from cdstables.readme_text import format_readme
from spectrotranslator.errors import InputError

LINE = "-" * 80
TAIL = f"""{LINE}
Byte-by-byte Description of file: t2.dat, t3.dat
Byte-by-byte Description of file: t4.*
{LINE}
Bytes Format Units Label Explanations
{LINE}
1- 30 A30 --- Text Text
{LINE}
Acknowledgements:
None.
{"=" * 80}
(End)
"""
UNTIDY = f"""J/X/1/2 A list of things (Someone+, 2020)
{"=" * 80}
ADC_Keywords: Stars
Description:
Words, with 10 of them
that run on.
File Summary:
{LINE}
FileName Lrecl Records Explanations
{LINE}
ReadMe 80 . This file
t1.dat 40 12 *First table, said
on two lines
t2.dat 30 . Second
{LINE}
Byte-by-byte Description of file: t1.dat
{LINE}
Bytes Format Units Label Explanations
{LINE}
1- 6 I6 --- ID [1/999]+ Number of
5 stars or
10 of them (1)
8 A1 --- Flag [ab-d] A flag
10- 17 F8.4 deg RA ]0,360[?=-1 Right ascension
19-26  E8.2   [K]   logT   ? Temperature,
14-20 words more
{LINE}
Note (1): first line
second line
Note on Flag: a word
{LINE}
Byte-by-byte Description of file: t2.dat, t3.dat
Byte-by-byte Description of file: t4.*
{LINE}
Bytes Format Units Label Explanations
{LINE}
1- 30 A30 --- Text Text
{LINE}
Acknowledgements:
None.
{"=" * 80}
(End)
"""


def test_a_readme_without_indentation_is_understood():
    readme = parse_readme(UNTIDY)
    assert readme.designation == "J/X/1/2"
    assert readme.title == "A list of things (Someone+, 2020)"
    first, second = readme.tables
    assert (first.name, first.lrecl, first.records) == ("t1.dat", 40, 12)
    assert first.explanation == "*First table, said on two lines"
    assert [column.label for column in first.columns] == ["ID", "Flag", "RA", "logT"]
    identifier, flag, ascension, temperature = first.columns
    assert identifier.explanation == "Number of 5 stars or 10 of them (1)"
    assert identifier.limits == Limits(1, 999, text="[1/999]")
    assert identifier.order == "+"
    assert flag.allowed == frozenset(b"abcd")
    assert (ascension.null, ascension.limits.low_open, ascension.limits.high_open) == (
        "-1",
        True,
        True,
    )
    assert temperature.null == ""
    assert temperature.explanation == "Temperature, 14-20 words more"
    assert first.notes == (("(1)", "first line\nsecond line"), ("on Flag", "a word"))
    assert second.name == "t2.dat, t3.dat, t4.*"


def test_a_file_finds_its_description_and_its_row_of_the_summary():
    readme = parse_readme(UNTIDY)
    assert readme.table("somewhere/t2.dat.gz").lrecl == 30
    assert readme.table("t4.txt").name == "t2.dat, t3.dat, t4.*"
    with pytest.raises(InputError, match=r"describes no file 't9.dat'; it describes t1\.dat; t2"):
        readme.table("t9.dat")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (f"{LINE}\nAcknowledgements:\nNone.\n{'=' * 80}\n", "", 32, "no last line of dashes"),
        (TAIL, "", 28, "the notes that begin here have no last line"),
        ("Bytes Format Units Label Explanations", "Bytes of it", 18, "expected the titles"),
        ("1- 6 I6 --- ID [1/999]+ Number of", "words", 20, "describes no column"),
        ("8 A1 ---", "8-8 X1 ---", 23, "format 'X1'"),
        ("10- 17", "17- 10", 24, "no range"),
        ("--- Flag", "--- ID", 16, "label ID stands twice"),
        ("t1.dat 40", "t1.dat", None, None),
    ],
)
def test_what_is_malformed_is_refused_with_its_line(old, new, line, message):
    text = UNTIDY.replace(old, new, 1)
    if message is None:
        assert parse_readme(text).tables[0].lrecl is None
        return
    with pytest.raises(InputError, match=f"line {line}: .*{message}"):
        parse_readme(text)


def test_text_without_a_description_is_refused():
    with pytest.raises(InputError, match="no line 'Byte-by-byte Description of file: NAME'"):
        parse_readme("Dear reader,\nnothing here.\n")


@pytest.mark.parametrize(
    ("text", "numeric", "expected"),
    [
        ("[0/360] Angle", True, {"limits": Limits(0, 360, text="[0/360]")}),
        ("]0/140[?Words", True, {"limits": Limits(0, 140, True, True, "]0/140["), "null": ""}),
        ("[0,60[ s", True, {"limits": Limits(0, 60, False, True, "[0,60[")}),
        ("[20] Same", True, {"limits": Limits(20, 20, text="[20]")}),
        ("[-1e2/] Up", True, {"limits": Limits(-100, text="[-1e2/]")}),
        ("[Fe/H] ratio", True, {}),
        ("[><] Limit", False, {"characters": "><"}),
        ("[?] Doubt", False, {"characters": "?"}),
        ("?=-9.9 Width", True, {"null": "-9.9"}),
        ("?=- Magnitude", True, {"null": "-"}),
        (
            "[1/52]?-= Width",
            True,
            {"limits": Limits(1, 52, text="[1/52]"), "null": "", "order": "-="},
        ),
        ("[1/9]?+ Width", True, {"limits": Limits(1, 9, text="[1/9]"), "null": "", "order": "+"}),
        ("? - a dash", True, {"null": ""}),
        ("wave ? Words", True, {}),
        ("+45 degrees", True, {}),
    ],
)
def test_marks_of_an_explanation(text, numeric, expected):
    marks = parse_marks(text, numeric)
    found = {
        name: getattr(marks, name)
        for name in ("limits", "characters", "null", "order")
        if getattr(marks, name) is not None
    }
    assert found == expected
    assert parse_marks(format_marks(marks), numeric) == marks


def test_brackets_list_characters_or_words():
    assert allowed_bytes("0-9P") == frozenset(b"0123456789P")
    assert allowed_bytes("-+") == frozenset(b"-+")
    assert choices("false/true ", 5) == ("false", "true")
    assert choices("true", 4) == ("true",)
    assert choices("false/true", 1) is None
    assert choices("N/A", 3) is None


def test_a_written_readme_reads_back_to_the_same_tables():
    readme = parse_readme(UNTIDY)
    text = format_readme(readme)
    again = parse_readme(text)
    assert again.tables == readme.tables
    assert (again.title, again.designation) == (readme.title, readme.designation)
    assert again.sections == readme.sections
    assert max(map(len, text.splitlines())) <= 80


def test_a_word_that_looks_like_a_column_stays_in_its_explanation():
    words = "see also " * 6 + "3-4 A2 --- Trap and 7 A1 --- Trap " * 4 + "------ end"
    table = Table("t.dat", 4, None, "x", (Column(1, 4, "A4", "---", "L", words.strip()),))
    again = parse_readme(format_readme(ReadMe("T", (table,))))
    assert again.tables == (table,)


def test_a_byte_order_mark_and_latin_text_are_taken():
    from cdstables.readme import decode

    text = UNTIDY.replace("Someone", "Gu\u00e9rin")
    assert decode(text.encode("latin-1")) == text
    assert decode(b"\xef\xbb\xbf" + text.encode()) == text


def test_a_deep_line_continues_an_explanation_whatever_it_looks_like():
    text = (
        "Byte-by-byte Description of file: t.dat\n"
        f"{LINE}\n   Bytes Format Units  Label  Explanations\n{LINE}\n"
        "   1-  2 A2     ---    a      Two words, of which\n"
        f"                               3-  4 A2 --- b are these\n{LINE}\n"
    )
    (table,) = parse_readme(text).tables
    assert [column.explanation for column in table.columns] == [
        "Two words, of which 3-  4 A2 --- b are these"
    ]
