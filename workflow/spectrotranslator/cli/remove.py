"""Remove a run; shared downloads stay."""

import argparse
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

from spectrotranslator.errors import InputError

from .list_runs import runs
from .run_lock import RESULTS, held


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
    folder = RESULTS / given.run
    with ExitStack() as locks:
        for name in sorted({given.run, *_run_behind(folder)}):
            locks.enter_context(held(name))
        what = f"{folder}, which is {folder.resolve()}," if folder.is_symlink() else f"{folder}"
        size = known[given.run]["size"] / 1e6
        if not given.yes and not _agreed(f"Remove {what} ({size:.0f} MB)? [y/N] "):
            print("Nothing was removed.")
            return 0
        _remove(folder)
        (RESULTS / ".locks" / f"{given.run}.origin.json").unlink(missing_ok=True)
    print(f"Removed {folder}.")
    return 0


def _run_behind(folder: Path) -> list[str]:
    """The run whose folder a link leads to, if it leads to one of this clone's."""
    place = folder.resolve()
    return [place.name] if place.parent == RESULTS.resolve() else []


def _remove(folder: Path) -> None:
    """Remove a run's folder; where it is a link, what it leads to and then the link."""
    place = folder.resolve()
    if Path.cwd().is_relative_to(place):
        raise InputError(f"{folder} leads to {place}, which holds this clone; remove the link")
    shutil.rmtree(place)
    if folder.is_symlink():
        folder.unlink()


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise InputError("nobody can be asked here; give --yes to remove the run")
    return input(question).strip().lower() in ("y", "yes")
