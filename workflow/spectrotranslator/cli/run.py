"""Make a run with Snakemake, and say how it went."""

import shutil
import sys
import time
from pathlib import Path

from spectrotranslator.config import Configuration, dump, resolve
from spectrotranslator.config.loading import find, require_tables
from spectrotranslator.download.verify_sources import remove_changed
from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json
from spectrotranslator.user_paths import refuse_braces

from .exit_grades import GOOD
from .main import usage
from .run_lock import RESULTS, held, unlock
from .run_origin import record_config_path
from .run_summary import summary
from .slurm import cancel_left
from .snakemake_arguments import understand
from .snakemake_process import call_snakemake, last_error, write_snakemake_report

SCARCE_BYTES = 1 << 20


def main(arguments: list[str]) -> int:
    """``./reproduce RUN [-- SNAKEMAKE ARGUMENTS]``."""
    if _asks_for_help(arguments):
        print(usage())
        return 0
    refuse_braces(Path.cwd())
    run, words = _parse(arguments)
    given = understand(words)
    path = find(run)
    configuration = resolve(run)
    require_tables(configuration)
    started = time.monotonic()
    folder = RESULTS / configuration.run
    log = folder / "logs" / "snakemake.log"
    with held(configuration.run) as environment:
        record_config_path(configuration, path)
        if given.makes_results and not (folder / "config.yaml").is_file():
            dump(configuration, folder / "config.yaml")
        cancel_left(log, environment)
        unlock(configuration.run)
        for name in _changed(folder, configuration) if given.makes_results else []:
            print(f"sources/{name} is not what was fetched: it is fetched anew.", file=sys.stderr)
        _tidy(folder)
        status, output = call_snakemake(run, given, environment, log)
        # A job that a scheduler killed was made again, and has left what it had begun to write.
        _tidy(folder)
        if given.makes_results and not status:
            write_snakemake_report(run, folder, environment)
    if status:
        raise InputError(_full_disk() or last_error(status, output))
    if not given.makes_results:
        return 0
    judged = folder / "verdict.json"
    drawn = folder / "figures" / "facts.json"
    if not judged.is_file() or not drawn.is_file():
        print(f"What was asked for is made; run {configuration.run} is not complete.")
        return 0
    if "Nothing to be done" in output:
        print(f"Nothing to do: run {configuration.run} is complete.")
    verdict = read_json(judged)
    try:
        told = summary(verdict, read_json(drawn), folder, time.monotonic() - started)
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{judged}: damaged; delete it and call again") from None
    print(told)
    return 0 if verdict["grade"] in GOOD else 1


def _asks_for_help(arguments: list[str]) -> bool:
    return bool({"-h", "--help"} & set(_split(arguments)[0]))


def _parse(arguments: list[str]) -> tuple[str, list[str]]:
    before, _, extra = _split(arguments)
    if len(before) == 1:
        return before[0], extra
    raise InputError(f"one run is expected, not {' '.join(before)!r}; see ./reproduce --help")


def _changed(folder: Path, configuration: Configuration) -> list[str]:
    return remove_changed(folder, configuration.sources.folder)


def _split(arguments: list[str]) -> tuple[list[str], str, list[str]]:
    if "--" not in arguments:
        return arguments, "", []
    place = arguments.index("--")
    return arguments[:place], "--", arguments[place + 1 :]


def _full_disk() -> str | None:
    """What to say where the disk is so full that a job could not even write its log."""
    if shutil.disk_usage(RESULTS).free >= SCARCE_BYTES:
        return None
    return f"{RESULTS}: No space left on that disk; free some and call again"


def _tidy(folder: Path) -> None:
    """Remove what killed jobs had begun to write: nothing is at work here now."""
    for part in folder.rglob(".*.part"):
        part.unlink()
