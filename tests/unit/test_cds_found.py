"""Files as catalogues and journals distribute them: marks, formats, line ends, closing dashes."""

import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from astropy.table import Table as AstropyTable

from cdstables.checking import main as check
from cdstables.convert import main as convert
from cdstables.errors import InputError
from cdstables.marks import parse_marks
from cdstables.reading import read_described
from cdstables.readme import parse_readme

LINE = "-" * 80
TITLES = "   Bytes Format Units   Label   Explanations"
HEAD = f"Byte-by-byte Description of file: t.dat\n{LINE}\n{TITLES}\n{LINE}\n"
NUMBER = "   1-  3  I3    ---     N       Number\n"
MAGNITUDE = "   5-  9  F5.2  mag     V       ? Magnitude\n"


def described(*rows: str, summary: str = "") -> str:
    return "J/XX/1/1  A table  (Nobody+, 2024)\n" + summary + HEAD + "".join(rows) + LINE + "\n"


def summary(lrecl: int, records: int) -> str:
    return (
        f"File Summary:\n{LINE}\n FileName Lrecl Records Explanations\n{LINE}\n"
        f"t.dat {lrecl} {records} Table\n{LINE}\n\n"
    )


def converted(folder, readme: str, data: str, suffix: str = "parquet") -> dict:
    (folder / "ReadMe").write_text(readme)
    (folder / "t.dat").write_text(data)
    out = folder / f"o.{suffix}"
    assert convert([str(folder / name) for name in ("ReadMe", "t.dat", out.name)]) == 0
    return pq.read_table(out).to_pydict() if suffix == "parquet" else {}


def checked(folder, capsys, data: str | None = None) -> tuple[int, str]:
    if data is not None:
        (folder / "t.dat").write_text(data)
    code = check([str(folder / "ReadMe"), str(folder / "t.dat")])
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "null", "words"),
    [
        ("[]?=99.9 Photographic magnitude", "99.9", "Photographic magnitude"),
        ("[]? Proper motion", "", "Proper motion"),
        ("[] ?=-9.99 Parallax", "-9.99", "Parallax"),
        ("[0/20][]?=99 Magnitude", "99", "Magnitude"),
        ("?= 99.9 Magnitude", "99.9", "Magnitude"),
        ("[Fe/H]?=-9.9 Abundance", "-9.9", "[Fe/H] Abundance"),
        ("[] Magnitude", None, "Magnitude"),
        ("[Fe/H] ratio ?", None, "[Fe/H] ratio ?"),
        ("?= Words", "", "Words"),
    ],
)
def test_a_null_is_seen_whatever_brackets_stand_before_it(text, null, words):
    marks = parse_marks(text, numeric=True)
    assert (marks.null, marks.explanation) == (null, words)


@pytest.mark.parametrize(
    ("mark", "text", "code"),
    [("[]?=99.9", "99.9", 99.9), ("[]?", "    ", None), ("[]?=-9", "-9.0", 0)],
)
def test_empty_brackets_keep_the_null(tmp_path, capsys, mark, text, code):
    row = f"   5-  8  F4.1  mag     Pmag    {mark} Photographic magnitude\n"
    found = converted(tmp_path, described(NUMBER, row), f"  1 12.3\n  2 {text}\n")
    assert found["Pmag"] == [12.3, None]
    schema = pq.read_schema(tmp_path / "o.parquet")
    assert schema.field("Pmag").metadata[b"description"] == b"Photographic magnitude"
    code, told = checked(tmp_path, capsys)
    assert (code, told.count("fine")) == (0, 1)


@pytest.mark.parametrize(
    ("row", "format", "value"),
    [
        ("   5-  9  A     ---     X       Name of the star\n", "A5", "12.50"),
        ("   5-  9  F     mag     X       Magnitude\n", "F5", 12.5),
        ("   5-  9  F.    mag     X\n", "F5", 12.5),
        ("       5  A     ---     X       One byte\n", "A1", "1"),
        ("       5  I     ---     X       One byte\n", "I1", 1),
        ("       5  I2    ---     X       One byte\n", "I2", 1),
        ("5- 9 A --- X Name, not aligned\n", "A5", "12.50"),
        ("5 A1 --- X One byte, not aligned\n", "A1", "1"),
        ("5 I --- X One byte, not aligned\n", "I1", 1),
    ],
)
def test_a_line_with_bytes_is_a_column(tmp_path, row, format, value):
    readme = described(NUMBER, row)
    column = parse_readme(readme).tables[0].columns[1]
    assert (column.label, column.format) == ("X", format)
    data = "  1 12.50\n" if column.width == 5 else "  1 1\n"
    assert converted(tmp_path, readme, data) == {"N": [1], "X": [value]}


@pytest.mark.parametrize(
    "row",
    [
        "   5-  9  G5.2  mag     X       Magnitude\n",
        "   5-  9  Char  ---     X       Name\n",
        "   5-  9  F5.2\n",
        "   5-  9  F5.2  mag\n",
        "   5-  9\n",
        "       5\n",
        "   5-  9  5A    ---     X       Name\n",
        "5- 9 I5\n",
        "5- 9 A\n",
        "5- 9 STRING --- X Name\n",
    ],
)
def test_a_line_with_bytes_that_is_not_understood_is_an_error_with_its_number(row):
    with pytest.raises(InputError, match="ReadMe, line 7: "):
        parse_readme(described(NUMBER, row))


@pytest.mark.parametrize("row", ["5 stars or\n", "10 of them (1)\n", "2-3 words more\n"])
def test_words_that_begin_with_a_number_stay_words(row):
    (table,) = parse_readme(described(NUMBER, row)).tables
    assert [column.explanation for column in table.columns] == [f"Number {row.strip()}"]


MRT = "Title: A\nAuthors: B\nTable: C\n" + "=" * 80 + "\n" + HEAD + NUMBER + MAGNITUDE + LINE + "\n"
NOTE = f"Note (1): a word\n          that runs on\n{LINE}\n"
DATA = "  1 12.34\n  2\n"


@pytest.mark.parametrize(
    "text",
    [
        MRT + DATA,
        MRT + DATA + LINE + "\n",
        MRT + DATA + "=" * 60 + "\n(End)\n\n",
        MRT + DATA + LINE + "\n\n" + LINE,
        MRT + NOTE + DATA + LINE + "\n",
        MRT + "\nReferences:\n  Nobody\n" + "=" * 80 + "\n(End)\n" + LINE + "\n" + DATA + LINE,
        (MRT + NOTE + DATA + LINE + "\n").replace("\n", "\r\n"),
        "\x0c" + MRT.replace("Authors: B", "Authors: B\x85C") + DATA,
    ],
)
def test_a_file_that_describes_itself_gives_all_its_records(tmp_path, capsys, text):
    path = tmp_path / "t.txt"
    path.write_bytes(text.encode())
    data, _ = read_described(path)
    assert data.to_pydict() == {"N": [1, 2], "V": [12.34, None]}
    convert([str(path), str(path), str(tmp_path / "o.parquet")])
    assert pq.read_table(tmp_path / "o.parquet").to_pydict() == data.to_pydict()
    code = check([str(path), str(path)])
    told = capsys.readouterr().out
    if "\r" not in text:
        assert (code, "2 records, fine" in told) == (0, True), told


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (MRT + DATA + LINE + "\n" + DATA, 14),
        (MRT + DATA + LINE + "\n" + NOTE, 14),
        (MRT + "Note (1): a word\n" + DATA + LINE + "\n", 12),
        (MRT + DATA + MRT + DATA, 18),
    ],
)
def test_records_never_vanish_between_lines_of_dashes(tmp_path, text, line):
    path = tmp_path / "t.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"t\.txt, line {line}: "):
        read_described(path)


def test_check_of_a_file_that_describes_itself_names_lines_of_the_file(tmp_path, capsys):
    path = tmp_path / "t.txt"
    path.write_text(MRT + "  1 12.34\n  x 12.34\n" + LINE + "\n")
    assert check([str(path), str(path)]) == 1
    assert "t.txt, line 13, bytes 1-3, N: number: 'x' is no integer" in capsys.readouterr().out


NAME = "   5- 12  A8    ---     Name    Name\n"


@pytest.mark.parametrize(
    ("rows", "data", "note"),
    [
        ([NAME], "  1 star one\n  2 sun\n", True),
        ([NAME], "  1 star one\n" + "  2 sun\n" * 40 + "  3 b       \n", True),
        (["   5- 12  F8.3  mag     V       ? Magnitude\n"], "  1  123.456\n  2\n  3\n", True),
        ([NAME], "  1 star one\n  2 sun     \n", False),
    ],
)
def test_blanks_left_out_at_line_ends_are_one_note(tmp_path, capsys, rows, data, note):
    readme = described(NUMBER, *rows, summary=summary(12, data.count("\n")))
    (tmp_path / "ReadMe").write_text(readme)
    code, told = checked(tmp_path, capsys, data)
    assert (code, told.count(": note: "), "fine" in told) == (0, int(note), True), told


@pytest.mark.parametrize(
    ("rows", "data", "kind"),
    [
        ([NAME], "  1 star one\n  2 star three\n", "14 bytes, not 12"),
        ([NAME], "  1 star\n  2 sun\n", "the longest record has 8 bytes"),
        ([NAME], "  1 star    \n" * 5 + "  2 sun\n", "7 bytes, not 12"),
        (["   5- 12  F8.3  mag     V       Magnitude\n"], "  1  123.456\n  2\n", "3 bytes, not 12"),
        (
            ["   5- 12  F8.3  mag     V       ? Mag\n"],
            "  1  123.456\n  2   23.4\n",
            "10 bytes, not 12",
        ),
        (["   5- 12  F8.3  mag     V       ? Mag\n"], "  1 1234.567\n" * 3 + "  2 1234.5\n", "10"),
    ],
)
def test_a_record_that_is_cut_or_too_long_stays_a_violation(tmp_path, capsys, rows, data, kind):
    readme = described(NUMBER, *rows, summary=summary(12, data.count("\n")))
    (tmp_path / "ReadMe").write_text(readme)
    code, told = checked(tmp_path, capsys, data)
    assert (code, "record length" in told, kind in told) == (1, True, True), told


TEXT = "   5- 11  A7    ---     Name    Name\n"


@pytest.mark.parametrize("name", ["Künz", "星", "\U0001f31f", "é"])
def test_text_beyond_ascii_is_read_back_from_a_votable(tmp_path, name):
    readme = described(NUMBER, TEXT)
    converted(tmp_path, readme, f"  1 abc\n  2 {name}\n", "vot")
    assert AstropyTable.read(tmp_path / "o.vot")["Name"].tolist() == ["abc", name]
    assert b'name="Name" datatype="unicodeChar"' in (tmp_path / "o.vot").read_bytes()
    converted(tmp_path, readme, "  1 abc\n", "vot")
    assert b'name="Name" datatype="char"' in (tmp_path / "o.vot").read_bytes()


@pytest.mark.parametrize("name", ["Künz", "星", "é"])
def test_text_beyond_ascii_is_refused_for_fits_with_row_and_column(tmp_path, name):
    readme = described(NUMBER, TEXT)
    told = rf"row 2, column Name: '{name}' is not ASCII.*convert to VOTable"
    with pytest.raises(InputError, match=told):
        converted(tmp_path, readme, f"  1 abc\n  2 {name}\n", "fits")
    assert not (tmp_path / "o.fits").exists()


def test_words_of_a_description_lose_their_accents_in_fits(tmp_path):
    converted(
        tmp_path,
        described(NUMBER, TEXT.replace("    Name\n", "    Name of Künz, 星\n")),
        "  1 abc\n",
        "fits",
    )
    assert b"Name of Kunz, ?" in (tmp_path / "o.fits").read_bytes()


def test_a_label_that_fits_cannot_hold_is_refused(tmp_path):
    with pytest.raises(InputError, match="FITS names columns in ASCII alone"):
        converted(
            tmp_path, described(NUMBER, TEXT.replace("Name    N", "Näme    N")), "  1 abc\n", "fits"
        )


def test_the_package_stands_alone():
    names = "check, convert, read, write, votable_file, short_records"
    code = (
        f"import sys; from cdstables import {names}; "
        "print([n for n in sys.modules if n.split('.')[0] in ('spectrotranslator', 'minisky')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
