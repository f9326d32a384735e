"""Paths are seen from where the caller stands, and from the repository where only it has them."""

import pytest

from spectrotranslator import user_paths


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A repository one stands in, called from a folder beside it."""
    for name in ("repository", "beside"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    monkeypatch.setenv(user_paths.CALLED_FROM, str(tmp_path / "beside"))
    return tmp_path


def test_what_is_written_goes_where_one_calls_from(elsewhere):
    (elsewhere / "repository/out.fits").touch()
    assert user_paths.resolve_output("out.fits") == elsewhere / "beside/out.fits"
    assert str(user_paths.resolve_output("/tmp/out.fits")) == "/tmp/out.fits"


def test_what_is_read_may_lie_in_the_repository_too(elsewhere):
    (elsewhere / "repository/ReadMe").touch()
    assert str(user_paths.resolve_input("ReadMe")) == "ReadMe"
    (elsewhere / "beside/ReadMe").touch()
    assert user_paths.resolve_input("ReadMe") == elsewhere / "beside/ReadMe"
    assert user_paths.resolve_input("none") == elsewhere / "beside/none"


def test_a_run_is_a_name_or_a_path(elsewhere):
    (elsewhere / "beside/own.yaml").touch()
    assert user_paths.resolve_run("mini") == "mini"
    assert user_paths.resolve_run("own.yaml") == str(elsewhere / "beside/own.yaml")


def test_from_within_the_repository_paths_stay_as_they_are_given(elsewhere, monkeypatch):
    monkeypatch.setenv(user_paths.CALLED_FROM, str(elsewhere / "repository"))
    assert str(user_paths.resolve_output("out.fits")) == "out.fits"
    monkeypatch.delenv(user_paths.CALLED_FROM)
    assert str(user_paths.resolve_input("../x")) == "../x"
