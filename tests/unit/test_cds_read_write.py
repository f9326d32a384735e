"""Reading and writing of records: exact values, refusals that name their place."""

import gzip
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from cdstables.layout import Column, Table
from cdstables.marks import Limits
from cdstables.reading import iter_batches, read, to_astropy, to_pandas
from cdstables.shortest import fitted_text, float_texts
from cdstables.writing import TableWriter, encode, write
from spectrotranslator.errors import InputError
from unit.test_cds_layout import layout, sample


def together(values, kind, width):
    """The texts of many doubles as the writer puts them into the field."""
    texts, _, rows, over = float_texts(values, kind, width)
    final = texts.to_pylist()
    for row, text in zip(rows.tolist(), over.to_pylist(), strict=True):
        final[row] = text
    return final


SMALL = Table(
    "s.dat",
    28,
    None,
    "small",
    (
        Column(1, 19, "I19", "---", "id", null=""),
        Column(21, 26, "F6.3", "mag", "m", null="99.9", limits=Limits(-5, 99.9, text="[-5/99.9]")),
        Column(28, 28, "A1", "---", "f", characters="ab", null=""),
    ),
)


@pytest.mark.parametrize("name", ["g2a", "a2g"])
def test_a_catalogue_reads_back_as_it_was_written(tmp_path, name):
    table = layout(name)
    wide = [c for c in table.columns if c.kind in "FE" and c.width >= 22] + [
        c for c in table.columns if c.kind in "AI"
    ]
    data = sample(table, 300)
    write(tmp_path / "x.dat", table, data)
    back = read(tmp_path / "x.dat", table, booleans=True).combine_chunks()
    for column in wide:
        assert back[column.label].combine_chunks().equals(data[column.label].combine_chunks())
    assert (tmp_path / "x.dat").stat().st_size == 300 * (table.lrecl + 1)
    again = tmp_path / "y.dat"
    write(again, table, read(tmp_path / "x.dat", table))
    assert again.read_bytes() == (tmp_path / "x.dat").read_bytes()


def test_records_made_apart_and_joined_are_the_bytes_of_one(tmp_path):
    table = layout("g2a")
    data = sample(table, 90)
    whole = encode(data, table)
    parts = [encode(data.slice(start, 30), table, start + 1) for start in (0, 30, 60)]
    assert b"".join(parts) == whole
    with TableWriter(tmp_path / "x.dat", table) as writer:
        for start in (0, 30, 60):
            writer.write(data.slice(start, 30))
    assert writer.records == 90
    assert (tmp_path / "x.dat").read_bytes() == whole


def test_identifiers_of_64_bits_never_pass_through_a_float(tmp_path):
    ids = [2**63 - 1, -(2**53) - 1, 9007199254740993]
    data = pa.table({"id": ids, "m": [1.0] * 3, "f": ["a", "b", None]})
    table = replace(SMALL, columns=(Column(1, 19, "I19", "---", "id"), *SMALL.columns[1:]))
    write(tmp_path / "x.dat", table, data)
    assert read(tmp_path / "x.dat", table)["id"].to_pylist() == ids


def test_columns_rows_and_chunks_are_pieces_of_the_whole(tmp_path):
    table = layout("g2a")
    write(tmp_path / "x.dat.gz", table, sample(table, 100))
    whole = read(tmp_path / "x.dat", table)
    assert read(tmp_path / "x.dat", table, ["Com", "logg5"]).equals(whole.select(["Com", "logg5"]))
    assert read(tmp_path / "x.dat", table, rows=slice(20, 33)).equals(whole.slice(20, 13))
    assert read(tmp_path / "x.dat", table, rows=range(95, 200)).num_rows == 5
    chunks = list(iter_batches(tmp_path / "x.dat", table, chunk_rows=7))
    assert max(chunk.num_rows for chunk in chunks) == 7
    assert pa.Table.from_batches(chunks).equals(whole)


def test_gzip_output_depends_on_nothing_but_the_data(tmp_path):
    for name in ("a.dat.gz", "b.dat.gz"):
        write(tmp_path / name, SMALL, pa.table({"id": [1], "m": [2.5], "f": ["a"]}))
    assert (tmp_path / "a.dat.gz").read_bytes() == (tmp_path / "b.dat.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.dat.gz").read_bytes()).endswith(b"1    2.5 a\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5D3", 1500.0),
        ("+2.5", 2.5),
        ("1.5-3", 0.0015),
        (".5", 0.5),
        ("7", 7.0),
        ("99.9", None),
        ("99.900", None),
        ("", None),
    ],
)
def test_numbers_of_fortran_are_read(tmp_path, text, value):
    (tmp_path / "x.dat").write_text(f"{5:>19} {text:<6} a\n{'':>19} {1.25:>6}  \n")
    data = read(tmp_path / "x.dat", SMALL)
    assert data["m"].to_pylist() == [value, 1.25]
    assert data["id"].to_pylist() == [5, None]
    assert data["f"].to_pylist() == ["a", None]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("abc", "no number"),
        ("1 2", "no number"),
        ("1e999", "beyond the range"),
        ("0x1F", "no number"),
        ("nan(a)", "no number"),
    ],
)
def test_text_that_is_no_number_is_refused_with_its_place(tmp_path, text, reason):
    (tmp_path / "x.dat").write_text(f"{5:>19} {1.25:>6} a\n{5:>19} {text:<6} a\n")
    with pytest.raises(InputError, match=f"line 2, bytes 21-26, column m: .*{reason}"):
        read(tmp_path / "x.dat", SMALL)


@pytest.mark.parametrize("text", ["0x1F", "1.0", "9223372036854775808"])
def test_text_that_is_no_64_bit_integer_is_refused(tmp_path, text):
    (tmp_path / "x.dat").write_text(f"{text:>19} {1.25:>6} a\n")
    with pytest.raises(InputError, match="line 1, bytes 1-19, column id"):
        read(tmp_path / "x.dat", SMALL)


def test_short_long_and_unfinished_lines_are_read_by_their_bytes(tmp_path):
    (tmp_path / "x.dat").write_bytes(b"1\r\n" + b"2".rjust(19) + b"   1.00 b and more\n" + b"3")
    data = read(tmp_path / "x.dat", SMALL)
    assert data["id"].to_pylist() == [1, 2, 3]
    assert data["m"].to_pylist() == [None, 1.0, None]


def test_booleans_are_text_unless_asked_for(tmp_path):
    table = layout("g2a")
    write(tmp_path / "x.dat", table, sample(table, 5))
    assert read(tmp_path / "x.dat", table)["QflagOe"].to_pylist() == ["true"] * 5
    assert read(tmp_path / "x.dat", table, booleans=True)["QflagOe"].to_pylist() == [True] * 5


def test_an_empty_table_keeps_its_columns(tmp_path):
    (tmp_path / "x.dat").write_bytes(b"")
    data = read(tmp_path / "x.dat", SMALL)
    assert (data.num_rows, data.column_names) == (0, ["id", "m", "f"])
    assert encode(data, SMALL) == b""


def test_pandas_and_astropy_keep_nulls_units_and_words(tmp_path):
    (tmp_path / "x.dat").write_text(f"{2**62:>19} {99.9:>6} a\n{'':>19} {1.25:>6}  \n")
    data = read(tmp_path / "x.dat", SMALL)
    frame = to_pandas(data)
    assert frame["id"].tolist()[0] == 2**62
    assert frame.isna().to_numpy().tolist() == [[False, True, False], [True, False, True]]
    stars = to_astropy(data, SMALL)
    assert stars["m"].unit == "mag"
    assert stars["m"].mask.tolist() == [True, False]
    assert stars["id"][0] == 2**62
    assert stars["f"].mask.tolist() == [False, True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": [1, 10**19]}, "do not fit the format"),
        ({"m": [1.0, float("inf")]}, "row 2, column m: inf is no finite number"),
        ({"m": [1.0, -7.0]}, "row 2, column m: -7.0 is outside"),
        ({"m": [1.0, 99.9]}, "row 2, column m: 99.9 would read back as the null code"),
        ({"f": ["a", "c"]}, "row 2, column f: 'c' holds what"),
        ({"f": ["a", "bb"]}, "row 2, column f: 'bb' is longer than the 1 bytes"),
        ({"f": ["a", "\n"]}, "row 2, column f: '.n' holds a character that is not plain ASCII"),
        ({"f": [1.5, 2.5]}, "text or booleans are needed"),
        ({"id": [1.5, 2.5]}, "integers are needed"),
        ({"m": ["x", "y"]}, "numbers are needed"),
        ({"g": [1, 2]}, "the layout has no column 'g'"),
        ({"f": None}, "column f is missing"),
    ],
)
def test_what_cannot_be_written_is_refused_with_row_column_and_value(tmp_path, change, message):
    values = {"id": [1, 2], "m": [1.0, 2.0], "f": ["a", "b"]} | change
    if values["id"][1] == 10**19:
        values["id"] = pa.array(values["id"], pa.uint64())
    data = pa.table({name: value for name, value in values.items() if value is not None})
    with pytest.raises(InputError, match=message):
        write(tmp_path / "x.dat", SMALL, data)
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_no_digit_of_fits_is_refused():
    table = Table("t.dat", 4, None, "", (Column(1, 4, "F4.1", "---", "x"),))
    with pytest.raises(InputError, match=r"row 12, column x: -12345.0 does not fit its field"):
        encode(pa.table({"x": [1.0, -12345.0]}), table, first_row=11)


def test_a_null_is_written_only_where_it_is_allowed():
    data = pa.table({"id": [1, None], "m": [None, float("nan")], "f": ["a", None]})
    first, second = encode(data, SMALL).splitlines()
    assert first == b"                  1   99.9 a"
    assert second == b"                      99.9  "
    strict = replace(SMALL, columns=tuple(replace(c, null=None) for c in SMALL.columns))
    with pytest.raises(InputError, match="row 2, column id: None is null"):
        encode(data, strict)


@pytest.mark.parametrize(
    ("value", "kind", "width", "text"),
    [
        (1.0, "E", 22, "1.0"),
        (0.001, "E", 22, "0.001"),
        (0.00012, "E", 22, "1.2E-4"),
        (0.00012, "F", 22, "0.00012"),
        (1e7, "E", 22, "1.0E7"),
        (1e7, "F", 22, "10000000.0"),
        (9999999.0, "E", 22, "9999999.0"),
        (-0.0, "F", 22, "-0.0"),
        (5e-324, "F", 22, "4.9E-324".replace("4.9", "5.0")),
        (1.7976931348623157e308, "E", 23, "1.7976931348623157E308"),
        (0.1, "F", 2, ".1"),
        (5.0, "F", 2, "5."),
        (2.675, "F", 4, "2.67"),
        (0.999, "F", 3, "1.0"),
        (1e-9, "F", 4, ".000"),
        (1234567.0, "E", 6, "1.23E6"),
        (1234567.0, "F", 3, None),
        (-1.5, "F", 2, "-2"),
    ],
)
def test_a_double_is_the_shortest_text_or_as_many_digits_as_fit(value, kind, width, text):
    expected = None if text == "-2" else text
    assert fitted_text(value, kind, width) == expected
    assert together(np.array([value]), kind, width) == [expected]


def test_alignment_is_that_of_the_layout():
    columns = (Column(1, 5, "I5", "---", "i", align="left"), Column(7, 9, "A3", "---", "a"))
    right = Table("t", 9, None, "", (columns[0], replace(columns[1], align="right")))
    data = pa.table({"i": [7], "a": ["x"]})
    assert encode(data, Table("t", 9, None, "", columns)) == b"7     x  \n"
    assert encode(data, right) == b"7       x\n"


@pytest.mark.parametrize("text", [" a", "a ", " "])
def test_blanks_at_the_ends_of_a_text_are_refused_since_they_would_be_lost(text):
    table = Table("t", 3, None, "", (Column(1, 3, "A3", "---", "a"),))
    with pytest.raises(InputError, match=r"row 1, column a: .* has a blank at an end"):
        encode(pa.table({"a": [text]}), table)
