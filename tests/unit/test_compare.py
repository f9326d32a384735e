"""The comparison finds what differs, all of it and nothing else."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cdstables.layout import layout_from_yaml
from spectrotranslator.comparison.agreement import agreement
from spectrotranslator.comparison.flag_agreement import comment_figures, flag_figures, parse_comment
from spectrotranslator.comparison.grades import (
    Tolerance,
    denial_of_catalogue,
    deviating_by_chance,
    grade_numbers,
    grade_share,
    too_far_for_chance,
    worst,
)
from spectrotranslator.comparison.grading_statistics import (
    describe,
    grading_statistics,
    is_outlier,
    outlier_limits,
    pulls,
    robust_scatter,
)
from spectrotranslator.comparison.percentile_groups import find_groups
from spectrotranslator.comparison.read_catalogues import flag_labels, number_labels
from spectrotranslator.comparison.row_matching import pair
from spectrotranslator.comparison.tolerances import tolerances_of

ROOT = Path(__file__).resolve().parents[2]


def stars(names, values=None) -> pd.DataFrame:
    return pd.DataFrame({"id": names, "x": np.arange(len(names)) if values is None else values})


def test_rows_match_by_identifier_in_any_order():
    found = pair(stars(list("abcd")), stars(list("dbca"), [3, 1, 2, 0]), "id", ["x"])
    assert found.published.tolist() == [0, 1, 2, 3]
    assert found.regenerated.tolist() == [3, 1, 2, 0]
    assert found.moved.sum() == 2


def test_orphans_are_named_on_both_sides():
    found = pair(stars(list("abc")), stars(list("bcd")), "id", ["x"])
    assert found.only_published.tolist() == [0]
    assert found.only_regenerated.tolist() == [2]


def test_one_row_moved_far_is_one_moved_row():
    found = pair(stars(list("abcdef")), stars(list("bcdefa")), "id", ["x"])
    assert found.moved.tolist() == [True, False, False, False, False, False]


def test_swapped_repeats_are_matched_by_distance():
    left = stars(["a", "a", "b"], [1.0, 5.0, 9.0])
    right = stars(["a", "a", "b"], [5.0, 1.0, 9.0])
    found = pair(left, right, "id", ["x"])
    assert found.regenerated.tolist() == [1, 0, 2]
    assert found.repeated.tolist() == [True, True, False]


def test_repeats_that_differ_by_noise_keep_their_order():
    left = stars(["a", "a", "b"], [1.0, 1.2, 9.0])
    right = stars(["a", "a", "b"], [1.3, 1.1, 9.0])
    assert pair(left, right, "id", ["x"]).regenerated.tolist() == [0, 1, 2]


def test_a_missing_repeat_leaves_the_nearest():
    left = stars(["a", "a", "b"], [1.0, 5.0, 9.0])
    right = stars(["a", "b"], [5.0, 9.0])
    found = pair(left, right, "id", ["x"])
    assert len(found.published) == 2
    assert found.only_published.tolist() == [1]


def test_robust_scatter_is_the_standard_deviation_of_a_normal_sample():
    values = np.random.default_rng(1).normal(0, 3, 100_000)
    assert robust_scatter(values) == pytest.approx(3, rel=0.02)


def test_runaways_are_counted_apart():
    published = np.random.default_rng(1).normal(5000, 100, 1000)
    regenerated = published + 1
    published[0] = regenerated[0] = 1e7
    regenerated[1] = -1e7
    assert is_outlier(published, outlier_limits(published)).sum() == 1
    figures = describe(published, regenerated, range(1000))
    assert (figures["runaway_published"], figures["runaway_both"]) == (1, 1)
    assert figures["runaway_regenerated"] == 2
    assert figures["bias"] == pytest.approx(1)
    assert figures["largest"] == pytest.approx(1)


def test_the_worst_stars_are_named():
    published, regenerated = np.zeros(100), np.zeros(100)
    published += np.arange(100) * 1e-3
    regenerated += published
    regenerated[42] += 0.5
    assert describe(published, regenerated, range(100))["worst"][0]["identifier"] == "42"


def test_pulls_leave_out_stars_without_an_error():
    found = pulls(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 2.0]))
    assert found["stars"] == 2


LABELS = ["Teff5", "Teff16", "Teff50", "Teff84", "Teff95", "e_Teff50", "Com"]


def test_percentiles_are_grouped_by_their_labels():
    (group,) = find_groups(LABELS)
    assert group.centre == "Teff50"
    assert group.systematic == "e_Teff50"
    assert sorted(group.percentiles) == [5, 16, 50, 84, 95]


def catalogue(seed: int) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    centre = np.linspace(4000, 6500, 500) + chance.normal(0, 5, 500)
    offsets = {5: -164, 16: -100, 50: 0, 84: 100, 95: 164}
    columns = {f"Teff{n}": centre + off for n, off in offsets.items()}
    return pd.DataFrame(columns | {"e_Teff50": chance.uniform(5, 10, 500)})


def test_a_wrong_percentile_changes_shape_and_a_wider_interval_does_not():
    (group,) = find_groups(LABELS)
    first, second = catalogue(1), catalogue(2)
    wrong = second.assign(Teff5=second["Teff50"] - 128)
    assert grading_statistics(first, wrong, [group])["Teff5"]["shape"] < -0.1
    wide = second.copy()
    for label in ("Teff5", "Teff16", "Teff84", "Teff95"):
        wide[label] = wide["Teff50"] + 1.5 * (wide[label] - wide["Teff50"])
    found = grading_statistics(first, wide, [group])["Teff5"]
    assert found["offset"] == pytest.approx(np.log(1.5), abs=1e-6)
    assert found["shape"] == pytest.approx(0, abs=1e-6)


def test_flag_figures_are_a_confusion_matrix_with_kappa():
    published = np.array([True] * 50 + [False] * 50)
    regenerated = published.copy()
    regenerated[:5] = False
    found = flag_figures(published, regenerated)
    assert (found["true_false"], found["false_true"]) == (5, 0)
    assert found["agreement"] == pytest.approx(0.95)
    assert found["kappa"] == pytest.approx(0.9)


def test_kappa_of_constant_flags_is_one():
    assert flag_figures(np.ones(5, bool), np.ones(5, bool))["kappa"] == 1


A = "| Input a_b outside training range"
B = "| Output c_d outside training range"


def test_a_comment_is_a_set_of_reasons():
    assert parse_comment(f'"{A}{B}|"') == (frozenset({"Input a_b", "Output c_d"}), False)
    assert parse_comment('""') == (frozenset(), False)
    assert parse_comment(f'"{A}{B[:20]}..."') == (frozenset({"Input a_b"}), True)


def test_reasons_cut_off_are_no_difference():
    whole, cut = f'"{A}{B}|"', f'"{A}{B[:20]}..."'
    assert comment_figures([whole], [cut])["other_reasons"] == 0


def test_a_reason_lost_before_the_cut_is_a_difference():
    found = comment_figures([f'"{A}{B}|"', '""'], [f'"{B}|"', f'"{A}|"'])
    assert found["other_reasons"] == 2
    assert found["other_input_reasons"] == 2
    assert found["reasons"] == {"Input a_b": 2}


def tolerances(**std) -> dict[str, Tolerance]:
    return tolerances_of({"x": {n: {"mean": 0.0, "std": s} for n, s in std.items()}}, 12)["x"]


def test_numbers_closer_than_two_replicates_are_no_fault():
    allowed = tolerances(scatter=0.1)
    assert grade_numbers({"scatter": -5.0}, allowed).grade == "equivalent"
    assert grade_numbers({"scatter": 5.0}, allowed).grade == "deviates"


def test_a_one_sided_limit_is_where_the_grade_changes():
    allowed = tolerances(scatter=0.1, bias=0.2)
    for name in allowed:
        limit = allowed[name].detectable(2)
        values = {"scatter": 0.0, "bias": 0.0}
        assert grade_numbers(values | {name: 1.001 * limit}, allowed).grade == "deviates"
        assert grade_numbers(values | {name: 0.999 * limit}, allowed).grade == "equivalent"


def test_numbers_within_the_scatter_between_executions_are_equivalent():
    grade = grade_numbers({"bias": 2.0, "scatter": 0.1}, tolerances(bias=1.5, scatter=0.2))
    assert grade.grade == "equivalent"


@pytest.mark.parametrize(
    ("name", "kind"), [("bias", "training"), ("lag", "code"), ("offset", "code"), ("shape", "code")]
)
def test_numbers_far_beyond_it_deviate_with_a_class(name, kind):
    grade = grade_numbers({name: 30.0}, tolerances(**{name: 1.5}))
    assert (grade.grade, grade.kind) == ("deviates", kind)


def test_numbers_without_tolerances_cannot_be_called_equivalent():
    assert grade_numbers({"bias": 0.1}, None).grade == "deviates"


def test_equivalent_is_rarely_denied_between_executions_of_one_method():
    chance = np.random.default_rng(3)
    denied = 0
    for _ in range(2000):
        spread = np.std(chance.normal(0, 1, 12), ddof=1)
        grade = grade_numbers({"bias": chance.normal()}, tolerances(bias=spread))
        denied += grade.grade == "deviates"
    assert denied / 2000 < 0.02


def test_what_must_match_exactly_may_not_differ_in_one_row():
    assert grade_share(0, 100, None, "inputs").grade == "identical"
    assert grade_share(1, 100, None, "inputs").kind == "inputs"


def test_fewer_differing_rows_than_usual_are_no_fault():
    usual = Tolerance(0.3, 0.01, 12, one_sided=True)
    assert grade_share(1, 100, usual, "training").grade == "equivalent"
    assert grade_share(60, 100, usual, "training").grade == "deviates"


def graded(*chances: float) -> dict[str, dict]:
    """Columns of such chances, and two that nothing is left to chance in."""
    columns = {
        f"x{n}": {"grade": "deviates" if chance < 0.01 else "equivalent", "chance": chance}
        for n, chance in enumerate(chances)
    }
    return columns | {name: {"grade": "identical", "chance": None} for name in ("id", "flag")}


def test_of_many_columns_some_deviate_by_chance():
    rest = [0.3] * 37
    assert deviating_by_chance(graded(0.008, 0.009, *rest)) == ["x0", "x1"]
    assert deviating_by_chance(graded(0.0002, 0.009, *rest)) == []
    assert deviating_by_chance(graded(*[0.001] * 10, *rest)) == []
    assert deviating_by_chance(graded(*rest)) == []


def test_a_column_of_less_than_a_thousandth_is_never_put_down_to_chance():
    rest = [0.3] * 37
    assert deviating_by_chance(graded(0.0009, *rest)) == []
    assert too_far_for_chance(graded(0.0009, *rest)) == ["x0"]
    assert deviating_by_chance(graded(0.0011, *rest)) == ["x0"]
    assert too_far_for_chance(graded(0.0011, 0.0002, *rest)) == []


def test_of_few_columns_the_one_that_denies_the_catalogue_is_below_its_limit():
    limit = denial_of_catalogue(graded(*[0.3] * 5))
    assert limit == 0.002
    assert deviating_by_chance(graded(0.0019, *[0.3] * 4)) == []
    assert deviating_by_chance(graded(0.0021, *[0.3] * 4)) == ["x0"]


def test_what_is_not_left_to_chance_never_deviates_by_it():
    columns = graded(0.009, *[0.5] * 20) | {"id": {"grade": "deviates", "chance": None}}
    assert deviating_by_chance(columns) == ["x0"]


def test_one_percentile_that_lags_behind_the_others_is_seen():
    values = np.random.default_rng(2).normal(5000, 500, 400)
    table = pd.DataFrame({label: values + 20 * n for n, label in enumerate(LABELS[:5])})
    moved = table + 7
    moved["Teff84"] += 30
    found = grading_statistics(table, moved, find_groups(LABELS[:5]))
    assert {label: round(f["lag"], 6) for label, f in found.items()} == {
        "Teff5": 0, "Teff16": 0, "Teff50": 0, "Teff84": 30, "Teff95": 0,
    }  # fmt: skip


def test_the_middle_percentile_lags_behind_the_others_not_behind_itself():
    values = np.random.default_rng(2).normal(5000, 500, 400)
    table = pd.DataFrame({label: values + 20 * n for n, label in enumerate(LABELS[:5])})
    moved = table + np.array([-2.0, -1.0, 0.4, 1.0, 2.0])
    found = grading_statistics(table, moved, find_groups(LABELS[:5]))
    assert found["Teff50"]["lag"] == pytest.approx(0.4)


def test_the_worst_of_several_grades():
    assert worst(["identical", "equivalent"]) == "equivalent"
    assert worst(["deviates", "identical", "missing"]) == "missing"


def test_agreement_tells_differences_units_and_shares_without_a_tolerance():
    table = layout_from_yaml(ROOT / "config/catalogues/g2a.yaml")
    chance = np.random.default_rng(3)
    stars = 400
    published = pd.DataFrame({label: chance.normal(size=stars) for label in number_labels(table)})
    for group in find_groups(number_labels(table)):
        for percentile, label in group.percentiles.items():
            published[label] = (percentile - 50) / 34.0
        published[group.systematic] = 0.5
    for label in flag_labels(table):
        published[label] = label.startswith("Qflag")
    published["Com"] = '""'
    regenerated = published.copy()
    published.loc[0, "QflagIi"] = False
    for group in find_groups(number_labels(table)):
        regenerated[group.centre] = 0.25
    regenerated.loc[:99, "[Fe/H]50"] = 3.0
    groups = find_groups(number_labels(table))
    found = agreement(published, regenerated, table, groups)
    iron = found["labels"]["[Fe/H]50"]
    assert found["good_rows"] == iron["good"]["stars"] == stars - 1
    assert iron["all"]["within_50"] == pytest.approx(0.25)
    assert iron["all"]["within_95"] == pytest.approx(3.0)
    assert iron["all"]["median_in_systematic_errors"] == pytest.approx(0.5)
    assert iron["all"]["median_in_half_intervals"] == pytest.approx(0.25)
    assert iron["all"]["inside_published_interval"] == pytest.approx(0.75)
    assert found["flags"]["QflagIi"] == pytest.approx(1 - 1 / stars)
    assert found["comments"] == {"Com": 1.0}
    assert "[Fe/H]50 to 3" in found["sentences"][0]
