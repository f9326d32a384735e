"""Snakemake's locks: those of a killed call on the run are taken away, no others."""

import errno
import fcntl
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from spectrotranslator.cli.run_lock import LOCKS, MARK, RESULTS, held, unlock
from spectrotranslator.errors import InputError


@pytest.fixture(autouse=True)
def _locked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    LOCKS.mkdir(parents=True)
    for number, run in enumerate(("mini", "tiny", "minimal")):
        (LOCKS / f"{number}.output.lock").write_text(f"results/{run}/verdict.json\n")


@contextmanager
def snakemake(folder, **environment):
    """A process that looks like a Snakemake at work in ``folder``."""
    script = folder / "bin" / "snakemake"
    script.parent.mkdir(exist_ok=True)
    script.write_text("import time\nprint(flush=True)\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, script], cwd=folder, env=os.environ | environment, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def left() -> list[str]:
    return sorted(path.name for path in LOCKS.iterdir())


def test_only_the_locks_of_the_run_go():
    unlock("mini")
    assert left() == ["1.output.lock", "2.output.lock"]


def test_the_lock_of_a_snakemake_called_by_hand_is_respected(tmp_path):
    with snakemake(tmp_path) as process, pytest.raises(InputError, match=f"process {process.pid}"):
        unlock("mini")
    assert len(left()) == 3


def test_one_that_our_own_calls_began_or_that_works_elsewhere_is_none(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with snakemake(tmp_path, **{MARK: "tiny-1"}), snakemake(elsewhere):
        unlock("mini")
    assert len(left()) == 2


def test_without_a_lock_nobody_is_asked(tmp_path):
    with snakemake(tmp_path):
        unlock("another")
    assert len(left()) == 3


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def _without_file_locks(request, monkeypatch):
    fails(monkeypatch, request.param)


def fails(monkeypatch, number: int) -> None:
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)


def written_by(process: subprocess.Popen) -> None:
    """A note as a call that is ``process`` would have left it."""
    (RESULTS / ".locks").mkdir(parents=True)
    note = {"pid": process.pid, "token": "mini-1", "since": time.time()}
    (RESULTS / ".locks" / "mini.lock").write_text(json.dumps(note))


@pytest.mark.usefixtures("_without_file_locks")
def test_without_file_locks_a_call_goes_on_and_says_so(capsys):
    with held("mini") as environment:
        assert MARK in environment
    assert capsys.readouterr().err.splitlines() == [
        "note: no file locks on this disk; call a run from one machine at a time"
    ]


@pytest.mark.usefixtures("_without_file_locks")
def test_without_file_locks_a_call_at_work_here_is_still_noticed(tmp_path):
    with snakemake(tmp_path) as process:
        written_by(process)
        with pytest.raises(InputError, match=f"made by process {process.pid}"), held("mini"):
            pass


@pytest.mark.usefixtures("_without_file_locks")
def test_without_file_locks_a_process_of_something_else_is_no_call(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with snakemake(elsewhere) as process:
        written_by(process)
        with held("mini"):
            pass


def test_a_lock_that_fails_otherwise_is_an_error_of_the_user(monkeypatch):
    fails(monkeypatch, errno.EIO)
    with pytest.raises(InputError, match="cannot be locked"), held("mini"):
        pass


def test_a_lock_that_cannot_be_written_is_an_error_of_the_user():
    (RESULTS / ".locks" / "mini.lock").mkdir(parents=True)
    with pytest.raises(InputError, match="cannot be written"), held("mini"):
        pass
