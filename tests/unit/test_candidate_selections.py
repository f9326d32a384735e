"""Candidate selections: the grid, cuts on pairs and networks, and what ranks them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from spectrotranslator.config import resolve
from spectrotranslator.config.configuration import Cut, PublishedDifferences, Selection
from spectrotranslator.errors import InputError
from spectrotranslator.sample.build_ledger import rank_candidates
from spectrotranslator.sample.crossmatch import sampler, select_training
from spectrotranslator.sample.label_differences import describe_candidate, label_differences
from spectrotranslator.sample.split import VALIDATION, split

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
RUN = resolve("mini", ROOT)
LABELS = {"galah": ["teff", "logg", "fe_h", "Mg_fe", "rv_galah", "BP-G", "G-RP"]}
LABELS["apogee"] = ["TEFF", "LOGG", "M_H", "MG_FE", "VHELIO_AVG", "BP-G", "G-RP"]

MEASURED = {"snr_c3_iraf", "SNR", "VSCATTER"}


def cuts(*conditions: str) -> list[Cut]:
    return [Cut(cut=condition, source="ours") for condition in conditions]


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(5)
    found = {}
    for survey, labels in LABELS.items():
        rows = 900
        values = {name: rng.normal(size=rows) for name in labels}
        values |= {f"{name}_error": rng.random(rows) for name in labels}
        values[labels[0]][rng.random(rows) < 0.1] = np.nan
        for kept in RUN.surveys[survey].keep:
            flags = rng.choice([0, 0, 0, 1, 16, 1 << 23], rows)
            values[kept] = rng.uniform(0, 150, rows) if kept in MEASURED else flags
        found[survey] = pd.DataFrame(
            {
                "row": np.arange(rows),
                "key": rng.permutation([f"{survey}{i:04d}" for i in range(rows)]),
                "source_id": rng.integers(0, 600, rows),
                "snr": np.where(rng.random(rows) < 0.05, np.nan, rng.integers(0, 150, rows)),
                **values,
            }
        )
    return found


@pytest.mark.parametrize("direction", ["g2a", "a2g"])
@pytest.mark.parametrize("order", ["first key", "first row", "second key", "source_id"])
def test_the_quick_search_gives_the_samples_of_the_crossmatch(tables, direction, order):
    crossmatch = RUN.crossmatch.model_copy(update={"order": order})
    run = RUN.model_copy(update={"crossmatch": crossmatch})
    shape = run.directions[direction]
    sample_of = sampler(run, shape, tables)
    names = list(run.candidate_selections)
    stars = set()
    for name in [*names[:3], *names[3::17]]:
        selection = run.candidate_selections[name]
        for kind in shape.networks:
            plain = select_training(run, shape, kind, tables, selection, [])
            pd.testing.assert_frame_equal(sample_of(selection, kind), plain)
            stars.add(len(plain))
    assert len(stars) > 10


def test_a_pair_cut_reads_columns_of_both_surveys(tables):
    shape = RUN.directions["a2g"]
    entries: list[dict] = []
    chosen = Selection(pairs=cuts("abs(rv_galah - VHELIO_AVG) < 0.5", "`galah:snr` > `apogee:snr`"))
    sample = select_training(RUN, shape, "extrinsic", tables, chosen, entries)
    assert 10 < len(sample) < 200
    assert (abs(sample["from:VHELIO_AVG"] - sample["to:rv_galah"]) < 0.5).all()
    line = next(line for line in entries if line["what"].startswith("abs"))
    assert line["in"] > line["out"]


def test_a_network_cut_holds_for_it_and_the_networks_after_it(tables):
    shape = RUN.directions["g2a"]
    everything = Selection()
    first = Selection(networks={"intrinsic": cuts("TEFF > 0")})
    last = Selection(networks={"extrinsic": cuts("TEFF > 0")})

    def stars(selection: Selection, kind: str) -> int:
        return len(select_training(RUN, shape, kind, tables, selection, []))

    assert stars(last, "intrinsic") == stars(everything, "intrinsic")
    assert stars(last, "extrinsic") < stars(everything, "extrinsic")
    assert stars(first, "intrinsic") < stars(everything, "intrinsic")
    assert stars(first, "extrinsic") == stars(last, "extrinsic")


def test_a_column_of_both_surveys_must_name_its_survey(tables):
    chosen = Selection(pairs=cuts("snr > 30"))
    with pytest.raises(InputError, match="write `galah:snr` or `apogee:snr`"):
        select_training(RUN, RUN.directions["g2a"], "intrinsic", tables, chosen, [])


def test_a_grid_combines_one_option_of_each_axis_once():
    grid = {
        "snr": {"low": Selection(), "high": Selection(cuts={"galah": cuts("snr > 9")})},
        "teff": {"all": Selection(), "warm": Selection(pairs=cuts("TEFF > 5000"))},
    }
    named = {"plain": Selection(), "warm_only": Selection(pairs=cuts("TEFF > 5000"))}
    run = RUN.model_copy(update={"selections": named, "selection_grid": grid})
    run.__dict__.pop("candidate_selections", None)
    found = run.candidate_selections
    assert list(found) == ["plain", "warm_only", "high+all", "high+warm"]
    assert [cut.cut for cut in found["high+warm"].pairs] == ["TEFF > 5000"]


def test_a_grid_without_bound_is_refused():
    options = {f"o{i}": {} for i in range(50)}
    given = RUN.model_dump(by_alias=True) | {"selection_grid": {"a": options, "b": options}}
    with pytest.raises(ValidationError, match="2500 combinations, at most 2000"):
        type(RUN).model_validate(given)


def published(sample: pd.DataFrame, shape, run) -> PublishedDifferences:
    """The figures that a notebook would print of the validation rows of ``sample``."""
    chosen = split(sample, run.split) == VALIDATION
    differences = label_differences(sample, shape, "intrinsic")[chosen]
    figures = {
        name: (round(float(values.mean()), 3), round(float(values.std()), 3))
        for name, values in differences.items()
    }
    return PublishedDifferences(source="authors' code", labels=figures)


def test_published_differences_name_the_selection_and_the_order(tables):
    shape = RUN.directions["g2a"]
    sample_of = sampler(RUN, shape, tables)
    right = sample_of(Selection(), "intrinsic")
    by_target = right.sort_values("to:key", ignore_index=True)
    for theirs, order in ((right, "as configured"), (by_target, "to key")):
        told = shape.model_copy(update={"published_differences": published(theirs, shape, RUN)})
        found = describe_candidate(right, RUN, told, "intrinsic")
        assert order in found["exact_orders"]
        assert found["chi_square"] < 40
        other = sample_of(Selection(pairs=cuts("TEFF > -1.5")), "intrinsic")
        assert describe_candidate(other, RUN, told, "intrinsic")["exact_orders"] == []


def test_the_ranking_puts_exact_differences_before_counts():
    shape = RUN.directions["g2a"].model_copy(update={"published_counts": {"intrinsic": (100, 110)}})
    candidates = {
        "exact": {"stars": 90, "chi_square": 9.0, "exact_orders": ["to key"]},
        "counted": {"stars": 105, "chi_square": 1.0, "exact_orders": []},
        "far": {"stars": 50, "chi_square": 1.0, "exact_orders": []},
    }
    part = {"candidates": candidates, "off": {"exact": -10, "counted": 0, "far": -50}}
    ranking = rank_candidates(shape, {"intrinsic": part})
    assert [line["selection"] for line in ranking] == ["exact", "counted", "far"]
    assert ranking[1]["distance"] == 1.0
