"""HEALPix numbers against those of STILTS and of Gaia."""

import numpy as np

from spectrotranslator.translation.healpix import nested_index

# Printed by `stilts calc "healpixNestIndex(29, RA, DEC)"`.
STILTS = [
    (0.1, 0.1, 1369095419848407993),
    (45.0, 41.9, 216173052911631408),
    (359.99, -0.3, 1224971766580363452),
    (123.4, 89.9, 576460283435840237),
    (300.0, -89.99, 3170534147493574363),
    (266.0, -28.9, 2028580591757652170),
    (0.0, 90.0, 288230376151711743),
    (10.0, -41.8, 2496518518305807806),
]


def test_numbers_of_all_regions_are_those_of_stilts():
    ra, dec, expected = zip(*STILTS, strict=True)
    numbers, known = nested_index(np.array(ra), np.array(dec))
    assert known.all()
    assert numbers.tolist() == list(expected)


def test_a_gaia_source_id_begins_with_the_number_of_its_place():
    # Proxima Centauri; a source id of Gaia holds the number of order 12.
    numbers, _ = nested_index(np.array([217.39232147200883]), np.array([-62.67607511676666]))
    assert numbers[0] >> 2 * (29 - 12) == 5853498713190525696 >> 35


def test_a_place_that_is_not_known_has_no_number():
    numbers, known = nested_index(np.array([np.nan, 1.0, 1.0]), np.array([1.0, np.nan, 95.0]))
    assert not known.any() and not numbers.any()
