"""The list of runs, and the way out of a damaged one."""

from pathlib import Path

import pytest

from spectrotranslator.door import remove, runs


@pytest.fixture
def folders(tmp_path, monkeypatch) -> Path:
    """Two runs, one of them with a verdict that cannot be read."""
    monkeypatch.chdir(tmp_path)
    for name, verdict in (("good", '{"grade": "exact", "evidence": "real"}'), ("other", "{")):
        (tmp_path / "results" / name / "logs").mkdir(parents=True)
        (tmp_path / "results" / name / "verdict.json").write_text(verdict)
    return tmp_path / "results"


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b"3"])
def test_a_run_with_a_broken_verdict_is_listed_as_unreadable(folders, capsys, content):
    (folders / "other" / "verdict.json").write_bytes(content)
    assert [run["grade"] for run in runs.runs()] == ["exact", "unreadable"]
    assert runs.main([]) == 0
    assert "unreadable" in capsys.readouterr().out


@pytest.mark.parametrize("run", ["good", "other"])
def test_any_run_can_be_removed_beside_a_broken_one(folders, run):
    assert remove.main([run, "--yes"]) == 0
    assert not (folders / run).exists()
