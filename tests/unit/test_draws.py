"""Draws are named, normal, and the same on every machine."""

import hashlib

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from spectrotranslator.translation.gaussian_draws import inverse_normal, key_hashes, normal

KEYS = key_hashes([f"star {i}" for i in range(20_000)])


def test_the_quantile_function_is_the_normal_one():
    p = np.concatenate([np.linspace(1e-12, 1 - 1e-12, 10_001), [1e-300, 2.0**-54, 0.5]])
    assert np.allclose(inverse_normal(p), ndtri(p), rtol=1e-13, atol=1e-14)


def test_draws_do_not_hang_on_place_or_company():
    whole = normal(1, KEYS, "teff", 10)
    part = normal(1, KEYS[500:300:-1], "teff", 10)
    assert np.array_equal(part, whole[500:300:-1])
    assert np.array_equal(normal(1, KEYS[:5], "teff", 4), whole[:5, :4])


def test_draws_are_standard_normal_and_independent():
    first, second = normal(1, KEYS, "teff", 6)[:, 1:], normal(1, KEYS, "logg", 6)[:, 1:]
    assert abs(first.mean()) < 4 / np.sqrt(first.size)
    assert first.std() == pytest.approx(1, abs=0.01)
    together = np.corrcoef(np.concatenate([first.T, second.T]))
    assert np.abs(together - np.eye(10)).max() < 0.03


@pytest.mark.parametrize("kind", ["independent", "stratified"])
def test_the_first_realisation_is_unperturbed(kind):
    assert not normal(1, KEYS, "teff", 3, kind)[:, 0].any()


def test_stratified_draws_fill_every_interval_once_in_orders_of_their_own():
    draws = normal(1, KEYS, "teff", 11, "stratified")[:, 1:]
    intervals = np.floor(ndtr(draws) * 10)
    assert np.array_equal(np.sort(intervals, axis=1), np.tile(np.arange(10.0), (len(KEYS), 1)))
    other = np.floor(ndtr(normal(1, KEYS, "logg", 11, "stratified")[:, 1:]) * 10)
    assert (intervals == other).mean() == pytest.approx(0.1, abs=0.01)
    assert np.array_equal(normal(1, KEYS[7:9], "teff", 11, "stratified")[:, 1:], draws[7:9])


def test_stratified_draws_bring_percentiles_of_few_realisations_nearer_to_those_of_many():
    def error(kind: str) -> float:
        centre = 2.0 * normal(1, KEYS, "teff", 11, kind) + normal(1, KEYS, "logg", 11, kind)
        middle = np.percentile(centre[:, 1:], [16, 50, 84], axis=1)
        return (middle - middle.mean(axis=1, keepdims=True)).std()

    assert error("stratified") < 0.6 * error("independent")


@pytest.mark.parametrize("other", [(2, "teff"), (1, "logg")])
def test_seed_and_parameter_change_every_draw(other):
    assert not (normal(1, KEYS, "teff", 3) == normal(other[0], KEYS, other[1], 3))[:, 1:].any()


def test_the_bits_are_those_of_every_machine():
    digest = hashlib.sha256(normal(7, KEYS[:1000], "rv_galah", 8).tobytes()).hexdigest()
    assert digest == "b2c43e017babd2dcc799104a70c93bcf3f767485247d815358fbbb53b7d41425"
