"""The network and its training are what the method says."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from spectrotranslator.config.configuration import (
    Compute,
    Configuration,
    Method,
    NetworkKind,
    NetworkSettings,
    TrainingSettings,
)
from spectrotranslator.errors import InputError
from spectrotranslator.network.adam import Adam
from spectrotranslator.network.checkpoint import Checkpoint
from spectrotranslator.network.device import choose, device_of
from spectrotranslator.network.member import Names
from spectrotranslator.network.saved_model import load_model, save
from spectrotranslator.network.scaling import Scaling
from spectrotranslator.network.train_members import train_member
from spectrotranslator.network.training_loop import Stars, loss_over, train
from spectrotranslator.network.training_sample import TRAIN, VALIDATION, Sample
from spectrotranslator.network.translator import NormalisedLinear, ResidualBlock, Translator
from unit.broken_off import Killed, killed_after

PUBLISHED = NetworkSettings()
SMALL = NetworkSettings(widths=[8, 16])


def batch(stars: int = 200, inputs: int = 6) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).standard_normal((stars, inputs))).float()


def test_the_published_shape_has_its_number_of_weights():
    network = Translator(6, 4, "first", PUBLISHED)
    assert sum(weight.numel() for weight in network.parameters()) == 1_220_100


def test_dropout_stands_only_in_wide_blocks():
    network = Translator(6, 4, "first", PUBLISHED)
    blocks = [layer for layer in network.layers if isinstance(layer, ResidualBlock)]
    found = {(len(block.inner.bias), block.dropout.p) for block in blocks}
    assert found == {(64, 0.0), (128, 0.0), (256, 0.5), (512, 0.5)}
    assert [len(block.inner.bias) for block in blocks] == [64, 128, 256, 512, 256, 128, 64]


def trained_by(kind: type[torch.optim.Adam]) -> torch.Tensor:
    torch.manual_seed(1)
    layer, stars = torch.nn.Linear(6, 4), batch()
    optimiser = kind(layer.parameters(), lr=1e-3, eps=1e-7, fused=True)
    for _ in range(20):
        optimiser.zero_grad()
        (layer(stars) - stars[:, :4]).abs().mean().backward()
        optimiser.step()
    return torch.cat([layer.weight.detach().ravel(), layer.bias.detach()])


def test_our_adam_differs_from_torchs_by_where_epsilon_joins_alone():
    assert torch.allclose(trained_by(Adam), trained_by(torch.optim.Adam), atol=1e-3)
    assert not torch.equal(trained_by(Adam), trained_by(torch.optim.Adam))


def test_adam_counts_the_steps_of_each_parameter_and_goes_on_from_a_state():
    def moved(times: list[int], broken_off: bool) -> list[torch.Tensor]:
        parameters = [torch.nn.Parameter(torch.ones(3)) for _ in times]
        optimiser = Adam(parameters, lr=0.1, fused=True)
        for number in range(max(times)):
            for one, wanted in zip(parameters, times, strict=True):
                one.grad = torch.tensor([1e-7, 1.0, number]) if number < wanted else None
            if broken_off and number == 2:
                state = optimiser.state
                optimiser = Adam(parameters, lr=0.1, fused=True)
                optimiser.state.update(state)
            optimiser.step()
        return [one.detach() for one in parameters]

    both = moved([5, 2], broken_off=False)
    assert torch.equal(both[0], moved([5], broken_off=False)[0])
    assert torch.equal(both[1], moved([2], broken_off=False)[0])
    assert torch.equal(both[0], moved([5], broken_off=True)[0])


def test_a_training_does_not_load_torchs_compiler():
    program = (
        "import sys, torch\n"
        "from spectrotranslator.network.adam import Adam\n"
        "layer = torch.nn.Linear(2, 1)\n"
        "optimiser = Adam(layer.parameters(), fused=True)\n"
        "layer(torch.ones(3, 2)).sum().backward()\n"
        "optimiser.step(), optimiser.zero_grad()\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def numpy_forward(network: Translator, x: np.ndarray) -> np.ndarray:
    """The forward pass from the weights alone."""
    y = x
    for layer in network.layers:
        if isinstance(layer, ResidualBlock):
            z = y
            for side in (layer.inner, layer.outer):
                v, g, bias = (t.detach().numpy() for t in (side.v, side.g, side.bias))
                w = v / np.sqrt((v**2).sum(axis=1, keepdims=True)) * g[:, None]
                z = np.maximum(z, 0) @ w.T + bias
            y = y + z
        else:
            y = y @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    n = y.shape[1]
    return y + (x[:, :n] if network.corrected.start == 0 else x[:, -n:])


@pytest.mark.parametrize(("inputs", "outputs", "correct"), [(6, 4, "first"), (7, 1, "last")])
def test_the_forward_pass_equals_an_independent_one(inputs, outputs, correct):
    torch.manual_seed(3)
    network = Translator(inputs, outputs, correct, PUBLISHED).double().eval()
    x = batch(50, inputs).double()
    found = network(x).detach().numpy()
    assert np.allclose(found, numpy_forward(network, x.numpy()), rtol=0, atol=1e-6)


def test_the_first_batch_gives_every_unit_of_the_kernel_mean_0_and_variance_1():
    torch.manual_seed(4)
    network = Translator(6, 4, "first", SMALL)
    seen = []
    for layer in network.modules():
        if isinstance(layer, NormalisedLinear):
            layer.register_forward_hook(lambda layer, x, y: seen.append((layer, *x, y)))
    network.train()
    network(batch())
    network.eval()
    network(batch())
    assert len(seen) == 12
    for layer, x, output in seen:
        unnormalised = layer.g * (x @ layer.v.T) + layer.bias
        variance, mean = torch.var_mean(unnormalised, dim=0, correction=0)
        assert torch.allclose(mean, torch.zeros_like(mean), atol=1e-4)
        assert torch.allclose(variance, torch.ones_like(variance), atol=1e-3)
        deviation = output.std(dim=0, correction=0)
        assert torch.allclose(deviation, 1 / layer.v.norm(dim=1), rtol=1e-3)


def test_a_zero_output_layer_starts_from_moment_matching():
    network = Translator(6, 4, "first", SMALL.model_copy(update={"zero_output": True}))
    x = batch()
    assert torch.equal(network(x), x[:, :4])


def stars(number: int) -> Stars:
    x = batch(number)
    return Stars(x, x[:, :4] + 0.3 * torch.sin(2 * x[:, 1:5]))


def trained(settings: TrainingSettings, shape: NetworkSettings = SMALL):
    torch.manual_seed(9)
    network = Translator(6, 4, "first", shape)
    return network, train(network, stars(300), stars(80), settings)


def test_training_lowers_the_loss():
    settings = TrainingSettings(batch=50, epochs=30, patience=5)
    network, history = trained(settings)
    assert loss_over(network, stars(80), settings) < 0.6 * history.epochs[0]["validation_loss"]


def test_later_phases_start_patience_epochs_before_the_end_of_the_one_before():
    settings = TrainingSettings(batch=300, epochs=20, patience=5, best_weights="never")
    _, history = trained(settings.model_copy(update={"learning_rates": [1e-5, 1e-6, 1e-7]}))
    lengths = [sum(e["phase"] == phase for e in history.epochs) for phase in range(3)]
    assert lengths == [20, 5, 5]
    assert [e["epoch"] for e in history.epochs if e["phase"] == 1] == [15, 16, 17, 18, 19]


def test_best_weights_come_back_only_if_stopping_triggered():
    settings = TrainingSettings(batch=50, epochs=400, patience=2, learning_rates=[0.05])
    network, history = trained(settings)
    (phase,) = history.phases
    assert phase == {"stopped_early": True, "best_weights_restored": True}
    best = min(e["validation_loss"] for e in history.epochs)
    assert loss_over(network, stars(80), settings) == pytest.approx(best, rel=1e-5)
    short = settings.model_copy(update={"epochs": 3, "patience": 50})
    _, history = trained(short)
    assert history.phases == [{"stopped_early": False, "best_weights_restored": False}]


def test_the_same_seed_gives_the_same_weights():
    settings = TrainingSettings(batch=50, epochs=4, patience=5)
    first, second = (trained(settings)[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def resumed(tmp_path, epoch: int, settings: TrainingSettings):
    """Weights of a training killed after ``epoch`` epochs and started again."""
    torch.manual_seed(9)
    network = Translator(6, 4, "first", DROPPING)
    checkpoint = killed_after(Checkpoint(tmp_path / ".checkpoint", "this one", 0.0), epoch)
    with pytest.raises(Killed):
        train(network, stars(300), stars(80), settings, checkpoint)
    torch.manual_seed(1234)
    again = Translator(6, 4, "first", DROPPING)
    left = Checkpoint(tmp_path / ".checkpoint", "this one", 0.0)
    return again, train(again, stars(300), stars(80), settings, left)


DROPPING = NetworkSettings(widths=[8, 16], dropout_from_width=16)


@pytest.mark.parametrize("epoch", [1, 4, 7, 9, 12])
def test_a_training_killed_at_any_epoch_ends_with_the_same_weights(tmp_path, epoch):
    settings = TrainingSettings(batch=50, epochs=8, patience=3, learning_rates=[0.01, 0.03, 1e-4])
    whole, history = trained(settings, DROPPING)
    assert len(history.epochs) > epoch
    again, found = resumed(tmp_path, epoch, settings)
    assert found == history
    one, other = whole.state_dict(), again.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_checkpoint_of_another_training_or_cut_short_is_passed_over(tmp_path):
    settings = TrainingSettings(batch=50, epochs=8, patience=3)
    resumed(tmp_path, 3, settings)
    path = tmp_path / ".checkpoint"
    assert Checkpoint(path, "this one", 0.0).read() is not None
    assert Checkpoint(path, "another one", 0.0).read() is None
    path.write_bytes(path.read_bytes()[:-50])
    assert Checkpoint(path, "this one", 0.0).read() is None


def test_checkpoints_are_written_only_so_often(tmp_path):
    checkpoint = Checkpoint(tmp_path / "kept", "x", 3600.0)
    checkpoint.offer(dict, dict)
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_every_precision_trains_and_bf16_rounds(precision):
    settings = TrainingSettings(batch=50, epochs=5, patience=5, precision=precision)
    network, history = trained(settings)
    assert history.epochs[-1]["loss"] < history.epochs[0]["loss"]
    plain, _ = trained(settings.model_copy(update={"precision": "fp32"}))
    one, other = (n.layers[0].weight for n in (network, plain))
    assert torch.equal(one, other) == (precision != "bf16")


def sample(rows: int, validation: int = 8) -> Sample:
    x = np.random.default_rng(3).normal(size=(rows, 3))
    part = np.where(np.arange(rows) < validation, VALIDATION, TRAIN)
    return Sample(x, x[:, :2] + 1, part, np.arange(rows).astype(str))


KIND = NetworkKind(inputs=["a", "b", "c"], outputs=["A", "B"], correct="first")


def test_fewer_than_32_training_stars_are_refused():
    sample(40).scalings(KIND, Method())
    with pytest.raises(InputError, match="31 stars to train on, at least 32"):
        sample(39).scalings(KIND, Method())


def test_a_training_that_diverges_says_so():
    with pytest.raises(InputError, match=r"diverged in epoch \d+ at a learning rate of 1e\+30"):
        trained(TrainingSettings(learning_rates=[1e30], epochs=50, patience=50))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_label_that_is_not_finite_is_refused(bad):
    stars = sample(100)
    stars.outputs[20, 1] = bad
    with pytest.raises(InputError, match="'B', row 12: not a finite number"):
        stars.scalings(KIND, Method())


def configured() -> Configuration:
    """A direction of three features without files."""
    features = {name: {"unit": "K"} for name in "abcAB"}
    survey = {"title": "x", "key": ["k"], "identifier": "k", "features": features}
    network = KIND.model_dump()
    small = {"network": {"widths": [4]}, "training": {"epochs": 1, "batch": 500}}
    return Configuration(
        run="x",
        surveys={"one": survey, "two": survey},
        match="key",
        directions={"d": {"from": "one", "to": "two", "networks": {"intrinsic": network}}},
        methods={"as-published": small},
    )


FIRST = Names("as-published", "d", "intrinsic", 0)


def test_a_validation_set_of_zero_is_refused():
    with pytest.raises(InputError, match="no validation star"):
        train_member(configured(), FIRST, sample(100, 0))


def test_a_batch_larger_than_the_sample_is_the_whole_sample_and_that_is_said_once(capsys):
    _, facts, history = train_member(configured(), FIRST, sample(100))
    assert capsys.readouterr().err.count("a batch of 500 holds all 92 training stars") == 1
    assert len(history.epochs) == 3
    assert facts["units"] == {"inputs": ["K"] * 3, "outputs": ["K"] * 2}
    assert len(facts["training_range"]["inputs"]) == 3
    assert facts["training"]["precision"] == "fp32"


def test_a_constant_column_is_named():
    with pytest.raises(InputError, match="'logg' is constant"):
        Scaling.of(np.array([[1.0, 2.0], [3.0, 2.0]]), ["teff", "logg"])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_training_value_that_is_not_finite_is_named(bad):
    with pytest.raises(InputError, match="'teff', row 1"):
        Scaling.of(np.array([[1.0], [bad]]), ["teff"])


@pytest.fixture
def weights(tmp_path):
    facts = {
        "inputs": list("abcdef"),
        "outputs": list("abcd"),
        "correct": "first",
        "network": SMALL.model_dump(mode="json"),
        "input_scaling": {"mean": [0.0] * 6, "std": [1.0] * 6},
        "output_scaling": {"mean": [0.0] * 4, "std": [1.0] * 4},
    }
    network = Translator(6, 4, "first", SMALL)
    save(network, facts, tmp_path / "weights.safetensors", tmp_path / "training.json")
    return tmp_path / "weights.safetensors", network


def test_a_network_comes_back_from_disk(weights):
    path, network = weights
    assert torch.equal(
        load_model(path, check_digest=True).network(batch()), network.eval()(batch())
    )


def test_saving_twice_gives_the_same_bytes(weights, tmp_path):
    path, network = weights
    facts = {"inputs": [], "outputs": []}
    save(network, facts, tmp_path / "b" / "w.safetensors", tmp_path / "b" / "training.json")
    assert (tmp_path / "b" / "w.safetensors").read_bytes() == path.read_bytes()


def test_weights_cut_short_are_refused(weights):
    path, _ = weights
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"its tensors take|not the weights"):
        load_model(path)


def test_tampered_weights_are_refused(weights):
    path, _ = weights
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match="changed since"):
        load_model(path, check_digest=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_auto_falls_back_to_the_cpu_and_says_so_in_one_line(capsys):
    assert choose("auto") == "cpu"
    (line,) = capsys.readouterr().err.splitlines()
    assert "the CPU is used" in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_asked_for_by_name_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="cuda cannot train here"):
        choose("cuda")


@pytest.fixture
def old_node(monkeypatch):
    """A processor of another instruction set than any of ours."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")


def test_a_node_of_another_instruction_set_than_asked_for_is_refused(old_node):
    assert device_of(Compute()) == device_of(Compute(instruction_set="DEFAULT")) == "cpu"
    with pytest.raises(InputError, match=r"instruction_set: AVX2 is asked for and .* has DEFAULT"):
        device_of(Compute(instruction_set="AVX2"))


def test_weights_of_another_instruction_set_are_used_and_said_so(weights, old_node, capsys):
    path, _ = weights
    description = path.with_name("training.json")
    load_model(path)
    assert capsys.readouterr().err == ""
    description.write_text(
        json.dumps(json.loads(description.read_text()) | {"instruction_set": "AVX2"})
    )
    load_model(path)
    assert "trained with AVX2, used with DEFAULT" in capsys.readouterr().err


def test_a_gpu_that_slurm_gave_to_another_job_is_left_alone(monkeypatch, capsys):
    monkeypatch.setattr("spectrotranslator.network.device._fault", lambda device: None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert choose("auto") == "cpu"
    assert "no GPU" in capsys.readouterr().err
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert choose("auto") == "cuda"
