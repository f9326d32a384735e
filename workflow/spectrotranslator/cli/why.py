"""Where a row or a cell of a catalogue came from.

Exit status 0: the bytes agree; 1: they do not; 2: could not look.
"""

import argparse
import json

from spectrotranslator import user_paths
from spectrotranslator.provenance.cell_origin import explain, tell
from spectrotranslator.provenance.finished_run import read_run
from spectrotranslator.provenance.integrity import require_sound


def main(arguments: list[str]) -> int:
    """``./reproduce why RUN CATALOGUE ROW_OR_ID [COLUMN] [--json]``."""
    parser = argparse.ArgumentParser(
        "./reproduce why",
        description="where a row or a cell came from",
        epilog="example: ./reproduce why mini g2a 130101001201001 Teff50",
    )
    parser.add_argument(
        "run", type=user_paths.resolve_run, help="name of a finished run, or its folder"
    )
    parser.add_argument(
        "catalogue", help="such as g2a, as-published/g2a or robust/homogenised_apogee"
    )
    parser.add_argument("row", help="identifier, Gaia source id, or line of the table from 1")
    parser.add_argument("column", nargs="?", help="label of a column")
    parser.add_argument("--json", action="store_true", help="for scripts")
    given = parser.parse_args(arguments)
    run = read_run(given.run)
    require_sound(run)
    found = explain(run, given.catalogue, given.row, given.column)
    print(json.dumps(found, indent=1, default=str) if given.json else tell(found))
    return 0 if found["agrees"] else 1
