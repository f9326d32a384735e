"""The layouts of our two catalogues, and what a layout may say."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy import units

from cdstables.files import atomic
from cdstables.layout import Column, Table, layout_from_yaml
from cdstables.readme import load_readme
from spectrotranslator.errors import InputError
from spectrotranslator.files import digest

ROOT = Path(__file__).parents[2]
CATALOGUES = ROOT / "config" / "catalogues"
PUBLISHED = ROOT.parent / "shared" / "reference" / "J_A+A_690_A54.ReadMe.txt"
DIGESTS = {
    "g2a": "b29352099a8bf17b0317fe2fdd651bdbf8fc9b37cb739c3bc5743dd46b2629e5",
    "a2g": "a5863099248e1208e9a2fd6641a25fd745a41686ad0a0fe2f0fc7cceab7c9b36",
}
STATISTICS = ["p5", "p16", "p50", "p84", "p95", "systematic"]


def layout(name: str) -> Table:
    return layout_from_yaml(CATALOGUES / f"{name}.yaml")


def sample(table: Table, rows: int, seed: int = 1) -> pa.Table:
    """Values that fit one of the catalogues, drawn from a fixed seed."""
    rng = np.random.default_rng(seed)
    comments = np.array(['""', '"| Input teff_GALAH_logg_GALAH outside training range |"'])
    values: dict[str, object] = {}
    for column in table.columns:
        if column.label == "QflagOe":
            values[column.label] = np.ones(rows, dtype=bool)
        elif column.boolean:
            values[column.label] = rng.random(rows) < 0.5
        elif column.label == "APOGEE":
            digits = rng.integers(10**7, 10**8, (2, rows)).astype(str)
            values[column.label] = [f"2M{a}+{b}" for a, b in digits.T]
        elif column.label == "Com":
            values[column.label] = comments[rng.integers(0, 2, rows)]
        elif column.kind == "I":
            values[column.label] = rng.integers(10**14, 9 * 10 ** min(column.width - 1, 17), rows)
        else:
            centre, spread = (5000.0, 800.0) if column.unit == "K" else (0.0, 1.0)
            values[column.label] = rng.normal(centre, spread, rows)
    return pa.table(values)


def shape(table: Table) -> list[list]:
    return [
        [c.start, c.end, c.format, c.unit, c.label, c.null, c.characters] for c in table.columns
    ]


@pytest.mark.parametrize(("name", "lrecl"), [("g2a", 924), ("a2g", 913)])
def test_our_layouts_are_those_of_the_published_readme(name, lrecl):
    table = layout(name)
    assert table.lrecl == lrecl == table.columns[-1].end
    assert len(table.columns) == 39
    assert digest(shape(table)) == DIGESTS[name]


@pytest.mark.parametrize("name", ["g2a", "a2g"])
def test_our_layouts_equal_the_published_readme_where_it_is_at_hand(name):
    if not PUBLISHED.is_file():
        pytest.skip("the published ReadMe is not beside this checkout")
    published = load_readme(PUBLISHED).table(f"{name}.dat")
    assert shape(layout(name)) == shape(published)
    assert layout(name).lrecl == published.lrecl
    ours = {column.explanation for column in layout(name).columns}
    assert not ours & {column.explanation for column in published.columns}


@pytest.mark.parametrize("name", ["g2a", "a2g"])
def test_every_column_says_what_fills_it(name):
    table = layout(name)
    fills = [column.value for column in table.columns]
    assert fills[1] == {"identifier": "source_id"}
    outputs = [fill["label"] for fill in fills if "label" in fill]
    assert len(outputs) == 30
    assert [fill["statistic"] for fill in fills if "label" in fill] == STATISTICS * 5
    assert sum("flag" in fill for fill in fills) == 6
    assert [c.label for c in table.columns if c.value == {"comment": True}] == ["Com"]
    assert table.comment["cut"] + 5 == table.column("Com").width


def test_fields_of_our_layouts_do_not_overlap_and_leave_one_blank_between():
    for name in ("g2a", "a2g"):
        columns = layout(name).columns
        for before, after in pairwise(columns):
            assert after.start == before.end + 2
        assert all(column.width == column.stated_width for column in columns)


def test_numbers_stand_right_and_texts_left_in_our_layouts():
    for column in layout("g2a").columns:
        assert column.align == ("left" if column.kind == "A" else "right")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("---", None),
        ("[cm/s2]", units.dex(units.cm / units.s**2)),
        ("km/s", units.km / units.s),
        ("0.1nm", 0.1 * units.nm),
        ("GMsun", units.def_unit("GMsun", 1e9 * units.Msun)),
        ("[-]", units.dex(units.one)),
    ],
)
def test_units_become_astropy_units_and_brackets_a_logarithm(text, unit):
    column = Column(1, 5, "F5.2", text, "x")
    assert column.astropy_unit == unit


def test_an_unknown_unit_keeps_its_text():
    assert str(Column(1, 5, "F5.2", "furlong", "x").astropy_unit) == "furlong"


def test_a_descriptor_in_the_explanation_is_the_ucd():
    column = Column(1, 5, "F5.2", "mag", "V", "magnitude [ucd=phot.mag;em.opt.V]")
    assert column.ucd == "phot.mag;em.opt.V"


def test_the_table_of_a_file_is_found_through_patterns_gzip_and_parts():
    table = Table("*refs.dat, table1.dat", None, None, "", (Column(1, 2, "A2", "---", "x"),))
    assert table.answers_to("cbrefs.dat")
    assert table.answers_to("table1.dat.gz")
    assert table.answers_to("table1.dat.01")
    assert not table.answers_to("table11.dat")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("lrecl: 924\n", "'lrecl' is missing"),
        ("format: I15", "'Q15' is no format"),
        ("name: g2a.dat", "unknown key 'nom'"),
        ("bytes: [1, 15]", "bytes 15-1"),
    ],
)
def test_a_layout_that_is_wrong_is_refused_with_its_place(tmp_path, change, message):
    faulty = {
        "lrecl: 924\n": "",
        "format: I15": "format: Q15",
        "name: g2a.dat": "name: g2a.dat\nnom: x",
        "bytes: [1, 15]": "bytes: [15, 1]",
    }[change]
    text = (CATALOGUES / "g2a.yaml").read_text()
    path = tmp_path / "layout.yaml"
    path.write_text(text.replace(change, faulty, 1))
    with pytest.raises(InputError, match=message.replace("[", r"\[")):
        layout_from_yaml(path)


def test_a_hostile_layout_ends_in_one_line(tmp_path):
    path = tmp_path / "layout.yaml"
    bomb = "a: &a [x]\n" + "".join(f"{c}: &{c} [*a, *a]\n" for c in "bcdef")
    for text, words in ((bomb, "alias"), ("[" * 100_000, "YAML"), ("#" * 6_000_000, "too large")):
        path.write_text(text)
        with pytest.raises(InputError, match=words):
            layout_from_yaml(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="not a regular file"):
        layout_from_yaml(path)


def test_the_name_of_a_file_on_its_way_cannot_be_guessed(tmp_path):
    names = set()
    for _ in range(2):
        with atomic(tmp_path / "t.dat") as temporary:
            names.add(temporary.name)
            temporary.write_text("x")
    assert len(names) == 2
