"""Validation by repeats, clusters and benchmark stars, and the tables that name the stars."""

import gzip

import numpy as np
import pandas as pd
import pytest

from minisky.settings import SkySettings
from minisky.sky import make_sky
from spectrotranslator.config import resolve
from spectrotranslator.config.configuration import Validation
from spectrotranslator.config.loading import validate as checked
from spectrotranslator.errors import InputError
from spectrotranslator.evaluation.dispersion import dispersion, implied_dispersion, pull_scatter
from spectrotranslator.evaluation.validate import (
    Measured,
    against_benchmarks,
    in_clusters,
    repeated,
)
from spectrotranslator.evaluation.validation_tables import read_benchmarks, read_members
from spectrotranslator.report.figure_names import figure_names

UNITS = {"TEFF": "K", "M_H": "dex", "V": "km/s"}


def table_of(stars: int, spread: float, seed: int = 1, copies: int = 1) -> pd.DataFrame:
    """Stars with values about 0 that scatter by ``spread`` times errors between 0.02 and 0.2."""
    chance = np.random.default_rng(seed)
    ids = np.repeat(np.arange(1, stars + 1), copies)
    found = {"row": np.arange(ids.size), "source_id": ids, "clean": True}
    for label in UNITS:
        error = chance.uniform(0.02, 0.2, ids.size)
        found |= {label: spread * error * chance.normal(size=ids.size), f"{label}_error": error}
    return pd.DataFrame(found)


def measured(spread: float = 1.0, **kinds) -> Measured:
    tables = {
        name: table_of(600, spread, seed, **kinds)
        for seed, name in enumerate(("own", "translated", "target"))
    }
    return Measured(tables, UNITS, "first")


@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_ratio_is_measured_over_implied_dispersion(spread):
    stars = table_of(4000, spread)
    found = dispersion(stars["M_H"].to_numpy(), stars["M_H_error"].to_numpy())
    low, high = found["ratio"]["interval"]
    assert low < spread < high
    assert found["ratio"]["value"] == pytest.approx(spread, rel=0.1)
    assert (found["left"] > 0) == (found["ratio"]["value"] > 1)


def test_equal_errors_imply_themselves():
    assert implied_dispersion(np.full(5, 0.3)) == pytest.approx(0.3)


def test_small_clusters_are_not_biased_and_their_intervals_hold_the_truth():
    chance, error = np.random.default_rng(5), np.full(15, 0.1)
    found = [dispersion(0.1 * chance.normal(size=15), error)["ratio"] for _ in range(150)]
    assert np.mean([one["value"] for one in found]) == pytest.approx(1, abs=0.06)
    held = np.mean([one["interval"][0] < 1 < one["interval"][1] for one in found])
    assert held > 0.85


def test_few_stars_have_a_number_and_a_median_alone():
    assert dispersion(np.arange(3.0), np.ones(3)) == {"stars": 3, "median": 1.0}
    assert dispersion(np.array([]), np.array([])) == {"stars": 0, "median": None}


def test_clusters_are_judged_in_labels_that_members_share():
    members = pd.DataFrame({"cluster": ["a"] * 200 + ["b"] * 5, "source_id": range(1, 206)})
    found = in_clusters(measured(2.0), members)
    assert list(found["clusters"]["a"]) == ["M_H", "V"]
    one = found["clusters"]["a"]["M_H"]
    assert {name: told["stars"] for name, told in one.items()} == {
        "own": 200, "translated": 200, "target": 200, "before": 400, "after": 400,
    }  # fmt: skip
    assert one["own"]["ratio"]["value"] == pytest.approx(2, rel=0.2)
    assert "ratio" not in found["clusters"]["b"]["M_H"]["own"]
    assert found["pooled"]["M_H"]["target"]["robust"]["value"] == pytest.approx(2, rel=0.2)


def test_rows_that_are_not_clean_count_in_repeats_alone():
    found = measured(copies=2)
    for table in found.tables.values():
        table["clean"] = False
    members = pd.DataFrame({"cluster": "a", "source_id": range(1, 100)})
    assert in_clusters(found, members)["clusters"]["a"]["V"]["own"]["stars"] == 0
    assert repeated(found)["V"]["own"]["number"] == 600


@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_repeats_scatter_by_their_errors(spread):
    told = repeated(measured(spread, copies=3))["TEFF"]["translated"]
    assert told["number"] == 1200
    assert told["robust"]["value"] == pytest.approx(spread, rel=0.1)


def test_benchmark_stars_show_a_shift():
    found = measured()
    found.tables["translated"]["M_H"] += 0.5
    stars = pd.DataFrame({"source_id": range(1, 301), "M_H": 0.0, "M_H_error": 0.01})
    told = against_benchmarks(found, stars)
    assert list(told) == ["M_H"]
    assert told["M_H"]["own"]["median"] == pytest.approx(0, abs=0.03)
    assert told["M_H"]["translated"]["median"] == pytest.approx(0.5, abs=0.03)
    assert told["M_H"]["own"]["robust"]["value"] == pytest.approx(1, rel=0.2)


def test_planted_clusters_have_the_dispersion_that_errors_imply():
    cluster = {"stars": 400, "ra": 120.0, "dec": -61.0, "distance": 1.9, "velocity": 23.0}
    settings = {
        "name": "clusters",
        "clusters": [
            cluster | {"name": "plain", "fe_h": 0.1, "mg_fe": 0.0},
            cluster | {"name": "wide", "fe_h": -0.7, "mg_fe": 0.3, "dispersion_fe_h": 0.15},
        ],
        "systematics": {"strength": 0, "offset": False, "redshift": False},
        "stated_errors_galah": {"logg": 1, "velocity": 1},
    }
    sky = make_sky(SkySettings.model_validate(settings))
    names = {"own": (sky.galah, "fe_h", "e_fe_h"), "target": (sky.apogee, "M_H", "M_H_ERR")}
    tables = {
        key: pd.DataFrame(
            {"source_id": rows["source_id"], "M_H": rows[value], "M_H_error": rows[error]}
        ).assign(row=range(len(rows["source_id"])), clean=True)
        for key, (rows, value, error) in names.items()
    }
    tables["translated"] = tables["own"]
    found = in_clusters(Measured(tables, {"M_H": "dex"}, "first"), sky.members)
    for which in names:
        low, high = found["clusters"]["plain"]["M_H"][which]["ratio"]["interval"]
        assert low < 1.1
        assert high > 1
        wide = found["clusters"]["wide"]["M_H"][which]
        assert wide["ratio"]["interval"][0] > 1.5
        assert wide["left"] == pytest.approx(0.15, rel=0.2)


MEMBERS = "cluster,source_id\nNGC 1,17\n47 Tuc,18\n"


def test_members_are_read_with_their_identifiers_exact(tmp_path):
    path = tmp_path / "members.csv"
    path.write_text(MEMBERS + "47 Tuc,6917529027641081857\n")
    assert read_members(path)["source_id"].tolist() == [17, 18, 6917529027641081857]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no row"),
        ("cluster,source_id\n", "source_id.*identifier|holds no row"),
        ("cluster,star\nNGC 1,17\n", "source_id"),
        (MEMBERS + "NGC 1,18\n", "row 3: star 18 stands there twice"),
        (MEMBERS + "NGC 1,\n", "identifier in every row"),
        (MEMBERS + "NGC 1,-5\n", "identifier in every row"),
        (MEMBERS + "NGC 1,1.5\n", "identifier in every row"),
        (MEMBERS + "NGC 1,99999999999999999999\n", "identifier in every row"),
        (MEMBERS + ",19\n", "row 3: cluster"),
        (MEMBERS + "$x_{1}$,19\n", "row 3: cluster"),
        (MEMBERS + "<script>,19\n", "row 3: cluster"),
        (MEMBERS + "x" * 101 + ",19\n", "row 3: cluster"),
        ("cluster,source_id\n" + "".join(f"c{n},{n + 1}\n" for n in range(201)), "201 clusters"),
    ],
)
def test_bad_members_are_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / "members.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_members(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_benchmarks_may_lack_values_and_have_other_columns(tmp_path):
    path = tmp_path / "stars.csv"
    path.write_text("source_id,name,M_H,M_H_error\n17,Sun,0.1,0.02\n18,other,,\n")
    found = read_benchmarks(path, ["TEFF", "M_H"])
    assert list(found) == ["source_id", "M_H", "M_H_error"]
    assert found["M_H"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("source_id,fe_h,fe_h_error\n17,0.1,0.1\n", "give one of TEFF, M_H"),
        ("source_id,M_H\n17,0.1\n", "M_H_error"),
        ("source_id,M_H,M_H_error\n17,high,0.1\n", "no number"),
        ("source_id,M_H,M_H_error\n17,0.1,0\n", "row 1: M_H_error is not positive"),
        ("source_id,M_H,M_H_error\n17,0.1,\n", "row 1: M_H_error is not positive"),
        ("source_id,M_H,M_H_error\n17,0.1,0.1\n17,0.1,0.1\n", "row 2: star 17"),
    ],
)
def test_bad_benchmarks_are_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / "stars.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_benchmarks(path, ["TEFF", "M_H"])


def test_a_list_of_stars_is_bounded_in_size(tmp_path):
    path = tmp_path / "members.csv"
    with path.open("wb") as stream:
        stream.truncate(200_000_000)
    with pytest.raises(InputError, match="bytes"):
        read_members(path)


def test_a_packed_list_of_stars_is_refused(tmp_path):
    path = tmp_path / "members.csv.gz"
    path.write_bytes(gzip.compress(MEMBERS.encode()))
    with pytest.raises(InputError, match="unpack it"):
        read_members(path)


def test_scatter_of_very_many_differences_is_that_of_some():
    found = pull_scatter(np.random.default_rng(2).normal(size=25_001))
    assert found["number"] == 25_001
    low, high = found["robust"]["interval"]
    assert low < 1 < high
    assert high - low < 0.08


def test_validation_needs_gaia_identifiers_of_both_surveys(tmp_path):
    value = resolve("tiny").model_dump(mode="json", by_alias=True, exclude_none=True)
    value["match"] = "position"
    del value["surveys"]["apogee"]["source_id"]
    path = tmp_path / "run.yaml"
    path.write_text("")
    with pytest.raises(InputError, match=r"add surveys\.apogee\.source_id"):
        checked(value, path)


@pytest.mark.parametrize("given", [None, Validation()])
def test_no_figure_and_no_file_where_nothing_is_configured(given):
    run = resolve("tiny")
    changed = run.model_copy(update={"validation": given})
    assert any(name.startswith("clusters-") for name in figure_names(run))
    assert not any(name.startswith("clusters-") for name in figure_names(changed))
