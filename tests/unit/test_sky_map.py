"""Maps of the sky: the right cells, the right numbers."""

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord

from spectrotranslator.report.plot_sky import GOOD, LATITUDES, LONGITUDES, cell, over_cells


def at(l: float, b: float) -> tuple[np.ndarray, np.ndarray]:  # noqa: E741
    place = SkyCoord(l * units.deg, b * units.deg, frame="galactic").icrs
    return np.array([place.ra.deg]), np.array([place.dec.deg])


@pytest.mark.parametrize(
    ("l", "b", "column", "row"),
    [
        (0.5, 0.5, LONGITUDES // 2 - 1, LATITUDES // 2),
        (359.5, -0.5, LONGITUDES // 2, LATITUDES // 2 - 1),
        (179, 89.9, 0, LATITUDES - 1),
        (181, -89.9, LONGITUDES - 1, 0),
    ],
)
def test_longitude_grows_to_the_left_and_latitude_upward(l, b, column, row):  # noqa: E741
    assert cell(*at(l, b)) == [row * LONGITUDES + column]


def test_the_cells_have_equal_area():
    chance = np.random.default_rng(1)
    ra, dec = chance.uniform(0, 360, 400_000), np.degrees(np.arcsin(chance.uniform(-1, 1, 400_000)))
    count = np.bincount(cell(ra, dec), minlength=LONGITUDES * LATITUDES)
    assert count.std() == pytest.approx(np.sqrt(count.mean()), rel=0.1)


def test_a_cell_shows_its_median_and_its_middle_and_too_few_stars_nothing():
    ra, dec = (np.repeat(side, 4) for side in at(10.0, -30.0))
    ra, dec = np.append(ra, at(100.0, 5.0)[0]), np.append(dec, at(100.0, 5.0)[1])
    values = np.array([1.0, 2.0, 9.0, np.nan, 5.0])
    good = np.array([1.0, 0.0, 0.0, 1.0, 1.0])
    table = over_cells(cell(ra, dec), {"Δ Teff50": values, GOOD: good})
    assert table["quantity"].tolist() == ["Δ Teff50", GOOD]
    assert table["stars"].tolist() == [3, 4]
    assert table["value"].tolist() == [2.0, 0.5]
    assert abs(table["l"] - 10).max() <= 3 and abs(table["b"] + 30).max() <= 3


def test_a_star_without_a_place_is_in_no_cell():
    assert cell(np.array([np.nan, 10.0]), np.array([5.0, np.nan])).tolist() == [-1, -1]
