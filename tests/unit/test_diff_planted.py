"""Every planted difference between two catalogues is found, exactly, and nothing else is."""

import gzip
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cdstables.convert import convert
from cdstables.layout import ReadMe, Table, layout_from_yaml
from cdstables.readme_text import format_readme
from cdstables.writing import encode
from spectrotranslator.cli.diff import main
from spectrotranslator.comparison.catalogue_diff import Difference, compare
from spectrotranslator.comparison.grades import Tolerance
from spectrotranslator.comparison.read_catalogues import number_labels, read_catalogue
from spectrotranslator.comparison.text_comparison import layout_differences
from spectrotranslator.comparison.tolerances import Tolerances
from spectrotranslator.errors import InputError

pytestmark = pytest.mark.slow

LAYOUT = "config/catalogues/g2a.yaml"
ROWS = 40
REASON = '"| Input teff_GALAH_logg_GALAH outside training range|"'
OTHER = '"| Output TEFF_APOGEE_LOGG_APOGEE outside training range|"'
SEEDS = range(12)


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)


@cache
def layout() -> Table:
    return layout_from_yaml(LAYOUT)


@cache
def catalogue() -> pd.DataFrame:
    """A clean catalogue of ROWS rows."""
    chance = np.random.default_rng(3)
    columns = {}
    for column in layout().columns:
        if column.kind == "I":
            columns[column.label] = 10 ** (column.width - 1) + np.arange(ROWS)
        elif column.boolean:
            columns[column.label] = chance.random(ROWS) < (2 if column.width == 4 else 0.5)
        elif column.kind == "A":
            columns[column.label] = np.where(chance.random(ROWS) < 0.5, '""', REASON)
        else:
            centre, width = (5000.0, 500.0) if column.unit == "K" else (0.5, 0.1)
            columns[column.label] = np.abs(centre + width * chance.normal(size=ROWS))
    return pd.DataFrame(columns)


def encoded(table: pd.DataFrame) -> bytes:
    return encode(pa.Table.from_pandas(table, preserve_index=False), layout())


@cache
def clean() -> bytes:
    """The text of the clean catalogue."""
    return encoded(catalogue())


def differences(tmp_path, table: pd.DataFrame, spoil=lambda lines: lines) -> Difference:
    """The clean catalogue against ``table``, whose lines are spoilt last."""
    paths = tmp_path / "p.dat", tmp_path / "r.dat"
    paths[0].write_bytes(clean())
    paths[1].write_bytes(b"".join(spoil(encoded(table).splitlines(keepends=True))))
    sides = [read_catalogue(path, layout()) for path in paths]
    return compare(*sides, None)


def not_identical(found: Difference) -> set[str]:
    columns = found.summary["columns"]
    return {label for label, column in columns.items() if column["grade"] != "identical"}


def place(seed: int) -> tuple[int, str]:
    """A row and a numeric column of this case."""
    chance = np.random.default_rng(seed)
    return int(chance.integers(ROWS)), str(chance.choice(number_labels(layout())))


def listed(found: Difference, what: str) -> pd.DataFrame:
    table = found.unmatched.to_pandas()
    return table[table["what"] == what]


def test_a_clean_pair_is_identical(tmp_path):
    found = differences(tmp_path, catalogue())
    assert found.summary["grade"] == "identical"
    assert not_identical(found) == set()
    assert len(found.unmatched) == 0
    assert found.summary["first"] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_missing_row(tmp_path, seed):
    row, _ = place(seed)
    found = differences(tmp_path, catalogue().drop(index=row))
    orphans = listed(found, "only published")
    assert orphans["identifier"].tolist() == [str(catalogue()["GALAH"][row])]
    assert orphans["row_published"].tolist() == [row]
    assert len(found.unmatched) == 1
    assert (found.summary["rows"]["grade"], not_identical(found)) == ("deviates", set())


@pytest.mark.parametrize("seed", SEEDS)
def test_an_added_row(tmp_path, seed):
    row, _ = place(seed)
    added = catalogue().iloc[[row]].assign(GALAH=999_999_999_999_999)
    table = pd.concat([catalogue()[:row], added, catalogue()[row:]])
    found = differences(tmp_path, table)
    assert listed(found, "only regenerated")["identifier"].tolist() == ["999999999999999"]
    assert len(found.unmatched) == 1
    assert not_identical(found) == set()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_doubled_row(tmp_path, seed):
    row, _ = place(seed)
    table = pd.concat([catalogue()[: row + 1], catalogue()[row:]])
    found = differences(tmp_path, table)
    doubled = listed(found, "only regenerated")
    assert doubled["identifier"].tolist() == [str(catalogue()["GALAH"][row])]
    assert doubled["row_regenerated"].tolist() == [row + 1]
    assert len(found.unmatched) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_moved_row(tmp_path, seed):
    row, _ = place(seed)
    rest = catalogue().drop(index=row)
    target = (row + 5 + seed) % (ROWS - 1)
    found = differences(
        tmp_path, pd.concat([rest[:target], catalogue().iloc[[row]], rest[target:]])
    )
    moved = listed(found, "moved")
    assert moved["identifier"].tolist() == [str(catalogue()["GALAH"][row])]
    assert moved["row_regenerated"].tolist() == [target]
    assert not_identical(found) == set()
    assert found.summary["rows"]["grade"] == "deviates"


@pytest.mark.parametrize("seed", range(36))
def test_a_changed_value(tmp_path, seed):
    row, label = place(seed)
    table = catalogue()
    changed = table.assign(**{label: table[label].where(table.index != row, table[label] * 1.001)})
    found = differences(tmp_path, changed)
    column = found.summary["columns"][label]
    assert not_identical(found) == {label}
    assert (column["equal"], column["equal_decimals"], column["same_bytes"]) == (ROWS - 1,) * 3
    assert column["worst"][0]["identifier"] == str(table["GALAH"][row])
    stars = found.stars.to_pandas()
    assert np.flatnonzero(stars[f"{label}_difference"]).tolist() == [row]


@pytest.mark.parametrize("label", ["Flagmii", "Flagmie", "QflagIi", "QflagOi", "QflagIe"])
@pytest.mark.parametrize("seed", range(6))
def test_a_changed_flag(tmp_path, seed, label):
    row, _ = place(seed)
    table = catalogue()
    found = differences(tmp_path, table.assign(**{label: table[label] ^ (table.index == row)}))
    column = found.summary["columns"][label]
    assert not_identical(found) == {label}
    assert column["true_false"] + column["false_true"] == 1
    assert np.flatnonzero(found.stars[f"{label}_differs"].to_numpy()).tolist() == [row]


@pytest.mark.parametrize(("text", "input_reasons"), [(OTHER, 1), ('""', 1)])
@pytest.mark.parametrize("seed", range(6))
def test_a_changed_reason(tmp_path, seed, text, input_reasons):
    rows = np.flatnonzero(catalogue()["Com"] == REASON)
    row = int(np.random.default_rng(seed).choice(rows))
    table = catalogue()
    found = differences(tmp_path, table.assign(Com=table["Com"].where(table.index != row, text)))
    column = found.summary["columns"]["Com"]
    assert not_identical(found) == {"Com"}
    assert (column["other_reasons"], column["other_input_reasons"]) == (1, input_reasons)
    assert found.summary["first"]
    reasons = found.stars["Com_reasons"].to_pylist()
    assert [i for i, text in enumerate(reasons) if text] == [row]
    assert "-Input teff_GALAH_logg_GALAH" in reasons[row]


@pytest.mark.parametrize("seed", range(36))
def test_a_number_one_byte_further_left(tmp_path, seed):
    _, label = place(seed)
    column = layout().column(label)

    def shift(lines):
        field = slice(column.start - 1, column.end)
        row = next(i for i, line in enumerate(lines) if line[field].startswith(b" "))
        line = bytearray(lines[row])
        line[field] = line[field][1:] + b" "
        return [*lines[:row], bytes(line), *lines[row + 1 :]]

    try:
        found = differences(tmp_path, catalogue(), shift)
    except StopIteration:
        pytest.skip("every number of this column fills its field")
    figures = found.summary["columns"][label]
    assert not_identical(found) == {label}
    assert (figures["equal"], figures["equal_decimals"]) == (ROWS, ROWS)
    assert (figures["same_bytes"], figures["grade"]) == (ROWS - 1, "equivalent")


@pytest.mark.parametrize("seed", range(24))
def test_a_line_that_is_one_byte_short_is_refused(tmp_path, seed):
    row, _ = place(seed)

    def cut(lines):
        return [*lines[:row], lines[row][1:], *lines[row + 1 :]]

    with pytest.raises(InputError, match=rf"line {row + 1}\b"):
        differences(tmp_path, catalogue(), cut)


@pytest.mark.parametrize("what", ["unit", "format", "start", "label"])
@pytest.mark.parametrize("seed", range(9))
def test_a_changed_description(seed, what):
    _, label = place(seed)
    columns = list(layout().columns)
    number = next(i for i, column in enumerate(columns) if column.label == label)
    other = {"unit": "pc", "format": "F9.3", "start": columns[number].start + 1, "label": "New"}
    columns[number] = replace(columns[number], **{what: other[what]})
    found = layout_differences(layout(), replace(layout(), columns=tuple(columns)))
    assert len(found) == 1
    assert ("New" if what == "label" else label) in found[0]


def test_a_digit_beyond_the_doubles_is_no_equal_decimal(tmp_path):
    table = catalogue().assign(logg50=1.5)
    (tmp_path / "p.dat").write_bytes(encoded(table))
    (tmp_path / "r.dat").write_bytes(encoded(table))
    column = layout().column("logg50")
    lines = (tmp_path / "r.dat").read_bytes().splitlines(keepends=True)
    line = bytearray(lines[7])
    text = b"1.50000000000000000001"
    line[column.start - 1 : column.end] = text.rjust(column.width)
    lines[7] = bytes(line)
    (tmp_path / "r.dat").write_bytes(b"".join(lines))
    sides = [read_catalogue(tmp_path / name, layout()) for name in ("p.dat", "r.dat")]
    figures = compare(*sides, None).summary["columns"]["logg50"]
    assert (figures["equal"], figures["equal_decimals"]) == (ROWS, ROWS - 1)


def test_every_row_in_another_order_is_matched_and_counted(tmp_path):
    table = catalogue().sample(frac=1, random_state=4)
    found = differences(tmp_path, table)
    assert found.summary["rows"]["matched"] == ROWS
    assert found.summary["rows"]["moved"] > ROWS / 2
    assert not_identical(found) == set()


def test_two_catalogues_without_a_common_identifier_are_refused(tmp_path):
    other = catalogue().assign(GALAH=catalogue()["GALAH"] + 10**6)
    with pytest.raises(InputError, match="no common GALAH"):
        differences(tmp_path, other)


LOST = ["GaiaDR3", "Teff84", "logg50", "Com", "QflagIi"]


def test_a_lacking_column_is_missing_and_the_others_are_compared(tmp_path):
    (tmp_path / "p.dat").write_bytes(clean())
    catalogue().drop(columns=LOST).to_parquet(tmp_path / "r.parquet")
    published = read_catalogue(tmp_path / "p.dat", layout())
    regenerated = read_catalogue(tmp_path / "r.parquet", layout(), whole=False)
    found = compare(published, regenerated, None).summary
    grades = {label: column["grade"] for label, column in found["columns"].items()}
    assert list(grades) == [column.label for column in layout().columns]
    without_median = {label for label in grades if "logg" in label}
    missing = {label for label, grade in grades.items() if grade == "missing"}
    assert missing == {*LOST, *without_median}
    assert {grade for label, grade in grades.items() if label not in missing} == {"identical"}
    assert found["grade"] == "missing"


def test_a_column_of_another_label_is_missing_and_no_bytes_are_compared(tmp_path):
    other = replace(
        layout(),
        columns=tuple(replace(c, label=f"other{c.label}") if c.label == "Teff5" else c
                      for c in layout().columns),
    )  # fmt: skip
    for name in ("p.dat", "r.dat"):
        (tmp_path / name).write_bytes(clean())
    sides = (
        read_catalogue(tmp_path / "p.dat", layout()),
        read_catalogue(tmp_path / "r.dat", other),
    )
    found = compare(*sides, None).summary
    assert found["columns"]["Teff5"]["grade"] == found["grade"] == "missing"
    assert "otherTeff5" in found["layout"][0]
    assert found["columns"]["Teff16"]["same_bytes"] is None


def test_the_command_names_what_is_missing(tmp_path, capsys):
    (tmp_path / "g2a.dat").write_bytes(clean())
    described = ReadMe(title="t", designation="d", tables=(layout(),))
    (tmp_path / "ReadMe").write_text(format_readme(described))
    catalogue().drop(columns=LOST).to_parquet(tmp_path / "r.parquet")
    given = [tmp_path / "g2a.dat", tmp_path / "r.parquet", "--readme", tmp_path / "ReadMe"]
    assert main([*map(str, given), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().out
    assert "Teff84       missing" in told
    assert "Grade: missing" in told
    assert "missing" in (tmp_path / "out" / "index.html").read_text()


@pytest.fixture
def both(tmp_path):
    """The clean catalogue as text and as FITS under two names, and a ReadMe of two tables."""
    described = (layout(), layout_from_yaml("config/catalogues/a2g.yaml"))
    (tmp_path / "ReadMe").write_text(format_readme(ReadMe("Ours", described)))
    for name in ("g2a.dat", "mine.dat"):
        (tmp_path / name).write_bytes(clean())
    convert(tmp_path / "ReadMe", tmp_path / "g2a.dat", tmp_path / "g2a.fits")
    (tmp_path / "mine.fits").write_bytes((tmp_path / "g2a.fits").read_bytes())
    return tmp_path


def status(folder, published: str, regenerated: str, *more: str) -> int:
    sides = [str(folder / name) for name in (published, regenerated)]
    readme = ["--readme", str(folder / "ReadMe")]
    return main([*sides, *readme, "--out", str(folder / "out"), *more])


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.filterwarnings("error::astropy.units.UnitsWarning")
@pytest.mark.parametrize(
    "given",
    [
        ("g2a.fits", "g2a.dat"),
        ("g2a.fits", "mine.fits"),
        ("mine.dat", "g2a.fits"),
        ("mine.fits", "mine.dat", "--table", "g2a.dat"),
    ],
)
def test_the_table_is_found_by_either_side_or_as_asked(both, given):
    assert status(both, *given) == 0


@pytest.mark.parametrize("more", [(), ("--table", "none.dat")])
def test_a_table_that_no_name_fits_is_refused_with_those_there_are(both, more):
    with pytest.raises(InputError, match=r"--table, one of g2a\.dat; a2g\.dat"):
        status(both, "mine.fits", "mine.dat", *more)


def test_of_the_one_table_there_is_any_name_will_do(both):
    (both / "ReadMe").write_text(format_readme(ReadMe("Ours", (layout(),))))
    assert status(both, "mine.fits", "mine.dat") == 0


def test_a_folder_is_no_catalogue(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        read_catalogue(tmp_path, layout())


def test_a_lacking_identifier_or_a_published_column_is_refused(tmp_path):
    catalogue().drop(columns="GALAH").to_parquet(tmp_path / "r.parquet")
    with pytest.raises(InputError, match="no column 'GALAH'"):
        read_catalogue(tmp_path / "r.parquet", layout(), whole=False)
    catalogue().drop(columns="Com").to_parquet(tmp_path / "p.parquet")
    with pytest.raises(InputError, match="no column 'Com'"):
        read_catalogue(tmp_path / "p.parquet", layout())


def blanked(label: str, row: int, value=None) -> bytes:
    """The clean text with one field blank, or holding ``value``."""
    lines = clean().splitlines(keepends=True)
    column = layout().column(label)
    line = bytearray(lines[row])
    line[column.start - 1 : column.end] = (value or b"").rjust(column.width)
    lines[row] = bytes(line)
    return b"".join(lines)


def nullable() -> Table:
    """The layout where every number may be blank."""
    columns = (
        replace(c, null="") if c.kind in "FEDI" and c.label != "GALAH" else c
        for c in layout().columns
    )
    return replace(layout(), columns=tuple(columns))


def compared(tmp_path, one: bytes, two: bytes, table: Table) -> dict:
    (tmp_path / "p.dat").write_bytes(one)
    (tmp_path / "r.dat").write_bytes(two)
    return compare(*(read_catalogue(tmp_path / n, table) for n in ("p.dat", "r.dat")), None).summary


@pytest.mark.parametrize("label", ["Teff5", "Teff50", "e_Teff50", "GaiaDR3"])
def test_a_catalogue_with_a_blank_is_identical_with_itself(tmp_path, label):
    text = blanked(label, 3)
    found = compared(tmp_path, text, text, nullable())
    assert {column["grade"] for column in found["columns"].values()} == {"identical"}


@pytest.mark.parametrize("label", ["Teff5", "Teff50", "GaiaDR3"])
def test_a_number_on_one_side_only_deviates(tmp_path, label):
    for sides in ((clean(), blanked(label, 3)), (blanked(label, 3), clean())):
        column = compared(tmp_path, *sides, nullable())["columns"][label]
        assert (column["grade"], column["class"]) == ("deviates", "inputs")
        assert column["reason"].startswith("1 ")


def test_ids_beside_a_blank_one_keep_their_digits(tmp_path):
    ids = [b"5684628118192930571", b"5684628118192930572"]
    sides = [blanked("GaiaDR3", 3).splitlines(keepends=True) for _ in ids]
    for lines, value in zip(sides, ids, strict=True):
        lines[5] = blanked("GaiaDR3", 5, value).splitlines(keepends=True)[5]
    found = compared(tmp_path, *(b"".join(lines) for lines in sides), nullable())
    assert found["columns"]["GaiaDR3"]["differing"] == 1


@pytest.mark.parametrize("spoil", [
    lambda text: text[:-1],
    lambda text: text.replace(b"\n", b"\r\n"),
    lambda text: gzip.compress(text),
])  # fmt: skip
def test_lines_ended_or_packed_otherwise_hold_the_same_bytes(tmp_path, spoil):
    found = compared(tmp_path, spoil(clean()), clean(), layout())
    assert {column["same_bytes"] for column in found["columns"].values()} == {ROWS}
    assert found["grade"] == "identical"


def test_bytes_are_compared_where_the_summary_gives_no_length(tmp_path):
    found = compared(tmp_path, clean(), clean(), replace(layout(), lrecl=None))
    assert found["columns"]["Teff5"]["same_bytes"] == ROWS


def test_a_column_of_constants_is_no_column(tmp_path):
    constant = replace(layout().columns[2], label="---")
    table = replace(layout(), columns=(*layout().columns[:2], constant, *layout().columns[3:]))
    (tmp_path / "p.parquet").touch()
    catalogue().drop(columns=layout().columns[2].label).to_parquet(tmp_path / "p.parquet")
    sides = [read_catalogue(tmp_path / "p.parquet", table) for _ in range(2)]
    assert "---" not in compare(*sides, None).summary["columns"]


@pytest.mark.parametrize("name", ["x.fits", "x.parquet"])
def test_what_is_no_such_file_is_refused_in_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(b"no table")
    with pytest.raises(InputError, match=f"{name}: cannot be read as"):
        read_catalogue(tmp_path / name, layout())


def test_identifiers_of_two_kinds_are_refused(tmp_path):
    catalogue().to_parquet(tmp_path / "p.parquet")
    catalogue().astype({"GALAH": str}).to_parquet(tmp_path / "r.parquet")
    sides = [read_catalogue(tmp_path / name, layout()) for name in ("p.parquet", "r.parquet")]
    with pytest.raises(InputError, match="GALAH: whole numbers in one catalogue"):
        compare(*sides, None)


def test_a_column_that_deviates_by_chance_is_of_the_class_seed(tmp_path):
    noise = np.random.default_rng(8)
    other = catalogue().copy()
    for label in number_labels(layout()):
        other[label] += 0.01 * noise.normal(size=ROWS)
    measured = differences(tmp_path, other).summary["columns"]
    allowed = {
        label: {name: Tolerance(value, 1.0, 30) for name, value in column["statistics"].items()}
        for label, column in measured.items()
        if "statistics" in column
    }
    allowed["Teff5"]["bias"] = Tolerance(0.0, abs(measured["Teff5"]["statistics"]["bias"]) / 4, 30)
    sides = [read_catalogue(tmp_path / name, layout()) for name in ("p.dat", "r.dat")]
    flags = {label: {"differing": Tolerance(0.0, 1.0, 30)} for label in ("Com", "QflagOi")}
    found = compare(*sides, Tolerances(allowed | flags, {})).summary
    column = found["columns"]["Teff5"]
    assert (column["grade"], column["class"]) == ("deviates", "seed")
    assert (found["by_chance"], found["grade"]) == (["Teff5"], "equivalent")
    assert "1 of 39 columns (Teff5)" in found["by_chance_means"]
    alone, whole = (column[f"smallest_detectable{s}"]["bias"] for s in ("", "_in_catalogue"))
    assert 0 < alone < abs(column["statistics"]["bias"]) < whole
