"""Survey files become one table of rows: byte order, widths, missing values, clear refusals."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from cdstables.layout import Column
from cdstables.layout import Table as CdsTable
from spectrotranslator.config import resolve
from spectrotranslator.config.configuration import Feature, Survey
from spectrotranslator.errors import InputError
from spectrotranslator.surveys import fits_columns as fits_reader
from spectrotranslator.surveys.fits_columns import read_columns
from spectrotranslator.surveys.prepare_stars import missing, stars
from spectrotranslator.surveys.read_survey import (
    catalogue_rows,
    gaps_among_distances,
    measured,
    require_ids_that_fit,
)
from spectrotranslator.surveys.readers import READERS, columns_of, read_galah

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "survey.fits"
    Table(
        {
            "sobject_id": np.arange(10, dtype=np.int64) + 2**60,
            "teff": np.linspace(4000, 6000, 10).astype(np.float32),
            "logg": np.linspace(1, 5, 10),
            "flag_sp": np.arange(10, dtype=np.int32),
            "small": np.arange(10, dtype=np.int16),
            "name": np.array([f" star {i} " for i in range(10)]),
        }
    ).write(path)
    return path


def survey(**changes) -> Survey:
    given = {
        "title": "Survey",
        "key": ["sobject_id"],
        "identifier": "sobject_id",
        "features": {"teff": Feature()},
    }
    return Survey(**(given | changes))


def test_columns_come_native_with_their_own_width_and_exact_values(table):
    rows = read_columns(table, ["teff", "sobject_id", "logg", "flag_sp", "small"])
    assert list(rows) == ["teff", "sobject_id", "logg", "flag_sp", "small"]
    assert [rows[name].dtype for name in rows] == ["f4", "i8", "f8", "i4", "i2"]
    assert all(rows[name].dtype.isnative for name in rows)
    assert rows["sobject_id"].tolist() == [2**60 + i for i in range(10)]
    assert rows["logg"].tolist() == np.linspace(1, 5, 10).tolist()


def test_text_is_stripped(table):
    assert read_columns(table, ["name"])["name"].tolist() == [f"star {i}" for i in range(10)]


def test_chunks_give_the_same_as_one_piece(table, monkeypatch):
    whole = read_columns(table, ["teff", "name"])
    monkeypatch.setattr(fits_reader, "CHUNK_BYTES", 100)
    pd.testing.assert_frame_equal(read_columns(table, ["teff", "name"]), whole)


def test_columns_asked_for_twice_come_once(table):
    assert list(read_columns(table, ["teff", "teff"])) == ["teff"]


def test_table_without_rows_gives_empty_columns_of_the_right_type(tmp_path):
    path = tmp_path / "empty.fits"
    Table({"a": np.zeros(0, np.int64), "b": np.zeros(0, np.float32)}).write(path)
    rows = read_columns(path, ["a", "b"])
    assert len(rows) == 0
    assert rows["a"].dtype == np.int64
    assert rows["b"].dtype == np.float32


def test_scaled_integers_come_as_what_they_stand_for(tmp_path):
    path = tmp_path / "scaled.fits"
    unsigned = np.array([0, 1, 2**15, 2**16 - 1], dtype=np.uint16)
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("count", "I", bzero=2**15, array=unsigned),
            fits.Column("flux", "J", array=np.array([0, 1, 2, 4])),
        ]
    )
    table.header["TSCAL2"], table.header["TZERO2"] = 0.5, 1.0
    table.writeto(path)
    rows = read_columns(path, ["count", "flux"])
    assert rows["count"].tolist() == unsigned.tolist()
    assert rows["flux"].tolist() == [1.0, 1.5, 2.0, 3.0]


def test_vector_column_is_refused_by_name(tmp_path):
    path = tmp_path / "vector.fits"
    Table({"many": np.zeros((3, 4))}).write(path)
    with pytest.raises(InputError, match="'many' holds 4 values a row"):
        read_columns(path, ["many"])


def test_null_of_an_integer_column_is_missing_and_the_others_keep_their_digits(tmp_path):
    path = tmp_path / "null.fits"
    columns = [
        fits.Column("id", "K", null=999999, array=np.array([2**62 + 1, 999999, 3])),
        fits.Column("teff", "J", null=-1, array=np.array([5000, -1, 4000])),
        fits.Column("whole", "K", null=-1, array=np.array([1, 2, 3])),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(path)
    rows = read_columns(path, ["id", "teff", "whole"])
    assert rows["id"].isna().tolist() == [False, True, False]
    assert rows["id"].fillna(0).tolist() == [2**62 + 1, 0, 3]
    np.testing.assert_array_equal(rows["teff"], [5000, np.nan, 4000])
    assert rows["whole"].dtype == np.int64


def test_masked_ids_of_a_users_table_match_nothing_and_masked_flags_are_not_good(tmp_path):
    path = tmp_path / "mine.fits"
    gap = [False, True, True]
    table = Table({"sobject_id": np.arange(3), "g": MaskedColumn([2**62 + 1, 0, 0], mask=gap)})
    table["flag"], table["teff"] = MaskedColumn([0, 0, 0], mask=gap), [5000.0, 4000.0, 4500.0]
    table.write(path)
    named = survey(source_id="g", keep=["flag"])
    rows = measured(named, READERS["table"]([path], columns_of(named)))
    assert rows["source_id"].tolist() == [2**62 + 1, 0, 0]
    np.testing.assert_array_equal(stars(named, rows, None)["flag"], [0, np.nan, np.nan])


@pytest.mark.parametrize("name", ["stars.fits", "stars.fit", "stars.FITS", "stars.fits.gz"])
def test_users_fits_table_gives_text_and_unsigned_ids_whatever_its_suffix(tmp_path, name):
    ids = np.array([5853498713190525697, 2**63 + 1], np.uint64)
    made = tmp_path / "made.fits"
    Table({"id": ids, "name": np.array(["2M1", "b"])}).write(made)
    path = tmp_path / name
    path.write_bytes(gzip.compress(made.read_bytes()) if ".gz" in name else made.read_bytes())
    rows = READERS["table"]([path], ["id", "name"])
    assert rows["id"].tolist() == ids.tolist()
    assert rows["name"].tolist() == ["2M1", "b"]


@pytest.mark.parametrize("wanted", ["Teff", "TEFF", "tef", "teff_"])
def test_lacking_column_is_named_with_its_nearest_relatives(table, wanted):
    with pytest.raises(InputError, match=rf"no column '{wanted}'; .*\bteff\b"):
        read_columns(table, [wanted])


def test_file_cut_short_says_after_which_row(table):
    content = table.read_bytes()
    table.write_bytes(content[: len(content) - 2880 + 60])
    with pytest.raises(InputError, match=r"cut short after row \d+ of 10; fetch it again"):
        read_columns(table, ["teff"])


def test_file_cut_in_its_header_is_refused(table):
    table.write_bytes(table.read_bytes()[:4000])
    with pytest.raises(InputError, match=r"survey\.fits"):
        read_columns(table, ["teff"])


@pytest.mark.parametrize("content", [b"", b"<html>sorry</html>", b"SIMPLE  =  F" * 300])
def test_what_is_not_fits_is_refused(tmp_path, content):
    path = tmp_path / "page.fits"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"page\.fits"):
        read_columns(path, ["teff"])


def test_absent_extension_and_absent_file_are_refused(table, tmp_path):
    with pytest.raises(InputError, match="no extension 7"):
        read_columns(table, ["teff"], hdu=7)
    with pytest.raises(InputError, match="nowhere"):
        read_columns(tmp_path / "nowhere.fits", ["teff"])


def test_galah_takes_distances_from_the_value_added_table_by_sobject_id_only(tmp_path):
    main, added = tmp_path / "main.fits", tmp_path / "added.fits"
    Table({"sobject_id": np.array([3, 1, 2]), "teff": [1.0, 2.0, 3.0]}).write(main)
    spectra = {"sobject_id": np.array([1, 3, 3, 9]), "r_med_photogeo": [10.0, 30.0, 31.0, 90.0]}
    Table(spectra).write(added)
    rows = read_galah([main, added], ["sobject_id", "teff", "r_med_photogeo"])
    assert rows["sobject_id"].tolist() == [3, 1, 2]
    assert rows["r_med_photogeo"].tolist()[:2] == [30.0, 10.0]
    assert np.isnan(rows["r_med_photogeo"][2])


@pytest.mark.parametrize("suffix", ["csv", "parquet", "fits", "ecsv", "vot"])
def test_users_table_is_read_whatever_its_format(tmp_path, suffix):
    path = tmp_path / f"stars.{suffix}"
    frame = pd.DataFrame({"id": [1, 2], "teff": [5000.5, 4000.25], "other": [0, 1]})
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "parquet":
        frame.to_parquet(path)
    else:
        Table.from_pandas(frame).write(path, **({"format": "votable"} if suffix == "vot" else {}))
    rows = READERS["table"]([path], ["id", "teff"])
    assert list(rows) == ["id", "teff"]
    assert rows["teff"].tolist() == [5000.5, 4000.25]


def test_users_table_without_a_column_or_unreadable_is_refused(tmp_path):
    path = tmp_path / "stars.csv"
    path.write_text("id,Teff\n1,2\n")
    with pytest.raises(InputError, match=r"stars\.csv: no column 'teff'.*Teff"):
        READERS["table"]([path], ["id", "teff"])
    broken = tmp_path / "stars.parquet"
    broken.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"stars\.parquet"):
        READERS["table"]([broken], ["id"])
    with pytest.raises(InputError, match="no such file"):
        READERS["table"]([tmp_path / "absent.csv"], ["id"])


def test_every_configured_column_is_asked_for_once():
    colour = Feature(difference=("BPmag", "Gmag"), error=["e_BPmag", "e_Gmag"])
    named = survey(
        key=["a", "b"],
        identifier="a",
        source_id="s",
        position=("ra", "dec"),
        keep=["flag", "ra"],
        features={"teff": Feature(column="T", error=["e_T"]), "BP-G": colour},
    )
    assert columns_of(named) == ["a", "b", "s", "ra", "dec", "flag", "T", "e_T"]


def test_rows_are_named_by_their_whole_key():
    rows = pd.DataFrame({"A": ["x", "x"], "T": ["n", "s"], "teff": [1.0, 2.0]})
    named = measured(survey(key=["A", "T"], identifier="A"), rows)
    assert named["key"].tolist() == ["x|n", "x|s"]
    assert named["row"].tolist() == [0, 1]


def test_rows_that_share_a_key_are_refused_with_one_of_them():
    rows = pd.DataFrame({"sobject_id": [5, 5, 6], "teff": [1.0, 2.0, 3.0]})
    with pytest.raises(InputError, match=r"1 rows share a key of sobject_id, such as '5'"):
        measured(survey(), rows)


def test_of_rows_that_share_a_key_the_best_is_read_where_that_is_asked():
    rows = pd.DataFrame({"sobject_id": [7, 8, 7, 9], "teff": [1.0, 2, 3, 4], "snr": [5, 5, 9, 5]})
    found = measured(survey(repeated_keys="best row", snr="snr"), rows)
    assert (found["row"].tolist(), found["key"].tolist()) == ([1, 2, 3], ["8", "7", "9"])
    first = measured(survey(repeated_keys="best row"), rows)
    assert first["row"].tolist() == [0, 1, 3]


def test_without_a_key_the_number_of_the_row_is_the_key():
    rows = pd.DataFrame({"teff": [1.0, 2.0]})
    found = measured(survey(key=[], identifier=None), rows)
    assert found["key"].tolist() == found["identifier"].tolist() == ["0", "1"]


def test_an_id_longer_than_its_field_is_refused_when_the_survey_is_read():
    column = Column(1, 5, "A5", "---", "APOGEE", value={"identifier": "identifier"})
    layout = CdsTable("a2g.dat", None, None, "", (column,))
    table = pd.DataFrame({"row": [0, 1], "identifier": ["short", "longer"]})
    require_ids_that_fit(table.head(1), "APOGEE", layout)
    with pytest.raises(InputError, match="APOGEE, row 2: 'longer' is longer than its field"):
        require_ids_that_fit(table, "APOGEE", layout)


def test_only_rows_that_a_catalogue_holds_must_fit_its_fields():
    run = resolve("mini", ROOT)
    table = pd.DataFrame({"row": [0, 1], "source_id": [0, 7], "identifier": ["longer", "short"]})
    table["ASPCAPFLAG"] = 0
    assert catalogue_rows(run, "apogee", table)["identifier"].tolist() == ["short"]


def test_rows_of_the_published_file_fit_its_fields():
    run = resolve("full", ROOT)
    assert [cut.cut for cut in run.directions["a2g"].rows] == ["published"]
    table = pd.DataFrame({"row": [0], "source_id": [0], "identifier": ["longer"]})
    assert catalogue_rows(run, "apogee", table).empty


def test_distances_that_are_not_positive_are_told_and_missing():
    rows = pd.DataFrame({"sobject_id": [1, 2], "teff": [1.0, 2.0], "d": [-9999.0, 800.0]})
    there = survey(distance="d")
    assert gaps_among_distances(there, rows) == [
        "Survey: d is not positive in 1 rows, such as -9999: taken as missing"
    ]
    found = stars(there, measured(there, rows), None)
    assert found["distance"].isna().tolist() == [True, False]
    assert gaps_among_distances(there, rows.tail(1)) == []


def test_every_sentinel_of_a_gaia_id_becomes_zero():
    rows = pd.DataFrame({"sobject_id": range(5), "g": [12, 0, -9999, -1, 2**62], "teff": 1.0})
    assert measured(survey(source_id="g"), rows)["source_id"].tolist() == [12, 0, 0, 0, 2**62]


IDS = [4611686018427387905, None, 4611686018427388001]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_ids_keep_all_digits_beside_one_that_is_missing(tmp_path, suffix):
    path = tmp_path / f"stars.{suffix}"
    frame = pd.DataFrame({"sobject_id": range(3), "g": pd.array(IDS, "Int64"), "teff": 1.0})
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    rows = READERS["table"]([path], ["sobject_id", "g", "teff"])
    assert measured(survey(source_id="g"), rows)["source_id"].tolist() == [IDS[0], 0, IDS[2]]
    assert rows["teff"].dtype == np.float64


def test_ids_that_have_lost_digits_are_refused():
    rows = pd.DataFrame({"sobject_id": range(2), "g": [2.0**62, np.nan], "teff": 1.0})
    with pytest.raises(InputError, match=r"ids g are floating-point"):
        measured(survey(source_id="g"), rows)


def test_a_sentinel_shows_in_what_is_made_of_it():
    colour = Feature(difference=("BPmag", "Gmag"), error=["e_BPmag", "e_Gmag"])
    rows = pd.DataFrame({"row": [0, 1, 2], "BPmag": [15.0, -9999.0, -9999.0], "e_BPmag": 0.3})
    rows["Gmag"], rows["e_Gmag"] = [14.0, 14.0, -9999.0], [0.4, 0.4, -9999.0]
    table = stars(survey(features={"BP-G": colour}), rows, None)
    assert table["BP-G"].tolist() == [1.0, -9999.0, -9999.0]
    assert table["BP-G_error"].tolist() == [0.5, 0.5, np.hypot(0.3, 9999)]


def test_missing_is_nan_infinite_or_the_old_sentinel():
    values = np.array([1.0, np.nan, np.inf, -np.inf, -9999.0, -9999.99, -9998.0, -999.0])
    assert missing(values).tolist() == [False, True, True, True, True, True, False, False]


def test_sentinel_reaches_the_method_as_the_number_it_is():
    rows = pd.DataFrame({"key": ["a"], "row": [0], "identifier": [1], "teff": np.float32([-9999])})
    assert stars(survey(), rows, None)["teff"].tolist() == [-9999.0]


def test_colours_come_from_both_magnitudes_and_errors_add_in_quadrature():
    colour = Feature(difference=("BPmag", "Gmag"), error=["e_BPmag", "e_Gmag"])
    named = survey(source_id="g", features={"BP-G": colour})
    rows = pd.DataFrame({"key": ["a", "b"], "row": [0, 1], "identifier": [1, 2]})
    rows["source_id"] = [7, 8]
    photometry = pd.DataFrame(
        {"Source": [7], "BPmag": [14.5], "Gmag": [14.25], "e_BPmag": [0.03], "e_Gmag": [0.04]}
    )
    table = stars(named, rows, photometry)
    assert table["BP-G"].tolist()[0] == 0.25
    assert table["BP-G_error"].tolist()[0] == pytest.approx(0.05)
    assert np.isnan(table["BP-G"][1])
    assert table["key"].tolist() == ["a", "b"]


def test_feature_without_error_columns_is_exact():
    rows = pd.DataFrame({"key": ["a"], "row": [0], "identifier": [1], "teff": [5000.0]})
    assert stars(survey(), rows, None)["teff_error"].tolist() == [0.0]
