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
from spectrotranslator.translation.intervals import Intervals, Widths
from spectrotranslator.translation.montecarlo import (
    NetworkPart,
    measurements,
    perturbations,
    translate_block,
)
from spectrotranslator.translation.out_of_fold import unseen_by_member
from spectrotranslator.translation.predictive_width import fit_widths
from spectrotranslator.translation.quality_flags import PairMaps
from spectrotranslator.translation.support_distance import JointSupport

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


@pytest.mark.parametrize("label_noise", [0.0, 0.5, 2.0])
def test_widths_take_the_labels_error_out_and_cover_the_truth(label_noise):
    true, residual, error, noise = stars_with_noise(20000, label_noise)
    zero = np.zeros(len(true))
    widths = fit_widths(residual, error, noise, zero, zero, [5, 16, 50, 84, 95])
    width = widths.width(noise, zero)
    for low, high, share in (("16", "84", 0.68), ("5", "95", 0.9)):
        inside = (true >= widths.pulls[low] * width) & (true <= widths.pulls[high] * width)
        assert inside.mean() == pytest.approx(share, abs=0.015)


def test_widths_follow_the_noise_of_each_star():
    _, residual, error, noise = stars_with_noise(20000, 0.5)
    zero = np.zeros(len(noise))
    widths = fit_widths(residual, error, noise, zero, zero, [16, 84])
    assert widths.residual == pytest.approx(1, rel=0.05)
    assert widths.input == pytest.approx(1, rel=0.05)


def test_gross_failures_hardly_widen_the_intervals():
    _, residual, error, noise = stars_with_noise(5000, 0.5)
    zero = np.zeros(len(noise))
    clean = fit_widths(residual, error, noise, zero, zero, [16, 84])
    residual[:100] += 1000
    dirty = fit_widths(residual, error, noise, zero, zero, [16, 84])
    assert dirty.width(noise, zero).mean() < 1.2 * clean.width(noise, zero).mean()


def test_calibrated_percentiles_stand_around_the_unperturbed_prediction():
    pulls = {f"{p}": float(norm.ppf(p / 100)) for p in (16, 50, 84)}
    intervals = Intervals([Widths(residual=3.0, input=1.0, network=0.0, pulls=pulls)])
    centre = np.array([[[10.0], [14.0], [6.0]]])
    low, middle, high = intervals.percentiles(centre, np.zeros((2, 1, 1)), [16, 50, 84])
    assert middle == 10
    assert high - middle == pytest.approx(5 * norm.ppf(0.84))
    assert low + high == pytest.approx(20)


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
