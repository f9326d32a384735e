"""Run the whole test suite: style, the workflow's lint, and every test."""

import os
import subprocess
import sys

STYLE = (
    ["ruff", "check", "workflow", "tests", "benchmarks", "envs"],
    ["ruff", "format", "--check", "workflow", "tests", "benchmarks", "envs"],
    ["snakefmt", "--check", "workflow", "Snakefile"],
    ["snakemake", "--lint"],
)

# Every core takes whole test files, in the order of their folders.
SHARED = (
    f"--numprocesses={len(os.sched_getaffinity(0))}", "--dist=loadfile", "--no-loadscope-reorder"
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """``./reproduce test [PYTEST ARGUMENTS]``; what is given goes to pytest unchanged."""
    if "--help" in arguments:
        print("usage: ./reproduce test [PYTEST ARGUMENTS]\n\nexample: ./reproduce test -k draws")
        return 0
    if not arguments and not all(_clean(command) for command in STYLE):
        return 1
    command = [sys.executable, "-m", "pytest", *(arguments or SHARED)]
    return 1 if subprocess.run(command).returncode else 0


def _clean(command: list[str]) -> bool:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
    if done.returncode:
        print(f"{' '.join(command)}:\n{done.stdout}{done.stderr}", file=sys.stderr)
    return done.returncode == 0
