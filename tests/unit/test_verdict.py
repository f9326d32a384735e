"""A verdict says what its reader must know of the inputs."""

from pathlib import Path

import pytest

from spectrotranslator.comparison.grade_catalogues import notes
from spectrotranslator.config.loading import layered, validate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def paper(monkeypatch):
    monkeypatch.chdir(ROOT)
    return layered(ROOT / "config/runs/full.yaml")


def resolved(value: dict):
    return validate(value, ROOT / "config/runs/full.yaml", "full")


def test_the_paper_s_inputs_all_carry_errors(paper):
    assert notes(resolved(paper)) == []


def test_magnitudes_without_errors_are_named(paper):
    paper["sources"]["photometry"] = None
    for name in ("BP-G", "G-RP"):
        feature = paper["surveys"]["apogee"]["features"][name]
        paper["surveys"]["apogee"]["features"][name] = {**feature, "error": []}
    (note,) = notes(resolved(paper))
    assert "APOGEE-2 DR17: BP-G, G-RP without errors" in note
