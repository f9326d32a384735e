"""Tolerances that a run makes itself, and the spread of flags over selections."""

import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spectrotranslator.comparison.choices import joined_ranges, share_within_choices
from spectrotranslator.comparison.grades import CONSISTENT, DEVIATES, Grade
from spectrotranslator.comparison.tolerances import read_tolerances
from spectrotranslator.config import dump, resolve
from spectrotranslator.config.loading import validate
from spectrotranslator.errors import InputError
from spectrotranslator.tolerance import collect_tolerances
from spectrotranslator.tolerance.apply_choice import settled
from spectrotranslator.tolerance.spread_flags import spread_over_selections

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch):
    """The run ``tiny`` with tolerances of its own."""
    monkeypatch.chdir(ROOT)
    return changed(resolve("tiny"), tolerances="run", pool=12, replicates=4)


def changed(run, **comparison):
    """The run with other settings of its comparison, checked."""
    value = run.model_dump(mode="json", by_alias=True, exclude_none=True)
    value["comparison"] |= comparison
    return validate(value, Path("config/runs/tiny.yaml"))


@pytest.mark.parametrize(
    ("comparison", "says"),
    [
        ({"pool": 9}, "hold no two ensembles of 5 members; give at least 10"),
        ({"choices": {"odd": {"training.epoch": 3}}}, "choices.odd: a method has no setting"),
        ({"choices": {"odd": {"training.epochs": 0}}}, "choices.odd: .*greater than or equal"),
        ({"choices": {"odd": {"montecarlo.realisations": "fingerprint"}}}, "is no alternative"),
        ({"choices": {"a/b": {"training.epochs": 3}}}, "plain name"),
    ],
)
def test_what_no_tolerances_could_be_made_of_is_refused_at_once(run, comparison, says):
    with pytest.raises(InputError, match=says):
        changed(run, **comparison)


def test_the_word_run_is_no_path(run):
    assert run.comparison.by_run
    assert not changed(run, tolerances="config/tolerances/tiny.json").comparison.by_run


def test_pairs_of_all_jobs_make_one_file_of_tolerances(run, tmp_path):
    folder = tmp_path / "calibration" / "g2a"
    folder.mkdir(parents=True)
    for first, biases in ((1, (1.0, -1.0)), (3, (2.0, -2.0))):
        pairs = [{"Teff50": {"bias": b, "scatter": abs(b)}} for b in biases]
        choices = {"Teff50": {"bias": [-first, first]}}
        told = {"rows": 7, "pairs": pairs, "choices": choices}
        (folder / f"pairs-{first}-to-{first + 1}.json").write_text(json.dumps(told))
    flags = {"selections": [], "columns": {"QflagIi": {"differing": [0.0, 0.5]}}}
    (folder / "flags.json").write_text(json.dumps(flags))
    dump(run, tmp_path / "config.yaml")
    arguments = Namespace(
        config=tmp_path / "config.yaml",
        statistics=sorted(folder.glob("pairs-*.json")),
        flags=[folder / "flags.json"],
        tolerances=tmp_path / "tolerances.json",
    )
    collect_tolerances.main(arguments)
    found = read_tolerances(tmp_path / "tolerances.json", "g2a")
    bias = found.numbers("Teff50")["bias"]
    assert (bias.mean, bias.std, bias.replicates) == (0.0, pytest.approx(np.sqrt(2.5)), 4)
    assert found.choices == {"Teff50": {"bias": (-3, 3)}, "QflagIi": {"differing": (0.0, 0.5)}}


def test_ends_are_the_outermost_of_all():
    several = [{"a": {"bias": [-1, 2]}}, {"a": {"bias": [0, 3]}, "b": {"lag": [1, 1]}}]
    assert joined_ranges(several) == {"a": {"bias": [-1, 3]}, "b": {"lag": [1, 1]}}


def test_an_alternative_to_what_the_catalogue_tells_is_left_out(run, tmp_path):
    asked = {"realisations": "fingerprint", "realisations_fallback": 10}
    value = run.model_dump(mode="json", by_alias=True, exclude_none=True)
    value["methods"]["as-published"]["montecarlo"] |= asked
    value["comparison"]["choices"] = {
        "many": {"montecarlo.realisations": 50},
        "both": {"montecarlo.realisations": 50, "training.epochs": 60},
    }
    run = validate(value, Path("run.yaml"))
    path = tmp_path / "f.json"
    for undetermined, left_out in ((None, True), ("too few stars", False)):
        answer = {"estimate": 12, "interval": [12, 12], "evidence": {}}
        answers = {"realisations": answer | {"undetermined": undetermined}}
        path.write_text(json.dumps({"answers": answers}))
        assert settled(run, "many", path) is left_out
        assert not settled(run, "both", path)


@pytest.mark.parametrize(("differing", "grade"), [(25, CONSISTENT), (26, DEVIATES)])
def test_flags_within_the_spread_over_selections_are_consistent(differing, grade):
    graded = Grade(DEVIATES, "rows differ", "selection")
    assert share_within_choices(graded, differing, 100, [0.0, 0.5]).grade == grade
    assert share_within_choices(graded, differing, 100, None) == graded


def test_input_flags_spread_over_selections_that_pick_other_stars(run):
    value = run.model_dump(mode="json", by_alias=True, exclude_none=True)
    bright = {"cuts": {"galah": [{"cut": "snr_c3_iraf > 100", "source": "ours"}]}}
    value["selections"] = {"all": {}, "same": {}, "bright": bright}
    value |= {"selection": "all", "selection_grid": {}}
    run = validate(value, Path("run.yaml"))
    galah, apogee = stars(run)
    labels = {"intrinsic": ["QflagIi"], "extrinsic": ["QflagIe"], "": ["Com"]}
    names = (run, "g2a", {"galah": galah, "apogee": apogee}, galah)
    same = spread_over_selections(*names, ["all", "same"], labels)
    assert [ends for ranges in same.values() for ends in ranges.values()] == [[0.0, 0.0]] * 3
    apart = spread_over_selections(*names, ["all", "bright"], labels)
    assert apart["QflagIi"]["differing"][1] > 0.1
    assert apart["Com"]["differing_inputs"][1] >= apart["QflagIi"]["differing"][1]


def stars(run) -> list[pd.DataFrame]:
    """Stars of both surveys with every column that a sample needs."""
    chance = np.random.default_rng(1)
    tables = []
    for survey in run.surveys.values():
        table = pd.DataFrame({"row": np.arange(400), "key": np.arange(400).astype(str)})
        table["source_id"] = np.arange(1, 401)
        table["snr"] = table[survey.snr] = chance.uniform(20, 120, 400)
        for name in survey.features:
            table[name] = chance.normal(size=400)
            table[f"{name}_error"] = 0.1
        for name in survey.keep:
            table[name] = table.get(name, pd.Series(np.zeros(400)))
        tables.append(table)
    return tables


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"choices": []}, "choices: Input should be a valid dict"),
        ({"choices": {"Teff50": {"bias": "wide"}}}, "choices.Teff50.bias"),
        ({"columns": {"Teff50": {"bias": {"mean": 0, "std": -1}}}}, "columns.Teff50.bias.std"),
        ({"replicates": "many"}, "replicates"),
    ],
)
def test_tolerances_of_another_shape_are_refused_in_one_line(tmp_path, entry, says):
    usual = {"replicates": 4, "columns": {}}
    path = tmp_path / "tolerances.json"
    path.write_text(json.dumps({"origin": {}, "catalogues": {"g2a": usual | entry}}))
    with pytest.raises(InputError, match=says) as refused:
        read_tolerances(path, "g2a")
    assert "\n" not in str(refused.value)
