"""A run that differs by configuration: VizieR, settings from the fingerprint, own tolerances."""

import gzip
import json

import pandas as pd
import pytest
import yaml

from spectrotranslator.provenance.finished_run import Run
from spectrotranslator.provenance.lineage import Catalogue, differing
from workflow.conftest import MAY_CUT_OFF, Clone, cut_off, fresh, steps_with_network

CUTS = {
    "galah": [{"cut": "snr_c3_iraf > 30", "source": "survey's advice"}],
    "apogee": [{"cut": "SNR > 70", "source": "ours"}],
}
CATALOGUE = "results/other/catalogues/as-published/g2a.dat"
TARGETS = (CATALOGUE, "results/other/verdict.json")
ASKED = {
    "ensemble": {"members": "fingerprint", "members_fallback": 5, "most_members": 6},
    "montecarlo": {
        "realisations": "fingerprint",
        "missing": "fingerprint",
        "masked": "fingerprint",
    },
}
RUN = {
    "extends": "config/runs/tiny.yaml",
    "sources": {"route": "vizier", "photometry": {"chunk": 500}},
    "selections": {"advice": None, "no_snr": None, "bright": None, "bare": {"cuts": CUTS}},
    "selection": "fingerprint",
    "selection_fallback": "bare",
    "selection_grid": None,
    "row_candidates": None,
    "directions": {"g2a": {"rows": [{"cut": "source_id > 0", "source": "ours"}]}},
    "methods": {"as-published": ASKED},
    "comparison": {
        "tolerances": "run",
        "pool": 12,
        "replicates": 3,
        "choices": {"longer": {"training.epochs": 60}, "many": {"montecarlo.realisations": 30}},
    },
}


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Clone:
    """A clone with the run ``other`` as far as its catalogue and verdict."""
    clone = fresh(tmp_path_factory.mktemp("another run") / "a clone")
    (clone.root / "other.yaml").write_text(yaml.safe_dump(RUN))
    cut_off(clone)
    done = clone.reproduce("other.yaml", "--", *TARGETS)
    assert done.returncode in (0, 1), done.stderr[-3000:]
    return clone


@pytest.fixture
def folder(other):
    return other.root / "results/other"


def identifiers(text: bytes) -> list[bytes]:
    return [line.split()[0] for line in text.splitlines()]


def test_the_surveys_can_come_from_vizier_by_one_word(finished, folder):
    assert not list((folder / "sources").glob("*.fits"))
    receipt = json.loads((folder / "sources/receipts/galah.vizier.parquet.json").read_text())
    assert "J/MNRAS/506/150/stars" in json.dumps(receipt)
    own = pd.read_parquet(finished.root / "results/tiny/sample/galah.parquet")
    copy = pd.read_parquet(folder / "sample/galah.parquet")
    assert set(copy["key"]) == set(own["key"])
    published = gzip.decompress((folder / "sources/g2a.dat.gz").read_bytes())
    assert identifiers((folder.parents[1] / CATALOGUE).read_bytes()) == identifiers(published)


@pytest.mark.parametrize("rule", ["crossmatch", "translate_shard"])
def test_settings_can_come_from_the_fingerprint(folder, rule):
    jobs = list((folder / "provenance/jobs").glob(f"{rule}-*.json"))
    assert jobs
    for path in jobs:
        roles = {file["role"] for file in json.loads(path.read_text())["inputs"]}
        assert "fingerprint" in roles


@pytest.mark.skipif(not MAY_CUT_OFF, reason="no network namespace can be made here")
def test_no_stage_but_those_that_fetch_needs_a_network(other, folder):
    needing = steps_with_network(other, "other")
    assert needing == {
        f"spectrotranslator.download.{name}"
        for name in ("fetch_file", "fetch_photometry", "fetch_vizier")
    }


def test_a_block_computed_with_these_settings_has_the_same_bytes_again(other, folder):
    paths = (folder / "provenance/jobs").glob("*.json")
    records = {path.stem: json.loads(path.read_text()) for path in paths}
    made = Catalogue(Run(folder, other.root, {"run": "other"}, records), "as-published", "g2a")
    assert isinstance(made.settings.montecarlo.realisations, int)
    computed, written = made.shaped(made.block(0)), made.written(made.bounds(0))
    assert len(written) > 100
    assert differing(computed, written) == {}


def test_a_run_makes_the_tolerances_that_its_catalogue_is_held_to(folder):
    tolerances = json.loads((folder / "tolerances.json").read_text())
    assert tolerances["catalogues"]["g2a"]["replicates"] == 3
    diff = json.loads((folder / "diff/g2a/diff.json").read_text())
    assert diff["tolerances"] == tolerances["origin"]
    assert not any("no tolerances are given" in c["reason"] for c in diff["columns"].values())
    assert len(pd.read_parquet(folder / "calibration/g2a/choice-longer.parquet"))
    assert not len(pd.read_parquet(folder / "calibration/g2a/choice-many.parquet"))


def test_what_was_adopted_heads_the_verdict(folder):
    (lines,) = json.loads((folder / "verdict.json").read_text())["adopted"].values()
    values = {line["setting"]: line["value"] for line in lines}
    assert values["ensemble.members"] == 5
    assert values["montecarlo.missing"] == "not finite"
    assert "not taken" in lines[-1]["sentence"]
