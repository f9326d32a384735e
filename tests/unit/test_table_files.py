"""Users' tables: ids keep their digits, gaps stay gaps, columns that no one needs do no harm."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from spectrotranslator.config.configuration import Feature, Survey
from spectrotranslator.errors import InputError
from spectrotranslator.sample.match_rows import match
from spectrotranslator.surveys.exact_integers import id_texts
from spectrotranslator.surveys.read_survey import measured
from spectrotranslator.surveys.readers import READERS
from spectrotranslator.surveys.table_files import read_table_file
from spectrotranslator.translation.user_table import keys, read_table

ROOT = Path(__file__).parents[2]
ID = 130101001201001
WIDE = 2**62 + 1
SURVEY = Survey(title="Mine", key=["id"], identifier="id", features={"teff": Feature()})
SUFFIXES = ["csv", "ecsv", "fits", "fits.gz", "vot", "vot.gz", "parquet", "csv.gz", "FITS"]


def written(folder: Path, frame: pd.DataFrame, suffix: str) -> Path:
    """``frame`` as a file of that suffix; missing integers are null, blank or masked."""
    path = folder / f"stars.{suffix}"
    kind = suffix.lower().removesuffix(".gz")
    plain = folder / f"plain.{kind}"
    if kind == "csv":
        frame.to_csv(plain, index=False)
    elif kind == "parquet":
        frame.to_parquet(plain)
    else:
        formats = {"vot": "votable", "ecsv": "ascii.ecsv", "fits": "fits"}
        Table.from_pandas(frame).write(plain, format=formats[kind])
    content = plain.read_bytes()
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    return path


def both(path: Path, survey: Survey = SURVEY) -> list[list[str]]:
    """Keys as the workflow and as ``translate`` read them."""
    rows = measured(survey, READERS["table"]([path], [*survey.key, "teff"]))
    table = read_table(path)
    return [rows["key"].tolist(), keys(path, table, survey)["key"].tolist()]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("ids", [(ID, ID + 1), (WIDE, WIDE + 2), (7, 8)])
@pytest.mark.parametrize("gap", [False, True])
def test_a_blank_id_changes_no_other_key(tmp_path, suffix, ids, gap):
    named = [ids[0], None, ids[1]] if gap else list(ids)
    frame = pd.DataFrame({"id": pd.array(named, "Int64"), "teff": 5000.5})
    one, two = map(str, ids)
    path = written(tmp_path, frame, suffix)
    assert both(path) == (
        [[one, "Mine row 1", two], [one, "row 1", two]] if gap else [[one, two]] * 2
    )
    found = read_table(path)
    assert keys(path, found, SURVEY)["identifier"].tolist() == (
        [one, "", two] if gap else [one, two]
    )


def test_rows_without_an_id_have_no_partner_in_another_survey():
    sides = []
    for title in ("A", "B"):
        rows = pd.DataFrame({"id": pd.array([ID, None, None], "Int64"), "teff": 5000.0})
        sides.append(measured(SURVEY.model_copy(update={"title": title}), rows))
    pairs = match(*sides, "key", [])
    assert pairs["key_1"].tolist() == [str(ID)]
    assert sides[0]["identifier"].tolist() == [str(ID), "", ""]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["130101001201001", "", "5"], ["130101001201001", "", "5"]),
        (["007", "12", ""], ["007", "12", ""]),
        (["18446744073709551615", "1", ""], ["18446744073709551615", "1", ""]),
        (["123456789012345678901234", "1", "2"], ["123456789012345678901234", "1", "2"]),
        (["2M00000002+7417074", " b ", ""], ["2M00000002+7417074", "b", ""]),
        (["7.0", "8.0", ""], ["7", "8", ""]),
        (["nan", "8", "NA"], ["", "8", ""]),
        (["-5", "1e5x", "2"], ["-5", "1e5x", "2"]),
    ],
)
def test_ids_of_a_csv_keep_their_text(tmp_path, texts, expected):
    path = tmp_path / "stars.csv"
    path.write_text("id,teff\n" + "".join(f"{text},5000\n" for text in texts))
    frame = READERS["table"]([path], ["id", "teff"])
    assert id_texts(frame["id"], "x").tolist() == expected
    if texts[-1] == "5":
        assert frame["id"].dtype == "Int64"


def test_an_id_among_which_some_have_lost_digits_is_refused(tmp_path):
    path = tmp_path / "stars.csv"
    path.write_text("id,teff\n4.611686018427388e18,5000\n7.5,5000\n")
    with pytest.raises(InputError, match="'id' holds floating-point numbers beyond"):
        both(path)


def test_a_csv_keeps_every_bit_of_a_number_and_the_words_of_other_columns(tmp_path):
    path = tmp_path / "stars.csv"
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, 5000.123456789012]
    rows = "".join(f'{value!r},2020-01-01,"a, ""b""",TRUE\n' for value in values)
    path.write_text("x,when,what,good\n" + rows)
    table = read_table_file(path)
    assert table["x"].tolist() == values
    assert table["when"][0] == "2020-01-01"
    assert table["what"][0] == 'a, "b"'
    assert table["good"].tolist() == [True] * 5


@pytest.mark.parametrize("text", ["a,b\n1,2,3\n", "a,b\n1\n", "", "a,a\n1,2\n"])
def test_a_csv_whose_rows_do_not_fit_its_names_is_refused(tmp_path, text):
    path = tmp_path / "stars.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"stars\.csv"):
        read_table(path)


@pytest.mark.parametrize("index", [["id"], ["field", "id"], ["id", "teff"]])
@pytest.mark.parametrize("ids", [[ID, ID + 1, ID + 2], [WIDE, ID, ID + 7], [9, 7, 5]])
def test_an_index_of_a_parquet_file_is_a_column(tmp_path, index, ids):
    path = tmp_path / "stars.parquet"
    frame = pd.DataFrame({"field": ["x", "y", "z"], "id": ids, "teff": 5000.0})
    frame.set_index(index).to_parquet(path)
    assert both(path) == [list(map(str, ids))] * 2


def test_types_of_parquet_that_hold_ids_are_exact(tmp_path):
    path = tmp_path / "stars.parquet"
    columns = {
        "decimal": pa.array([WIDE, None]).cast(pa.decimal128(38, 0)),
        "unsigned": pa.array([2**63 + 1, None], pa.uint64()),
        "category": pa.array(["a", None]).dictionary_encode(),
        "bytes": pa.array([b"2M1", None]),
        "list": pa.array([[1, 2], None]),
        "nothing": pa.nulls(2),
    }
    pq.write_table(pa.table(columns), path)
    frame = READERS["table"]([path], ["decimal", "unsigned", "category", "bytes", "nothing"])
    texts = {name: id_texts(frame[name], "x").tolist() for name in frame}
    assert texts == {
        "decimal": [str(WIDE), ""],
        "unsigned": [str(2**63 + 1), ""],
        "category": ["a", ""],
        "bytes": ["2M1", ""],
        "nothing": ["", ""],
    }
    with pytest.raises(InputError, match="'list' holds several values a row"):
        READERS["table"]([path], ["list"])


def votable(fields: str, rows: list[list[str]]) -> bytes:
    cells = "".join("<TR>" + "".join(f"<TD>{cell}</TD>" for cell in row) + "</TR>" for row in rows)
    return (
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f"<RESOURCE><TABLE>{fields}<DATA><TABLEDATA>{cells}</TABLEDATA></DATA></TABLE></RESOURCE>"
        "</VOTABLE>"
    ).encode()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ('datatype="short"', "40000"),
        ('datatype="int"', str(WIDE)),
        ('datatype="long"', str(2**63)),
        ('datatype="unsignedByte"', "-1"),
        ('datatype="char" arraysize="3"', "2M00000002"),
        ('datatype="char"', "2M00000002"),
    ],
)
def test_a_votable_value_wider_than_its_type_is_an_error(tmp_path, kind, value):
    path = tmp_path / "stars.vot"
    path.write_bytes(votable(f'<FIELD name="id" {kind}/>', [[value]]))
    with pytest.raises(InputError, match=r"stars\.vot: a value does not fit the type"):
        read_table(path)


FIELDS = (
    '<FIELD name="id" datatype="long"/><FIELD name="good" datatype="boolean"/>'
    '<FIELD name="flux" datatype="float" arraysize="2"/>'
    '<FIELD name="more" datatype="int" arraysize="*"/><FIELD name="teff" datatype="double"/>'
)


def test_truth_values_and_arrays_of_a_votable_are_read(tmp_path):
    path = tmp_path / "stars.vot"
    rows = [[ID, "true", "1 2", "1 2 3", 5000], [7, "?", "3 4", "", 4000], [8, "F", "5 6", "1", 1]]
    path.write_bytes(votable(FIELDS, rows))
    frame = READERS["table"]([path], ["id", "good", "teff"])
    assert frame["good"].tolist() == [True, pd.NA, False]
    named = measured(SURVEY, frame)
    np.testing.assert_array_equal(named["good"], [1, np.nan, 0])
    assert both(path)[0] == [str(ID), "7", "8"]
    for name in ("flux", "more"):
        with pytest.raises(InputError, match=f"'{name}' holds several values a row"):
            READERS["table"]([path], ["id", name])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(
            b"<TABLEDATA></TABLEDATA>", b'<BINARY><STREAM href="file:///etc/passwd"/></BINARY>'
        ),
        lambda text: text.replace(
            b"<TABLEDATA></TABLEDATA>", b"<FITS><v:STREAM a='1'\nhref = 'http://x/y'/></FITS>"
        ),
        lambda text: text.replace(
            b"<VOTABLE", b'<!DOCTYPE V [<!ENTITY x SYSTEM "file:///etc/passwd">]><VOTABLE', 1
        ),
    ],
)
def test_a_votable_reads_no_other_file(tmp_path, change):
    path = tmp_path / "stars.vot"
    path.write_bytes(change(votable('<FIELD name="id" datatype="long"/>', [])))
    with pytest.raises(InputError, match="refers to data outside the VOTable"):
        read_table(path)


def test_units_and_gaps_of_a_fits_table_are_kept(tmp_path):
    path = tmp_path / "stars.fits"
    table = Table({"id": MaskedColumn([WIDE, 0, 5], mask=[False, True, False])})
    table["teff"] = np.array([5000, 4000, 4500], ">f4")
    table["teff"].unit = "K"
    table["vector"] = np.arange(6).reshape(3, 2)
    table["name"] = ["a", "", "c "]
    table["good"] = MaskedColumn([True, False, True], mask=[False, False, True])
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 3))), fits.BinTableHDU(table)]
    fits.HDUList(hdus).writeto(path)
    found = read_table_file(path)
    assert found.colnames == ["id", "teff", "vector", "name", "good"]
    assert found["teff"].unit == "K"
    assert found["teff"].dtype.isnative
    assert found["id"].tolist() == [WIDE, None, 5]
    assert found["vector"].shape == (3, 2)
    assert found["name"].tolist() == ["a", "", "c"]


@pytest.mark.parametrize("suffix", ["fits", "fits.gz"])
def test_a_fits_table_cut_short_is_refused_by_every_reader(tmp_path, suffix):
    frame = pd.DataFrame({"id": np.arange(1000), "teff": 5000.0})
    path = written(tmp_path, frame, suffix)
    path.write_bytes(path.read_bytes()[: -3000 if suffix == "fits" else -200])
    for read in (read_table, lambda place: READERS["table"]([place], ["id"])):
        with pytest.raises(InputError, match=r"cut short after row|damaged gzip"):
            read(path)


@pytest.mark.parametrize("name", ["stars.txt", "stars", "stars.parquet.gz", "stars.html"])
def test_a_table_of_no_known_kind_is_refused_by_every_reader(tmp_path, name):
    path = tmp_path / name
    path.write_text("id,teff\n1,2\n")
    for read in (read_table, lambda place: READERS["table"]([place], ["id"])):
        with pytest.raises(InputError, match=r"give one of \.csv"):
            read(path)


@pytest.mark.parametrize("gap", [False, True])
def test_the_example_stars_match_on_their_key_beside_one_blank_id(tmp_path, gap):
    stars = pd.read_csv(ROOT / "config" / "examples" / "matched_stars.csv")
    one = stars[["sobject_id", "teff_g"]].rename(columns={"sobject_id": "id", "teff_g": "teff"})
    two = one.copy()
    one["id"] = one["id"].astype("Int64")
    if gap:
        one.loc[len(one)] = [pd.NA, 5000.0]
    sides = []
    for title, frame in (("A", one), ("B", two)):
        path = tmp_path / f"{title}.csv"
        frame.to_csv(path, index=False)
        survey = SURVEY.model_copy(update={"title": title})
        sides.append(measured(survey, READERS["table"]([path], ["id", "teff"])))
    pairs = match(*sides, "key", [])
    assert len(pairs) == len(stars)
    assert (pairs["key_1"] == pairs["key_2"]).all()
