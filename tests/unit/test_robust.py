"""Every part of the robust method does what it says, and is as published where it is off."""

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from scipy.stats import norm

from spectrotranslator.config.configuration import (
    EnsembleSettings,
    Method,
    MonteCarloSettings,
    NetworkKind,
    NetworkSettings,
    Split,
    TrainingSettings,
)
from spectrotranslator.network.saved_model import Model
from spectrotranslator.network.scaling import Scaling
from spectrotranslator.network.training_loop import Stars, drop_inputs, losses, train
from spectrotranslator.network.training_sample import TEST, TRAIN, VALIDATION, Sample
from spectrotranslator.network.translator import Translator
from spectrotranslator.sample.split import folds_of, split
from spectrotranslator.translation.ensemble_inference import Ensemble
from spectrotranslator.translation.intervals import (
    Calibration,
    Intervals,
    Pulls,
    Uncertainty,
    WidthModel,
)
from spectrotranslator.translation.montecarlo import (
    NetworkPart,
    measurements,
    perturbations,
    translate_block,
)
from spectrotranslator.translation.out_of_fold import unseen_by_member
from spectrotranslator.translation.predictive_width import fit_predictive
from spectrotranslator.translation.quality_flags import PairMaps
from spectrotranslator.translation.support_distance import JointSupport
from spectrotranslator.translation.value_width import fit_value

VELOCITY = NetworkKind(inputs=["teff", "logg", "rv"], outputs=["RV"], correct="last")
ROBUST = Method(
    network=NetworkSettings(widths=[8], zero_output=True, base="identity", mark_missing=True),
    training=TrainingSettings(folds=3, input_dropout=0.1, loss="cauchy", batch=50, epochs=10),
    ensemble=EnsembleSettings(members=3, trim=0),
)


def velocities(stars: int = 300) -> Sample:
    """Velocities of 40 km/s scatter that the target sees 0.3 km/s lower."""
    chance = np.random.default_rng(2)
    inputs = chance.normal([5000, 3, 10], [500, 1, 40], (stars, 3))
    outputs = inputs[:, 2:] - 0.3 + chance.normal(0, 0.1, (stars, 1))
    part = np.where(np.arange(stars) % 5, TRAIN, VALIDATION)
    return Sample(inputs, outputs, part, np.arange(stars).astype(str))


def untrained(method: Method, sample: Sample, kind: NetworkKind) -> Model:
    """A network as it is before its first step."""
    scalings = sample.scalings(kind, method)
    shape = (len(kind.inputs), len(kind.outputs), kind.correct)
    network = Translator(*shape, method.network, scalings.unit).eval()
    facts = dict.fromkeys(("inputs", "outputs", "correct", "network", "unit"))
    facts |= dict.fromkeys(("input_scaling", "output_scaling"))
    return Model(
        network, kind.inputs, kind.outputs, kind.correct, scalings.input, scalings.output, facts
    )


def test_a_zero_network_on_its_own_scale_is_the_input_plus_the_median_offset():
    sample = velocities()
    model = untrained(ROBUST, sample, VELOCITY)
    found = Ensemble([model]).predict(sample.inputs)[0, :, 0]
    offset = np.median(sample.outputs[:, 0] - sample.inputs[:, 2])
    assert np.allclose(found, sample.inputs[:, 2] + offset, atol=1e-4)


def test_a_zero_network_as_published_is_moment_matching():
    sample = velocities()
    network = NetworkSettings(widths=[8], zero_output=True)
    model = untrained(Method(network=network), sample, VELOCITY)
    found = Ensemble([model]).predict(sample.inputs)[0, :, 0]
    known = sample.of(TRAIN)
    x, y = known.inputs[:, 2], known.outputs[:, 0]
    matched = y.mean() + y.std() / x.std() * (sample.inputs[:, 2] - x.mean())
    assert np.allclose(found, matched, atol=1e-4)


def test_the_correction_is_measured_in_the_difference_of_the_surveys():
    scalings = velocities().scalings(VELOCITY, ROBUST)
    assert scalings.unit.item() * scalings.output.std[0] == pytest.approx(0.1, rel=0.2)


def test_gross_failures_move_neither_offset_nor_unit():
    sample = velocities()
    spoilt = sample.outputs.copy()
    spoilt[:10] += 500
    dirty = Sample(sample.inputs, spoilt, sample.part, sample.star)
    one, other = (s.scalings(VELOCITY, ROBUST) for s in (sample, dirty))
    assert other.unit.item() == pytest.approx(one.unit.item(), rel=0.1)
    assert other.output.mean[0] == pytest.approx(one.output.mean[0], abs=0.02)


def test_a_network_told_what_is_missing_treats_it_apart_from_the_mean():
    torch.manual_seed(1)
    settings = NetworkSettings(widths=[8], mark_missing=True)
    network = Translator(3, 1, "last", settings).eval()
    x = torch.tensor([[0.0, 1.0, 1.0], [1e-6, 1.0, 1.0]])
    with torch.no_grad():
        missing, near = network(x)
    assert abs(missing - near) > 1e-3


def test_a_value_at_the_training_mean_is_not_taken_for_a_missing_one():
    model = untrained(ROBUST, velocities(), VELOCITY)
    torch.nn.init.normal_(model.network.layers[-1].plain.weight)
    at_the_mean = np.tile(model.input_scaling.mean, (2, 1))
    at_the_mean[1, 0] = np.nan
    measured, missing = Ensemble([model]).predict(at_the_mean)[0, :, 0]
    assert measured != missing
    sample = velocities()
    scalings = sample.scalings(VELOCITY, ROBUST)
    sample.inputs[0] = scalings.input.mean
    assert (sample.rows(np.arange(1)).standardised(sample.part[0], scalings).inputs != 0).all()


def test_the_stacked_ensemble_equals_its_networks_with_marks_and_units():
    torch.manual_seed(3)
    sample = velocities(60)
    scalings = sample.scalings(VELOCITY, ROBUST)
    model = untrained(ROBUST, sample, VELOCITY)
    torch.nn.init.normal_(model.network.layers[-1].plain.weight)
    values = sample.inputs.copy()
    values[0, 0] = np.nan
    x = scalings.input.standardise(values)
    x[0, 0] = 0
    with torch.no_grad():
        y = model.network(torch.from_numpy(x.astype(np.float32))).numpy()
    expected = scalings.output.restore(y.astype(np.float64))
    assert np.allclose(Ensemble([model]).predict(values)[0], expected, atol=1e-3)


def test_hidden_inputs_stand_at_the_mean_and_a_velocity_is_never_hidden():
    x = torch.ones(2000, 7)
    network = Translator(7, 1, "last", NetworkSettings(widths=[8]))
    found = drop_inputs(x, 0.25, network.hideable)
    share = (found == 0).float().mean(dim=0)
    assert share[-1] == 0
    assert torch.all((share[:-1] - 0.25).abs() < 0.05)


def test_cauchy_is_squared_within_the_unit_and_nearly_flat_far_beyond():
    unit = torch.tensor([0.4])
    error = torch.tensor([0.004, -0.8, 400.0], requires_grad=True)
    found = losses(error, "cauchy", unit)
    half, two, far = 0.01**2 / 2, 2 * np.log(2), 2 * np.log1p(500**2)
    assert found.tolist() == pytest.approx([half, two, far], rel=1e-4)
    found.sum().backward()
    assert abs(error.grad[2]) < abs(error.grad[0])
    assert losses(error[1:2], "absolute", None).item() == pytest.approx(0.8)


def test_rows_of_one_star_lie_in_one_fold_whatever_their_order():
    stars = np.array([f"star {i % 100}" for i in range(250)])
    folds = folds_of(stars, 5)
    assert all(len(set(folds[stars == star])) == 1 for star in set(stars))
    assert np.bincount(folds_of(stars[:100], 5)).tolist() == [20] * 5
    order = np.random.default_rng(1).permutation(250)
    assert np.array_equal(folds_of(stars[order], 5), folds[order])


def test_a_split_by_star_keeps_the_rows_of_a_star_together():
    table = pd.DataFrame(
        {"from:key": [f"row {i}" for i in range(90)], "from:source_id": np.repeat(range(30), 3)}
    )
    table.loc[:2, "from:source_id"] = 0
    parts = split(table, Split(by="star", validation=0.3))
    known = table["from:source_id"] > 0
    pairs = {
        (star, part)
        for star, part in zip(table["from:source_id"][known], parts[known], strict=True)
    }
    assert len(pairs) == 29
    assert (parts == VALIDATION).any()


def test_every_star_is_left_out_by_some_member_and_a_test_star_by_all():
    sample = velocities(90)
    sample.part[:5] = TEST
    out = unseen_by_member(sample, 6, 3)
    assert out[:, :5].all()
    assert (out[:, 5:].sum(axis=0) == 2).all()


def test_folds_leave_the_samples_own_split_alone_where_there_are_none():
    sample = velocities(90)
    assert np.array_equal(sample.for_member(2, 0).part, sample.part)


def stars_with_noise(stars: int, label_noise: float):
    """Residuals of width sqrt(1 + u^2), u from 0 to 3, seen through a noisy label."""
    chance = np.random.default_rng(4)
    noise = chance.uniform(0, 3, stars)
    true = chance.normal(0, np.sqrt(1 + noise**2))
    error = np.full(stars, label_noise)
    return true, true + chance.normal(0, error), error, noise


ALL = [5, 16, 50, 84, 95]


def uncertainty_of(noise: np.ndarray, errors: np.ndarray | None = None) -> Uncertainty:
    errors = np.zeros((len(noise), 0)) if errors is None else errors
    return Uncertainty(noise, np.zeros(len(noise)), errors)


def share_within(values, model, pulls, uncertainty, low, high) -> float:
    width = model.width(uncertainty)
    inside = (values >= pulls.of(low, width) * width) & (values <= pulls.of(high, width) * width)
    return inside.mean()


@pytest.mark.parametrize("label_noise", [0.0, 0.5, 2.0])
def test_both_intervals_hold_what_they_promise(label_noise):
    true, residual, error, noise = stars_with_noise(20000, label_noise)
    seen, zero = uncertainty_of(noise), np.zeros(len(true))
    value, pulls, _ = fit_value(residual, error, seen, zero, ALL)
    new, new_pulls = fit_predictive(residual, seen, zero, ALL)
    for low, high, share in ((16, 84, 0.68), (5, 95, 0.9)):
        held = share_within(residual, new, new_pulls, seen, low, high)
        assert held == pytest.approx(share, abs=0.01)
        held = share_within(true, value, pulls, seen, low, high)
        # A large error that is the same for all labels hides part of the width.
        assert held == pytest.approx(share, abs=0.03 if label_noise < 1 else 0.1)


@pytest.mark.parametrize("stated", [0.5, 0.75, 1.0, 1.25, 1.5])
def test_wrong_label_errors_are_found_out_where_they_vary(stated):
    chance = np.random.default_rng(8)
    error = np.exp(chance.normal(0, 0.5, 6000))
    true = chance.normal(0, 1, 6000)
    residual = true + chance.normal(0, error)
    seen, zero = uncertainty_of(np.zeros(6000)), np.zeros(6000)
    model, pulls, believed = fit_value(residual, stated * error, seen, zero, ALL)
    assert believed.factor == pytest.approx(1 / stated, rel=0.15)
    assert 0.6 <= share_within(true, model, pulls, seen, 16, 84) <= 0.8


def test_label_errors_beyond_the_residuals_leave_a_width_and_are_told():
    chance = np.random.default_rng(9)
    residual = chance.normal(0, 71, 8000)
    error = chance.normal(85, 3, 8000)
    seen, zero = uncertainty_of(np.full(8000, 20.0)), np.zeros(8000)
    model, _, believed = fit_value(residual, error, seen, zero, ALL)
    assert believed.exceed and believed.factor < 1
    assert (model.width(seen) > 15).all() and (model.width(seen) < 71).all()
    _, _, right = fit_value(residual, error / 2, seen, zero, ALL)
    assert not right.exceed


def test_a_width_does_not_vanish_where_the_network_states_nothing():
    chance = np.random.default_rng(9)
    seen, zero = uncertainty_of(np.zeros(8000)), np.zeros(8000)
    error = chance.normal(85, 3, 8000)
    model, _, _ = fit_value(chance.normal(0, 71, 8000), error, seen, zero, ALL)
    assert 1 < model.residual < 71


def test_right_label_errors_that_make_up_the_residuals_do_not_warn():
    chance = np.random.default_rng(2)
    error = chance.normal(85, 3, 13000)
    seen, zero = uncertainty_of(np.full(13000, 1.0)), np.zeros(13000)
    for stated, told in ((1.0, False), (1.25, True)):
        residual = chance.normal(0, error)
        assert fit_value(residual, stated * error, seen, zero, ALL)[2].exceed == told


def hidden_by_label_noise(seed: int, own_scatter: float = 5.0):
    """True and observed residuals, label errors five times the network's, and its uncertainty."""
    chance = np.random.default_rng(seed)
    noise, members, error = (
        size * np.exp(chance.normal(0, 0.3, 13000)) for size in (12.0, 7.0, 85.0)
    )
    true = chance.normal(0, np.sqrt(noise**2 + members**2 + own_scatter**2))
    seen = Uncertainty(noise, members, np.column_stack([noise]))
    return true, true + chance.normal(0, error), error, seen


@pytest.mark.parametrize("stated", [0.3, 0.5, 1.0, 1.5, 3.3])
def test_a_width_under_far_larger_label_noise_is_the_networks_own(stated):
    for seed in range(4):
        true, residual, error, seen = hidden_by_label_noise(seed)
        zero = np.zeros(len(true))
        model, pulls, believed = fit_value(residual, stated * error, seen, zero, ALL)
        assert 0.6 <= share_within(true, model, pulls, seen, 16, 84) <= 0.8
        low, high = believed.interval
        assert low < 1 / stated < high and high < 1.1 * low


def test_residuals_overrule_the_networks_own_word_where_they_can():
    true, residual, error, seen = hidden_by_label_noise(1, own_scatter=60.0)
    model, pulls, _ = fit_value(residual, error / 85, seen, np.zeros(len(true)), ALL)
    assert share_within(true, model, pulls, seen, 16, 84) == pytest.approx(0.68, abs=0.03)


def test_widths_follow_stated_input_errors_in_every_group():
    chance = np.random.default_rng(10)
    error = np.where(chance.random(9000) < 0.5, 0.03, 0.4)
    residual = chance.normal(0, np.sqrt(0.05**2 + error**2))
    seen, zero = uncertainty_of(np.zeros(9000), error[:, None]), np.zeros(9000)
    model, pulls = fit_predictive(residual, seen, zero, ALL)
    for group in (0.03, 0.4):
        rows = error == group
        part = uncertainty_of(np.zeros(rows.sum()), error[rows, None])
        held = share_within(residual[rows], model, pulls, part, 16, 84)
        assert held == pytest.approx(0.68, abs=0.03)


def test_gross_failures_hardly_widen_the_intervals():
    _, residual, error, noise = stars_with_noise(5000, 0.5)
    seen, zero = uncertainty_of(noise), np.zeros(len(noise))
    clean, _, _ = fit_value(residual, error, seen, zero, [16, 84])
    residual[:100] += 1000
    dirty, _, _ = fit_value(residual, error, seen, zero, [16, 84])
    assert dirty.width(seen).mean() < 1.2 * clean.width(seen).mean()


def test_calibrated_percentiles_stand_around_the_unperturbed_prediction():
    pulls = Pulls([], {f"{p}": [float(norm.ppf(p / 100))] for p in (16, 50, 84)})
    value = WidthModel(residual=3.0, input=1.0, network=0.0, errors=[0.0])
    wider = WidthModel(residual=3.0, input=1.0, network=0.0, errors=[12.0])
    intervals = Intervals([Calibration(value, pulls, wider, pulls)], np.array([1.0]))
    centre = np.array([[[10.0], [14.0], [6.0]]])
    errors = np.array([[np.nan]])
    found, new = intervals.percentiles(centre, np.zeros((2, 1, 1)), errors, [16, 50, 84])
    low, middle, high = found
    assert middle == 10
    assert high - middle == pytest.approx(5 * norm.ppf(0.84))
    assert low + high == pytest.approx(20)
    assert new[2] - new[1] == pytest.approx(13 * norm.ppf(0.84))


def test_a_star_far_from_all_training_stars_is_outside_though_every_pair_holds_one():
    chance = np.random.default_rng(5)
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    training = np.concatenate([s * 3 + chance.normal(0, 0.3, (400, 3)) for s in signs])
    alone = np.array([[-3.0, -3.0, -3.0], [3.0, 3.0, 3.0], [np.nan, 0, 0]])
    assert not PairMaps.of(training, 10).outside(alone[:1]).any()
    scaling = Scaling.of(training, list("abc"))
    joint = JointSupport.of(training, scaling, neighbours=5, quantile=0.99)
    assert (joint.distance(alone) <= joint.limit).tolist() == [False, True, False]
    assert (joint.distance(training) <= joint.limit).mean() > 0.98


def blue_and_red(shared: bool) -> np.ndarray:
    """Noise of two colours that share a magnitude, (stars, 2)."""
    errors = {"BPmag_error": 0.3, "Gmag_error": 0.4, "RPmag_error": 0.3}
    block = pd.DataFrame({name: np.full(4000, e) for name, e in errors.items()})
    block["key"] = [f"star {i}" for i in range(4000)]
    pairs = {"BP-G": ("BPmag", "Gmag"), "G-RP": ("Gmag", "RPmag")}
    part = NetworkPart("x", None, None, None, [], [], colours=pairs if shared else {})
    settings = MonteCarloSettings(realisations=2)
    return perturbations(block, list(pairs), np.full((4000, 2), 0.5), settings, [part], "x")[:, 1]


def test_colours_with_a_magnitude_in_common_share_its_noise():
    together, apart = blue_and_red(True), blue_and_red(False)
    assert np.corrcoef(together.T)[0, 1] == pytest.approx(-0.16 / 0.25, abs=0.04)
    assert np.corrcoef(apart.T)[0, 1] == pytest.approx(0, abs=0.04)
    assert np.allclose(together.std(axis=0), 0.5, rtol=0.05)


@pytest.mark.parametrize(("missing", "lacking"), [("not finite", 1), ("sentinels too", 4)])
def test_a_sentinel_in_an_error_is_the_method_s_to_judge(missing, lacking):
    errors = [0.1, np.nan, -9999.0, 9999.0, np.hypot(0.3, 9999)]
    block = pd.DataFrame({"rv": 1.0, "rv_error": errors})
    _, found = measurements(block, ["rv"], MonteCarloSettings(missing=missing))
    assert np.isnan(found).sum() == lacking


def test_the_block_shows_joint_support_only_where_the_method_has_it():
    sample = velocities(60)
    maps = PairMaps.of(sample.inputs, 5), PairMaps.of(sample.outputs, 5)
    ensemble = Ensemble([untrained(ROBUST, sample, VELOCITY)])
    block = pd.DataFrame(sample.inputs, columns=VELOCITY.inputs)
    block = block.assign(**{f"{n}_error": 0.1 for n in VELOCITY.inputs}, key=sample.star)
    joint = JointSupport.of(sample.inputs, ensemble.input_scaling, 5, 0.9)
    found = {}
    for name, support in (("with", joint), ("without", None)):
        part = NetworkPart("k", ensemble, *maps, VELOCITY.inputs, VELOCITY.outputs, joint=support)
        settings = MonteCarloSettings(realisations=3)
        found[name] = set(translate_block(block, [part], ROBUST.ensemble, settings))
    assert found["with"] - found["without"] == {"distance_k", "joint_k"}


def test_calibrated_intervals_need_folds():
    with pytest.raises(ValidationError, match=r"needs training\.folds"):
        Method(montecarlo=MonteCarloSettings(intervals="calibrated"))


def test_settings_that_later_stages_cannot_use_are_refused():
    with pytest.raises(ValidationError, match="percentiles lack 5"):
        Method(montecarlo=MonteCarloSettings(percentiles=[16, 50, 84]))
    one = ROBUST.montecarlo.model_copy(update={"intervals": "calibrated", "realisations": 1})
    with pytest.raises(ValidationError, match="realisations of 2 or more"):
        Method(network=ROBUST.network, training=ROBUST.training, montecarlo=one)


def test_a_velocity_network_of_small_correction_learns_it():
    sample = velocities(400)
    scalings = sample.scalings(VELOCITY, ROBUST)
    torch.manual_seed(5)
    network = Translator(3, 1, "last", ROBUST.network, scalings.unit)
    parts = (sample.standardised(part, scalings) for part in (TRAIN, VALIDATION))
    train(network, *parts, ROBUST.training)
    stars: Stars = sample.standardised(VALIDATION, scalings)
    with torch.no_grad():
        error = (network(stars.inputs) - stars.outputs) * float(scalings.output.std[0])
    assert error.std() < 0.15
