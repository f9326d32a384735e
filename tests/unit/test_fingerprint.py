"""The fingerprint: each question on synthetic catalogues whose settings are known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cdstables.layout import layout_from_yaml
from minisky.published_catalogue import Direction as Names
from minisky.published_catalogue import write_comments
from minisky.published_text import comment_text
from spectrotranslator.comparison.choices import with_choice, within_choices
from spectrotranslator.comparison.explain_differences import causes, explain, overview
from spectrotranslator.comparison.flag_agreement import Style
from spectrotranslator.comparison.grades import Tolerance, grade_numbers
from spectrotranslator.config import resolve
from spectrotranslator.config.configuration import Method, MonteCarloSettings
from spectrotranslator.config.resolve_from_fingerprint import (
    adopted_settings,
    resolve_selection,
    resolve_settings,
)
from spectrotranslator.errors import InputError
from spectrotranslator.fingerprint import input_masks
from spectrotranslator.fingerprint.catalogue_traces import Traces, paired
from spectrotranslator.fingerprint.digit_lattice import read_lattice
from spectrotranslator.fingerprint.ensemble_size import (
    length_statistics,
    read_length,
    read_members,
)
from spectrotranslator.fingerprint.map_edges import read_edges
from spectrotranslator.fingerprint.pair_states import FAIL, PASS, UNTOLD, Group, read_reasons
from spectrotranslator.fingerprint.photometry_release import read_release
from spectrotranslator.fingerprint.realisations import read_realisations
from spectrotranslator.fingerprint.selection_ranking import (
    Candidate,
    contradictions,
    read_precision,
    read_selection,
)
from spectrotranslator.translation.catalogue_columns import comment_text as written
from spectrotranslator.translation.montecarlo import measurements
from spectrotranslator.translation.order_statistics import simulate, trimmed_spread
from spectrotranslator.translation.quality_flags import PairMaps

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
Q = (5, 16, 50, 84, 95)


def members_predictions(n, m, stars=1500, curved=0.0, seed=1, single=True):
    """Percentiles over ``n`` realisations of the trimmed mean of ``m`` members; their scaling."""
    rng = np.random.default_rng(seed)
    noise = 0.1 * rng.normal(size=(stars, n))
    noise[:, 0] = 0
    centre = rng.normal(0, 1, (stars, 1)) + noise + curved * noise**2
    drawn = centre + 0.02 * rng.normal(size=(m, stars, 1))
    drawn = drawn.astype(np.float32).astype(np.float64) if single else drawn
    mean, std = -3.1234567, 41.987654321
    kept = np.sort(drawn * std + mean, axis=0)[1:-1].mean(axis=0)
    return np.percentile(kept, Q, axis=1).T, (mean, std)


def spread(values, m):
    """The systematic error that ``members_predictions`` goes with, about."""
    return np.full(len(values), 0.02 * 42 * np.exp(trimmed_spread(m)[0]))


@pytest.mark.parametrize("n", [2, 5, 11, 22, 60])
def test_simulated_order_statistics_are_those_of_drawn_ones(n):
    drawn = np.random.default_rng(2).normal(size=(60_000, n))
    drawn[:, 0] = 0
    expected = np.percentile(drawn, Q, axis=1).T
    found = simulate(n, 60_000, np.random.default_rng(3))
    assert np.allclose(found.mean(axis=0), expected.mean(axis=0), atol=0.015)
    assert np.allclose(found.std(axis=0), expected.std(axis=0), rtol=0.02)


@pytest.mark.parametrize(("n", "widest"), [(5, 5), (10, 11), (60, 75)])
def test_the_realisations_lie_in_the_interval_and_the_interval_is_short(n, widest):
    values, _ = members_predictions(n, 7)
    found = read_realisations({"v": values}, "v", np.full(len(values), 4.2))
    low, high = found.interval
    assert low <= n <= high <= widest
    assert low <= found.estimate <= high


def test_a_gently_curved_network_does_not_hide_the_realisations():
    values, _ = members_predictions(60, 7, curved=0.8)
    low, high = read_realisations({"v": values}, "v", np.ones(len(values))).interval
    assert low <= 60 <= high


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.ones((400, 5)), "no realisation is perturbed"),
        (np.sort(np.random.default_rng(1).normal(size=(20, 5))), "fewer than 100"),
        (members_predictions(80, 7, curved=9)[0], "too curved"),
    ],
)
def test_percentiles_that_tell_nothing_leave_the_realisations_undetermined(values, reason):
    found = read_realisations({"v": values}, "v", np.ones(len(values)))
    assert found.estimate is None
    assert reason in found.undetermined


@pytest.mark.parametrize("m", [5, 10, 29])
@pytest.mark.parametrize("n", [6, 10, 11, 21, 26, 51, 64, 101])
def test_the_last_digits_give_members_and_divisors_of_the_realisations(m, n):
    values, scaling = members_predictions(n, m, stars=3000)
    lattice, _ = read_lattice({"v": values}, {"v": spread(values, m)}, {"v": scaling})
    assert lattice.kept == m - 2
    assert lattice.allows(n)
    assert not lattice.allows(n + 1)


def test_another_scaling_or_double_precision_shows_no_lattice_and_no_members():
    values, (mean, std) = members_predictions(10, 7)
    double, _ = members_predictions(10, 7, single=False)
    for columns, scaling in ((values, (mean, std * (1 + 1e-6))), (double, (mean, std))):
        e = {"v": spread(columns, 7)}
        lattice, figures = read_lattice({"v": columns}, e, {"v": scaling})
        assert lattice is None
        answer = read_members(lattice, figures, {"v": np.abs(columns[:, 0])})
        assert answer.estimate is None
        assert "no lattice" in answer.undetermined


def test_comments_give_back_every_pair_that_was_written():
    rng = np.random.default_rng(4)
    names = Names("g2a", tuple("abcdefg"), tuple("pqrs"))
    failing = [rng.random((400, k)) < 0.02 for k in (15, 6, 21)]
    comments = write_comments(names, *failing)
    groups = [
        Group("Input", "intrinsic", tuple("abcdef")),
        Group("Output", "intrinsic", tuple("pqrs")),
        Group("Input", "extrinsic", tuple("abcdefg")),
    ]
    good = [~one.any(axis=1) for one in failing]
    states, strange = read_reasons(pd.Series(comments), groups, good)
    assert strange == 0
    for state, truth in zip(states, failing, strict=True):
        assert (state == np.where(truth, FAIL, PASS)).all()


def test_what_a_comment_was_cut_off_is_untold_and_the_rest_is_right():
    rng = np.random.default_rng(5)
    names = Names("g2a", tuple("abcdefg"), tuple("pqrs"))
    failing = [rng.random((300, k)) < 0.2 for k in (15, 6, 21)]
    comments = [comment_text(text, 155) for text in write_comments(names, *failing)]
    groups = [
        Group("Input", "intrinsic", tuple("abcdef")),
        Group("Output", "intrinsic", tuple("pqrs")),
        Group("Input", "extrinsic", tuple("abcdefg")),
    ]
    good = [~one.any(axis=1) for one in failing]
    states, _ = read_reasons(pd.Series(comments), groups, good)
    untold = 0
    for state, truth in zip(states, failing, strict=True):
        told = state != UNTOLD
        untold += (~told).sum()
        assert ((state == FAIL) == truth)[told].all()
    assert untold > 100


@pytest.mark.parametrize(
    "style",
    [
        {"quote": '"', "cut": 100, "ellipsis": "..."},
        {"quote": '"', "cut": 100, "ellipsis": ""},
        {"quote": "", "cut": 100, "ellipsis": "[+]"},
        {"quote": "", "cut": 100, "ellipsis": ""},
        {"quote": "'", "cut": 500, "ellipsis": "..."},
    ],
)
def test_a_comment_is_known_to_be_cut_in_whatever_way_the_layout_says(style):
    names = Names("g2a", tuple("abcdefg"), tuple("pqrs"))
    (comment,) = write_comments(names, *(np.ones((1, k), bool) for k in (15, 6, 21)))
    groups = [
        Group("Input", "intrinsic", tuple("abcdef")),
        Group("Output", "intrinsic", tuple("pqrs")),
        Group("Input", "extrinsic", tuple("abcdefg")),
    ]
    layout = layout_from_yaml(ROOT / "config/catalogues/g2a.yaml")
    shown = written(comment, style)[:160]
    good = [np.array([False])] * 3
    chosen = Style.of(replace(layout, comment=style))
    states, strange = read_reasons(pd.Series([shown]), groups, good, chosen)
    found = np.concatenate(states, axis=1)[0].tolist()
    told = found.count(FAIL)
    assert strange == 0
    assert found == [FAIL] * told + [UNTOLD] * (42 - told)
    assert 2 <= told <= 4


def test_a_comment_with_an_unknown_pair_is_counted():
    groups = [Group("Input", "intrinsic", ("a", "b"))]
    comments = pd.Series(["| Input x_y outside training range|"])
    _, strange = read_reasons(comments, groups, [np.array([False])])
    assert strange == 1


def some_stars(n=3000, seed=6):
    rng = np.random.default_rng(seed)
    stars = pd.DataFrame({"a": rng.normal(size=n), "colour": rng.normal(size=n)})
    stars["a_error"], stars["colour_error"] = 0.1, 0.1
    stars["flag_a"] = (rng.random(n) < 0.1).astype(np.int64)
    stars.loc[rng.random(n) < 0.05, "a"] = np.nan
    stars.loc[rng.random(n) < 0.05, "colour"] = np.nan
    stars.loc[rng.random(n) < 0.05, "a"] = -9999.0
    stars.loc[rng.random(n) < 0.05, "a_error"] = np.nan
    return stars


@pytest.mark.parametrize(
    "rules",
    [
        [input_masks.COLOUR, input_masks.VALUE],
        [input_masks.COLOUR, input_masks.VALUE, input_masks.SENTINEL_RULE],
        [input_masks.COLOUR, input_masks.VALUE, input_masks.SENTINEL_RULE, "flag_a != 0"],
        [input_masks.VALUE, input_masks.ERROR],
    ],
)
def test_the_rules_in_force_are_named(rules):
    stars = some_stars()
    held = input_masks.rules_of(stars, ["a", "colour"], ["colour"], ["flag_a"])
    missing = np.any([held[rule] for rule in rules], axis=0)
    found = input_masks.read_masks({"k": missing}, {"k": held})
    assert found.estimate == rules
    assert found.evidence["disagreeing"] == 0


def test_a_flag_that_no_rule_gives_is_undetermined():
    stars = some_stars()
    held = input_masks.rules_of(stars, ["a", "colour"], ["colour"], ["flag_a"])
    missing = held[input_masks.VALUE] ^ (np.arange(len(stars)) % 7 == 0)
    assert input_masks.read_masks({"k": missing}, {"k": held}).estimate is None


def test_a_rule_that_no_star_tests_is_left_untold():
    stars = some_stars()
    stars["flag_a"] = 0
    held = input_masks.rules_of(stars, ["a", "colour"], ["colour"], ["flag_a"])
    found = input_masks.read_masks({"k": held[input_masks.VALUE]}, {"k": held})
    assert found.evidence["untold"] == ["flag_a != 0"]


def test_rules_that_hold_in_the_same_stars_are_not_told_apart():
    stars = some_stars()
    stars["twin"] = stars["flag_a"]
    held = input_masks.rules_of(stars, ["a", "colour"], ["colour"], ["flag_a", "twin"])
    missing = held[input_masks.VALUE] | held["twin != 0"]
    found = input_masks.read_masks({"k": missing}, {"k": held})
    assert found.estimate is None
    assert found.evidence["untold"] == ["flag_a != 0", "twin != 0"]


def a_catalogue(training, stars, seed=8):
    """Traces of stars with two inputs and no outputs in pairs, and what was looked up."""
    values = np.random.default_rng(seed).normal(size=(stars, 3)) * 1.3
    outside = PairMaps.of(training, 10).outside(values)
    traces = Traces(
        percentiles={},
        systematic={},
        missing={},
        good={("Input", "k"): ~outside.any(axis=1)},
        states={("Input", "k"): outside.astype(np.int8)},
        stars=pd.DataFrame(index=range(stars)),
        counts={},
    )
    return traces, {("Input", "k"): values}


def scored(training, candidates, within=None):
    traces, values = a_catalogue(training, 2000)
    found = {
        (name, "training part"): contradictions(
            Candidate(name, "training part", {"k": rows}, {}, {}, {}), traces, values, 10
        )
        for name, rows in candidates.items()
    }
    return read_selection(
        found,
        dict.fromkeys(found, 0),
        within or dict.fromkeys(candidates, True),
        {name: [] for name in candidates},
    )


def test_the_right_selection_ranks_first_and_no_star_contradicts_it():
    training = np.random.default_rng(9).normal(size=(400, 3))
    found = scored(training, {"half": training[:200], "right": training, "less": training[:390]})
    assert found.estimate == "right"
    assert [line["contradicted_by"] == 0 for line in found.evidence["ranking"]][:2] == [True, False]


def test_selections_with_one_map_are_not_told_apart():
    training = np.random.default_rng(9).normal(size=(400, 3))
    found = scored(training, {"one": training, "other": training[::-1]})
    assert found.estimate is None
    assert found.undetermined == "one and other cannot be told apart"


def test_published_counts_tell_selections_with_one_map_apart():
    training = np.random.default_rng(9).normal(size=(400, 3))
    candidates = {"one": training, "other": training[::-1]}
    found = scored(training, candidates, {"one": False, "other": True})
    assert found.estimate == "other"


def test_where_no_candidate_is_right_none_is_named():
    training = np.random.default_rng(9).normal(size=(400, 3))
    found = scored(training, {"half": training[:200], "third": training[:130]})
    assert found.estimate is None
    assert "no candidate gives the flags: the nearest, 'half'" in found.undetermined


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("number", range(4))
def test_extremes_and_cells_of_the_training_sample_come_back_without_a_candidate(number, precision):
    rng = np.random.default_rng(number)
    training = rng.normal(size=(500, 3)).astype(precision).astype(np.float64)
    values = np.concatenate([training, rng.normal(size=(4000, 3)) * 1.4])
    values = values.astype(precision).astype(np.float64)
    outside = PairMaps.of(training, 30, precision).outside(values)
    common = np.arange(len(values)) < 900
    found = read_edges("abc", values, outside.astype(np.int8), common, 30, precision)
    for place, name in enumerate("abc"):
        feature = found["features"][name]
        assert feature["least"] == training[:, place].min()
        low, high = feature["least_interval"]
        assert low <= feature["least"] <= high
        assert feature["largest"] == training[:, place].max()
        low, high = feature["largest_interval"]
        assert low <= feature["largest"] <= high
    assert all(cell["stars_against"] == 0 for cell in found["cells"].values())
    occupied = PairMaps.of(training, 30).cells[0, 1].sum()
    assert 0.95 * occupied <= found["cells"]["a_b"]["occupied"] <= occupied


def test_stars_at_the_extremes_tell_the_type_of_the_training_table():
    rng = np.random.default_rng(14)
    training = rng.normal(size=(400, 3))
    values = np.concatenate([training, rng.normal(size=(2000, 3))])
    types = ("float32", "float64")
    outside = {one: PairMaps.of(training, 10, one).outside(values) for one in types}
    wrong = {one: (found != outside["float32"]).any(axis=1) for one, found in outside.items()}
    assert read_precision(wrong).estimate == "float32"
    assert read_precision(dict.fromkeys(wrong, wrong["float32"])).estimate is None


def replicates(rng, level):
    predicted = level * rng.normal(size=(3000, 2))
    spread = np.exp(rng.normal(np.log(level / 3), 0.1, (3000, 2)))
    return length_statistics(predicted, spread, np.zeros((3000, 2)), 5)


def test_the_length_whose_executions_are_alike_is_named():
    rng = np.random.default_rng(11)
    made = {epochs: [replicates(rng, 1 / epochs) for _ in range(3)] for epochs in (5, 15, 45)}
    found = read_length(replicates(rng, 1 / 15), made)
    assert found.estimate == 15
    assert found.interval == [15, 15]


def test_lengths_that_leave_no_trace_are_undetermined():
    rng = np.random.default_rng(12)
    made = {epochs: [replicates(rng, 1.0) for _ in range(3)] for epochs in (5, 15, 45)}
    assert read_length(replicates(rng, 1.0), made).estimate is None
    assert "no replicates" in read_length(np.zeros(2), {}).undetermined


def test_trimming_shrinks_the_spread_as_the_method_says():
    """0.43 of the true value for 5 members and 0.66 for 10, on average: reference figures."""
    for members, expected in ((5, 0.43), (10, 0.66)):
        drawn = np.sort(np.random.default_rng(1).normal(size=(20_000, members)), axis=1)
        assert drawn[:, 1:-1].std(axis=1).mean() == pytest.approx(expected, abs=0.02)
        assert trimmed_spread(members)[0] < np.log(expected)


def test_a_release_is_named_only_where_flags_tell_it():
    wrong = {"DR3": np.zeros(2000, bool), "EDR3": np.arange(2000) < 9}
    assert read_release(wrong, 200).estimate == "DR3"
    assert read_release({"DR3": wrong["DR3"], "EDR3": wrong["DR3"]}, 200).estimate is None
    assert "only one release" in read_release({"DR3": wrong["DR3"]}, 0).undetermined


def test_rows_of_one_name_are_paired_in_order_or_not_at_all():
    published = pd.DataFrame({"identifier": ["a", "b", "b", "c"], "source_id": [1, 2, 2, 3]})
    stars = pd.DataFrame(
        {"identifier": ["b", "x", "a ", "b", "c", "c"], "source_id": [2, 9, 1, 2, 3, 3]}
    )
    rows = [one.tolist() for one in paired(published, stars)]
    assert rows == [[0, 1, 2], [2, 0, 3]]


def told(path, **answer):
    answer = {"interval": None, "evidence": {}} | answer
    path.write_text(json.dumps({"answers": {"realisations": answer, "selection": answer}}))
    return path


def test_a_run_takes_its_realisations_from_the_fingerprint_or_refuses(tmp_path):
    method = Method(montecarlo=MonteCarloSettings(realisations="fingerprint"))
    path = told(tmp_path / "f.json", estimate=37, undetermined=None)
    assert resolve_settings(method, path).montecarlo.realisations == 37
    told(path, estimate=None, undetermined="fewer than 100 stars")
    with pytest.raises(InputError, match=r"undetermined \(fewer than 100 stars\); set"):
        resolve_settings(method, path)
    settings = method.montecarlo.model_copy(update={"realisations_fallback": 12})
    fallback = method.model_copy(update={"montecarlo": settings})
    assert resolve_settings(fallback, path).montecarlo.realisations == 12


def test_a_run_takes_its_selection_from_the_fingerprint_or_its_fallback(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    run = resolve("full")
    path = told(tmp_path / "f.json", estimate="bright", undetermined=None)
    assert resolve_selection(run, path).selection == "bright"
    told(path, estimate=None, undetermined="too few stars")
    assert resolve_selection(run, path).selection == "advice"
    alone = run.model_copy(update={"selection_fallback": None})
    with pytest.raises(InputError, match=r"undetermined \(too few stars\); set selection"):
        resolve_selection(alone, path)
    told(path, estimate="__import__('os')", undetermined=None)
    with pytest.raises(InputError, match="no candidate selection"):
        resolve_selection(run, path)


def test_selections_that_nothing_tells_apart_give_one_of_them(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    run, path = resolve("full"), tmp_path / "f.json"
    evidence = {"compatible": ["bright", "no_snr"]}
    told(path, estimate=None, undetermined="cannot be told apart", evidence=evidence)
    assert resolve_selection(run, path).selection == "bright"
    among = run.model_copy(update={"selection_fallback": "no_snr"})
    assert resolve_selection(among, path).selection == "no_snr"


def asking(**ensemble) -> Method:
    settings = {"members": "fingerprint", "most_members": 20, **ensemble}
    return Method(ensemble=settings, montecarlo={"missing": "fingerprint", "masked": "fingerprint"})


def told_all(path, members, masks):
    usual = {"interval": None, "evidence": {}, "undetermined": None, "estimate": None}
    answers = {"members": usual | members, "masks": usual | masks}
    path.write_text(json.dumps({"answers": answers}))
    return path


@pytest.mark.parametrize(
    ("answer", "members"),
    [
        ({"estimate": 13, "interval": [13, 13]}, 13),
        ({"estimate": 26, "interval": [26, 26]}, 20),
        ({"undetermined": "no lattice"}, 7),
    ],
)
def test_as_many_members_translate_as_the_fingerprint_tells(tmp_path, answer, members):
    masks = {"undetermined": "no star lacks an input"}
    path = told_all(tmp_path / "f.json", answer, masks)
    method = asking(members_fallback=7)
    assert method.ensemble.trained == 20
    resolved = resolve_settings(method, path)
    assert (resolved.ensemble.members, resolved.ensemble.trained) == (members, members)
    assert (resolved.montecarlo.missing, resolved.montecarlo.masked) == ("not finite", {})
    with pytest.raises(InputError, match=r"set ensemble\.members, or ensemble\.members_fallback"):
        resolve_settings(asking(), told_all(path, {"undetermined": "no lattice"}, masks))


def test_masks_are_treated_as_the_fingerprint_tells_and_nonsense_is_refused(tmp_path):
    rules = ["value not finite", "value of -9999", "flag_Mg_fe != 0"]
    settings = input_masks.settings_of(rules, {"flag_Mg_fe": "Mg_fe", "flag_fe_h": "fe_h"})
    masks = {"estimate": rules, "evidence": {"settings": settings}}
    members = {"estimate": 9, "interval": [9, 9]}
    path = told_all(tmp_path / "f.json", members, masks)
    resolved = resolve_settings(asking(), path).montecarlo
    assert resolved.missing == "sentinels too"
    assert resolved.masked == {"Mg_fe": "flag_Mg_fe"}
    masks["evidence"]["settings"]["montecarlo.masked"] = ["os.system"]
    with pytest.raises(InputError, match="no treatment of missing inputs"):
        resolve_settings(asking(), told_all(path, members, masks))


def test_what_is_adopted_says_why_and_what_cannot_be(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    run = resolve("tiny")
    method = asking(members_fallback=7)
    run = run.model_copy(update={"methods": {"as-published": method}})
    members = {"estimate": 26, "interval": [26, 26]}
    masks = {"undetermined": "no star lacks an input"}
    path = told_all(tmp_path / "f.json", members, masks)
    lines = {line["setting"]: line["sentence"] for line in adopted_settings(run, path)}
    assert (
        "20, the nearest that can be, where the published catalogue tells 26"
        in (lines["ensemble.members"])
    )
    assert "does not tell: no star lacks an input" in lines["montecarlo.missing"]
    assert "not taken from the published catalogue" in lines["training.epochs"]


def test_a_masked_input_is_missing_where_its_flag_is_not_0():
    block = pd.DataFrame({"a": [1.0, 2.0], "a_error": 0.1, "b": [3.0, 4.0], "b_error": 0.1})
    block["flag_a"] = [0, 4]
    settings = MonteCarloSettings(masked={"a": "flag_a", "elsewhere": "flag_x"})
    values, _ = measurements(block, ["a", "b"], settings)
    assert np.isnan(values).tolist() == [[False, False], [True, False]]


def test_a_column_inside_the_spread_over_the_open_choices_is_consistent_and_beyond_it_deviates():
    tolerances = {"bias": Tolerance(0.0, 0.1, 8), "scatter": Tolerance(1.0, 0.1, 8)}
    ranges = {"bias": [-5.0, 3.0], "scatter": [0.9, 1.4]}
    for bias, grade in ((0.1, "equivalent"), (-4.9, "consistent"), (8.0, "deviates")):
        statistics = {"bias": bias, "scatter": 1.0}
        graded = grade_numbers(statistics, tolerances)
        assert within_choices(graded, statistics, tolerances, ranges).grade == grade
        assert within_choices(graded, statistics, tolerances, None) == graded


def test_a_choice_changes_the_compared_method_alone_and_a_strange_one_is_refused():
    run = resolve("mini")
    given = {"longer": {"training.epochs": 200}, "odd": {"training.epoch": 2}, "bad": {
        "ensemble.members": 3}}  # fmt: skip
    run = run.model_copy(
        update={"comparison": run.comparison.model_copy(update={"choices": given})}
    )
    changed = with_choice(run, "longer").methods[run.comparison.method]
    assert changed.training.epochs == 200
    assert changed.ensemble == run.methods[run.comparison.method].ensemble
    with pytest.raises(InputError, match=r"odd: a method has no setting 'training\.epoch'"):
        with_choice(run, "odd")
    with pytest.raises(InputError, match=r"choices\.bad"):
        with_choice(run, "bad")


def test_a_width_that_other_realisations_give_is_explained_by_them_first():
    layout = layout_from_yaml("config/catalogues/g2a.yaml")
    differing = {
        "selection": {"used": "a", "published": "b", "interval": ["b"], "stars": 5},
        "montecarlo.realisations": {
            "used": 10, "published": 100, "interval": [100, 100], "stars": None
        },
        "ensemble.members": {"used": 5, "published": 10, "interval": [10, 10], "stars": None},
    }  # fmt: skip
    narrower = np.log(
        np.median(np.abs(np.subtract(*simulate(10, 20_000, np.random.default_rng(1)).T[[4, 2]])))
        / np.median(np.abs(np.subtract(*simulate(100, 20_000, np.random.default_rng(1)).T[[4, 2]])))
    )
    rng = np.random.default_rng(2)
    five, ten = (np.sort(rng.normal(size=(9999, m)), axis=1)[:, 1:-1].std(axis=1) for m in (5, 10))
    fewer = np.median(np.log(five / ten))
    columns = {
        "HV95": {"grade": "deviates", "statistics": {"bias": 0.1, "offset": narrower}},
        "e_HV50": {"grade": "deviates", "statistics": {"bias": fewer}},
        "QflagIi": {"grade": "deviates", "true_false": 3, "false_true": 2},
        "Flagmii": {"grade": "deviates", "true_false": 3, "false_true": 2},
        "HV5": {"grade": "equivalent"},
    }
    found = explain(columns, layout, differing)
    first = found["HV95"][0]
    assert first["setting"] == "montecarlo.realisations"
    assert first["explains"] > 0.9
    assert found["e_HV50"][0]["setting"] == "ensemble.members"
    assert found["e_HV50"][0]["explains"] > 0.8
    assert [line["setting"] for line in found["QflagIi"]] == ["selection"]
    assert found["Flagmii"] == []
    assert "HV5" not in found
    assert {line["setting"] for line in overview(found)} == set(differing)


def test_causes_come_in_the_order_of_their_evidence():
    rows = {"grade": "identical", "reason": "the same rows in the same order"}
    columns = {
        "QflagIi": {"grade": "deviates", "class": "selection"},
        "HV95": {"grade": "deviates", "class": "code"},
        "HV5": {"grade": "deviates", "class": "seed"},
        "HV16": {"grade": "deviates", "class": "training"},
    }
    settings = [
        {"setting": "montecarlo.realisations", "used": 10, "published": 100, "explains": 0.9,
         "columns": ["HV95"]},
        {"setting": "training.epochs", "used": 10, "published": 60, "explains": 0.0,
         "columns": ["HV95", "HV16"]},
    ]  # fmt: skip
    diff = {"grade": "deviates", "layout": [], "rows": rows, "by_chance": ["HV5"],
            "columns": columns, "explain": {"settings": settings}}  # fmt: skip
    first, second, third = causes(diff)
    assert first == (
        "montecarlo.realisations is 100 in the published catalogue and 10 here: accounts for 90% "
        "of what differs in 1 column"
    )
    assert second.startswith("training.epochs is 60")
    assert third.endswith("with no setting known to cause it: QflagIi")
    unknown = "no candidate gives the flags"
    adopted = [{"setting": "selection", "undetermined": unknown}]
    assert unknown in causes(diff | {"adopted": adopted})[2]
    adopted = [{"setting": "training.epochs", "undetermined": "not taken"}]
    lone = diff | {"adopted": adopted, "explain": {"settings": []}}
    assert causes(lone)[-1].startswith("neither other seeds nor comparison.choices")
    lost = rows | {"grade": "deviates", "reason": "3 rows have no partner"}
    assert causes(diff | {"rows": lost})[0] == "3 rows have no partner"
    assert causes(diff | {"grade": "equivalent"}) == []
    columns["HV50"] = {"grade": "missing", "class": None}
    assert causes(diff | {"grade": "missing"})[2].endswith("catalogue lacks: HV50")
