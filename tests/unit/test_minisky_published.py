"""The published side: an replicate of the as-published method apart from the engine."""

import gzip
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from minisky.publish_sky import code_digest, copy_stored, publish, settings_digest
from minisky.published_catalogue import Direction, failing_pairs, translate, trim, write_comments
from minisky.published_data import apogee_side, apply_cuts, galah_side, match, read_surveys
from minisky.published_network import (
    Ensemble,
    NormedLinear,
    Residual,
    Translator,
    _train,
    split_rows,
    train_ensemble,
)
from minisky.published_text import comment_text, number, read_cells, readme, record
from minisky.seeds import generator
from minisky.settings import PublishedSettings, SkySettings
from minisky.simulate_sky import read_settings, simulate
from minisky.sky import make_sky
from minisky.survey_columns import galah_columns
from reference import application
from spectrotranslator.errors import InputError

STORED = Path(__file__).parents[2] / "config" / "skies"
QUICK = PublishedSettings(epochs=3, patience=1, batch=64, widths=(8, 16), realisations=4)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sky")
    settings = SkySettings(name="t", n_galah=700, n_apogee=800, n_common=450, published=QUICK)
    names = ("galah", "vac", "apogee", "gaia", "truth", "clusters")
    paths = {name: folder / name for name in names}
    simulate(settings, **paths)
    return settings, paths


@pytest.fixture(scope="module")
def surveys(sky):
    return read_surveys(sky[1]["galah"], sky[1]["apogee"], sky[1]["gaia"])


def make_ensemble(rng, n_in, n_out):
    inputs, outputs = rng.normal(2, 3, (80, n_in)), rng.normal(-1, 2, (80, n_out))
    return train_ensemble(QUICK, f"{n_in}-{n_out}", inputs, outputs)


def as_arrays(network: Translator) -> list[tuple]:
    """A torch network as the reference has it."""
    layers = []
    for layer in network.layers:
        if isinstance(layer, Residual):
            parts = [
                value.detach().double().tolist()
                for one in (layer.first, layer.second)
                for value in (one.v, one.g, one.b)
            ]
            layers.append(("block", *parts))
        else:
            layers.append(
                (
                    "linear",
                    layer.weight.detach().double().tolist(),
                    layer.bias.detach().double().tolist(),
                )
            )
    return layers


def as_reference(ensemble: Ensemble) -> dict:
    return {
        "members": [as_arrays(network) for network in ensemble.networks],
        "scaler": {
            key: getattr(ensemble, key) for key in ("mean_in", "std_in", "mean_out", "std_out")
        },
        "train_inputs": ensemble.train_inputs.tolist(),
        "train_outputs": ensemble.train_outputs.tolist(),
    }


def test_catalogue_equals_the_plain_reference_row_by_row():
    rng = np.random.default_rng(3)
    intrinsic, extrinsic = make_ensemble(rng, 6, 4), make_ensemble(rng, 7, 1)
    inputs, errors = rng.normal(2, 3.3, (12, 7)), rng.uniform(0.1, 1, (12, 7))
    inputs[1, 2] = np.nan
    inputs[2, 6] = np.inf
    errors[3, 4] = np.nan
    inputs[4, 3] = -9999
    names = Direction("test", tuple("abcdefg"), tuple("wxyz"))
    ours = translate(names, intrinsic, extrinsic, inputs, errors, 4, seed=5)
    draws = [generator(5, "monte carlo", "test", k).normal(size=inputs.shape) for k in (1, 2, 3)]
    one, other = as_reference(intrinsic), as_reference(extrinsic)
    for row in range(len(inputs)):
        plain = application.translate(
            inputs[row].tolist(),
            errors[row].tolist(),
            [draw[row].tolist() for draw in draws],
            one,
            other,
            names.inputs,
            names.outputs,
        )
        scale = 1e-5 * max(1, np.abs(plain["percentiles"]).max())
        np.testing.assert_allclose(ours.percentiles[row], plain["percentiles"], atol=scale)
        np.testing.assert_allclose(ours.systematic[row], plain["systematic"], atol=scale)
        assert ours.comments[row] == plain["comment"]
        for flag in (
            "missing_intrinsic", "missing_extrinsic", "good_inputs_intrinsic",
            "good_outputs_intrinsic", "good_inputs_extrinsic",
        ):  # fmt: skip
            assert getattr(ours, flag)[row] == plain[flag], (row, flag)


def test_network_of_the_published_widths_has_the_published_number_of_weights():
    network = Translator(6, 4, (64, 128, 256, 512), 256)
    assert sum(value.numel() for value in network.parameters()) == 1_220_100
    drops = [layer.drop.p for layer in network.layers if isinstance(layer, Residual)]
    assert drops == [0, 0, 0.5, 0.5, 0.5, 0, 0]


def test_weight_normalisation_starts_from_the_data():
    torch.manual_seed(1)
    layer = NormedLinear(16)
    batch = 3 + 2 * torch.randn(500, 16)
    first = layer(batch)
    unnormed = batch @ layer.v.T
    deviation = unnormed.std(dim=0, unbiased=False)
    torch.testing.assert_close(layer.g, 1 / deviation, atol=0, rtol=1e-5)
    torch.testing.assert_close(layer.b, -unnormed.mean(dim=0) / deviation, atol=1e-5, rtol=1e-5)
    spread = first.std(dim=0, unbiased=False)
    torch.testing.assert_close(spread, 1 / layer.v.norm(dim=1), atol=0, rtol=1e-4)
    torch.testing.assert_close(layer(batch), first)


def test_zero_correction_is_moment_matching_not_identity():
    rng = np.random.default_rng(0)
    ensemble = make_ensemble(rng, 7, 1)
    for network in ensemble.networks:
        torch.nn.init.zeros_(network.layers[-1].weight)
        torch.nn.init.zeros_(network.layers[-1].bias)
    values = rng.normal(2, 3, (5, 7))
    ratio = ensemble.std_out / ensemble.std_in[-1]
    expected = ensemble.mean_out + ratio * (values[:, 6:] - ensemble.mean_in[-1])
    np.testing.assert_allclose(ensemble.predict(values)[0], expected, rtol=1e-5)


def count_epochs(monkeypatch, losses, **settings):
    """Epochs trained in each phase when the validation losses are as given."""
    module = "minisky.published_network"
    rates = []

    def one_epoch(network, optimiser, rate, train, batch):
        rates.append(rate)
        with torch.no_grad():
            network.offset.fill_(next(stream))

    class Fake(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.offset = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x):
            return self.offset.expand(1, 1)

    stream = iter(losses)
    monkeypatch.setattr(f"{module}._one_epoch", one_epoch)
    zero = (torch.zeros(1, 1), torch.zeros(1, 1))
    network = Fake()
    loss = _train(PublishedSettings(**settings), network, zero, zero)
    return [rates.count(rate) for rate in (1e-3, 1e-4, 1e-5)], loss, network.offset.item()


RATES = {"learning_rates": (1e-3, 1e-4, 1e-5)}


def test_phases_share_one_budget_of_epochs(monkeypatch):
    falling = [1 / (k + 1) for k in range(30)]
    epochs, loss, weight = count_epochs(monkeypatch, falling, epochs=20, patience=5, **RATES)
    assert epochs == [20, 5, 5]
    assert weight == pytest.approx(1 / 30) == loss


def test_best_weights_come_back_only_if_stopping_triggered(monkeypatch):
    # stops after 1 + 2 epochs at the best of the phase; the next phase counts from epoch 1
    losses = [0.5, 0.6, 0.7, 0.4, 0.3, 0.35, 0.2, 0.25]
    epochs, _, weight = count_epochs(monkeypatch, losses, epochs=4, patience=2, **RATES)
    assert epochs == [3, 3, 2]
    assert weight == pytest.approx(0.25), "no stop in the last phase: the last weights stand"
    losses = [0.5, 0.6, 0.7, 0.1, 0.3, 0.35, 0.2, 0.25, 0.3]
    _, loss, weight = count_epochs(monkeypatch, losses, epochs=5, patience=2, **RATES)
    assert weight == pytest.approx(0.2) == loss


def test_split_puts_the_first_fifth_of_one_permutation_aside():
    train, validation = split_rows(11)
    order = np.random.RandomState(42).permutation(11)
    assert validation.tolist() == order[:3].tolist()
    assert train.tolist() == order[3:].tolist()


def test_trimming_leaves_out_the_lowest_and_the_highest():
    mean, spread = trim(np.array([[9.0], [1.0], [2.0], [3.0], [-50.0]]))
    assert mean[0] == pytest.approx(2)
    assert spread[0] == pytest.approx(math.sqrt(2 / 3))


def test_extreme_training_stars_fall_on_either_side_of_their_own_map():
    rng = np.random.default_rng(12)
    inside = []
    for _ in range(300):
        train = rng.uniform(*np.sort(rng.normal(size=2)), (40, 2))
        extremes = train[[train[:, 0].argmin(), train[:, 0].argmax()]]
        inside.append(~failing_pairs(train, extremes)[:, 0])
    least, largest = np.mean(inside, axis=0)
    assert 0.6 < least < 0.9
    assert 0.1 < largest < 0.35


def test_beyond_its_extremes_or_not_a_number_is_outside_a_map():
    train = np.array([[0.0, 0.0], [1.0, 0.5], [0.5, 1.0]])
    fails = failing_pairs(train, np.array([[0.5, 1.1], [0.5, np.nan], [0, 0.9], [1e-3, 1e-3]]))
    assert fails[:, 0].tolist() == [True, True, True, False]


def test_comment_ends_each_networks_part_with_a_bar():
    direction = Direction("g2a", tuple("abcdefg"), tuple("wxyz"))
    none, ex = np.zeros((4, 15), bool), np.zeros((4, 21), bool)
    out = np.zeros((4, 6), bool)
    none[3, 0] = none[1, 0] = out[1, 5] = ex[1, 20] = ex[2, 5] = True
    assert write_comments(direction, none, out, ex) == [
        "",
        "| Input a_b outside training range| Output y_z outside training range|"
        "| Input f_g outside training range|",
        "| Input a_g outside training range|",
        "| Input a_b outside training range||",
    ]


def test_text_of_numbers_is_shortest_or_fits():
    assert number(0.1, 22) == "0.1"
    assert number(-1.2345678901234567e-05, 22) == "-1.234567890123457E-05"
    assert number(-12345.678901234567, 10) == "-12345.679"
    assert float(number(math.pi * 1e7, 19)) == math.pi * 1e7


def test_texts_stand_at_the_left_of_their_bytes_and_too_long_ones_are_refused():
    cells = [read_cells("a2g")[0], read_cells("a2g")[1]]
    assert record(cells, ["VESTA", "17"]) == "VESTA".ljust(20) + "17".ljust(19) + "\n"
    with pytest.raises(ValueError, match="longer than 19 bytes"):
        record(cells, ["x" * 20, "17"])


def test_comments_are_quoted_and_cut():
    assert comment_text("", 155) == '""'
    assert comment_text("x" * 155, 155) == '"' + "x" * 155 + '"'
    assert comment_text("x" * 156, 155) == '"' + "x" * 155 + '..."'
    assert len(comment_text("x" * 999, 156)) == read_cells("a2g")[34].width


def test_sample_is_one_row_a_star_clean_complete_and_in_order(surveys):
    sample = match(PublishedSettings(), *surveys)
    assert sample["sobject_id"].is_monotonic_increasing
    assert not sample["dr3_source_id"].duplicated().any()
    assert (sample["flag_sp"] == 0).all()
    assert (sample["SNR"] > 70).all()
    features = np.hstack([galah_side(sample).inputs[:, :6], apogee_side(sample).inputs[:, :6]])
    assert np.isfinite(features).all()
    assert (features > -9999).all()


def test_masks_turn_sentinels_and_flagged_abundances_into_missing(surveys):
    table = surveys[0]
    plain, sentinel, flagged = (
        galah_side(table, kind).inputs for kind in ("none", "sentinel", "flagged")
    )
    assert (plain == -9999).any()
    assert not (sentinel == -9999).any()
    bad = table["flag_Mg_fe"].to_numpy() != 0
    assert np.isnan(flagged[bad, 3]).all()
    assert not np.isnan(sentinel[bad, 3]).all()


def test_published_files_follow_their_layout_and_come_out_the_same_twice(sky, tmp_path):
    settings, paths = sky
    results = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        outputs = {name: folder / name for name in ("readme", "g2a", "a2g", "digest")}
        publish(settings, paths, outputs)
        results.append(outputs)
    for name, path in results[0].items():
        assert path.read_bytes() == results[1][name].read_bytes()
    lines = gzip.decompress(results[0]["g2a"].read_bytes()).decode().splitlines()
    galah = pd.DataFrame(galah_columns_of(settings))
    wanted = galah[galah["dr3_source_id"] > 0]
    assert [line[:15] for line in lines] == wanted["sobject_id"].astype(str).tolist()
    assert {len(line) for line in lines} == {924}
    cells = read_cells("g2a")
    for line in lines:
        for cell in cells[2:32]:
            assert math.isfinite(float(line[cell.first - 1 : cell.last]))
        assert line[920:924] == "true"


def galah_columns_of(settings):
    return galah_columns(make_sky(settings))


def test_readme_describes_39_columns_within_80_bytes():
    text = readme({"g2a": 3, "a2g": 4})
    assert max(map(len, text.splitlines())) <= 80
    assert "924        3" in text
    assert all(f" {cell.label} " in text for cell in read_cells("a2g"))


@pytest.mark.parametrize("name", ["mini", "tiny"])
def test_stored_files_were_made_by_this_code_from_these_settings(name):
    settings = read_settings(STORED / name / "sky.yaml")
    made = json.loads((STORED / name / "digest.json").read_text())
    advice = "make the stored files anew: see docs/explanation/minisky.md"
    assert made["settings"] == settings_digest(settings), advice
    assert made["code"] == code_digest(), advice
    for file, key in (("ReadMe", "readme"), ("g2a.dat.gz", "g2a"), ("a2g.dat.gz", "a2g")):
        content = (STORED / name / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == made["files"][key], advice


def test_stored_files_of_other_settings_are_refused(tmp_path):
    settings = SkySettings(name="x", seed=99, published={"stored": str(STORED / "tiny")})
    with pytest.raises(InputError, match="other sky settings"):
        copy_stored(settings, {})


def test_row_cut_keeps_apogee_rows_with_a_gaia_id_and_a_parameter(surveys):
    cuts = PublishedSettings().apogee_rows
    kept = apply_cuts(surveys[1], cuts)
    assert (kept["GAIAEDR3_SOURCE_ID"] > 0).all()
    blank = kept[["TEFF", "LOGG", "M_H", "MG_FE"]].isna().all(axis=1)
    assert not (blank & (kept["ASPCAPFLAG"] & 1 << 23 > 0)).any()
    assert len(kept) < len(surveys[1]) - 5
