"""A run that differs by configuration: surveys from VizieR, settings from the fingerprint."""

import json
import os
import subprocess

import pandas as pd
import pytest
import yaml

from workflow.conftest import Clone, fresh

CUTS = {
    "galah": [{"cut": "snr_c3_iraf > 30", "source": "survey's advice"}],
    "apogee": [{"cut": "SNR > 70", "source": "ours"}],
}
RUN = {
    "extends": "config/runs/tiny.yaml",
    "sources": {"route": "vizier", "photometry": {"chunk": 500}},
    "selections": {"advice": None, "no_snr": None, "bright": None, "bare": {"cuts": CUTS}},
    "selection": "bare",
    "row_candidates": None,
    "directions": {"g2a": {"rows": [{"cut": "source_id > 0", "source": "ours"}]}},
    "methods": {"as-published": {"montecarlo": {"realisations": "fingerprint"}}},
}
# Sourced by every shell of a job: only what fetches has a network, as on a cluster's nodes.
NO_NETWORK = """
python() {
    if [ "$2" = spectrotranslator.minisky.serve ]; then command python "$@"; return; fi
    echo "$2" >> "$STAGES_WITHOUT_NETWORK"
    unshare --map-root-user --net "$(command -v python)" "$@"
}
"""
MAY_CUT_OFF = subprocess.run(["unshare", "--map-root-user", "--net", "true"]).returncode == 0


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Clone:
    """A clone with the finished run ``other``."""
    clone = fresh(tmp_path_factory.mktemp("another run") / "a clone")
    (clone.root / "other.yaml").write_text(yaml.safe_dump(RUN))
    around = {}
    if MAY_CUT_OFF:
        (clone.root / "no_network.sh").write_text(NO_NETWORK)
        around["BASH_ENV"] = str(clone.root / "no_network.sh")
        around["STAGES_WITHOUT_NETWORK"] = str(clone.root / "stages.txt")
    done = clone.reproduce("other.yaml", env=os.environ | around)
    assert done.returncode in (0, 1), done.stderr[-3000:]
    return clone


@pytest.fixture
def folder(other):
    return other.root / "results/other"


def verdict(folder) -> dict:
    return json.loads((folder / "verdict.json").read_text())["catalogues"]["g2a.dat"]


def test_the_surveys_can_come_from_vizier_by_one_word(finished, folder):
    assert not list((folder / "sources").glob("*.fits"))
    receipt = json.loads((folder / "sources/receipts/galah.vizier.parquet.json").read_text())
    assert "J/MNRAS/506/150/stars" in json.dumps(receipt)
    own = pd.read_parquet(finished.root / "results/tiny/sample/galah.parquet")
    copy = pd.read_parquet(folder / "sample/galah.parquet")
    assert set(copy["key"]) == set(own["key"])
    assert verdict(folder)["columns"]["GALAH"]["grade"] == "identical"


def test_the_realisations_can_come_from_the_fingerprint(folder):
    jobs = list((folder / "provenance/jobs").glob("translate-*.json"))
    assert jobs
    for path in jobs:
        roles = {file["role"] for file in json.loads(path.read_text())["inputs"]}
        assert "fingerprint" in roles


@pytest.mark.skipif(not MAY_CUT_OFF, reason="no network namespace can be made here")
def test_no_stage_but_those_that_fetch_needs_a_network(other, folder):
    lines = (other.root / "stages.txt").read_text().split()
    records = map(json.loads, (p.read_text() for p in (folder / "provenance/jobs").glob("*.json")))
    stages = {record["stage"] for record in records}
    needing = stages - {line.partition(".")[2] for line in lines}
    assert needing == {"archive.fetch", "archive.gaia", "archive.vizier"}


def test_a_cell_computed_with_these_settings_has_the_same_bytes_again(other):
    why = other.verb("why", "other", "g2a", "17", "Teff50")
    assert why.returncode == 0, why.stderr
    assert "the same bytes in all" in why.stdout
