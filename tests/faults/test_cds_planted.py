"""Faults planted one by one in clean files: ``check`` finds each, and none in the clean ones."""

from dataclasses import replace
from functools import cache
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from cdstables.checking import check_file
from cdstables.layout import Column, Table
from cdstables.marks import Limits
from cdstables.writing import encode
from unit.test_cds_layout import layout, sample

ROWS = 12
EACH = 40
STARS = Table(
    "stars.dat",
    66,
    ROWS,
    "stars",
    (
        Column(1, 6, "I6", "---", "n", limits=Limits(1, 500000, text="[1/500000]"), order="+"),
        Column(8, 15, "F8.4", "deg", "ra", limits=Limits(0, 360, False, True, "[0,360[")),
        Column(17, 23, "F7.3", "mag", "m", null="99.999"),
        Column(25, 34, "E10.3", "---", "x", limits=Limits(-1, 1, True, True, "]-1,1[")),
        Column(36, 43, "A8", "---", "name", characters="A-Z0-9"),
        Column(45, 45, "A1", "---", "flag", characters="ab"),
        Column(47, 51, "A5", "---", "var", characters="false/true "),
        Column(53, 57, "I5", "---", "k", null=""),
        Column(59, 66, "D8.2", "---", "d"),
    ),
)


def stars() -> pa.Table:
    rng = np.random.default_rng(5)
    return pa.table(
        {
            "n": np.arange(1, ROWS + 1) * 10,
            "ra": rng.uniform(0, 359, ROWS).round(4),
            "m": pa.array(rng.uniform(5, 20, ROWS).round(3), mask=rng.random(ROWS) < 0.3),
            "x": rng.uniform(-0.9, 0.9, ROWS).round(3),
            "name": [f"STAR{number}" for number in range(ROWS)],
            "flag": ["a", "b", ""] * (ROWS // 3),
            "var": [True, False] * (ROWS // 2),
            "k": pa.array(range(ROWS), mask=rng.random(ROWS) < 0.3),
            "d": rng.normal(0, 1, ROWS).round(3),
        }
    )


@cache
def clean(name: str) -> tuple[Table, bytes]:
    if name == "stars":
        return STARS, encode(stars(), STARS)
    table = replace(layout(name), records=ROWS)
    return table, encode(sample(table, ROWS), table)


def field(lines: list[bytes], row: int, column: Column, text: str) -> None:
    line = lines[row]
    fill = text.rjust(column.width) if column.align == "right" else text.ljust(column.width)
    lines[row] = line[: column.start - 1] + fill.encode("latin-1") + line[column.end :]


def numbers(table: Table) -> list[Column]:
    return [column for column in table.columns if column.kind != "A"]


def short_record(dice, table, lines, row):
    cut = dice.randrange(1, 9)
    lines[row] = lines[row][:-cut]
    return "record length", 0


def long_record(dice, table, lines, row):
    lines[row] += b" " * dice.randrange(1, 9)
    return "record length", 0


def lost_byte(dice, table, lines, row):
    place = dice.randrange(len(lines[row]))
    lines[row] = lines[row][:place] + lines[row][place + 1 :]
    return "record length", 0


def carriage_return(dice, table, lines, row):
    lines[row] += b"\r"
    return "line end", 0


def between_columns(dice, table, lines, row):
    column = dice.choice(table.columns[:-1])
    mark = bytes([dice.randrange(33, 127)])
    lines[row] = lines[row][: column.end] + mark + lines[row][column.end + 1 :]
    return "between columns", column.end + 1


def no_number(dice, table, lines, row):
    column = dice.choice(numbers(table))
    texts = ["abc", "1..2", "--1", "1 2", "NaN", "inf", "0x1F", "+", ".", "1,5", "1_0", "-e5", "E"]
    texts += ["1e", "1e+"] if column.kind != "I" else ["1.5", "1.", "1e2"]
    field(lines, row, column, dice.choice([text for text in texts if len(text) <= column.width]))
    return "number", column.start


def too_large(dice, table, lines, row):
    wide = [c for c in numbers(table) if c.kind != "I" or c.width >= 19]
    column = dice.choice(wide)
    field(lines, row, column, "9" * column.width if column.kind == "I" else "1.E999")
    return "number", column.start


def blank_number(dice, table, lines, row):
    column = dice.choice([column for column in numbers(table) if column.null is None])
    field(lines, row, column, "")
    return "null", column.start


def outside_limits(dice, table, lines, row):
    column, texts = dice.choice(
        [
            (table.column("n"), ["0", "-5", "500001", "999999"]),
            (table.column("ra"), ["360.0", "360.", "-0.0001", "361.5"]),
            (table.column("x"), ["1.0", "-1.0", "1.E5", "-1.0E0"]),
        ]
    )
    field(lines, row, column, dice.choice(texts))
    return "limits", column.start


def foreign_characters(dice, table, lines, row):
    columns = [column for column in table.columns if column.characters]
    column = dice.choice(columns)
    texts = ["x", "?", "true!", "tru", "truf", "Stars", "A-B", "fals"]
    field(lines, row, column, dice.choice([text for text in texts if len(text) <= column.width]))
    return "characters", column.start


def disorder(dice, table, lines, row):
    other = row - 1 if row else row + 1
    column = table.column("n")
    first, last = sorted((row, other))
    text = lines[first][: column.end].decode()
    field(lines, last, column, text.strip())
    return "order", column.start


def odd_byte(dice, table, lines, row):
    place = dice.randrange(len(lines[row]))
    byte = dice.choice([*range(0x80, 0x100), 0, 9, 27, 127])
    lines[row] = lines[row][:place] + bytes([byte]) + lines[row][place + 1 :]
    return "encoding", place + 1


def lost_record(dice, table, lines, row):
    del lines[row]
    return "records", 0


def doubled_record(dice, table, lines, row):
    lines.insert(row, lines[row])
    return "records", 0


STARS_ONLY = [outside_limits, disorder]
EVERYWHERE = [
    short_record,
    long_record,
    lost_byte,
    carriage_return,
    between_columns,
    no_number,
    too_large,
    blank_number,
    foreign_characters,
    odd_byte,
    lost_record,
    doubled_record,
]
FAULTS = [("stars", fault) for fault in EVERYWHERE + STARS_ONLY]
FAULTS += [(name, fault) for name in ("g2a", "a2g") for fault in EVERYWHERE]


@pytest.mark.parametrize("name", ["stars", "g2a", "a2g"])
def test_nothing_is_found_in_a_clean_file(tmp_path, name):
    table, content = clean(name)
    (tmp_path / table.name).write_bytes(content)
    report = check_file(tmp_path / table.name, table)
    assert report.fine, report.violations[:3]
    assert report.records == ROWS


@pytest.mark.parametrize(
    ("name", "fault"), FAULTS, ids=[f"{name}-{fault.__name__}" for name, fault in FAULTS]
)
def test_every_planted_fault_is_found_where_it_is(tmp_path, name, fault):
    table, content = clean(name)
    path = tmp_path / table.name
    for seed in range(EACH if name == "stars" else 8):
        lines = content.splitlines()
        dice = Random(f"{name} {fault.__name__} {seed}")
        row = dice.randrange(ROWS)
        kind, start = fault(dice, table, lines, row)
        path.write_bytes(b"\n".join(lines) + b"\n")
        found = check_file(path, table).violations
        matching = [item for item in found if item.kind == kind]
        assert matching, (seed, row, kind, found[:3])
        if kind not in ("records", "order"):
            assert any((item.line, item.start) == (row + 1, start) for item in matching), found
            assert {item.line for item in found if item.kind != "order"} == {row + 1}


def test_the_planted_faults_are_at_least_300():
    assert sum(EACH if name == "stars" else 8 for name, _ in FAULTS) >= 300


@pytest.mark.parametrize("name", ["stars", "g2a", "a2g"])
def test_a_missing_last_newline_is_found(tmp_path, name):
    table, content = clean(name)
    (tmp_path / table.name).write_bytes(content[:-1])
    found = check_file(tmp_path / table.name, table).violations
    assert [(item.line, item.kind) for item in found] == [(ROWS, "line end")]


def test_faults_all_over_a_file_are_all_counted(tmp_path):
    table, content = clean("stars")
    lines = content.splitlines() * 3
    expected = {}
    for row, fault in enumerate([no_number, between_columns, outside_limits, blank_number] * 9):
        kind, _ = fault(Random(row), table, lines, row)
        expected[kind] = expected.get(kind, 0) + 1
    path = tmp_path / "stars.dat"
    path.write_bytes(b"\n".join(lines) + b"\n")
    loose = replace(
        table,
        records=None,
        columns=tuple(replace(column, order=None) for column in table.columns),
    )
    report = check_file(path, loose, limit=5)
    assert dict(report.counts) == expected
    assert len(report.violations) == 5


def test_limits_of_integers_beyond_the_doubles_are_checked(tmp_path):
    limits = Limits(1, 9e18, text="[1/9e18]")
    table = Table("x.dat", 19, 2, "", (Column(1, 19, "I19", "---", "i", limits=limits),))
    path = tmp_path / "x.dat"
    path.write_bytes(b" 576460752303423489\n9200000000000000001\n")
    found = check_file(path, table).violations
    assert [(item.line, item.kind) for item in found] == [(2, "limits")]


def test_a_description_that_contradicts_itself_is_found(tmp_path):
    columns = (Column(1, 4, "I3", "---", "a"), Column(4, 6, "A3", "---", "b"))
    path = tmp_path / "x.dat"
    path.write_bytes(b"   1ab\n")
    found = check_file(path, Table("x.dat", 6, 1, "", columns)).violations
    assert [(item.kind, item.column) for item in found] == [
        ("description", "a"),
        ("description", "b"),
    ]


def test_a_fault_behind_the_first_block_keeps_its_line(tmp_path):
    table, content = clean("g2a")
    rows = 40_000 // ROWS
    path = tmp_path / "g2a.dat"
    tail = content.splitlines()
    field(tail, 3, table.column("Teff5"), "oops")
    path.write_bytes(content * rows + b"\n".join(tail) + b"\n")
    found = check_file(path, replace(table, records=None)).violations
    assert [(item.line, item.kind) for item in found] == [(rows * ROWS + 4, "number")]
