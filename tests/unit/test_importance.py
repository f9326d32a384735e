"""Importance is the exact Shapley value, in percent, with errors over stars."""

from types import SimpleNamespace

import numpy as np
import pytest
import shap
import torch

from spectrotranslator.config.configuration import NetworkSettings
from spectrotranslator.network.shapley_values import absolute, shapley, summary
from spectrotranslator.network.translator import Translator


def standard(stars: int, inputs: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((stars, inputs))).float()


@pytest.mark.parametrize(("inputs", "outputs", "correct"), [(4, 2, "first"), (5, 1, "last")])
def test_it_agrees_with_the_exact_explainer_of_shap(inputs, outputs, correct):
    torch.manual_seed(2)
    settings = NetworkSettings(widths=[8, 16])
    network = Translator(inputs, outputs, correct, settings)
    network.train()
    network(standard(100, inputs, 1))
    network.eval()
    stars, background = standard(6, inputs, 2), standard(20, inputs, 3)

    def plain(values: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(values).float()).numpy()

    masker = shap.maskers.Independent(background.numpy(), max_samples=len(background))
    explained = shap.explainers.Exact(plain, masker)(stars.numpy()).values
    expected = explained.reshape(len(stars), inputs, outputs)
    assert np.allclose(shapley(network, stars, background), expected, atol=1e-4)


def test_one_pass_gives_the_values_of_the_output_and_of_the_correction():
    torch.manual_seed(3)
    network = Translator(4, 2, "first", NetworkSettings(widths=[8, 16])).eval()
    network.mark_started()
    stars, background = standard(5, 4, 8), standard(30, 4, 9)
    found = absolute(SimpleNamespace(network=network), stars, background)
    for name, function in (("output", network), ("correction", network.correction)):
        assert np.allclose(found[name], np.abs(shapley(function, stars, background)), atol=1e-6)
    assert not np.allclose(found["output"], found["correction"])


def test_the_values_of_a_linear_function_are_its_terms():
    stars, background = standard(10, 3, 4), standard(50, 3, 5)
    weights = torch.tensor([[1.0], [-2.0], [0.0]])
    found = shapley(lambda x: x @ weights, stars, background)
    expected = (stars - background.mean(dim=0)) * weights.T
    assert np.allclose(found[:, :, 0], expected, atol=1e-5)


def test_percents_add_up_and_errors_shrink_with_the_number_of_stars():
    chance = np.random.default_rng(6)
    many = chance.gamma(2, 1, (3, 1600, 4, 2)) * np.array([4, 2, 1, 0])[:, None]
    few, all_of_them = summary(many[:, :100]), summary(many)
    assert np.allclose(np.sum(all_of_them["percent"], axis=0), 100)
    assert np.allclose(np.array(all_of_them["percent"])[3], 0)
    ratio = np.mean(few["percent_error_over_stars"]) / np.mean(
        all_of_them["percent_error_over_stars"]
    )
    assert 3 < ratio < 5.5


def test_the_error_over_stars_is_that_of_other_stars():
    chance = np.random.default_rng(7)
    makes = lambda: chance.gamma(2, 1, (1, 100, 3, 1)) * np.array([3, 2, 1])[:, None]  # noqa: E731
    found = [summary(makes(), 100) for _ in range(40)]
    scatter = np.std([one["percent"] for one in found], axis=0)
    told = np.mean([one["percent_error_over_stars"] for one in found], axis=0)
    assert np.allclose(scatter, told, rtol=0.4)
