"""What a GPU gives beside a CPU: the same network as another seed does, and its own bits again."""

import numpy as np
import pytest
import torch

from spectrotranslator.network.checkpoint import Checkpoint
from spectrotranslator.network.fit_ensemble import fit_ensemble
from spectrotranslator.network.saved_model import Model
from spectrotranslator.network.stacked_training import train_stacked
from spectrotranslator.network.training_loop import Stars, train
from spectrotranslator.network.translator import Translator
from spectrotranslator.translation.ensemble_inference import Ensemble
from unit.broken_off import Killed, killed_after
from unit.test_stacked import DROPPING, PLAIN, TRAINING, configured, networks, sample, samples

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
HIDING = TRAINING.model_copy(update={"input_dropout": 0.1})


def together(checkpoint: Checkpoint | None = None) -> list[Translator]:
    """Three members with dropout and hidden inputs, trained at once on the GPU."""
    made, generators = networks(DROPPING)
    made = [network.float().cuda() for network in made]
    stars = [[single(one).to("cuda") for one in part] for part in samples()]
    train_stacked(made, *stars, HIDING, generators, checkpoint)
    return made


def single(stars: Stars) -> Stars:
    return Stars(stars.inputs.float(), stars.outputs.float())


def assert_same_bits(one: list[Translator], other: list[Translator]) -> None:
    for first, second in zip(one, other, strict=True):
        weights = (network.state_dict().values() for network in (first, second))
        assert all(map(torch.equal, *weights))


def test_the_same_seeds_give_the_same_bits():
    assert_same_bits(together(), together())


@pytest.mark.parametrize("epoch", [1, 6])
def test_a_training_goes_on_to_the_same_bits(tmp_path, epoch):
    whole = together()
    with pytest.raises(Killed):
        together(killed_after(Checkpoint(tmp_path / "kept", "this one", 0.0), epoch))
    again = together(Checkpoint(tmp_path / "kept", "this one", 0.0))
    assert_same_bits(whole, again)


def alone(device: str, seed: int) -> np.ndarray:
    """What a network trained by itself predicts for stars it has not seen."""
    training, validation = (single(part[0]).to(device) for part in samples())
    torch.manual_seed(seed)
    network = Translator(6, 4, "first", PLAIN).to(device)
    train(network, training, validation, TRAINING)
    with torch.no_grad():
        return network(single(samples()[1][2]).to(device).inputs).cpu().numpy()


def test_cpu_and_gpu_agree_as_two_seeds_do():
    one, other = alone("cpu", 1), alone("cpu", 2)
    assert np.abs(alone("cuda", 1) - one).mean() < np.abs(other - one).mean()


def predictions(models: list[Model], device: str) -> np.ndarray:
    return Ensemble(models, device).predict(sample().inputs)


def test_an_ensemble_trained_on_the_gpu_is_the_cpu_s_on_either_device():
    trained = [
        fit_ensemble(configured(d), "m", "d", "intrinsic", sample()) for d in ("cpu", "cuda")
    ]
    assert [model.facts["device"] for model in trained[1]] == ["cuda"] * 5
    expected = predictions(trained[0], "cpu")
    scatter = expected.std(axis=0).mean()
    assert np.abs(predictions(trained[1], "cpu") - expected).mean() < scatter
    by_gpu = predictions(trained[1], "cuda")
    assert by_gpu == pytest.approx(predictions(trained[1], "cpu"), abs=1e-4 * scatter)
