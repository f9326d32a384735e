"""How Slurm is asked what became of a job, and what a call left in its queue."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

STATUS = "--slurm-status-command"
# The plugin names all jobs of one call so and says it in its first lines.
NAME = re.compile(r"^SLURM run ID: (\S+)$", re.MULTILINE)
ENDED = re.compile(r"SLURM-job '(\w+)' failed, SLURM status is: '(\w+)'")
MIN_JOB_AGE = re.compile(r"^MinJobAge\s*=\s*(\d+)", re.MULTILINE)
# The plugin may wait three minutes between two questions.
LEAST_AGE_S = 240
TIMING_S = 60


def status_command(extra: list[str], environment: dict[str, str]) -> list[str]:
    """Arguments that choose ``sacct`` or ``squeue`` for a call of Snakemake with ``extra``.

    The mere presence of ``sacct`` proves nothing: without an accounting service it answers with
    an error for ever. So it is asked once.
    """
    words = " ".join(extra)
    if "slurm" not in words or STATUS in words:
        return []
    if (
        _answer(["sacct", "--noheader", "--allocations", "--starttime", "now"], environment)
        is not None
    ):
        return [STATUS, "sacct"]
    age = MIN_JOB_AGE.search(_answer(["scontrol", "show", "config"], environment) or "")
    if age and int(age[1]) < LEAST_AGE_S:
        print(
            f"Slurm keeps no accounts here and forgets jobs after {age[1]} s (MinJobAge): a job may"
            f" seem to run for ever; ask for MinJobAge={LEAST_AGE_S} or accounting",
            file=sys.stderr,
        )
    return [STATUS, "squeue"]


def cancel_left(log: Path, environment: dict[str, str]) -> None:
    """Cancel the jobs that are left of the call that wrote ``log``, and wait until they are gone.

    A killed Snakemake leaves its jobs in the queue, where they would write beside those of the
    next call; an interrupted one may leave a job that was being submitted.
    """
    names = NAME.findall(log.read_text(errors="replace")) if log.is_file() else []
    queue = ["squeue", "--noheader", "--format=%i", f"--name={','.join(names)}"]
    if not names or not _answer(queue, environment):
        return
    print("Cancelling the jobs that an earlier call left in the queue", file=sys.stderr)
    for name in names:
        _answer(["scancel", f"--name={name}"], environment)
    end = time.monotonic() + TIMING_S
    while _answer(queue, environment) and time.monotonic() < end:
        time.sleep(0.5)


def ended_by_slurm(output: str) -> str | None:
    """What to say of the last job that failed under Slurm, by what Snakemake printed."""
    found = ENDED.findall(output)
    if not found:
        return None
    number, state = found[-1]
    log = re.search(rf"\S+/{number}\.log", output)
    where = f"; see {os.path.relpath(log[0])}" if log else ""
    return f"Slurm's job {number} ended as {state}, as often as it was submitted{where}"


def _answer(command: list[str], environment: dict[str, str]) -> str | None:
    """What a program of Slurm prints; None if it is not there, fails or does not answer."""
    if shutil.which(command[0], path=environment.get("PATH", os.defpath)) is None:
        return None
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMING_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
