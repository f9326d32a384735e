"""The list of runs, and the way out of a damaged one."""

from pathlib import Path

import pytest

from spectrotranslator.cli import list_runs, main, remove
from spectrotranslator.cli.run_lock import held
from spectrotranslator.errors import InputError


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
    assert [run["grade"] for run in list_runs.runs()] == ["exact", "unreadable"]
    assert list_runs.main([]) == 0
    assert "unreadable" in capsys.readouterr().out


@pytest.mark.parametrize("run", ["good", "other"])
def test_any_run_can_be_removed_beside_a_broken_one(folders, run):
    assert remove.main([run, "--yes"]) == 0
    assert not (folders / run).exists()


@pytest.fixture
def target(folders, tmp_path) -> Path:
    """The run ``linked``, which is a link to here."""
    target = tmp_path / "scratch" / "run"
    (target / "logs").mkdir(parents=True)
    (folders / "linked").symlink_to(target)
    return target


def test_a_linked_run_goes_with_what_it_leads_to(folders, target, monkeypatch):
    asked = []
    monkeypatch.setattr(remove, "_agreed", lambda question: not asked.append(question))
    assert remove.main(["linked"]) == 0
    assert str(target) in asked[0]
    assert not target.exists()
    assert not (folders / "linked").is_symlink()
    assert (folders / "good").is_dir()


def test_a_run_that_is_being_made_is_not_removed_through_a_link(folders):
    (folders / "alias").symlink_to(folders / "good")
    with held("good"), pytest.raises(InputError, match="run good is being made"):
        remove.main(["alias", "--yes"])
    assert (folders / "good" / "logs").is_dir()


def test_a_linked_run_stays_where_the_answer_is_no(folders, target, monkeypatch):
    monkeypatch.setattr(remove, "_agreed", lambda question: False)
    assert remove.main(["linked"]) == 0
    assert (folders / "linked" / "logs").is_dir()


def test_a_link_that_leads_to_the_clone_itself_is_refused(folders, tmp_path):
    (tmp_path / "logs").mkdir()
    (folders / "linked").symlink_to(tmp_path)
    with pytest.raises(InputError, match="holds this clone"):
        remove.main(["linked", "--yes"])
    assert (folders / "good").is_dir()


@pytest.mark.parametrize("arguments", [["mini", "--help"], ["mini", "-h", "--", "-n"]])
def test_help_on_a_run_is_the_general_one(capsys, arguments):
    assert main.main(arguments) == 0
    assert capsys.readouterr().out == main.usage() + "\n"
