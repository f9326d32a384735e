"""Cuts, matching and parting of the training sample."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.model_selection import train_test_split

from spectrotranslator.config.configuration import Cut, Split
from spectrotranslator.errors import InputError
from spectrotranslator.sample.cuts import apply_cuts
from spectrotranslator.sample.match_rows import best_rows, match
from spectrotranslator.sample.split import TEST, TRAIN, VALIDATION, assign_split


def cut(expression: str) -> Cut:
    return Cut(cut=expression, source="ours")


def test_cuts_are_counted_in_turn_with_their_source():
    table = pd.DataFrame({"flag": [0, 0, 1, 0], "snr": [10.0, np.nan, 90.0, 90.0]})
    kept, lines = apply_cuts(table, [cut("flag == 0"), cut("snr > 30")])
    assert kept.index.tolist() == [3]
    assert [(line["in"], line["out"]) for line in lines] == [(4, 3), (3, 1)]
    assert lines[0] == {"what": "flag == 0", "source": "ours", "in": 4, "out": 3}


def test_missing_values_fulfil_no_cut():
    table = pd.DataFrame({"teff": [np.nan, 5000.0]})
    assert len(apply_cuts(table, [cut("teff > 0 or teff <= 0")])[0]) == 1
    assert len(apply_cuts(table, [cut("teff == teff")])[0]) == 1


def test_a_flag_that_is_masked_in_a_cell_is_cut_and_the_cell_is_not_good():
    table = pd.DataFrame({"flag": pd.array([0, 1, None, 0], "Int64"), "snr": [1.0, 2.0, 3.0, 4.0]})
    for expression in ("flag == 0", "flag != 1", "flag == 0 and snr > 0"):
        assert apply_cuts(table, [cut(expression)])[0].index.tolist() == [0, 3]


def test_bits_are_cut_by_integer_arithmetic_however_wide():
    table = pd.DataFrame({"FLAG": np.array([1 << 23, 1 << 40, (1 << 23) | 1, 0], np.int64)})
    kept, _ = apply_cuts(table, [cut("(FLAG // 8388608) % 2 == 0")])
    assert kept["FLAG"].tolist() == [1 << 40, 0]


def test_a_named_bit_keeps_the_rows_that_its_arithmetic_keeps():
    flags = np.array([1 << 23, 1 << 40, (1 << 23) | 1, 0, -1, 1 << 22], np.int64)
    table = pd.DataFrame({"FLAG": flags})
    bits = {"FLAG": {"STAR_BAD": 23, "OTHER": 0}}
    named, _ = apply_cuts(table, [Cut(cut="not FLAG.STAR_BAD", source="ours")], bits)
    counted, _ = apply_cuts(table, [cut("(FLAG // 8388608) % 2 == 0")])
    assert named["FLAG"].tolist() == counted["FLAG"].tolist() == [1 << 40, 0, 1 << 22]


@pytest.mark.parametrize("expression", ["snr >", "3 > 2", ""])
def test_what_is_no_cut_is_refused_when_it_is_read(expression):
    with pytest.raises(ValidationError, match="cut"):
        cut(expression)


@pytest.mark.parametrize("expression", ["unknown > 3", "snr + 1"])
def test_what_is_not_a_condition_on_columns_is_refused_by_name(expression):
    with pytest.raises(InputError, match="cut"):
        apply_cuts(pd.DataFrame({"snr": [1.0]}), [cut(expression)])


def test_no_cut_keeps_all_rows():
    table = pd.DataFrame({"a": [1, 2]})
    assert len(apply_cuts(table, [])[0]) == 2


@pytest.mark.parametrize("stars", [5, 32, 101, 1000, 13_660])
@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("share", [0.2, 0.25, 1 / 3])
def test_split_is_scikit_learns(stars, seed, share):
    train, validation = train_test_split(np.arange(stars), test_size=share, random_state=seed)
    parts = assign_split(stars, Split(validation=share, seed=seed))
    assert set(np.flatnonzero(parts == TRAIN)) == set(train)
    assert set(np.flatnonzero(parts == VALIDATION)) == set(validation)


def test_test_stars_are_apart_from_both():
    parts = assign_split(100, Split(validation=0.2, test=0.1, seed=1))
    assert [int((parts == name).sum()) for name in (TEST, VALIDATION, TRAIN)] == [10, 20, 70]


def rows(ids, snr, keys=None):
    keys = keys or [f"k{i}" for i in range(len(ids))]
    return pd.DataFrame({"row": range(len(ids)), "key": keys, "source_id": ids, "snr": snr})


def test_the_row_with_the_highest_signal_stands_for_a_star_then_the_first():
    table = rows([1, 1, 2, 2, 3, 3], [5.0, 9.0, 7.0, 7.0, np.nan, 1.0])
    assert best_rows(table, "source_id")["row"].tolist() == [1, 2, 5]


def test_match_is_one_to_one_on_known_ids_in_the_order_of_the_first_key():
    first = rows([7, 0, 5, 5], [1.0] * 4, ["b", "z", "a", "c"])
    second = rows([5, 0, 7, 9], [1.0] * 4)
    entries = []
    pairs = match(first, second, "source_id", entries)
    assert pairs["key_1"].tolist() == ["a", "b"]
    assert pairs["key_2"].tolist() == ["k0", "k2"]
    assert entries[0]["in"] == 4
    assert entries[-1]["out"] == 2


def test_match_does_not_hang_on_the_order_of_rows():
    chance = np.random.default_rng(3)
    first = rows(chance.integers(0, 30, 60).tolist(), chance.random(60).tolist())
    second = rows(chance.integers(0, 30, 60).tolist(), chance.random(60).tolist())
    straight = match(first, second, "source_id", [])
    mixed = match(first.sample(frac=1, random_state=1), second, "source_id", [])
    pd.testing.assert_frame_equal(straight, mixed)
