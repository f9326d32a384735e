"""One row a star on the target's base: its own measurement where there is one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spectrotranslator.config import resolve
from spectrotranslator.config.configuration import Crossmatch
from spectrotranslator.translation.homogenise import homogenise

ROOT = Path(__file__).resolve().parents[2]
BOTH, GALAH_ONLY, BAD_FLAG, APOGEE_ONLY, NO_ID = 11, 12, 13, 14, 0


@pytest.fixture
def table(monkeypatch) -> pd.DataFrame:
    """Stars that both surveys saw, one alone, and one without an identifier."""
    monkeypatch.chdir(ROOT)
    return homogenised()


def homogenised(
    repeats: str = "highest S/N",
    places: bool = True,
    lacking: str | None = None,
    match: str = "source_id",
) -> pd.DataFrame:
    """The same with another rule for repeats, an origin without places, a label never measured."""
    run = resolve("mini").model_copy(update={"selections": {}, "selection": None})
    run = run.model_copy(update={"crossmatch": Crossmatch(repeats=repeats)})
    direction = run.directions["g2a"]
    labels = [name for network in direction.networks.values() for name in network.outputs]
    inputs = {name for network in direction.networks.values() for name in network.inputs}
    galah_ids, apogee_ids = [BOTH, GALAH_ONLY, BAD_FLAG, NO_ID], [APOGEE_ONLY, BOTH]
    origin = pd.DataFrame({"row": range(4), "source_id": galah_ids, "ra": 10.0, "distance": 1.5})
    origin = origin.assign(**dict.fromkeys(inputs, 3.0), snr=50.0, snr_c3_iraf=50.0, SNR=50.0)
    translated = pd.DataFrame({"row": range(4), "key": list("abcd"), "identifier": list("abcd")})
    for name in labels:
        translated = translated.assign(
            **{f"{name}_p16": 4.0, f"{name}_p50": 5.0, f"{name}_p84": 10.0},
            **{f"{name}_systematic": 4.0},
        )
    for kind in direction.networks:
        translated[f"missing_{kind}"] = False
        translated[f"input_{kind}"] = True
        translated[f"output_{kind}"] = [True, True, False, True]
    target = pd.DataFrame({"row": range(2), "source_id": apogee_ids, "identifier": ["x", "y"]})
    target = target.assign(key=["x", "y"], ra=20.0, distance=[np.nan, 2.5], snr=99.0, SNR=99.0)
    target = target.assign(**dict.fromkeys(labels, 7.0), **{f"{n}_error": 0.5 for n in labels})
    if lacking:
        target[lacking] = -9999.0
    if repeats == "first":
        target = pd.concat([target, target.iloc[1:].assign(row=2, snr=199.0, identifier="z")])
    if match == "position":
        run = run.model_copy(update={"match": match})
        origin = origin.assign(ra=[1.0, 2, 3, 4], dec=0.0, epoch=2000.0, key=list("abcd"))
        target = target.assign(ra=[9.0, 1.0], dec=0.0, epoch=2000.0)
        target = pd.concat([target, target.iloc[1:].assign(row=2, key="z", snr=9.0)])
        return homogenise(run, direction, origin, target, translated).set_index("star")
    if not places:
        origin = origin.drop(columns=["ra", "distance"])
    return homogenise(run, direction, origin, target, translated).set_index("source_id")


def test_of_repeats_the_row_stands_that_training_took(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert homogenised("first").loc[BOTH, "apogee_identifier"] == "y"


def test_the_target_s_places_stand_where_the_origin_has_none(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert homogenised(places=False).loc[BOTH, "ra"] == 20.0


def test_stars_matched_on_position_have_one_row(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = homogenised(match="position")
    assert len(found) == 5
    assert found.loc["y", "galah_identifier"] == "a"
    assert found.loc["y", "apogee_identifier"] == "y"


def test_every_star_with_an_identifier_has_one_row(table):
    assert table.index.tolist() == [BOTH, GALAH_ONLY, BAD_FLAG, APOGEE_ONLY]


def test_the_target_s_own_measurement_stands_and_the_translation_beside_it(table):
    star = table.loc[BOTH]
    assert star["origin"] == "apogee"
    assert star["measured"]
    assert (star["TEFF"], star["TEFF_translated"], star["TEFF_own"]) == (7.0, 5.0, 3.0)
    assert star["TEFF_error"] == 0.5
    assert (star["ra"], star["distance"]) == (20.0, 2.5)


def test_a_translated_star_has_half_its_width_and_the_systematic_error_as_its_error(table):
    star = table.loc[GALAH_ONLY]
    assert star["origin"] == "galah"
    assert not star["measured"]
    assert star["TEFF"] == 5.0
    assert star["TEFF_error"] == pytest.approx(5.0)
    assert (star["ra"], star["distance"]) == (10.0, 1.5)


def test_only_what_is_fit_for_use_is_recommended(table):
    assert table["recommended"].to_dict() == {
        BOTH: True, GALAH_ONLY: True, BAD_FLAG: False, APOGEE_ONLY: True,
    }  # fmt: skip


def test_a_star_that_lacks_a_label_and_has_no_translation_keeps_what_was_measured(monkeypatch):
    monkeypatch.chdir(ROOT)
    star = homogenised(lacking="TEFF").loc[APOGEE_ONLY]
    assert star["origin"] == "apogee"
    assert (star["LOGG"], star["LOGG_error"]) == (7.0, 0.5)
    assert np.isnan(star["TEFF"])
    assert not star["recommended"]


def test_a_star_that_lacks_a_label_has_the_translation_where_there_is_one(monkeypatch):
    monkeypatch.chdir(ROOT)
    star = homogenised(lacking="TEFF").loc[BOTH]
    assert (star["origin"], star["TEFF"], star["LOGG"]) == ("galah", 5.0, 5.0)


def test_a_star_without_a_velocity_keeps_its_other_labels_recommended(monkeypatch):
    monkeypatch.chdir(ROOT)
    star = homogenised(lacking="VHELIO_AVG").loc[APOGEE_ONLY]
    assert (star["M_H"], star["M_H_flag"]) == (7.0, 0)
    assert star["M_H_recommended"] and star["M_H_measured"]
    assert star["VHELIO_AVG_flag"] == 32
    assert not star["VHELIO_AVG_recommended"] and not star["recommended"]


def test_a_label_s_flag_names_what_is_wrong_with_its_own_network(table):
    star = table.loc[BAD_FLAG]
    assert (star["TEFF_flag"], star["VHELIO_AVG_flag"]) == (8, 8)
    assert table.loc[GALAH_ONLY, "TEFF_flag"] == 0


def test_intervals_are_the_error_s_where_measured_and_the_percentiles_elsewhere(table):
    assert table.loc[BOTH, ["TEFF_low", "TEFF_high"]].tolist() == [6.5, 7.5]
    assert table.loc[GALAH_ONLY, ["TEFF_low", "TEFF_high"]].tolist() == [4.0, 10.0]


def test_signal_to_noise_of_both_surveys_and_the_own_value_stand_beside(table):
    star = table.loc[BOTH]
    assert (star["galah_snr"], star["apogee_snr"]) == (50.0, 99.0)
    assert (star["TEFF_own"], star["galah_row"], star["apogee_row"]) == (3.0, 0, 1)
