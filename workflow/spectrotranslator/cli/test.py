"""Run the test suite: style, the workflow's lint, and every test; or the quick ones alone."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

STYLE = (
    ["ruff", "check", "workflow", "tests", "benchmarks", "envs"],
    ["ruff", "format", "--check", "workflow", "tests", "benchmarks", "envs"],
    ["snakefmt", "--check", "workflow", "Snakefile"],
    ["snakemake", "--lint"],
    ["lint-imports"],
)

USAGE = """usage: ./reproduce test [--quick | PYTEST ARGUMENTS]

  --quick   style, lint and the tests that take no time: for everyday work

example: ./reproduce test -k draws"""

CORES = len(os.sched_getaffinity(0))
# Whole test files, those of the slowest folders first: short ones fill the end. One process more
# than cores, as the tests of Slurm mostly wait.
SLOWEST = ("slurm", "workflow")
# What everyday work asks for: no run of the workflow, nothing that takes seconds.
QUICK = (
    "-m",
    "not slow",
    f"--numprocesses={CORES}",
    "--dist=loadfile",
    "tests/unit",
    "tests/property",
)
SHARED = (f"--numprocesses={CORES + 1}", "--dist=loadfile", "--no-loadscope-reorder")


def main(arguments: list[str]) -> int:
    """``./reproduce test [--quick | PYTEST ARGUMENTS]``; the latter go to pytest unchanged."""
    if "--help" in arguments:
        print(USAGE)
        return 0
    quick = arguments == ["--quick"]
    if (quick or not arguments) and not _all_clean():
        return 1
    chosen = QUICK if quick else arguments or [*SHARED, *_folders()]
    command = [sys.executable, "-m", "pytest", *chosen]
    return 1 if subprocess.run(command).returncode else 0


def _folders() -> list[str]:
    folders = [path for path in Path("tests").iterdir() if path.is_dir()]
    return sorted(map(str, folders), key=lambda path: (Path(path).name not in SLOWEST, path))


def _all_clean() -> bool:
    with ThreadPoolExecutor(CORES) as pool:
        return all(list(pool.map(_clean, STYLE)))


def _clean(command: list[str]) -> bool:
    done = subprocess.run(
        [Path(sys.executable).with_name(command[0]), *command[1:]], capture_output=True, text=True
    )
    if done.returncode:
        print(f"{' '.join(command)}:\n{done.stdout}{done.stderr}", file=sys.stderr)
    return done.returncode == 0
