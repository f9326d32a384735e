"""Call Snakemake, show how far it is, and find what it failed of."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path

import psutil

from spectrotranslator.files import atomic

from .run_progress import RunProgress
from .slurm import cancel_left, ended_by_slurm, status_command
from .snakemake_arguments import SnakemakeArguments

ERROR = re.compile(r"^(?:\S+\.py: )?error: (.+)")
TELLING = re.compile(r"(?!RuleException|CalledProcessError|WorkflowError)\w+(Error|Exception): .")
GRACE_S = 40
HEARD = "Terminating processes on user request"
HEARD_S = 3


def call_snakemake(
    run: str, given: SnakemakeArguments, environment: dict[str, str], log: Path
) -> tuple[int, str]:
    """Make ``run``; its exit status and everything it printed, which also goes to ``log``.

    All cores are offered unless ``given`` names a profile or cores. After an interrupt, or a
    request to end as a scheduler sends it, the running jobs are ended before this returns.
    """
    command = [sys.executable, "-m", "snakemake", "--config", f"run={run}", "--rerun-incomplete"]
    if not given.chooses_cores:
        command += ["--cores", str(len(os.sched_getaffinity(0)))]
    extra = [*given.words, *status_command(list(given.words), environment)]
    log.parent.mkdir(parents=True, exist_ok=True)
    output: list[str] = []
    with (
        log.open("w", buffering=1) as stream,
        subprocess.Popen(
            [*command, *extra],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
        _progress(run, given) as shown,
    ):
        _end_on_signals()
        try:
            _follow(process, stream, output, shown)
        except KeyboardInterrupt:
            print("Interrupted: ending the running jobs", file=sys.stderr)
            deadline = threading.Timer(GRACE_S, _kill, [process.pid])
            told = threading.Timer(HEARD_S, _interrupt, [process, output])
            told.start()
            deadline.start()
            _follow(process, stream, output, shown)
            process.wait()
            told.cancel()
            deadline.cancel()
            cancel_left(log, environment)
            raise
    return process.returncode, "".join(output)


def _progress(run: str, given: SnakemakeArguments) -> AbstractContextManager[Callable[[str], None]]:
    """What takes Snakemake's lines: its answers are printed, of its work the progress is told."""
    if not given.makes_results:
        return nullcontext(partial(print, end=""))
    return RunProgress(f"Run {run}: Snakemake looks for what is to be made")


def _end_on_signals() -> None:
    """End as on an interrupt where a scheduler says so or the terminal goes away."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.default_int_handler)


def write_snakemake_report(run: str, folder: Path, environment: dict[str, str]) -> None:
    """Snakemake's own report of a whole run beside its page, unless it is there already.

    It tells the way the run was made, so it can be no job of it. That it could not be made is told
    and changes nothing.
    """
    record, place = folder / "provenance" / "manifest.json", folder / "report" / "snakemake.html"
    if not record.is_file() or _younger(place, record):
        return
    with suppress(OSError), tempfile.TemporaryDirectory() as made:
        path = Path(made) / place.name
        command = [sys.executable, "-m", "snakemake", "--config", f"run={run}", "--report"]
        with RunProgress("Writing Snakemake's report"):
            done = subprocess.run([*command, path], env=environment, capture_output=True, text=True)
        if done.returncode:
            reason = last_error(done.returncode, done.stdout + done.stderr)
            print(f"note: no {place} ({reason})", file=sys.stderr)
            return
        with atomic(place) as temporary:
            shutil.copyfile(path, temporary)


def _younger(place: Path, other: Path) -> bool:
    return place.is_file() and place.stat().st_mtime >= other.stat().st_mtime


def _interrupt(process: subprocess.Popen, output: list[str]) -> None:
    """Tell a Snakemake that was not told: a terminal interrupts both, a scheduler only us."""
    if not any(line.startswith(HEARD) for line in output):
        process.send_signal(signal.SIGINT)


def _kill(pid: int) -> None:
    """End a Snakemake that does not end of itself, and all it started."""
    try:
        snakemake = psutil.Process(pid)
        family = [*snakemake.children(recursive=True), snakemake]
    except psutil.Error:
        return
    for process in family:
        with suppress(psutil.Error):
            process.kill()


def _follow(process, stream, output: list[str], shown: Callable[[str], None]) -> None:
    for line in process.stdout:
        stream.write(line)
        output.append(line)
        shown(line)


def last_error(status: int, output: str) -> str:
    """The last error line of a failed command, without its mark, or the signal that ended it."""
    lines = [line.strip() for line in output.splitlines()]
    errors = [found[1] for line in lines if (found := ERROR.match(line))]
    if errors:
        return errors[-1]
    if killed := ended_by_slurm(output):
        return killed
    if status < 0:
        return f"Snakemake was ended by {signal.Signals(-status).name}: call again, it goes on"
    telling = [line for line in lines if TELLING.match(line)]
    reason = telling[-1] if telling else next((line for line in reversed(lines) if line), "")
    return f"Snakemake failed: {reason}; see the run's logs/snakemake.log"
