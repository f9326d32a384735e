"""Run the whole test suite: style, the workflow's lint, and every test."""

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

CORES = len(os.sched_getaffinity(0))
# Whole test files, those of the slowest folders first: short ones fill the end. One process more
# than cores, as the tests of Slurm mostly wait.
SLOWEST = ("slurm", "workflow")
SHARED = (f"--numprocesses={CORES + 1}", "--dist=loadfile", "--no-loadscope-reorder")


def main(arguments: list[str]) -> int:
    """``./reproduce test [PYTEST ARGUMENTS]``; what is given goes to pytest unchanged."""
    if "--help" in arguments:
        print("usage: ./reproduce test [PYTEST ARGUMENTS]\n\nexample: ./reproduce test -k draws")
        return 0
    if not arguments and not _all_clean():
        return 1
    command = [sys.executable, "-m", "pytest", *(arguments or [*SHARED, *_folders()])]
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
