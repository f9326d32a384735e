"""A user's own stars, as they come: units, masked ids, flags, what does not fit."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.table import MaskedColumn, Table

from spectrotranslator.catalogue.own_table import features, flags, keys, write_table
from spectrotranslator.configuration.model import Feature, Survey
from spectrotranslator.errors import InputError

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
    assert keys(table, SURVEY)["key"].tolist() == [str(2**62 + 1), "row 1", "row 2"]


def test_the_flags_that_mask_an_input_are_asked_for():
    table = Table({"flag": [0, 1]})
    assert flags(PATH, table, {"teff": "flag"})["flag"].tolist() == [0, 1]
    with pytest.raises(InputError, match="no column 'other', which says where teff is not used"):
        flags(PATH, table, {"teff": "other"})


def test_an_identifier_that_fits_no_fits_file_is_refused(tmp_path):
    table = Table({"identifier": ["é1"]}).to_pandas()
    with pytest.raises(InputError, match="FITS holds ASCII alone"):
        write_table(tmp_path / "out", table, {}, ".fits")
