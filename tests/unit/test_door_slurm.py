"""Slurm as the front door asks it, with programs that answer as Slurm's do."""

import os

import pytest

from spectrotranslator.cli.slurm import cancel_left, status_command
from spectrotranslator.cli.snakemake_process import last_error

PROFILE = ["--profile", "profiles/slurm"]
AGE = "echo 'MinJobAge               = {} sec'"


@pytest.fixture
def programs(tmp_path):
    """Lay programs on a PATH of their own; the environment that finds them."""

    def lay(**scripts: str) -> dict[str, str]:
        for name, script in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\ncd {tmp_path}\n{script}\n")
            (tmp_path / name).chmod(0o755)
        return {"PATH": f"{tmp_path}:{os.defpath}"}

    return lay


def test_accounts_are_asked_for_not_taken_from_the_mere_presence_of_a_program(programs):
    assert status_command(PROFILE, programs(sacct="exit 0"))[1] == "sacct"
    assert status_command(PROFILE, programs(sacct="exit 1", scontrol="exit 0"))[1] == "squeue"


def test_without_slurm_in_the_call_or_with_a_command_given_nothing_is_asked(programs, tmp_path):
    found = programs(sacct="touch asked")
    assert status_command(["--cores", "2"], found) == []
    assert status_command([*PROFILE, "--slurm-status-command", "squeue"], found) == []
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(("age", "lines"), [(300, 0), (60, 1)])
def test_a_queue_that_forgets_too_soon_is_told_of(programs, capsys, age, lines):
    found = programs(sacct="exit 1", scontrol=AGE.format(age))
    assert status_command(PROFILE, found)[1] == "squeue"
    assert capsys.readouterr().err.count("MinJobAge=") == lines


def test_what_a_call_left_in_the_queue_is_cancelled_by_the_name_in_its_log(programs, tmp_path):
    queue, log = tmp_path / "queue", tmp_path / "snakemake.log"
    found = programs(
        squeue="[ $3 = --name=a-b ] && cat queue",
        scancel="echo $1 >> cancelled; : > queue",
    )
    queue.write_text("7\n8\n")
    cancel_left(log, found)
    assert not (tmp_path / "cancelled").exists(), "no log: no call, nothing of ours in the queue"
    log.write_text("host: x\nSLURM run ID: a-b\nSelect jobs to execute...\n")
    cancel_left(log, found)
    assert (tmp_path / "cancelled").read_text() == "--name=a-b\n"
    cancel_left(log, found)
    assert (tmp_path / "cancelled").read_text() == "--name=a-b\n", "an empty queue is left alone"


def test_without_slurm_nothing_is_cancelled_and_nothing_fails(tmp_path):
    log = tmp_path / "snakemake.log"
    log.write_text("SLURM run ID: a-b\n")
    cancel_left(log, {"PATH": str(tmp_path)})


def test_a_job_that_slurm_ended_is_named_with_its_log(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = (
        "    message: SLURM-job '7' failed, SLURM status is: 'CANCELLED'. Detailed\n"
        f"    log: results/x.log, {tmp_path}/.snakemake/slurm_logs/rule_a/x/7.log (check log\n"
        "    message: SLURM-job '9' failed, SLURM status is: 'TIMEOUT'. Detailed\n"
        f"    log: results/x.log, {tmp_path}/.snakemake/slurm_logs/rule_a/x/9.log (check log\n"
        "Exiting because a job replicate failed. Look below for error messages\n"
    )
    line = last_error(1, output)
    assert "job 9 ended as TIMEOUT" in line
    assert line.endswith("see .snakemake/slurm_logs/rule_a/x/9.log")
