"""What runs there are, their grade, age and size."""

import argparse
import json
import time
from contextlib import suppress
from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json

from .run_lock import RESULTS

COLUMNS = ("run", "grade", "evidence", "age", "size")


def runs() -> list[dict]:
    """One entry a run folder: name, grade, evidence, age in seconds, size in bytes."""
    folders = sorted(path for path in RESULTS.glob("[!.]*") if (path / "logs").is_dir())
    return [_describe(folder) for folder in folders]


def _describe(folder: Path) -> dict:
    known = _verdict(folder / "verdict.json")
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    latest = max((path.stat().st_mtime for path in files), default=folder.stat().st_mtime)
    return {
        "run": folder.name,
        "grade": known.get("grade", "unfinished"),
        "evidence": known.get("evidence", ""),
        "age": time.time() - latest,
        "size": sum(path.stat().st_size for path in files),
    }


def _verdict(path: Path) -> dict:
    """The run's verdict; of one that cannot be read no more than that."""
    if not path.is_file():
        return {}
    with suppress(InputError, OSError):
        known = read_json(path)
        if isinstance(known, dict):
            return known
    return {"grade": "unreadable"}


def main(arguments: list[str]) -> int:
    """``./reproduce list [--json]``."""
    parser = argparse.ArgumentParser(
        "./reproduce list", description=__doc__, epilog="example: ./reproduce list --json"
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    found = runs()
    if parser.parse_args(arguments).json:
        print(json.dumps(found, indent=1))
        return 0
    if not found:
        print("There is no run yet; ./reproduce makes the first.")
        return 0
    print("{:<16} {:<12} {:<10} {:>8} {:>9}".format(*COLUMNS))
    for run in found:
        age, size = f"{run['age'] / 86400:.1f} d", f"{run['size'] / 1e6:.0f} MB"
        print(f"{run['run']:<16} {run['grade']:<12} {run['evidence']:<10} {age:>8} {size:>9}")
    return 0
