"""Remove a run; shared downloads stay."""

import argparse
import shutil
import sys

from ..errors import InputError
from .guard import RESULTS, held
from .runs import runs


def main(arguments: list[str]) -> int:
    """``./reproduce remove RUN [--yes]``."""
    parser = argparse.ArgumentParser(
        "./reproduce remove", description=__doc__, epilog="example: ./reproduce remove mini"
    )
    parser.add_argument("run", help="name of the run, as ./reproduce list shows it")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    given = parser.parse_args(arguments)
    known = {run["run"]: run for run in runs()}
    if given.run not in known:
        raise InputError(f"there is no run {given.run!r}; there are {', '.join(known) or 'none'}")
    with held(given.run):
        size = known[given.run]["size"] / 1e6
        if not given.yes and not _agreed(f"Remove results/{given.run} ({size:.0f} MB)? [y/N] "):
            print("Nothing was removed.")
            return 0
        shutil.rmtree(RESULTS / given.run)
        (RESULTS / ".locks" / f"{given.run}.origin.json").unlink(missing_ok=True)
    print(f"Removed results/{given.run}.")
    return 0


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise InputError("nobody can be asked here; give --yes to remove the run")
    return input(question).strip().lower() in ("y", "yes")
