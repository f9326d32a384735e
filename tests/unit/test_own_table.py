"""A user's own stars, as they come: units, masked ids, flags, what does not fit."""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.table import MaskedColumn, Table

from spectrotranslator.cli.translate import _names
from spectrotranslator.config.configuration import Feature, Survey
from spectrotranslator.errors import InputError
from spectrotranslator.translation.user_table import (
    features,
    flags,
    keys,
    read_table,
    renamed,
    write_table,
)

PATH = Path("mine.fits")
COLOUR = Feature(difference=("BPmag", "Gmag"), error=["e_BPmag", "e_Gmag"], unit="mag")
SURVEY = Survey(
    title="Mine", key=["id"], identifier="id", features={"BP-G": COLOUR, "teff": Feature()}
)
UNITS = {"BP-G": "mag", "teff": "K"}


def photometry() -> Table:
    magnitudes = {"BPmag": [15.0, 15.0], "Gmag": [14.0, -9999.0]}
    return Table(magnitudes | {"e_BPmag": [0.3, 0.3], "e_Gmag": [0.4, 0.4]})


def test_a_sentinel_in_one_magnitude_is_one_in_the_colour():
    found, exact = features(PATH, photometry(), SURVEY, ["BP-G"], UNITS)
    assert found["BP-G"].tolist() == [1.0, -9999.0]
    assert found["BP-G_error"].tolist() == [0.5, 0.5]
    assert exact == []


def test_an_error_in_another_unit_is_refused():
    table = photometry()
    table["e_Gmag"].unit = units.mmag
    with pytest.raises(InputError, match="'e_Gmag' is in mmag"):
        features(PATH, table, SURVEY, ["BP-G"], UNITS)


def test_a_column_of_several_numbers_a_row_is_refused():
    table = Table({"teff": np.ones((2, 3))})
    with pytest.raises(InputError, match="several numbers a row"):
        features(PATH, table, SURVEY, ["teff"], UNITS)


def test_stars_whose_id_is_missing_share_no_noise():
    table = Table({"id": MaskedColumn([2**62 + 1, 0, 0], mask=[False, True, True])})
    assert keys(PATH, table, SURVEY)["key"].tolist() == [str(2**62 + 1), "row 1", "row 2"]


def test_the_flags_that_mask_an_input_are_asked_for():
    table = Table({"flag": [0, 1]})
    assert flags(PATH, table, {"teff": "flag"})["flag"].tolist() == [0, 1]
    with pytest.raises(InputError, match="no column 'other', which says where teff is not used"):
        flags(PATH, table, {"teff": "other"})


def test_an_identifier_that_fits_no_fits_file_is_refused(tmp_path):
    table = Table({"other": ["a", "b"], "identifier": ["e1", "é1"]}).to_pandas()
    with pytest.raises(InputError, match="row 2, column identifier: FITS holds ASCII alone"):
        write_table(tmp_path / "out", table, {}, ".fits")


IDS = [130101001201001, 130101001201002]


@pytest.mark.parametrize(
    "column",
    [
        IDS,
        np.array(IDS, np.float64),
        [f" {name} " for name in IDS],
        np.array([str(name).encode() for name in IDS]),
        np.array(IDS, ">i8"),
    ],
)
def test_an_id_names_its_star_whatever_it_is_stored_as(column):
    found = keys(PATH, Table({"id": column}), SURVEY)
    assert found["key"].tolist() == found["identifier"].tolist() == list(map(str, IDS))


def test_ids_that_have_lost_digits_are_refused():
    for lost in (np.array(IDS, np.float32), np.array([2.0**60])):
        with pytest.raises(InputError, match="'id' holds floating-point numbers beyond"):
            keys(PATH, Table({"id": lost}), SURVEY)


def test_a_blank_id_is_no_id_at_all():
    for column in (
        MaskedColumn([7, 0], mask=[False, True]),
        np.array([7, np.nan]),
        MaskedColumn(["7", ""], mask=[False, True]),
    ):
        found = keys(PATH, Table({"id": column}), SURVEY)
        assert found["identifier"].tolist() == ["7", ""]
        assert found["key"].tolist() == ["7", "row 1"]


def test_letters_beyond_ascii_in_a_fits_id_are_read():
    assert keys(PATH, Table({"id": np.array([b"\xe9toile"])}), SURVEY)["key"].tolist() == ["étoile"]


@pytest.mark.parametrize("unit", ["M/S", "metres/second", "m/sec", "millikm"])
def test_a_unit_that_nobody_knows_is_refused(unit):
    table = Table({"rv": [1.0]})
    with pytest.warns(units.UnitsWarning):
        table["rv"].unit = units.Unit(unit, parse_strict="warn")
    survey = SURVEY.model_copy(update={"features": {"rv": Feature()}})
    with pytest.raises(InputError, match="a unit that is not known; write it as km/s"):
        features(PATH, table, survey, ["rv"], {"rv": "km/s"})


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [
        ("log(cm s^-2)", "dex(cm/s2)"),
        ("log (cgs)", "dex(cm/s2)"),
        ("[cm/s2]", "dex(cm/s2)"),
        ("", "dex"),
        ("---", "dex"),
        ("km/sec", "km/s"),
        ("km s-1", "km/s"),
        ("Kelvin", "K"),
    ],
)
def test_units_as_surveys_write_them_are_known(unit, wanted):
    table = Table({"x": [1.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table["x"].unit = units.Unit(unit, parse_strict="silent")
    survey = SURVEY.model_copy(update={"features": {"x": Feature()}})
    assert features(PATH, table, survey, ["x"], {"x": wanted})[0]["x"].tolist() == [1.0]


def test_a_csv_s_mark_of_order_is_no_part_of_a_name_and_a_name_stands_once(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_bytes(b"\xef\xbb\xbfid,teff\n7,5000\n")
    assert read_table(path).colnames == ["id", "teff"]
    path.write_text("id,teff,teff\n7,5000,6000\n")
    with pytest.raises(InputError, match=r"mine\.csv, line 1: two columns are called 'teff'"):
        read_table(path)


def test_a_named_column_is_key_and_identifier():
    table = Table({"id": [1, 2], "star": MaskedColumn([2**62 + 1, 0], mask=[False, True])})
    found = keys(PATH, table, SURVEY, "star")
    assert found["key"].tolist() == [str(2**62 + 1), "row 1"]
    assert found["identifier"].tolist() == [str(2**62 + 1), ""]
    with pytest.raises(InputError, match="no column 'sta'; the nearest there are star"):
        keys(PATH, table, SURVEY, "sta")


def test_columns_are_taken_under_the_names_of_the_model():
    table = Table({"Teff": [5000.0], "LOGG": [4.0], "teff": [1.0]})
    table["Teff"].unit = "K"
    found = renamed(PATH, table, _names("teff=Teff, Teff=teff,logg=LOGG"))
    assert [found[name][0] for name in ("teff", "Teff", "logg")] == [5000.0, 1.0, 4.0]
    assert found["teff"].unit == "K"
    with pytest.raises(InputError, match="no column 'LOG'; the nearest there are"):
        renamed(PATH, table, {"logg": "LOG"})


@pytest.mark.parametrize("text", ["teff", "teff=", "=Teff", "a=b,a=c", "a=b,,"])
def test_a_map_that_is_no_map_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not OURS=THEIRS"):
        _names(text)
