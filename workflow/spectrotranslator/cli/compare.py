"""Two runs of the workflow: the first difference and its cause.

Exit status 0: no result differs; 1: some do; 2: could not look.
"""

import argparse
import json
from dataclasses import asdict

from spectrotranslator import user_paths
from spectrotranslator.provenance.finished_run import read_run
from spectrotranslator.provenance.integrity import require_sound
from spectrotranslator.provenance.run_comparison import compare, grades, tell


def main(arguments: list[str]) -> int:
    """``./reproduce compare RUN_A RUN_B [--json]``."""
    parser = argparse.ArgumentParser(
        "./reproduce compare",
        description="two runs of the workflow: the first difference and its cause",
        epilog="example: ./reproduce compare mini /elsewhere/results/mini",
    )
    parser.add_argument(
        "first", type=user_paths.resolve_run, help="name of a finished run, or its folder"
    )
    parser.add_argument("second", type=user_paths.resolve_run, help="another")
    parser.add_argument("--json", action="store_true", help="for scripts")
    given = parser.parse_args(arguments)
    first, second = read_run(given.first), read_run(given.second)
    for run in (first, second):
        require_sound(run)
    found = compare(first, second)
    if found.job is not None:
        found.grades.update(grades(first, second, found.differing))
    print(json.dumps(asdict(found), indent=1) if given.json else tell(first, second, found))
    return 0 if found.job is None else 1
