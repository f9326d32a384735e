"""A user's own stars, as they come: units, masked ids, flags, what does not fit."""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from spectrotranslator.cli.translate import _names
from spectrotranslator.config.configuration import Feature, Survey
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.table_files import to_frame
from spectrotranslator.translation.product_columns import Description
from spectrotranslator.translation.user_table import (
    ModelInput,
    UserStars,
    features,
    flags,
    keys,
    read_table,
    renamed,
)
from spectrotranslator.translation.write_user_table import with_translation, write_table

PATH = Path("mine.fits")
COLOUR = Feature(difference=("BPmag", "Gmag"), error=["e_BPmag", "e_Gmag"], unit="mag")
SURVEY = Survey(
    title="Mine", key=["id"], identifier="id", features={"BP-G": COLOUR, "teff": Feature()}
)
UNITS = {"BP-G": "mag", "teff": "K"}


def read(table, survey, names, units=UNITS) -> UserStars:
    return features(PATH, table, survey, [ModelInput(name, units[name]) for name in names])


def photometry() -> Table:
    magnitudes = {"BPmag": [15.0, 15.0], "Gmag": [14.0, -9999.0]}
    return Table(magnitudes | {"e_BPmag": [0.3, 0.3], "e_Gmag": [0.4, 0.4]})


def test_a_sentinel_in_one_magnitude_is_one_in_the_colour():
    found = read(photometry(), SURVEY, ["BP-G"])
    assert found.table["BP-G"].tolist() == [1.0, -9999.0]
    assert found.table["BP-G_error"].tolist() == [0.5, 0.5]
    assert found.without_errors == []


def test_values_and_errors_are_converted_to_the_networks_units():
    table = photometry()
    table["e_Gmag"] = [400.0, 400.0]
    table["e_Gmag"].unit = units.mmag
    assert np.allclose(read(table, SURVEY, ["BP-G"]).table["BP-G_error"], 0.5)
    table = Table({"logg": [2.0], "logg_error": [0.1], "rv": [-31000.0], "rv_error": [500.0]})
    table["logg"].unit = units.dex(units.m / units.s**2)
    table["rv"].unit = units.m / units.s
    survey = SURVEY.model_copy(update={"features": {"logg": Feature(), "rv": Feature()}})
    wanted = {"logg": "dex(cm/s2)", "rv": "km/s"}
    found = read(table, survey, ["logg", "rv"], wanted).table.iloc[0]
    assert np.allclose(found[["logg", "logg_error", "rv", "rv_error"]], [4.0, 0.1, -31.0, 0.5])


@pytest.mark.parametrize(("unit", "wanted"), [("km", "K"), ("cm/s2", "dex(cm/s2)")])
def test_a_unit_of_another_quantity_is_refused(unit, wanted):
    table = Table({"teff": [1.0]})
    table["teff"].unit = unit
    with pytest.raises(InputError, match=f"does not convert to {wanted[:3]}"):
        read(table, SURVEY, ["teff"], {"teff": wanted})


def test_values_a_thousand_times_off_are_named_with_their_likely_unit():
    table = Table({"teff": [5.1, 4.9, np.nan, -9999.0]})
    inputs = [ModelInput("teff", "K", 4000.0, 7000.0)]
    with pytest.raises(InputError, match=r"are they in kK\? If so: --unit teff=kK"):
        features(PATH, table, SURVEY, inputs)
    found = features(PATH, table, SURVEY, inputs, {"teff": units.Unit("kK")})
    assert np.allclose(found.table["teff"][[0, 1, 3]], [5100, 4900, -9999])
    table = Table({"teff": [3000.0, 3100.0]})
    assert features(PATH, table, SURVEY, inputs).table["teff"].tolist() == [3000.0, 3100.0]


def test_marks_of_missing_values_are_told_and_are_missing():
    table = Table({"teff": [5000.0, -999.0, 9999.0, 6999.0, -9999.0]})
    found = features(PATH, table, SURVEY, [ModelInput("teff", "K", 4000.0, 7000.0)])
    assert np.isnan(found.table["teff"]).tolist() == [False, True, True, False, False]
    assert found.notes == [
        "teff: -9999 in 1 row, taken as missing",
        "teff: -999, 9999 in 2 rows, taken as missing",
    ]


def test_a_column_of_several_numbers_a_row_is_refused():
    table = Table({"teff": np.ones((2, 3))})
    with pytest.raises(InputError, match="several numbers a row"):
        read(table, SURVEY, ["teff"])


def test_stars_whose_id_is_missing_share_no_noise():
    table = Table({"id": MaskedColumn([2**62 + 1, 0, 0], mask=[False, True, True])})
    assert keys(PATH, table, SURVEY)["key"].tolist() == [str(2**62 + 1), "row 1", "row 2"]


def test_the_flags_that_mask_an_input_are_asked_for():
    table = Table({"flag": [0, 1]})
    assert flags(PATH, table, {"teff": "flag"})["flag"].tolist() == [0, 1]
    with pytest.raises(InputError, match="no column 'other', which says where teff is not used"):
        flags(PATH, table, {"teff": "other"})


def test_an_identifier_that_fits_no_fits_file_is_refused(tmp_path):
    table = Table({"other": ["a", "b"], "identifier": ["e1", "é1"]})
    with pytest.raises(InputError, match="row 2, column identifier: FITS holds ASCII alone"):
        write_table(tmp_path / "out", table, ".fits", [])


@pytest.mark.parametrize("suffix", [".fits", ".vot", ".ecsv", ".parquet"])
def test_the_user_s_columns_stay_and_the_translation_is_described(tmp_path, suffix):
    own = Table({"name": ["a", "b"], "rv": [1.0, 2.0], "id": MaskedColumn([2**62 + 1, 0])})
    own["id"].mask = [False, True]
    own["good"] = MaskedColumn([False, True], mask=[True, False])
    own["rv"].unit = "m/s"
    translated = pd.DataFrame({"RV": [3.0, 4.0], "comment": ["", "x"]})
    about = {"RV": Description("a velocity", "phys.gravity", "[cm/s2]")}
    whole, names = with_translation(PATH, own, translated, about)
    assert names == {"RV": "RV_translated"}
    path = tmp_path / f"out{suffix}"
    write_table(path, whole, suffix, ["a statement"])
    found = read_table(path)
    assert found.colnames == ["name", "rv", "id", "good", "RV_translated", "comment"]
    assert found["id"].tolist() == [2**62 + 1, None]
    assert to_frame(path, found, ["good"])["good"].isna().tolist() == [True, False]
    assert found["rv"].tolist() == [1.0, 2.0]
    told = (
        str(pq.read_schema(path).field("RV_translated").metadata)
        if suffix == ".parquet"
        else (path.read_text("latin-1"))
    )
    assert "a velocity" in told
    assert "phys.gravity" in told
    if suffix == ".fits":
        assert found["rv"].unit == "m/s"
        header = fits.getheader(path, 1)
        assert header["TUNIT5"] == "log(cm s-2)"
        assert "a statement" in str(header["COMMENT"])


def test_a_translated_name_that_is_there_twice_is_refused():
    own = Table({"rv": [1.0], "RV_TRANSLATED": [1.0]})
    with pytest.raises(InputError, match="has a column 'RV_translated', the name of a translated"):
        with_translation(PATH, own, pd.DataFrame({"RV": [3.0]}), {})


def test_what_a_kind_of_file_cannot_hold_is_one_line(tmp_path):
    table = Table({"spectrum": np.ones((2, 3))})
    with pytest.raises(InputError, match=r"\.csv cannot hold a column of the table"):
        write_table(tmp_path / "out", table, ".csv", [])


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
        read(table, survey, ["rv"], {"rv": "km/s"})


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
    assert read(table, survey, ["x"], {"x": wanted}).table["x"].tolist() == [1.0]


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
    with pytest.raises(argparse.ArgumentTypeError, match="is not NAME=VALUE"):
        _names(text)
