"""Tell how far a run is: a live line on a terminal, one line a finished job elsewhere."""

import re
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO

from spectrotranslator.graph.member_batches import step_of_rule

TOTAL = re.compile(r"^total\s+(\d+)$")
JOB = re.compile(r"^\s*(?:local)?rule (\w+):$")
FAILED = re.compile(r"^\s*Error in rule (\w+)")
JOB_ID = re.compile(r"^\s+jobid: (\d+)$")
WILDCARDS = re.compile(r"^\s+wildcards: (.+)$")
FINISHED = re.compile(r"^Finished jobid: (\d+) \(Rule: (\w+)\)")
DONE = re.compile(r"^(\d+) of (\d+) steps \(\d+%\) done")
LIVE_S = 1.0
LONGEST_SILENCE_S = 9.0


class RunProgress:
    """How far a run is, on standard error, read from the lines that Snakemake prints.

    A context manager that gives `take`: between its ends something is said at least every ten
    seconds.

    Parameters
    ----------
    first : str
        What is said at once.
    stream : text stream
        Where it is said; standard error by default.
    clock : callable
        Gives seconds.
    """

    def __init__(
        self,
        first: str,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._first = first
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._clock = clock
        self._begun = self._said = clock()
        self._done, self._total = 0, 0
        self._running: dict[str, tuple[str, str]] = {}
        self._finished: list[str] = []
        self._rule = self._job = ""
        self._fails = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._beat = threading.Thread(target=self._keep_saying, daemon=True)

    def __enter__(self) -> Callable[[str], None]:
        self._write(self._first)
        self._beat.start()
        return self.take

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._beat.join()
        if self._live:
            print("\r\033[K", end="", file=self._stream, flush=True)

    def take(self, line: str) -> None:
        """Take one line of Snakemake's output."""
        with self._lock:
            self._understand(line)

    def tick(self) -> None:
        """Renew the live line, or say what runs where nothing was said for long."""
        with self._lock:
            if self._live or self._clock() - self._said >= LONGEST_SILENCE_S:
                self._write(f"{self._place()}  {self._at_work()}")

    def _keep_saying(self) -> None:
        while not self._ended.wait(LIVE_S):
            self.tick()

    def _understand(self, line: str) -> None:
        if found := JOB.match(line):
            self._rule, self._fails = step_of_rule(found[1]), False
        elif found := FAILED.match(line):
            self._rule, self._fails = step_of_rule(found[1]), True
        elif (found := JOB_ID.match(line)) and self._rule:
            self._job = found[1]
            if self._fails:
                self._running.pop(self._job, None)
            else:
                self._running[self._job] = (self._rule, "")
        elif (found := WILDCARDS.match(line)) and self._job in self._running:
            values = " ".join(part.partition("=")[2] for part in found[1].split(", "))
            self._running[self._job] = (self._rule, values)
        elif found := FINISHED.match(line):
            rule, values = self._running.pop(found[1], (step_of_rule(found[2]), ""))
            self._finished.append(f"{rule} {values}".rstrip())
        elif found := TOTAL.match(line):
            self._total = int(found[1])
        elif found := DONE.match(line):
            self._done, self._total = int(found[1]), int(found[2])
            self._report_finished()

    def _report_finished(self) -> None:
        if not self._live:
            for name in self._finished:
                self._write(f"{self._place()}  {name}")
        self._finished.clear()

    def _place(self) -> str:
        minutes, seconds = divmod(int(self._clock() - self._begun), 60)
        width = len(str(self._total))
        return f"[{self._done:>{width}}/{self._total}] {minutes}:{seconds:02d}"

    def _at_work(self) -> str:
        """Rules at work, with how many jobs each."""
        if not self._running:
            return self._first
        rules = Counter(rule for rule, _ in self._running.values())
        return "running: " + ", ".join(
            f"{rule} ({n})" if n > 1 else rule for rule, n in rules.items()
        )

    def _write(self, text: str) -> None:
        self._said = self._clock()
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{text[:width]}", end="", file=self._stream, flush=True)
        else:
            print(text, file=self._stream, flush=True)
