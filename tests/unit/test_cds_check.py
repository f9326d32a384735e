"""``./reproduce check``: its words, its exit codes, its JSON."""

import json
from dataclasses import replace

import pytest

from cdstables.checking import check_file, main
from cdstables.layout import ReadMe
from cdstables.readme_text import format_readme
from cdstables.writing import write
from spectrotranslator.errors import InputError
from unit.test_cds_layout import layout, sample


@pytest.fixture
def catalogue(tmp_path):
    table = replace(layout("g2a"), records=50)
    write(tmp_path / "g2a.dat", table, sample(table, 50))
    (tmp_path / "ReadMe").write_text(format_readme(ReadMe("Ours", (table,))))
    return tmp_path


def inject_defects(path, line, start, text):
    content = bytearray(path.read_bytes())
    offset = (line - 1) * 925 + start - 1
    content[offset : offset + len(text)] = text
    path.write_bytes(content)


def test_a_clean_catalogue_is_fine_and_exits_0(catalogue, capsys):
    assert main([str(catalogue / "ReadMe"), str(catalogue / "g2a.dat")]) == 0
    assert capsys.readouterr().out == f"{catalogue / 'g2a.dat'}: 50 records, fine\n"


def test_a_breach_is_told_with_line_bytes_column_and_reason_and_exits_1(catalogue, capsys):
    inject_defects(catalogue / "g2a.dat", 7, 41, b"x")
    assert main([str(catalogue / "ReadMe"), str(catalogue / "g2a.dat")]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert "line 7, bytes 37-55, Teff5: number: " in first
    assert "x" in first
    assert first.endswith("is no number")
    assert last.endswith("50 records, 1 violations: 1 number")


def test_json_counts_all_and_lists_as_many_as_asked(catalogue, capsys):
    for line in range(1, 11):
        inject_defects(catalogue / "g2a.dat", line, 16, b"|")
    main([str(catalogue / "ReadMe"), str(catalogue / "g2a.dat"), "--json", "--max", "3"])
    (report,) = json.loads(capsys.readouterr().out)
    assert report["counts"] == {"between columns": 10}
    assert [violation["line"] for violation in report["violations"]] == [1, 2, 3]
    assert report["violations"][0] == {
        "line": 1,
        "start": 16,
        "end": 16,
        "column": "",
        "kind": "between columns",
        "reason": "'|' between columns",
    }
    assert not report["fine"]


def test_violations_come_in_the_order_of_the_file(catalogue):
    path = catalogue / "g2a.dat"
    inject_defects(path, 9, 730, b"maybe")
    inject_defects(path, 9, 16, b"|")
    inject_defects(path, 4, 917, b"!")
    found = check_file(path, layout("g2a")).violations
    assert [(item.line, item.start, item.kind) for item in found] == [
        (4, 915, "characters"),
        (9, 16, "between columns"),
        (9, 730, "characters"),
    ]


def test_several_files_are_checked_and_one_breach_decides(catalogue, capsys):
    path = catalogue / "g2a.dat"
    inject_defects(path, 50, 925, b"x")
    files = [str(path)] * 2
    assert main([str(catalogue / "ReadMe"), *files]) == 1
    assert capsys.readouterr().out.count("no newline behind the last record") == 2


@pytest.mark.parametrize(
    ("readme", "file", "message"),
    [
        ("none", "g2a.dat", "none: no such file; give the catalogue's ReadMe"),
        ("ReadMe", "none.dat", "none.dat: no such file"),
        ("g2a.dat", "g2a.dat", "no line of dashes, so no description before the data"),
    ],
)
def test_what_cannot_be_checked_is_an_error_of_input(catalogue, readme, file, message):
    with pytest.raises(InputError, match=message):
        main([str(catalogue / readme), str(catalogue / file)])


def test_a_wrong_call_exits_2(catalogue, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(catalogue / "ReadMe"), "x", "--max", "some"])
    assert stopped.value.code == 2
    assert "'some' is no number" in capsys.readouterr().err


def test_a_gzip_is_checked_like_the_file_within(catalogue):
    table = layout("g2a")
    write(catalogue / "z.dat.gz", table, sample(table, 5))
    assert check_file(catalogue / "z.dat.gz", table).fine
    content = (catalogue / "z.dat.gz").read_bytes()
    (catalogue / "cut.dat.gz").write_bytes(content[:-20])
    with pytest.raises(InputError, match="cannot be read to its end"):
        check_file(catalogue / "cut.dat.gz", table)
