"""Columns that no one asks for make no file unreadable, and answers keep their values."""

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from spectrotranslator.download.content_check import content_fault
from spectrotranslator.download.fetch_vizier import _named
from spectrotranslator.download.http import TransferError
from spectrotranslator.download.tap import _parsed
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.fits_columns import read_columns
from spectrotranslator.surveys.table_files import read_table_file

ID = fits.Column(name="ID", format="K", array=[5, 6])
T = fits.Column(name="T", format="D", array=[1.5, 2.5])


def table(path, *columns, **cards):
    """A FITS table whose header is changed as it lies in the file: astropy would tidy it."""
    fits.BinTableHDU.from_columns([ID, *columns, T]).writeto(path)
    content = path.read_bytes()
    header = fits.Header.fromstring(content[2880:])
    size = len(header.tostring())
    for key, value in cards.items():
        if value is None:
            del header[key]
        else:
            header[key] = value
    path.write_bytes(content[:2880] + header.tostring().encode() + content[2880 + size :])
    return path


def empty(form: str) -> dict:
    """Cards of a third column without a byte."""
    return {"TFIELDS": 3, "TTYPE3": "X", "TFORM3": form}


def text(form: str, width: int, name: str = "X") -> fits.Column:
    return fits.Column(name=name, format=form, array=np.array(["a" * width, "b"], f"S{width}"))


@pytest.mark.parametrize(
    ("columns", "cards"),
    [
        ([], empty("0A")),
        ([], empty("0E")),
        ([], empty("0PJ")),
        ([text("3A", 3)], {"TTYPE2": None}),
        ([text("3A", 3)], {"TTYPE2": " "}),
        ([text("6A", 6)], {"TDIM2": "(3,2)"}),
        ([text("6A", 6)], {"TFORM2": "6A3"}),
        ([text("3A", 3), text("3A", 3, "Y")], {"TTYPE3": "X"}),
        ([fits.Column(name="X", format="PJ()", array=np.array([[1], [2, 3]], object))], {}),
        ([fits.Column(name="X", format="2D", array=np.ones((2, 2)))], {}),
        ([fits.Column(name="X", format="11X", array=np.ones((2, 11), bool))], {}),
    ],
)
def test_a_fits_column_that_no_one_needs_does_no_harm(tmp_path, columns, cards):
    path = table(tmp_path / "stars.fits", *columns, **cards)
    assert content_fault(path, path.name) is None
    assert read_columns(path, ["ID", "T"]).to_dict("list") == {"ID": [5, 6], "T": [1.5, 2.5]}
    found = read_table_file(path)
    assert (found["ID"].tolist(), found["T"].tolist()) == ([5, 6], [1.5, 2.5])


@pytest.mark.parametrize("cards", [{"TDIM2": "(3,2)"}, {"TFORM2": "6A3"}])
def test_a_vector_of_text_is_refused_where_it_is_needed(tmp_path, cards):
    path = table(tmp_path / "stars.fits", text("6A", 6), **cards)
    with pytest.raises(InputError, match="column 'X' holds 2 values a row, not 1"):
        read_columns(path, ["X"])


def test_a_text_without_width_is_empty_and_a_name_that_stands_twice_is_refused(tmp_path):
    path = table(tmp_path / "zero.fits", **empty("0A"))
    assert read_columns(path, ["X", "T"])["X"].tolist() == ["", ""]
    path = table(tmp_path / "twice.fits", text("3A", 3), text("3A", 3, "Y"), TTYPE3="X")
    with pytest.raises(InputError, match=r"no column 'X'; .*X_2"):
        read_columns(path, ["X"])


def answer(kind: str, *values: str) -> bytes:
    rows = "".join(f"<TR><TD>{n}</TD><TD>{v}</TD></TR>" for n, v in enumerate(values))
    return (
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        '<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><TABLE>'
        f'<FIELD name="recno" datatype="int"/><FIELD name="X" {kind}/><DATA><TABLEDATA>{rows}'
        "</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


@pytest.mark.parametrize(
    ("values", "expected"),
    [(("true", "?"), [True, pd.NA]), (("T", "0"), [True, False]), (("", "F"), [pd.NA, False])],
)
def test_truth_values_of_an_answer_have_gaps(tmp_path, values, expected):
    found = _named(_parsed(answer('datatype="boolean"', *values)).table, ["recno", "X"])
    assert found["X"].tolist() == expected
    found.to_parquet(tmp_path / "x.parquet")
    assert pd.read_parquet(tmp_path / "x.parquet")["X"].tolist() == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [("short", "40000"), ("int", "3000000000"), ("int", "-3000000000"), ("unsignedByte", "256")],
)
def test_a_value_wider_than_its_type_refuses_the_answer(kind, value):
    with pytest.raises(TransferError, match=f"a value does not fit.*'{value}'"):
        _parsed(answer(f'datatype="{kind}"', "3", value))


@pytest.mark.parametrize("size", ["2", "*"])
def test_an_array_in_an_answer_is_refused_in_one_line(size):
    table = _parsed(answer(f'datatype="int" arraysize="{size}"', "1 2", "3 4")).table
    with pytest.raises(TransferError, match="column X holds several values a row"):
        _named(table, ["recno", "X"])
