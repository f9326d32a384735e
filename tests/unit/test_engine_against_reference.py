"""The engine equals the plain reference of the method, edge cases included."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from reference import application
from spectrotranslator.config.configuration import (
    EnsembleSettings,
    MonteCarloSettings,
    NetworkSettings,
)
from spectrotranslator.network.saved_model import Model
from spectrotranslator.network.scaling import Scaling
from spectrotranslator.network.translator import ResidualBlock, Translator
from spectrotranslator.translation.ensemble_inference import Ensemble
from spectrotranslator.translation.gaussian_draws import key_hashes, normal
from spectrotranslator.translation.montecarlo import NetworkPart, in_blocks, translate
from spectrotranslator.translation.quality_flags import PairMaps

INPUTS = ["teff", "logg", "fe_h", "Mg_fe", "BP-G", "G-RP", "rv_galah"]
OUTPUTS = ["TEFF", "LOGG", "M_H", "MG_FE", "VHELIO_AVG"]
SHAPE = NetworkSettings(widths=[8, 16])
MONTECARLO = MonteCarloSettings(realisations=4, block_rows=64)
MEMBERS = EnsembleSettings(members=5)


def translated(stars, parts, settings: MonteCarloSettings = MONTECARLO) -> pd.DataFrame:
    """All blocks of the engine, in one table."""
    blocks = translate(in_blocks(stars, settings.block_rows), parts, MEMBERS, settings)
    return pd.concat(blocks, ignore_index=True)


def training_rows(stars: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and outputs of a small training sample, in their units."""
    chance = np.random.default_rng(5)
    centre = np.array([5000, 3.0, -0.3, 0.1, 0.4, 0.6, 10.0])
    width = np.array([600, 1.0, 0.3, 0.1, 0.1, 0.1, 30.0])
    inputs = centre + width * chance.standard_normal((stars, 7))
    outputs = inputs[:, [0, 1, 2, 3, 6]] + 0.1 * width[[0, 1, 2, 3, 6]]
    return inputs, outputs


def member(number: int, inputs: np.ndarray, outputs: np.ndarray, correct: str) -> Model:
    """A network with data-dependent start, never trained: its outputs are wild enough."""
    torch.manual_seed(number)
    scalings = [
        Scaling.of(side, [str(i) for i in range(side.shape[1])]) for side in (inputs, outputs)
    ]
    network = Translator(inputs.shape[1], outputs.shape[1], correct, SHAPE)
    network.train()
    network(torch.from_numpy(scalings[0].standardise(inputs).astype(np.float32)))
    network.eval()
    facts = dict.fromkeys(("inputs", "outputs", "correct", "network"), "the same")
    facts |= {"input_scaling": None, "output_scaling": None, "direction": "g2a", "kind": correct}
    names = INPUTS[: inputs.shape[1]], (OUTPUTS[:4] if correct == "first" else OUTPUTS[4:])
    return Model(network, *map(list, names), correct, *scalings, facts | {"member": number})


def plain(model: Model) -> list[tuple]:
    """A network as the reference reads it."""
    layers = []
    for layer in model.network.layers:
        if isinstance(layer, ResidualBlock):
            sides = [(side.v, side.g, side.bias) for side in (layer.inner, layer.outer)]
            layers.append(("block", *(t.detach().double().tolist() for s in sides for t in s)))
        else:
            layers.append(("linear", layer.weight.double().tolist(), layer.bias.double().tolist()))
    return layers


@pytest.fixture(scope="module")
def setting():
    inputs, outputs = training_rows()
    shapes = {
        "intrinsic": (inputs[:, :6], outputs[:, :4], "first"),
        "extrinsic": (inputs, outputs[:, 4:], "last"),
    }
    parts, references = [], {}
    for kind, (x, y, correct) in shapes.items():
        models = [member(number, x, y, correct) for number in range(5)]
        names = INPUTS[: x.shape[1]], OUTPUTS[:4] if kind == "intrinsic" else OUTPUTS[4:]
        maps = [PairMaps.of(side, MONTECARLO.map_bins) for side in (x, y)]
        parts.append(NetworkPart(kind, Ensemble(models), *maps, *map(list, names)))
        scaler = {
            "mean_in": models[0].input_scaling.mean,
            "std_in": models[0].input_scaling.std,
            "mean_out": models[0].output_scaling.mean,
            "std_out": models[0].output_scaling.std,
        }
        references[kind] = {
            "members": [plain(model) for model in models],
            "scaler": scaler,
            "train_inputs": x.tolist(),
            "train_outputs": y.tolist(),
        }
    return inputs, parts, references


def awkward_stars(inputs: np.ndarray) -> pd.DataFrame:
    """Ordinary stars, and every edge case the method has."""
    chance = np.random.default_rng(6)
    values = inputs[:24].copy()
    errors = np.abs(chance.standard_normal((24, 7))) * inputs.std(axis=0) * 0.1
    values[0, 1] = np.nan
    values[1, 6] = np.inf
    values[2, 3] = -np.inf
    values[3] = inputs.max(axis=0)
    values[4] = inputs.min(axis=0)
    values[5] = np.linspace(inputs.min(axis=0), inputs.max(axis=0), 31)[7]
    values[6] = inputs.max(axis=0) + 10 * inputs.std(axis=0)
    values[7, 0] = -9999
    values[8, 0] = 3e7
    errors[9] = 0
    errors[10, 2] = -0.1
    errors[11, 4] = np.nan
    errors[12] = np.nan
    stars = pd.DataFrame(values, columns=INPUTS)
    for name, column in zip(INPUTS, errors.T, strict=True):
        stars[f"{name}_error"] = column
    return stars.assign(row=range(24), key=[f"star {i}" for i in range(24)], identifier=range(24))


@pytest.fixture(scope="module")
def both(setting):
    inputs, parts, references = setting
    stars = awkward_stars(inputs)
    engine = pd.concat(
        translate(in_blocks(stars, MONTECARLO.block_rows), parts, MEMBERS, MONTECARLO),
        ignore_index=True,
    )
    hashes = key_hashes(stars["key"])
    draws = np.stack([normal(MONTECARLO.seed, hashes, name, 4) for name in INPUTS], axis=2)
    rows = [
        application.translate(
            stars.loc[i, INPUTS].astype(float).tolist(),
            stars.loc[i, [f"{name}_error" for name in INPUTS]].astype(float).tolist(),
            draws[i, 1:].tolist(),
            references["intrinsic"],
            references["extrinsic"],
            INPUTS,
            OUTPUTS[:4],
        )
        for i in range(len(stars))
    ]
    return engine, rows, references


def rounding_scale(rows: list[dict], references: dict, kind: str) -> np.ndarray:
    """Size of what single precision rounds in each row, in standard deviations, shape (rows,).

    All outputs of a network come from the same activations: where one output runs away, these are
    as large as it is, and so is their rounding in every other output.
    """
    columns = range(4) if kind == "intrinsic" else range(4, 5)
    scaler = references[kind]["scaler"]
    percentiles = np.array([[row["percentiles"][k] for k in columns] for row in rows])
    mean, deviation = (np.asarray(scaler[name])[:, None] for name in ("mean_out", "std_out"))
    return np.maximum(np.abs((percentiles - mean) / deviation).max(axis=(1, 2)), 1)


def test_percentiles_and_systematic_errors_agree(both):
    engine, rows, references = both
    scales = {kind: rounding_scale(rows, references, kind) for kind in references}
    assert np.median(scales["intrinsic"]) < 4
    for k, output in enumerate(OUTPUTS):
        kind = "intrinsic" if k < 4 else "extrinsic"
        deviation = references[kind]["scaler"]["std_out"][k if k < 4 else 0]
        allowed = 1e-5 * deviation * scales[kind]
        for p, number in enumerate(application.PERCENTILES):
            expected = np.array([row["percentiles"][k][p] for row in rows])
            assert np.all(np.abs(engine[f"{output}_p{number}"] - expected) <= allowed)
        expected = np.array([row["systematic"][k] for row in rows])
        assert np.all(np.abs(engine[f"{output}_systematic"] - expected) <= allowed)


def test_run_aways_run_as_far(both):
    engine, rows, _ = both
    assert abs(engine["TEFF_p50"][8]) > 1e6
    assert engine["TEFF_p50"][8] == pytest.approx(rows[8]["percentiles"][0][2], rel=1e-5)


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("missing_intrinsic", "missing_intrinsic"),
        ("missing_extrinsic", "missing_extrinsic"),
        ("input_intrinsic", "good_inputs_intrinsic"),
        ("input_extrinsic", "good_inputs_extrinsic"),
        ("output_intrinsic", "good_outputs_intrinsic"),
        ("comment", "comment"),
    ],
)
def test_flags_and_comments_are_the_same(both, column, key):
    engine, rows, _ = both
    assert engine[column].tolist() == [row[key] for row in rows]


def test_the_edge_cases_are_met(both):
    _, rows, _ = both
    comments = [row["comment"] for row in rows]
    assert any("||" in comment for comment in comments)
    assert any(row["good_inputs_intrinsic"] for row in rows)
    assert not rows[3]["good_inputs_intrinsic"], "no training star has two largest values"
    assert rows[6]["comment"].count("Input") == 15 + 21, "outside in every pair"


def test_networks_share_their_draws_only_where_configured(setting):
    inputs, parts, _ = setting
    stars = awkward_stars(inputs)
    other = replace(parts[0], kind="other")
    for shared in (True, False):
        settings = MONTECARLO.model_copy(update={"shared_draws": shared})
        one, two = (translated(stars, [p, parts[1]], settings) for p in (parts[0], other))
        assert (one["TEFF_p84"].equals(two["TEFF_p84"])) == shared
        assert one["VHELIO_AVG_p84"].equals(two["VHELIO_AVG_p84"])
        assert one["TEFF_systematic"].equals(two["TEFF_systematic"]), "of the unperturbed inputs"


def test_blocks_do_not_change_values_beyond_rounding(setting):
    inputs, parts, _ = setting
    stars = awkward_stars(inputs)
    whole = pd.concat(
        translate(in_blocks(stars, MONTECARLO.block_rows), parts, MEMBERS, MONTECARLO),
        ignore_index=True,
    )
    small = MONTECARLO.model_copy(update={"block_rows": 7})
    cut = pd.concat(
        translate(in_blocks(stars, small.block_rows), parts, MEMBERS, small), ignore_index=True
    )
    assert np.allclose(whole["TEFF_p50"], cut["TEFF_p50"], rtol=1e-5)
    assert whole["comment"].tolist() == cut["comment"].tolist()
