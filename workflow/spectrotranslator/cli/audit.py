"""Re-verify everything a run recorded.

Exit status 0: whole; 1: damage found; 2: could not look.
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

from spectrotranslator import user_paths
from spectrotranslator.provenance.finished_run import read_run
from spectrotranslator.provenance.run_audit import Audit, report

SIGNERS = "SPECTROTRANSLATOR_SIGNERS"


def main(arguments: list[str]) -> int:
    """``./reproduce audit RUN [--json] [--signers FILE] [--revoked FILE]``."""
    parser = argparse.ArgumentParser(
        "./reproduce audit",
        description="re-verify everything the run recorded",
        epilog="example: ./reproduce audit mini --signers ~/.ssh/allowed_signers",
    )
    parser.add_argument(
        "run", type=user_paths.resolve_run, help="name of a finished run, or its folder"
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument(
        "--signers",
        type=user_paths.resolve_input,
        default=os.environ.get(SIGNERS),
        help=f"allowed signers as ssh-keygen reads them (or ${SIGNERS})",
    )
    parser.add_argument(
        "--revoked",
        type=user_paths.resolve_input,
        help="revoked keys, one a line or a revocation list of ssh-keygen",
    )
    given = parser.parse_args(arguments)
    signers = Path(given.signers) if given.signers else None
    revoked = Path(given.revoked) if given.revoked else None
    audit = Audit(read_run(given.run), signers, revoked)
    audit.check()
    if given.json:
        found = [asdict(damage) for damage in audit.damage]
        print(json.dumps({"run": audit.run.name, "damage": found, "notes": audit.notes}, indent=1))
    else:
        print(report(audit))
    return 1 if audit.damage else 0
