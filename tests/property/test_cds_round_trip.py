"""Whatever is written reads back, and whatever was ours is written again to the same bytes."""

import tempfile
from dataclasses import replace
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cdstables.checking import check_file
from cdstables.layout import Column, ReadMe, Table
from cdstables.marks import Limits
from cdstables.reading import iter_batches, read
from cdstables.readme import parse_readme
from cdstables.readme_text import format_readme
from cdstables.shortest import fitted_text, float_texts
from cdstables.writing import encode
from spectrotranslator.errors import InputError

DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
TEXTS = st.lists(PLAIN, max_size=3).map(" ".join)
WIDE = {"F": 24, "E": 24, "D": 24, "I": 20, "A": 26}


@st.composite
def tables(draw):
    kinds = draw(st.lists(st.sampled_from("FEDIA"), min_size=1, max_size=5))
    columns, start = [], 1
    for number, kind in enumerate(kinds):
        start += draw(st.integers(0, 2))
        width = WIDE[kind]
        form = f"{kind}{width}" + ("" if kind in "IA" else ".15")
        null = draw(st.sampled_from([None, "", "-", "-9" if kind != "A" else "none"]))
        align = draw(st.sampled_from(["left", "right"]))
        end = start + width - 1
        columns.append(Column(start, end, form, "---", f"c{number}", "", null=null, align=align))
        start = end + 1
    return Table("x.dat", start - 1 + draw(st.integers(0, 2)), None, "", tuple(columns))


def allowed(column: Column, value) -> bool:
    """Whether a value is told apart from the null of its column."""
    if column.null is None:
        return True
    if column.kind == "A":
        dashes = column.null == "-" and value and not value.strip("-") and len(value) <= 4
        return value not in (column.null, "") and not dashes
    return column.null != "-9" or value != -9


@st.composite
def filled(draw):
    table = draw(tables())
    rows = draw(st.integers(0, 6))
    strategies = {"I": st.integers(-(2**63), 2**63 - 1), "A": TEXTS}
    values = {}
    for column in table.columns:
        one = strategies.get(column.kind, DOUBLES).filter(lambda v, c=column: allowed(c, v))
        if column.null is not None:
            one = st.none() | one
        drawn = draw(st.lists(one, min_size=rows, max_size=rows))
        values[column.label] = pa.array(drawn, column.arrow_type)
    return table, pa.table(values)


def in_file(content: bytes, use):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x.dat"
        path.write_bytes(content)
        return use(path)


def bits(column: pa.ChunkedArray) -> list:
    return [v.hex() if isinstance(v, float) else v for v in column.to_pylist()]


@settings(deadline=None, max_examples=150)
@given(filled(), st.integers(1, 4))
def test_what_is_written_reads_back_and_is_written_again_to_the_same_bytes(case, chunk):
    table, data = case
    content = encode(data, table)
    back = in_file(content, lambda path: read(path, table))
    for name in data.column_names:
        assert bits(back[name]) == bits(data[name])
    assert encode(back, table) == content
    chunks = in_file(content, lambda path: list(iter_batches(path, table, chunk_rows=chunk)))
    assert pa.Table.from_batches(chunks, table.schema).equals(back)
    assert in_file(content, lambda path: check_file(path, table)).fine


@settings(deadline=None, max_examples=300)
@given(DOUBLES, st.sampled_from("FE"), st.integers(24, 30))
def test_a_text_that_fits_reads_back_to_the_same_double(value, kind, width):
    text = fitted_text(value, kind, width)
    assert float(text).hex() == value.hex()
    assert "." in text
    digits = text.split("E")[0].replace(".", "").lstrip("-0").rstrip("0")
    assert len(digits) <= len(repr(value).split("e")[0].replace(".", "").lstrip("-0"))


@settings(deadline=None, max_examples=300)
@given(DOUBLES, st.sampled_from("FE"), st.integers(3, 23))
def test_a_text_that_is_cut_is_the_value_correctly_rounded(value, kind, width):
    text = fitted_text(value, kind, width)
    if text is None:
        assert len(f"{value:.0e}".replace("e+", ".E").replace("e", ".E")) > width
        return
    assert len(text) <= width
    if float(text) == value:
        return
    mantissa, _, power = text.partition("E")
    decimals = len(mantissa.split(".")[1])
    exponent = int(power or 0) - decimals
    with localcontext(prec=1200):
        assert abs(Decimal(text) - Decimal(value)) * 2 <= Decimal(10) ** exponent


@settings(deadline=None, max_examples=60)
@given(st.lists(DOUBLES, min_size=1, max_size=30), st.sampled_from("FE"), st.integers(3, 26))
def test_many_at_once_are_each_alone(values, kind, width):
    texts, written, rows, over = float_texts(np.array(values), kind, width)
    final = texts.to_pylist()
    for row, text in zip(rows.tolist(), over.to_pylist(), strict=True):
        final[row] = text
    assert final == [fitted_text(value, kind, width) for value in values]
    for text, value in zip(final, written.tolist(), strict=True):
        assert text is None or float(text).hex() == value.hex()


WORDS = st.text("abc XYZ019.,;:()-+/?=[]*<>", max_size=160).map(lambda t: " ".join(t.split()))


@st.composite
def descriptions(draw):
    columns, start = [], 1
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from("AIFE"))
        width = draw(st.integers(1, 30))
        form = f"{kind}{width}" + ("" if kind in "AI" else ".2")
        unit = draw(st.sampled_from(["---", "mag", "[cm/s2]", "km/s"]))
        limits = None
        if kind != "A" and draw(st.booleans()):
            low, high = sorted(draw(st.tuples(st.integers(-99, 99), st.integers(-99, 99))))
            limits = Limits(low, high, text=f"[{low}/{high}]")
        text = f"{limits or ''}{draw(st.sampled_from(['', '?', '?=-9']))} {draw(WORDS)}".strip()
        end = start + width - 1
        columns.append(Column.described(start, end, form, unit, f"L{number}", text))
        start = end + 2
    lrecl = draw(st.none() | st.just(start - 2))
    records = draw(st.none() | st.integers(0, 10**6))
    return Table("t.dat", lrecl or start - 2, records, draw(WORDS), tuple(columns))


@settings(deadline=None, max_examples=200)
@given(descriptions())
def test_a_readme_reads_back_to_what_was_written(table):
    again = parse_readme(format_readme(ReadMe("Title", (table,)))).tables[0]
    assume("Byte-by-byte" not in table.explanation)
    assert [replace(c, explanation="") for c in again.columns] == [
        replace(c, explanation="") for c in table.columns
    ]
    for one, other in zip(again.columns, table.columns, strict=True):
        assert one.explanation == other.explanation
    assert (again.lrecl, again.records) == (table.lrecl, table.records)
    assert again.explanation == table.explanation


@given(st.integers(-(2**80), 2**80))
def test_integers_are_kept_or_refused_and_never_changed(value):
    table = Table("x.dat", 30, None, "", (Column(1, 30, "I30", "---", "i"),))
    content = f"{value:>30}\n".encode()
    if -(2**63) <= value < 2**63:
        assert in_file(content, lambda path: read(path, table))["i"].to_pylist() == [value]
    else:
        with pytest.raises(InputError, match="line 1, bytes 1-30, column i"):
            in_file(content, lambda path: read(path, table))
