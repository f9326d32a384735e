"""Methods are judged on stars they never saw, with intervals that mean what they say."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.linear_model import LinearRegression

from spectrotranslator.config.configuration import NetworkKind
from spectrotranslator.evaluation.noise_corrected_coverage import noise_corrected_coverage
from spectrotranslator.evaluation.residual_statistics import (
    coverage,
    errors_of,
    pulls,
    ratio,
    weights_of_draws,
)
from spectrotranslator.network.baselines import BASELINES, predict
from spectrotranslator.sample.split import held_out_fold_mask

KIND = NetworkKind(inputs=["a", "b", "c"], outputs=["A", "B"], correct="first")
LAST = NetworkKind(inputs=["a", "b", "c"], outputs=["C"], correct="last")


def noise(stars: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=stars)


def curved(stars: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and outputs that differ by a smooth curve."""
    x = np.random.default_rng(seed).normal(size=(stars, 3))
    return x, x[:, :2] + 0.5 + 0.3 * np.stack([x[:, 1] ** 3 / 3, np.sin(2 * x[:, 0])], axis=1)


@pytest.mark.parametrize("kind", [KIND, LAST])
def test_the_plain_baselines_are_what_they_are_called(kind):
    x, y = curved(300, 1)
    y = y if kind is KIND else y[:, :1]
    own = x[:, :2] if kind is KIND else x[:, 2:]
    assert np.array_equal(predict("none", kind, x, y, x), own)
    offset = predict("constant offset", kind, x, y, x)
    assert np.allclose(offset - own, (y - own).mean(axis=0))
    matched = predict("moment matching", kind, x, y, x)
    assert np.allclose(matched.mean(axis=0), y.mean(axis=0))
    assert np.allclose(matched.std(axis=0), y.std(axis=0))


def test_the_linear_baseline_is_least_squares():
    x, y = curved(3000, 2)
    expected = LinearRegression().fit(x, y).predict(x)
    assert np.allclose(predict("linear", KIND, x, y, x), expected, atol=0.01)


def test_every_baseline_but_the_plain_ones_learns_a_curve():
    x, y = curved(4000, 3)
    stars, truth = curved(1000, 4)
    error = {n: (predict(n, KIND, x, y, stars) - truth).std() for n in BASELINES}
    assert error["cubic"] < 0.6 * error["linear"] < error["none"]
    assert error["boosted trees"] < 0.6 * error["linear"]
    assert error["nearest neighbours"] < error["linear"]


def test_bootstrap_intervals_hold_the_true_figures_as_often_as_they_say():
    held = {"mean": 0, "std": 0, "robust": 0}
    for trial in range(60):
        error = 3 + 2 * noise(300, trial)
        found = errors_of(error, weights_of_draws(np.arange(300).astype(str), 200))
        for name, truth in (("mean", 3), ("std", 2), ("robust", 2)):
            low, high = found[name]["interval"]
            held[name] += low <= truth <= high
    assert all(50 <= count <= 60 for count in held.values()), held


def test_all_rows_of_a_star_are_drawn_together():
    weights = weights_of_draws(np.array(["x", "y", "x", "z"]), 50)
    assert np.array_equal(weights[:, 0], weights[:, 2])
    assert len(np.unique(weights[:, 1])) > 1


def test_a_paired_difference_is_seen_where_the_intervals_of_both_overlap():
    common = noise(2000)
    weights = weights_of_draws(np.arange(2000).astype(str))
    wider = common + 0.25 * noise(2000, 2)
    alone = [errors_of(e, weights)["std"]["interval"] for e in (common, wider)]
    assert alone[0][1] > alone[1][0]
    assert ratio(common, wider, weights)["verdict"] == "better"
    assert ratio(wider, common, weights)["verdict"] == "worse"
    assert ratio(common, common[::-1], weights)["verdict"] == "equal"


def gaussian_intervals(stars: int, scale: float = 1.0):
    """Percentiles of width ``scale`` about predictions off by 1, labels with error 0.8."""
    table = {p: scale * norm.ppf(p / 100) + np.zeros(stars) for p in (5, 16, 50, 84, 95)}
    return table, noise(stars) + 0.8 * noise(stars, 2), np.full(stars, 0.8)


@pytest.mark.parametrize("scale", [0.2, 0.6, 1.0, 3.0])
def test_the_implied_coverage_is_that_of_the_truth(scale):
    table, label, error = gaussian_intervals(6000, scale)
    found = noise_corrected_coverage(table, label, error, weights_of_draws(np.arange(6000), 50))
    for name, high in (("16-84", 84), ("5-95", 95)):
        true = 2 * norm.cdf(scale * norm.ppf(high / 100)) - 1
        assert found[name]["value"] == pytest.approx(true, abs=0.03)
        low, high = found[name]["interval"]
        assert low - 0.01 < true < high + 0.01
    assert coverage(table, label)["16-84"]["label"] < true


def test_gross_failures_hardly_move_it():
    table, label, error = gaussian_intervals(6000)
    label = np.where(np.arange(6000) % 100 == 0, 50.0, label)
    found = noise_corrected_coverage(table, label, error, np.ones((2, 6000)))
    assert found["16-84"]["value"] == pytest.approx(0.68, abs=0.05)


def test_where_labels_are_far_noisier_it_is_said_not_to_be_known():
    table, label, error = gaussian_intervals(500, 0.3)
    label, error = label + 8 * noise(500, 5), np.hypot(error, 8)
    low, high = noise_corrected_coverage(table, label, error, weights_of_draws(np.arange(500), 50))[
        "16-84"
    ]["interval"]
    assert high - low > 0.3
    assert (
        noise_corrected_coverage(table, label, np.full(500, np.nan), np.ones((3, 500)))["16-84"]
        is None
    )


def test_intervals_too_narrow_show_in_the_pulls():
    table, label, error = gaussian_intervals(50000, 0.5)
    assert pulls(table, label, error)["std"] > 1.2
    assert pulls(*gaussian_intervals(50000))["std"] == pytest.approx(1, abs=0.02)


def test_no_star_is_judged_by_what_it_trained():
    sample = pd.DataFrame({"from:key": [f"k{i}" for i in range(200)]})
    sample["from:source_id"] = np.repeat(np.arange(1, 101), 2)
    parts = [held_out_fold_mask(sample, sample, 5, number) for number in range(5)]
    assert np.array_equal(np.sum(parts, axis=0), np.ones(200))
    for judged in parts:
        inside = set(sample["from:source_id"][judged])
        assert not inside & set(sample["from:source_id"][~judged])


def test_all_networks_of_a_direction_judge_the_same_stars():
    first = pd.DataFrame({"from:key": [f"k{i}" for i in range(300)]})
    fewer = first.drop(index=range(0, 300, 7)).reset_index(drop=True)
    for number in range(5):
        judged = set(first["from:key"][held_out_fold_mask(first, first, 5, number)])
        mine = set(fewer["from:key"][held_out_fold_mask(fewer, first, 5, number)])
        assert mine == judged & set(fewer["from:key"])
        assert mine
