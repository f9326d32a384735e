"""A run tells how far it is, on a terminal and where its output is redirected."""

import io
import re

import pytest

from spectrotranslator.cli.run_progress import RunProgress

LINES = """\
total                      3
[Sat Nov 28 08:33:07 2026]
rule train_members:
    output: results/tiny/networks/member-0
    jobid: 7
    wildcards: method=as-published, member=0
[Sat Nov 28 08:33:07 2026]
localrule list_sources:
    jobid: 8
"""
ENDS = "[Sat Nov 28]\nFinished jobid: 7 (Rule: train_members)\n1 of 3 steps (33%) done\n"
FAILS = "Error in rule list_sources:\n    message: None\n    jobid: 8\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def progress(stream, clock) -> RunProgress:
    return RunProgress("Run tiny: looks", stream, clock)


def fed(shown: RunProgress, text: str) -> None:
    for line in text.splitlines(keepends=True):
        shown.take(line)


def test_the_first_line_is_said_before_snakemake_says_anything():
    stream = io.StringIO()
    with progress(stream, Clock()):
        assert stream.getvalue() == "Run tiny: looks\n"


def test_redirected_a_line_a_finished_job_with_its_wildcards():
    stream, clock = io.StringIO(), Clock()
    shown = progress(stream, clock)
    fed(shown, LINES)
    assert stream.getvalue() == ""
    clock.now = 65
    fed(shown, ENDS)
    assert stream.getvalue() == "[1/3] 1:05  train_members as-published 0\n"


def test_redirected_a_line_within_ten_seconds_of_the_last():
    stream, clock = io.StringIO(), Clock()
    shown = progress(stream, clock)
    fed(shown, LINES)
    for clock.now in range(31):
        shown.tick()
    times = [int(time) for time in re.findall(r"0:(\d\d)", stream.getvalue())]
    gaps = [after - before for before, after in zip([0, *times], [*times, 30], strict=True)]
    assert max(gaps) <= 10
    assert len(times) <= 4
    assert stream.getvalue().splitlines()[0].endswith("running: train_members, list_sources")


@pytest.mark.parametrize("text", [ENDS, FAILS])
def test_what_ended_or_failed_runs_no_more(text):
    stream, clock = io.StringIO(), Clock()
    shown = progress(stream, clock)
    fed(shown, LINES + text)
    clock.now = 60
    shown.tick()
    gone = "list_sources" if text == FAILS else "train_members"
    assert gone not in stream.getvalue().splitlines()[-1]


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_a_terminal_has_one_live_line_that_fits(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    stream, clock = Terminal(), Clock()
    with progress(stream, clock) as take:
        for line in (LINES + ENDS).splitlines(keepends=True):
            take(line)
    shown = progress(stream, clock)
    fed(shown, LINES)
    shown.tick()
    assert "\n" not in stream.getvalue()
    shown_lines = stream.getvalue().split("\r\x1b[K")
    assert max(map(len, shown_lines)) < columns
    assert "" in shown_lines[1:], "the line is cleared at the end"
    assert shown_lines[-1].startswith("[0/3] 0:00  running"[: columns - 1])
