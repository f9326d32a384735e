"""Members trained together are the members trained alone."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import torch

from spectrotranslator.config.configuration import (
    Configuration,
    NetworkKind,
    NetworkSettings,
    TrainingSettings,
)
from spectrotranslator.network import train_members
from spectrotranslator.network.checkpoint import Checkpoint
from spectrotranslator.network.fit_ensemble import fit_ensemble
from spectrotranslator.network.stacked_training import Stack, train_stacked
from spectrotranslator.network.training_loop import Stars, train
from spectrotranslator.network.training_sample import TRAIN, VALIDATION, Sample
from spectrotranslator.network.translator import Translator
from unit.broken_off import Killed, killed_after

PLAIN = NetworkSettings(widths=[8, 16])
ROBUST = PLAIN.model_copy(update={"zero_output": True, "mark_missing": True})
DROPPING = NetworkSettings(widths=[8, 16], dropout_from_width=16)
TRAINING = TrainingSettings(batch=50, epochs=12, patience=2, learning_rates=[0.01, 1e-3])
SIZES = (300, 249, 251)


def stars(number: int, seed: int) -> Stars:
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal((number, 6)))
    return Stars(x, x[:, :4] + 0.3 * torch.sin(2 * x[:, 1:5]))


def networks(shape: NetworkSettings, unit=None) -> tuple[list[Translator], list[torch.Generator]]:
    """Three of double precision (their losses are single), and what goes on from their seeds."""
    made, generators = [], []
    for number in range(len(SIZES)):
        torch.manual_seed(number)
        made.append(Translator(6, 4, "first", shape, unit).double())
        generators.append(torch.Generator().set_state(torch.get_rng_state()))
    return made, generators


def samples() -> tuple[list[Stars], list[Stars]]:
    training = [stars(size, seed) for seed, size in enumerate(SIZES)]
    return training, [stars(60 + 10 * seed, 50 + seed) for seed in range(len(SIZES))]


@pytest.mark.parametrize("shape", [PLAIN, ROBUST])
@pytest.mark.parametrize("unit", [None, torch.tensor([0.1, 0.2, 0.3, 2.0], dtype=torch.float64)])
def test_one_product_for_all_is_each_network_s_own(shape, unit):
    made, _ = networks(shape, unit)
    x = torch.stack([stars(40, seed).inputs for seed in range(3)])
    x[:, 5, 2] = 0.0
    for network, own in zip(made, x, strict=True):
        torch.nn.init.normal_(getattr(network.layers[-1], "plain", network.layers[-1]).weight)
        network.train()(own)
    with torch.no_grad():
        alone = torch.stack([n.eval()(own) for n, own in zip(made, x, strict=True)])
        together = Stack(made)(x)
        assert torch.allclose(together, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("loss", ["absolute", "cauchy"])
def test_members_trained_together_are_those_trained_alone(loss):
    settings = TRAINING.model_copy(update={"loss": loss})
    training, validation = samples()
    made, generators = networks(PLAIN)
    histories = train_stacked(made, training, validation, settings, generators)
    assert len({len(history.epochs) for history in histories}) > 1
    for number, (network, history) in enumerate(zip(made, histories, strict=True)):
        torch.manual_seed(number)
        alone = Translator(6, 4, "first", PLAIN).double()
        found = train(alone, training[number], validation[number], settings)
        assert found.phases == history.phases
        for one, other in zip(found.epochs, history.epochs, strict=True):
            assert one == pytest.approx(other, abs=1e-6)
        for one, other in zip(alone.parameters(), network.parameters(), strict=True):
            assert torch.allclose(one, other, rtol=0, atol=1e-5)


@pytest.mark.parametrize("epoch", [1, 6, 11])
def test_a_training_together_goes_on_to_the_same_weights(tmp_path, epoch):
    settings = TRAINING.model_copy(update={"input_dropout": 0.1})
    training, validation = samples()
    whole, generators = networks(DROPPING)
    histories = train_stacked(whole, training, validation, settings, generators)
    assert max(len(history.epochs) for history in histories) > epoch
    checkpoint = killed_after(Checkpoint(tmp_path / "kept", "this one", 0.0), epoch)
    broken, generators = networks(DROPPING)
    with pytest.raises(Killed):
        train_stacked(broken, training, validation, settings, generators, checkpoint)
    torch.manual_seed(1234)
    again, generators = networks(DROPPING)
    left = Checkpoint(tmp_path / "kept", "this one", 0.0)
    found = train_stacked(again, training, validation, settings, generators, left)
    assert found == histories
    for one, other in zip(whole, again, strict=True):
        assert all(map(torch.equal, one.state_dict().values(), other.state_dict().values()))


def configured(device: str = "cpu") -> Configuration:
    """A direction of three features without files, five members of parts of their own."""
    features = {name: {"unit": "K"} for name in "abcAB"}
    survey = {"title": "x", "key": ["k"], "identifier": "k", "features": features}
    kind = NetworkKind(inputs=["a", "b", "c"], outputs=["A", "B"], correct="first").model_dump()
    method = {
        "network": {"widths": [4, 8]},
        "training": {"epochs": 3, "batch": 40, "folds": 5},
        "ensemble": {"members": 5},
    }
    return Configuration(
        run="x",
        surveys={"one": survey, "two": survey},
        match="key",
        directions={"d": {"from": "one", "to": "two", "networks": {"intrinsic": kind}}},
        methods={"m": method},
        comparison={"method": "m"},
        compute={"device": device},
    )


def sample() -> Sample:
    x = np.random.default_rng(3).normal(size=(203, 3))
    part = np.where(np.arange(203) < 40, VALIDATION, TRAIN)
    return Sample(x, x[:, :2] + 0.1 * np.sin(x[:, 1:]), part, np.arange(203).astype(str))


def test_members_are_the_same_bits_from_one_process_or_two():
    names = (configured(), "m", "d", "intrinsic", sample())
    one = fit_ensemble(*names)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        two = fit_ensemble(*names, workers.map)
    for first, second in zip(one, two, strict=True):
        assert first.facts == second.facts
        weights = (model.network.state_dict().values() for model in (first, second))
        assert all(map(torch.equal, *weights))


def test_on_a_gpu_all_members_are_trained_at_once_and_described_as_alone(monkeypatch):
    monkeypatch.setattr(train_members, "device_of", lambda compute: "cpu")
    alone = fit_ensemble(configured(), "m", "d", "intrinsic", sample())
    found = fit_ensemble(configured("cuda"), "m", "d", "intrinsic", sample())
    assert len(found) == 5
    for one, other in zip(alone, found, strict=True):
        assert one.facts.keys() == other.facts.keys()
        assert one.facts["training_stars"] == other.facts["training_stars"]
        assert one.facts["validation_loss"] == pytest.approx(other.facts["validation_loss"], 1e-3)
        for a, b in zip(one.network.parameters(), other.network.parameters(), strict=True):
            assert torch.allclose(a, b, atol=1e-3)
