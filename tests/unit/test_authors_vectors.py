"""Engine, plain reference and simulated published side answer as the authors' own code does.

The vectors are figures that the authors' module printed: see their README.
"""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from minisky import published_catalogue, published_network
from minisky.settings import PublishedSettings
from reference import application
from spectrotranslator.config.configuration import (
    EnsembleSettings,
    MonteCarloSettings,
    NetworkSettings,
    TrainingSettings,
)
from spectrotranslator.network.saved_model import Model
from spectrotranslator.network.scaling import Scaling
from spectrotranslator.network.stacked_training import train_stacked
from spectrotranslator.network.training_loop import Stars, loss_over, train
from spectrotranslator.network.training_schedule import Training, TrainingSchedule
from spectrotranslator.network.translator import NormalisedLinear, Translator
from spectrotranslator.translation.ensemble_inference import Ensemble
from spectrotranslator.translation.montecarlo import NetworkPart, translate_block
from spectrotranslator.translation.quality_flags import PairMaps, bit_mask, comments, reasons

VECTORS = Path(__file__).parents[1] / "reference" / "authors_vectors"
INPUTS = ["teff_GALAH", "logg_GALAH", "fe_h_GALAH", "Mg_fe_GALAH", "BP-G", "G-RP", "rv_galah"]
OUTPUTS = ["TEFF_APOGEE", "LOGG_APOGEE", "M_H_APOGEE", "MG_FE_APOGEE"]
PRECISIONS = ["float64", "float32"]
KINDS = ["intrinsic", "extrinsic"]
EPOCHS = [(1e-3, 25), (1e-4, 10), (1e-5, 5)]
SHAPE = NetworkSettings(widths=[8, 16, 32], dropout=0.0)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def stars_to_flag(precision: str):
    """Training inputs and outputs, inputs and outputs to be flagged, and the expected columns."""
    train_table, stars = (
        pd.read_csv(VECTORS / f"flags_{precision}_{part}.csv.gz") for part in ("training", "stars")
    )
    expected = pd.read_csv(VECTORS / f"flags_{precision}_expected.csv.gz", keep_default_na=False)
    medians = [f"{name}_50" for name in OUTPUTS]
    sides = train_table[INPUTS], train_table[OUTPUTS], stars[INPUTS], stars[medians]
    return *(side.to_numpy(precision) for side in sides), expected


def failing_by_engine(precision, *sides):
    inputs, outputs, values, medians = (side.astype(np.float64) for side in sides)
    return [
        PairMaps.of(known, 30, precision).outside(asked)
        for known, asked in (
            (inputs[:, :6], values[:, :6]),
            (outputs, medians),
            (inputs, values),
        )
    ]


def comments_of_engine(failing):
    masks = [bit_mask(one) for one in failing]
    texts = (
        reasons("Input", INPUTS[:6], masks[0]),
        reasons("Output", OUTPUTS, masks[1]),
        reasons("Input", INPUTS, masks[2]),
    )
    intrinsic = ["".join(pair) for pair in zip(*texts[:2], strict=True)]
    return comments([intrinsic]), comments([intrinsic, texts[2]])


def failing_by_simulated_side(precision, *sides):
    inputs, outputs, values, medians = sides
    return [
        published_catalogue.failing_pairs(inputs[:, :6], values[:, :6]),
        published_catalogue.failing_pairs(outputs, medians),
        published_catalogue.failing_pairs(inputs, values),
    ]


def comments_of_simulated_side(failing):
    names = published_catalogue.Direction("g2a", tuple(INPUTS), tuple(OUTPUTS))
    return None, published_catalogue.write_comments(names, *failing)


def failing_by_plain_reference(precision, *sides):
    inputs, outputs, values, medians = (side.astype(np.float64).tolist() for side in sides)
    cut = [row[:6] for row in inputs], [row[:6] for row in values]
    found = []
    for known, asked in (cut, (outputs, medians), (inputs, values)):
        maps = application.prepare(known)
        pairs = list(combinations(range(len(known[0])), 2))
        fails = [set(application.failing_in(maps, row)) for row in asked]
        found.append(np.array([[pair in one for pair in pairs] for one in fails]))
    return found


def comments_of_plain_reference(failing):
    pairs = [list(combinations(range(n), 2)) for n in (6, 4, 7)]
    rows = [
        [
            [own[place] for place in np.flatnonzero(line)]
            for own, line in zip(pairs, lines, strict=True)
        ]
        for lines in zip(*failing, strict=True)
    ]
    return None, [application.comment(INPUTS, OUTPUTS, *row) for row in rows]


SIDES = {
    "engine": (failing_by_engine, comments_of_engine),
    "simulated side": (failing_by_simulated_side, comments_of_simulated_side),
    "plain reference": (failing_by_plain_reference, comments_of_plain_reference),
}


@pytest.fixture(scope="module", params=[(side, one) for side in SIDES for one in PRECISIONS])
def flagged(request):
    side, precision = request.param
    *table, expected = stars_to_flag(precision)
    failing, texts = SIDES[side]
    found = failing(precision, *table)
    return found, texts(found), expected


def test_flags_of_all_stars_are_the_authors(flagged):
    found, _, expected = flagged
    columns = (
        "intrinsic:Qflag_Input",
        "intrinsic:Qflag_Output",
        "after_extrinsic:Qflag_Input",
    )
    for failing, column in zip(found, columns, strict=True):
        assert np.flatnonzero(~failing.any(axis=1) != expected[column]).tolist() == [], column


def test_comments_of_all_stars_are_the_authors(flagged):
    _, (intrinsic, whole), expected = flagged
    assert whole == expected["after_extrinsic:Qflag_comments"].tolist()
    if intrinsic is not None:
        assert intrinsic == expected["intrinsic:Qflag_comments"].tolist()


def test_the_precision_of_the_columns_makes_a_difference():
    *table, expected = stars_to_flag("float64")
    failing = failing_by_engine("float32", *table)
    assert (~failing[0].any(axis=1) != expected["intrinsic:Qflag_Input"]).any()


@pytest.fixture(scope="module")
def figures():
    with np.load(VECTORS / "network_small.npz") as archive:
        return dict(archive)


def weights(figures, kind: str, moment: str) -> list[list[np.ndarray]]:
    """Of every layer in order: kernel and bias, or direction, length and bias; a unit a row."""
    layers: dict[str, dict[str, np.ndarray]] = {}
    prefix = f"{kind}/{moment}/"
    for name in sorted(name for name in figures if name.startswith(prefix)):
        layer, rest = name.removeprefix(prefix).split("/", 1)[1].rsplit("/", 1)
        if "data_dep_init" not in layer:
            layers.setdefault(layer, {})[rest.removesuffix(":0")] = figures[name]
    wanted = ("kernel", "g", "bias")
    return [
        [torch.tensor(one[name].T).contiguous() for name in wanted if name in one]
        for one in layers.values()
    ]


def engine_layers(network: Translator) -> list[list[torch.Tensor]]:
    found = []
    for layer in network.modules():
        if isinstance(layer, NormalisedLinear):
            found.append([layer.v, layer.g, layer.bias])
        elif isinstance(layer, torch.nn.Linear):
            found.append([layer.weight, layer.bias])
    return found


def simulated_layers(network: published_network.Translator) -> list[list[torch.Tensor]]:
    found = []
    for layer in network.modules():
        if isinstance(layer, published_network.NormedLinear):
            found.append([layer.v, layer.g, layer.b])
        elif isinstance(layer, torch.nn.Linear):
            found.append([layer.weight, layer.bias])
    return found


def fill(layers, values) -> None:
    with torch.no_grad():
        for layer, given in zip(layers, values, strict=True):
            for one, value in zip(layer, given, strict=True):
                one.copy_(value)


def furthest(layers, values) -> float:
    return max(
        float((one.detach() - value).abs().max())
        for layer, given in zip(layers, values, strict=True)
        for one, value in zip(layer, given, strict=True)
    )


def created_by_engine(figures, kind):
    outputs, correct = (4, "first") if kind == "intrinsic" else (1, "last")
    network = Translator(6, outputs, correct, SHAPE)
    layers = engine_layers(network)
    lengths = [layer[1].detach().clone() for layer in layers if len(layer) == 3]
    fill(layers, weights(figures, kind, "before"))
    return network, layers, lengths


def created_by_simulated_side(figures, kind):
    network = published_network.Translator(6, 4 if kind == "intrinsic" else 1, (8, 16, 32), 256)
    layers = simulated_layers(network)
    lengths = [layer[1].detach().clone() for layer in layers if len(layer) == 3]
    fill(layers, weights(figures, kind, "before"))
    return network, layers, lengths


CREATED = {"engine": created_by_engine, "simulated side": created_by_simulated_side}


@pytest.fixture(params=[(side, kind) for side in CREATED for kind in KINDS])
def created(request, figures):
    side, kind = request.param
    return side, kind, *CREATED[side](figures, kind)


def stars_of(figures, kind: str, part: str = "") -> Stars:
    """Standardised stars; the extrinsic output, which is not stored, is x5 + 0.05 x0.

    The figures say so: with it, all 80 losses and all weights after training are met.
    """
    inputs, outputs = figures[f"{part}inputs"], figures[f"{part}outputs"]
    if kind == "extrinsic":
        outputs = (inputs[:, 5:] + 0.05 * inputs[:, :1]).astype(np.float32)
    return Stars(torch.tensor(inputs), torch.tensor(outputs))


def test_weights_that_the_first_call_leaves_are_the_authors(created, figures):
    _, kind, network, layers, lengths = created
    assert all((one == 1).all() for one in lengths)
    network.train()
    inputs = stars_of(figures, kind).inputs
    predicted = network(inputs).detach().numpy()
    assert furthest(layers, weights(figures, kind, "after_first_call")) < 1e-5
    expected = figures[f"{kind}/prediction_after_first_call"]
    limit = 1e-5 * np.abs(expected).max()
    assert np.abs(predicted - expected).max() < limit
    assert np.abs(network.eval()(inputs).detach().numpy() - expected).max() < limit


def started(created, figures):
    _, kind, network, layers, _ = created
    fill(layers, weights(figures, kind, "after_first_call"))
    for layer in network.modules():
        if hasattr(layer, "started"):
            layer.started = True
    return kind, network, layers


def is_close(found, expected) -> bool:
    return bool(np.all(np.abs(found - expected) <= 1e-4 * np.abs(expected)))


def losses_of_engine(network, stars, validation):
    """40 steps with the engine's optimiser at the authors' rates, one batch a step."""
    run = Training([network], [list(network.parameters())], TrainingSettings())
    found = []
    for rate, epochs in EPOCHS:
        run.optimiser.param_groups[0]["lr"] = rate
        for _ in range(epochs):
            network.train()
            run.optimiser.zero_grad()
            loss = (network(stars.inputs) - stars.outputs).abs().mean()
            loss.backward()
            run.optimiser.step()
            found.append((loss.item(), loss_over(network, validation, TrainingSettings())))
    return found


def losses_of_simulated_side(network, stars, validation):
    optimiser = published_network.KerasAdam(list(network.parameters()))
    found = []
    for rate, epochs in EPOCHS:
        for _ in range(epochs):
            with torch.no_grad():
                before = (network(stars.inputs) - stars.outputs).abs().mean().item()
            pair = stars.inputs, stars.outputs
            published_network._one_epoch(network, optimiser, rate, pair, len(stars))
            with torch.no_grad():
                after = (network(validation.inputs) - validation.outputs).abs().mean().item()
            found.append((before, after))
    return found


LOSSES = {"engine": losses_of_engine, "simulated side": losses_of_simulated_side}


def test_losses_of_forty_steps_of_adam_are_the_authors(created, figures):
    kind, network, layers = started(created, figures)
    stars, validation = stars_of(figures, kind), stars_of(figures, kind, "validation_")
    found = LOSSES[created[0]](network, stars, validation)
    assert is_close(np.array(found), figures[f"{kind}/losses"])
    assert furthest(layers, weights(figures, kind, "after_training")) < 1e-5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("together", [False, True])
def test_a_whole_phase_of_the_engines_training_is_the_authors(kind, together, figures):
    network, _, _ = created_by_engine(figures, kind)
    stars, validation = stars_of(figures, kind), stars_of(figures, kind, "validation_")
    settings = TrainingSettings(learning_rates=[1e-3], epochs=25, patience=25, batch=512)
    if together:
        other, _, _ = created_by_engine(figures, kind)
        chances = [torch.Generator().manual_seed(number) for number in (1, 2)]
        both = [network, other], [stars] * 2, [validation] * 2
        history, _ = train_stacked(*both, settings, chances)
    else:
        history = train(network, stars, validation, settings)
    found = [(line["loss"], line["validation_loss"]) for line in history.epochs]
    assert is_close(np.array(found), figures[f"{kind}/losses"][:25])


PHASES = json.loads((VECTORS / "phases.json").read_text())


def settings_of(case: dict) -> dict:
    return {name: case[name] for name in ("epochs", "patience", "learning_rates")}


def replayed_by_engine(case: dict):
    """First epoch, epochs run and the loss of the weights left, of each phase."""
    weight = torch.zeros(1)
    course = TrainingSchedule([weight], TrainingSettings(**settings_of(case)))
    found = []
    for phase in case["phases"]:
        number, first, run = course.phase, course.epoch, []
        for loss, score in zip(phase["loss"], phase["val_loss"], strict=True):
            if course.phase != number:
                break
            run.append(course.epoch)
            weight.fill_(score)
            course.after_epoch(loss, score)
        assert course.phase == number + 1
        found.append((first, run, weight.item()))
    assert course.done
    return found


def replayed_by_simulated_side(case: dict, monkeypatch):
    found = []

    class Replayed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x):
            return self.weight.expand(1, 1)

    def one_epoch(network, optimiser, rate, train, batch):
        if not run or run[-1][0] != rate:
            found.append(network.weight.item())
        run.append((rate, network))
        scores = case["phases"][case["learning_rates"].index(rate)]["val_loss"]
        with torch.no_grad():
            network.weight.fill_(scores[[one for one, _ in run].count(rate) - 1])

    run: list = []
    monkeypatch.setattr(published_network, "_one_epoch", one_epoch)
    zero = (torch.zeros(1, 1), torch.zeros(1, 1))
    network = Replayed()
    settings = PublishedSettings(**settings_of(case))
    published_network._train(settings, network, zero, zero)
    left = [*found[1:], network.weight.item()]
    counts = [[rate for rate, _ in run].count(rate) for rate in case["learning_rates"]]
    return counts, left


@pytest.mark.parametrize("name", PHASES)
def test_phases_end_where_the_authors_do_and_leave_their_weights(name, monkeypatch):
    case = PHASES[name]
    expected = [phase["val_loss_of_weights_left"] for phase in case["phases"]]
    found = replayed_by_engine(case)
    assert [first for first, _, _ in found] == [one["initial_epoch"] for one in case["phases"]]
    assert [run for _, run, _ in found] == [phase["epochs"] for phase in case["phases"]]
    assert [left for _, _, left in found] == pytest.approx(expected, abs=1e-7)
    counts, left = replayed_by_simulated_side(case, monkeypatch)
    assert counts == [len(phase["epochs"]) for phase in case["phases"]]
    assert left == pytest.approx(expected, abs=1e-7)


class Linear(torch.nn.Module):
    """A network that is one linear layer and corrects nothing."""

    def __init__(self, kernel: np.ndarray, bias: np.ndarray):
        super().__init__()
        self.kernel, self.bias = torch.tensor(kernel), torch.tensor(bias)

    def forward(self, x):
        return x @ self.kernel + self.bias

    def within_translator(self) -> Translator:
        """The same as a translator of one layer."""
        network = Translator(6, 4, "first", NetworkSettings(widths=[1]))
        layer = torch.nn.Linear(6, 4)
        fill([[layer.weight, layer.bias]], [[self.kernel.T - torch.eye(4, 6), self.bias]])
        network.layers = torch.nn.Sequential(layer)
        return network


@pytest.fixture(scope="module")
def answers():
    with np.load(VECTORS / "ensemble.npz") as archive:
        return dict(archive)


def agrees(found: np.ndarray, expected: np.ndarray, size: np.ndarray) -> bool:
    return bool((np.abs(found - expected) <= 1e-6 * size).all())


def test_ensembles_and_missing_flags_of_the_engine_are_the_authors(answers):
    names = list("abcdef"), list("wxyz")
    known = answers["training_inputs"], answers["training_outputs"]
    scalings = [Scaling.of(*pair) for pair in zip(known, names, strict=True)]
    shared = dict.fromkeys(("inputs", "outputs", "correct", "network"), "the same")
    shared |= {"input_scaling": None, "output_scaling": None, "direction": "g2a", "kind": "first"}
    models = [
        Model(Linear(*one).within_translator(), *names, "first", *scalings, shared | {"member": n})
        for n, one in enumerate(zip(answers["W"], answers["b"], strict=True))
    ]
    maps = [PairMaps.of(side, 30) for side in known]
    part = NetworkPart("k", Ensemble(models), *maps, *names)
    stars = pd.DataFrame(answers["stars"], columns=names[0])
    stars = stars.assign(**{f"{name}_error": 0.0 for name in names[0]}, key=stars.index.astype(str))
    found = translate_block(
        stars, [part], EnsembleSettings(members=7), MonteCarloSettings(realisations=1)
    )
    size = np.maximum(np.abs(answers["mean"]), known[1].std(axis=0))
    for column, place in zip(names[1], range(4), strict=True):
        for statistic, truth in (("p50", "mean"), ("systematic", "err")):
            value = found[f"{column}_{statistic}"].to_numpy()
            assert agrees(value, answers[truth][:, place], size[:, place]), (column, statistic)
    assert found["missing_k"].tolist() == answers["missing"].tolist()


def test_ensembles_and_missing_flags_of_the_simulated_side_are_the_authors(answers):
    known = answers["training_inputs"], answers["training_outputs"]
    intrinsic = published_network.Ensemble(
        [Linear(W, b) for W, b in zip(answers["W"], answers["b"], strict=True)],
        known[0].mean(axis=0), known[0].std(axis=0), known[1].mean(axis=0), known[1].std(axis=0),
        *known, [],
    )  # fmt: skip
    velocity = np.random.default_rng(15).normal(size=(300, 1))
    extrinsic = published_network.Ensemble(
        [Linear(np.zeros((7, 1), np.float32), np.zeros(1, np.float32))] * 7,
        np.zeros(7), np.ones(7), np.zeros(1), np.ones(1), np.hstack([known[0], velocity]),
        velocity, [],
    )  # fmt: skip
    direction = published_catalogue.Direction("g2a", tuple("abcdefg"), tuple("wxyz"))
    stars = np.hstack([answers["stars"], np.zeros((60, 1))])
    found = published_catalogue.translate(
        direction, intrinsic, extrinsic, stars, np.zeros_like(stars), 1, seed=1
    )
    size = np.maximum(np.abs(answers["mean"]), known[1].std(axis=0))
    assert agrees(found.percentiles[:, :4, 2], answers["mean"], size)
    assert agrees(found.systematic[:, :4], answers["err"], size)
    assert found.missing_intrinsic.tolist() == answers["missing"].tolist()
