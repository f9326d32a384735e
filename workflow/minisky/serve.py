"""Run one command with a miniature sky's archive in reach, then end the archive.

The command's fetches of the canonical addresses reach the archive through the prefix map in the
environment (SPECTROTRANSLATOR_URL_MAP), as they would reach an institution's mirror.

    python -m minisky.serve --sky FOLDER [--published FOLDER] -- COMMAND ARG...
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from spectrotranslator.errors import InputError

from .faults import Fault
from .mock_archive import Archive


def serve(
    sky: Path | None, published: Path | None, command: list[str], faults: list[Fault] | None = None
) -> int:
    """Run ``command`` beside the archive; its exit status (128 + signal if it was killed)."""
    with Archive(sky, published, faults or ()) as archive:
        child = subprocess.Popen(command, env=os.environ | archive.environment())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda received, _frame: child.send_signal(received))
        status = child.wait()
    return status if status >= 0 else 128 - status


def _faults(path: Path) -> list[Fault]:
    return [Fault(**fault) for fault in json.loads(path.read_text(encoding="utf-8"))]


def main() -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--sky", type=Path, help="folder of the simulated files")
    parser.add_argument(
        "--published",
        type=Path,
        help="folder of ReadMe, g2a.dat.gz, a2g.dat.gz; before it is made, none is served",
    )
    parser.add_argument("--faults", type=Path, help="JSON list of faults, for tests")
    parser.add_argument("command", nargs="+", help="command to run, after --")
    arguments = parser.parse_args()
    try:
        if arguments.sky and not arguments.sky.is_dir():
            raise InputError(f"{arguments.sky}: no such folder; simulate the sky first")
        faults = _faults(arguments.faults) if arguments.faults else []
        return serve(arguments.sky, arguments.published, arguments.command, faults)
    except FileNotFoundError as error:
        print(f"error: {error.filename}: no such command or file", file=sys.stderr)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
