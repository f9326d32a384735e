"""North less south of the plane: recovered where it is, not claimed where it is not."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.coordinates import Galactocentric, SkyCoord, galactocentric_frame_defaults

from spectrotranslator.evaluation.asymmetry import (
    FEWEST,
    Compared,
    asymmetry,
    grouped,
    thinned,
    trend,
)
from spectrotranslator.evaluation.galactic_positions import Places, frame
from spectrotranslator.evaluation.homogenised_stars import usable
from spectrotranslator.report import plot_asymmetry
from spectrotranslator.report.draw_figures import FigureBuilder

pytestmark = pytest.mark.slow


def sky(number: int, stars: int = 6000, south_is_high: bool = False) -> pd.DataFrame:
    """Stars over a disc seen from the Sun; the south's may lie twice as high as the north's."""
    chance = np.random.default_rng(number)
    radius, azimuth = chance.uniform(6, 14, stars), chance.normal(0, 0.35, stars)
    height = chance.exponential(0.5, stars) * np.where(chance.random(stars) < 0.5, 1, -1)
    if south_is_high:
        height = np.where(height < 0, 2 * height, height)
    with galactocentric_frame_defaults.set("v4.0"):
        place = SkyCoord(
            x=-radius * np.cos(azimuth) * units.kpc,
            y=radius * np.sin(azimuth) * units.kpc,
            z=height * units.kpc,
            frame=Galactocentric(),
        ).icrs
    return pd.DataFrame(
        {
            "ra": place.ra.deg,
            "dec": place.dec.deg,
            "distance": place.distance.to_value(units.pc),
            "R": radius,
            "Z": height,
        }
    )


def compared(table, shift: float, number: int, members=None, measured=None) -> Compared:
    """Abundances that fall with R and |Z|, with ``shift`` between the sides beyond 10 kpc."""
    chance = np.random.default_rng(1000 + number)
    side = np.where(table["R"] > 10, 0.5 * shift * np.sign(table["Z"]), 0.0)
    smooth = -0.06 * (table["R"] - 8) - 0.25 * table["Z"].abs()
    first = (smooth + side + chance.normal(0, 0.2, len(table))).to_numpy()
    second = (-0.5 * side - 0.3 * smooth + chance.normal(0, 0.08, len(table))).to_numpy()
    values = np.stack([first, second])
    return Compared(
        ["M_H", "MG_FE"],
        Places.of(table),
        chance.uniform(1, 3, len(table)),
        values,
        values,
        np.full((1, *values.shape), np.nan) if members is None else members,
        np.ones(len(table), bool) if measured is None else measured,
    )


def after(found) -> pd.DataFrame:
    return found.table[found.table["when"] == "after"].reset_index(drop=True)


def claims(found) -> list[bool]:
    return [found.claimed(when, label) for when, label in found.probability]


def test_places_are_those_of_astropy():
    table = sky(1, 50)
    radius, height, azimuth = Places.of(table).cylindrical()
    np.testing.assert_allclose(radius, table["R"], atol=1e-9)
    np.testing.assert_allclose(height, table["Z"], atol=1e-9)
    assert np.abs(azimuth).max() < 90
    assert frame()["sun_radius_kpc"] == 8.122
    assert frame()["sun_height_pc"] == 20.8


def test_a_planted_asymmetry_lies_in_the_band_and_is_claimed():
    found = asymmetry(compared(sky(2), 0.1, 2))
    table = after(found)
    far = table[table["R"] > 10.6]
    for label, true in (("M_H", 0.1), ("MG_FE", -0.05)):
        mine = far[far["label"] == label]
        assert ((mine["low"] < true) & (mine["high"] > true)).all()
        assert found.claimed("after", label)


def test_a_southern_survey_that_looks_higher_makes_no_asymmetry():
    table = sky(3, south_is_high=True)
    stars = compared(table, 0.0, 3)
    north = (table["Z"] > 0).to_numpy()
    naive = stars.after[0, north].mean() - stars.after[0, ~north].mean()
    assert naive > 0.1
    found = asymmetry(stars)
    assert not any(claims(found))
    assert found.table["difference"].abs().max() < 0.06


def test_the_trend_takes_the_gradient_off_and_leaves_the_step_across_the_plane():
    stars = compared(sky(9, 12_000), 0.1, 9)
    place = stars.places.cylindrical()
    left = (stars.after - trend(place, stars.logg, stars.after))[0]
    inside = (place[0] > 11) & (place[0] < 12)
    height = place[1][inside]
    slope = np.polyfit(np.abs(height), left[inside], 1)[0]
    step = left[inside][height > 0].mean() - left[inside][height < 0].mean()
    assert abs(slope) < 0.05 < 0.2 < abs(np.polyfit(np.abs(height), stars.after[0, inside], 1)[0])
    assert step == pytest.approx(0.1, abs=0.03)


def test_stars_of_one_field_stand_and_fall_together():
    table = sky(11, 4000)
    field = Places.of(table).fields(3.0)
    assert 100 < field.max() < 3000
    clumped = table.iloc[np.repeat(np.arange(0, 4000, 20), 20)].reset_index(drop=True)
    chance = np.random.default_rng(0)
    offset = np.repeat(chance.normal(0, 0.2, 200), 20)
    alone = compared(clumped, 0.0, 11)
    shared = replace(alone, after=alone.after + offset, before=alone.before + offset)
    assert after(asymmetry(shared))["error"].mean() > 1.7 * after(asymmetry(alone))["error"].mean()


def test_false_claims_are_rare():
    found = [asymmetry(compared(sky(n), 0.0, n), draws=80) for n in range(10, 30)]
    assert sum(any(claims(one)) for one in found) <= 1


def test_members_and_distances_that_scatter_widen_the_band():
    table = sky(4)
    plain = compared(table, 0.0, 4)
    tilt = np.sign(table["Z"]).to_numpy() * 0.05
    members = np.stack([plain.after - tilt, plain.after + tilt])
    far = table.assign(distance_low=0.7 * table["distance"], distance_high=1.4 * table["distance"])
    usual = after(asymmetry(plain))["error"].mean()
    translated = np.zeros(len(table), bool)
    scattered = asymmetry(compared(table, 0.0, 4, members, translated))
    assert after(scattered)["error"].mean() > 2 * usual
    assert after(asymmetry(compared(far, 0.0, 4)))["error"].mean() > 1.1 * usual


def test_a_translation_that_is_wrong_on_measured_stars_widens_the_band():
    table = sky(8)
    plain = compared(table, 0.0, 8)
    wrong = (plain.after + 0.1 * (table["Z"] > 0).to_numpy())[None]
    measured = np.ones(len(table), bool)
    found = asymmetry(compared(table, 0.0, 8, wrong, measured))
    assert after(found)["error"].mean() > 1.5 * after(asymmetry(plain))["error"].mean()
    np.testing.assert_array_equal(found.table["difference"], asymmetry(plain).table["difference"])
    none = np.full_like(wrong, np.nan)
    same = after(asymmetry(compared(table, 0.0, 8, none, measured)))["error"].mean()
    assert same < 1.1 * after(asymmetry(plain))["error"].mean()


def test_few_stars_say_nothing_and_radii_are_joined_until_they_hold_enough():
    found = asymmetry(compared(sky(5, 60), 0.1, 5))
    assert set(found.probability.values()) == {None}
    assert not any(claims(found))
    groups = grouped(np.array([300.0, 120.0, 60.0, 50.0, 10.0]))
    assert groups.T.tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 1, 1]]
    assert (np.array([300.0, 120.0, 60.0, 50.0, 10.0]) @ groups >= FEWEST).all()


def test_no_star_at_all_says_nothing_and_is_drawn():
    stars = compared(sky(1, 200), 0.0, 1)
    found = asymmetry(stars.rows(np.zeros(len(stars.logg), bool)), 5)
    assert found.table.empty
    assert claims(found) == [False] * len(found.probability)
    drawn = plot_asymmetry.draw("method", "base", found, stars.labels)
    assert drawn.data.empty
    drawn.figure.canvas.draw()


def test_the_same_stars_give_the_same_numbers():
    one, other = (asymmetry(compared(sky(6), 0.1, 6)).table for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("shift", [0.03, -0.1])
def test_the_sign_is_north_less_south(shift):
    found = after(asymmetry(compared(sky(7, 40_000), shift, 7)))
    far = found[(found["label"] == "M_H") & (found["R"] > 11)]
    np.testing.assert_allclose(far["difference"], shift, atol=0.03)


def test_a_crowded_bin_is_thinned_evenly_in_the_draws_and_not_in_the_estimate():
    radius = np.concatenate([np.full(25_000, 8.5), np.full(500, 12.5)])
    few = thinned(radius, np.ones(len(radius)))
    assert few[-500:].all()
    assert few[:25_000].sum() == 8334
    assert set(np.diff(np.flatnonzero(few[:25_000]))) == {3}


def test_a_star_without_a_place_moves_no_other():
    table = pd.DataFrame({"ra": [10.0, 200.0], "dec": [-5.0, 60.0], "distance": [900.0, 2000.0]})
    lost = table.assign(ra=[np.nan, 200.0])
    places = [Places.of(t).cylindrical() for t in (table, lost)]
    for whole, part in zip(*places, strict=True):
        assert np.isnan(part[0])
        assert part[1] == whole[1]


def test_a_star_without_a_place_is_not_used():
    stars = pd.DataFrame({"recommended": True, "measured": True, "M_H": [0.1] * 4})
    stars = stars.assign(M_H_own=0.1, distance=[900.0, 900.0, 900.0, np.nan], dec=5.0)
    assert usable(stars.assign(ra=[1.0, np.nan, 2.0, 3.0]), ["M_H"]).tolist() == [1, 0, 1, 0]


def test_a_direction_whose_name_begins_another_s_has_its_own_rows(tmp_path):
    parts = []
    for name, row in (("g2a", 1), ("g2a-deep", 2)):
        path = tmp_path / "robust" / "parts" / f"{name}-1-of-1.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"row": [row]}).to_parquet(path)
        parts.append(path)
    room = SimpleNamespace(files=SimpleNamespace(parts=parts))
    assert FigureBuilder._translated(room, "robust", "g2a", [])["row"].tolist() == [1]
