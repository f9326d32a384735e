"""Snakemake's locks: those of a killed call on the run are taken away, no others."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from spectrotranslator.door.guard import LOCKS, MARK, unlock
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
