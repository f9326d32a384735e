"""The positional match: proper motion, the poles, the audit of ids and the fallback."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from spectrotranslator.config.configuration import Crossmatch
from spectrotranslator.sample.match_audit import audit
from spectrotranslator.sample.match_positions import moved, neighbours, separation
from spectrotranslator.sample.match_rows import match


def stars(ra, dec, epoch=2000.0, **columns) -> pd.DataFrame:
    n = len(ra)
    table = {"row": range(n), "key": [f"k{i:05d}" for i in range(n)], "ra": ra, "dec": dec}
    table |= {"epoch": np.full(n, epoch), "snr": np.ones(n)}
    return pd.DataFrame(table | columns)


def test_motion_carries_a_star_along_with_its_cosine():
    one = stars([10.0], [60.0], 2000.0, pmra=[1000.0], pmdec=[-500.0])
    ra, dec = moved(one, 2016.0)
    assert (ra[0] - 10) * 3600 * np.cos(np.radians(60)) == pytest.approx(16.0)
    assert (dec[0] - 60) * 3600 == pytest.approx(-8.0)


def test_unknown_motion_means_standing_still_and_right_ascension_wraps():
    still = stars([10.0], [0.0], 2000.0, pmra=[np.nan], pmdec=[np.nan])
    assert moved(still, 2016.0)[0][0] == 10.0
    east = stars([359.9999], [0.0], 2000.0, pmra=[100_000.0], pmdec=[0.0])
    assert 0 <= moved(east, 2016.0)[0][0] < 1


def test_separation_is_that_of_the_sphere_also_at_the_pole_and_across_zero():
    one, two = (
        stars([0.0, 359.9999, 0.0], [0.0, 0.0, 89.9999]),
        stars([0.0, 0.0001, 180.0], [1 / 3600, 0.0, 89.9999]),
    )
    assert separation(one, two) == pytest.approx([1.0, 0.72, 0.72], rel=1e-6)


def test_fast_star_is_found_only_with_its_motion_known_to_one_of_the_two():
    then = stars([10.0], [0.0], 2000.0)
    now = stars([10.0 + 16 / 3600], [0.0], 2016.0)
    assert len(neighbours(then, now, 1.0)) == 0
    for first, second in (
        (then.assign(pmra=1000.0, pmdec=0.0), now),
        (then, now.assign(pmra=1000.0, pmdec=0.0)),
    ):
        (pair,) = neighbours(first, second, 1.0).to_dict("records")
        assert pair["arcsec"] == pytest.approx(0, abs=1e-6)


def test_neighbours_are_mutual_one_to_one_and_within_the_radius():
    one = stars([0.0, 0.9 / 3600, 5.0], [0.0, 0.0, 5.0])
    two = stars([0.1 / 3600, 5.0 + 2 / 3600], [0.0, 5.0])
    assert neighbours(one, two, 1.0)[["first", "second"]].to_numpy().tolist() == [[0, 0]]


def test_rows_without_a_position_have_no_neighbour():
    nowhere = stars([np.nan], [np.nan])
    assert len(neighbours(nowhere, stars([1.0], [1.0]), 1.0)) == 0
    assert len(neighbours(stars([], []), stars([1.0], [1.0]), 1.0)) == 0


def sky(n, seed=1):
    chance = np.random.default_rng(seed)
    ra, dec = chance.uniform(0, 360, n), np.degrees(np.arcsin(chance.uniform(-1, 1, n)))
    return ra, dec, chance


def planted():
    """Two surveys of 300 stars: 5 with another id, 4 displaced, 6 without an id on one side."""
    ra, dec, chance = sky(300)
    ids = np.arange(1, 301)
    pm = chance.normal(0, 50, (2, 300))
    first = stars(ra, dec, 2016.0, source_id=ids, pmra=pm[0], pmdec=pm[1])
    back = moved(first, 2000.0)
    other = ids.copy()
    other[:5] += 10_000
    other[5:11] = 0
    second = stars(*back, 2000.0, source_id=other)
    second.loc[20:23, "dec"] = second.loc[20:23, "dec"] * 0.9
    return first, second


def test_audit_counts_and_lists_every_planted_disagreement():
    found = audit(*planted(), radius=1.0, repeats="first")
    assert found["done"]
    assert found["pairs_by_id"] == 300 - 11
    assert found["apart"]["count"] == 4
    assert {pair["key_1"] for pair in found["apart"]["first"]} == {
        f"k{i:05d}" for i in range(20, 24)
    }
    assert found["other_id"]["count"] == 5
    assert found["no_id"]["count"] == 6
    assert found["same"] == 300 - 15
    assert found["separation_arcsec"]["median"] < 0.01


def test_audit_without_positions_says_why_it_is_not_done():
    first, second = planted()
    found = audit(first.drop(columns=["ra"]), second, 1.0, "first")
    assert found == {"done": False, "why": "no ra in one of the surveys"}


def test_fallback_adds_only_pairs_of_which_one_lacks_an_id():
    first, second = planted()
    entries = []
    plain = match(first, second, "source_id", entries)
    assert len(plain) == 300 - 11
    more = match(first, second, "source_id", entries, Crossmatch(fallback="position"))
    assert len(more) == 300 - 5
    assert entries[-1] == {
        "what": "matched by position", "source": "ours", "in": 289, "out": 295,
    }  # fmt: skip
    assert (more["key_1"] == more["key_2"]).all()
    assert list(more) == list(plain)


def test_stars_may_be_matched_on_their_places_alone():
    one = stars([10.0, 20.0, 30.0], [0.0, 0.0, 0.0])
    two = stars([20.0, 20.0, 10.0, 50.0], [0.0] * 4, snr=[1.0, 9.0, 1.0, 1.0])
    entries = []
    pairs = match(one, two, "position", entries)
    assert list(zip(pairs["row_1"], pairs["row_2"], strict=True)) == [(0, 2), (1, 1)]
    assert entries[-1]["what"] == "matched on position"
    assert entries[1]["out"] == 3


def test_repeats_without_ids_stand_for_one_star():
    first, second = planted()
    again = second.iloc[5:11].assign(snr=9.0, row=range(300, 306), key=[f"r{i}" for i in range(6)])
    both = pd.concat([second, again], ignore_index=True)
    settings = Crossmatch(fallback="position")
    pairs = match(first, both, "source_id", [], settings)
    assert pairs["key_1"].is_unique
    assert {key for key in pairs["key_2"] if key.startswith("r")} == {f"r{i}" for i in range(6)}


def test_first_row_may_stand_for_a_star_if_so_configured():
    ra, dec, _ = sky(3)
    one = stars(ra, dec, source_id=[1, 2, 3])
    two = stars(ra, dec, source_id=[1, 1, 2]).assign(snr=[1.0, 5.0, 1.0])
    assert match(one, two, "source_id", [])["row_2"].tolist() == [1, 2]
    first = Crossmatch(repeats="first")
    assert match(one, two, "source_id", [], first)["row_2"].tolist() == [0, 2]


def test_id_match_is_that_of_stilts_row_for_row(tmp_path):
    if not shutil.which("stilts"):
        pytest.skip("stilts is not installed: the match is not held against tmatch2 here")
    chance = np.random.default_rng(5)
    tables = []
    for n in (400, 500):
        ra, dec, _ = sky(n, n)
        ids = chance.permutation(2000)[:n] + 1
        ids[:20] = 0
        tables.append(stars(ra, dec, source_id=ids))
    pairs = match(*tables, "source_id", [])
    for number, table in enumerate(tables, 1):
        table[table["source_id"] > 0][["key", "source_id"]].to_csv(
            tmp_path / f"{number}.csv", index=False
        )
    out = tmp_path / "out.csv"
    subprocess.run(
        ["stilts", "tmatch2", "matcher=exact", "values1=source_id", "values2=source_id",
         "find=best", "join=1and2", f"in1={tmp_path / '1.csv'}", f"in2={tmp_path / '2.csv'}",
         "ifmt1=csv", "ifmt2=csv", f"out={out}", "ofmt=csv"],
        check=True, capture_output=True,
    )  # fmt: skip
    theirs = pd.read_csv(out).sort_values("key_1", ignore_index=True)
    assert theirs["key_1"].tolist() == pairs["key_1"].tolist()
    assert theirs["key_2"].tolist() == pairs["key_2"].tolist()
