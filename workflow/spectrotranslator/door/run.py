"""Make a run with Snakemake, and say how it went."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from ..configuration import resolve
from ..configuration.load import find
from ..errors import InputError
from ..files import read_json
from .guard import RESULTS, held
from .origin import claim
from .summary import summary

GOOD = ("identical", "equivalent", "consistent", "not compared")
PROGRESS = re.compile(r"^(\d+) of (\d+) steps \((\d+)%\) done")
TELLING = re.compile(r"(?!RuleException|CalledProcessError|WorkflowError)\w+(Error|Exception): .")
FINISHED = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)")


def main(arguments: list[str]) -> int:
    """``./reproduce RUN [-- SNAKEMAKE ARGUMENTS]``."""
    run, extra = _parse(arguments)
    path = find(run)
    configuration = resolve(run)
    started = time.monotonic()
    with held(configuration.run) as environment:
        claim(configuration, path)
        _unlock(environment)
        status, output = _snakemake(run, extra, environment, configuration.run)
    if status:
        raise InputError(last_error(output))
    if "-n" in extra or "--dry-run" in extra or "--dryrun" in extra:
        return 0
    if "Nothing to be done" in output:
        print(f"Nothing to do: run {configuration.run} is complete.")
    verdict = read_json(RESULTS / configuration.run / "verdict.json")
    print(summary(verdict, RESULTS / configuration.run, time.monotonic() - started))
    return 0 if verdict["grade"] in GOOD else 1


def _parse(arguments: list[str]) -> tuple[str, list[str]]:
    before, _, extra = _split(arguments)
    if before[:1] and before[0] not in ("-h", "--help") and len(before) == 1:
        return before[0], extra
    raise InputError(f"one run is expected, not {' '.join(before)!r}; see ./reproduce --help")


def _split(arguments: list[str]) -> tuple[list[str], str, list[str]]:
    if "--" not in arguments:
        return arguments, "", []
    place = arguments.index("--")
    return arguments[:place], "--", arguments[place + 1 :]


def _unlock(environment: dict[str, str]) -> None:
    """Take away the lock of a killed Snakemake; ours is held, so no other is at work here."""
    locks = Path(".snakemake/locks")
    if locks.is_dir() and any(locks.iterdir()):
        subprocess.run(
            [sys.executable, "-m", "snakemake", "--unlock"], env=environment, capture_output=True
        )


def _snakemake(
    run: str, extra: list[str], environment: dict[str, str], name: str
) -> tuple[int, str]:
    command = [sys.executable, "-m", "snakemake", "--rerun-incomplete", "--config", f"run={run}"]
    if not any(
        word.split("=")[0] in ("--profile", "--cores", "-c", "--jobs", "-j") for word in extra
    ):
        command += ["--cores", str(len(os.sched_getaffinity(0)))]
    log = RESULTS / name / "logs" / "snakemake.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    output = []
    with (
        log.open("w") as stream,
        subprocess.Popen(
            [*command, *extra],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        shown = Progress(plain=bool({"-n", "--dry-run", "--dryrun"} & set(extra)))
        for line in process.stdout:
            stream.write(line)
            output.append(line)
            shown.show(line)
        shown.end()
    return process.returncode, "".join(output)


class Progress:
    """One line on a terminal that says how far the run is; silence elsewhere."""

    def __init__(self, plain: bool):
        self.plain = plain
        self.terminal = sys.stderr.isatty()
        self.rule = ""

    def show(self, line: str) -> None:
        """Take one line of Snakemake's output."""
        if self.plain:
            print(line, end="")
        elif found := FINISHED.match(line):
            self.rule = found[1].replace("_", " ")
        elif (found := PROGRESS.match(line)) and self.terminal:
            text = f"[{found[1]:>3}/{found[2]}] {self.rule}"
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the terminal's line clean."""
        if self.terminal and self.rule and not self.plain:
            print("\r\033[K", end="", file=sys.stderr)


def last_error(output: str) -> str:
    """The last error line of a failed command, without its mark."""
    lines = [line.strip() for line in output.splitlines()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1]
    telling = [line for line in lines if TELLING.match(line)]
    reason = telling[-1] if telling else next((line for line in reversed(lines) if line), "")
    return f"Snakemake failed: {reason}; see the run's logs/snakemake.log"
