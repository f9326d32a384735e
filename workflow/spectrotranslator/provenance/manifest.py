"""One manifest of a run: every job's record, every file's digest, the code's commit."""

import subprocess
from pathlib import Path

from ..files import read_json, sha256, write_json
from ..stage import Stage


def commit() -> dict:
    """The repository's commit and whether the tree differs from it."""
    try:
        head = _git("rev-parse", "HEAD")
        return {"commit": head, "modified": bool(_git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "modified": None}


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    ).stdout.strip()


def main(arguments) -> None:
    records = {path.stem: read_json(path) for path in sorted(arguments.records)}
    files = {}
    for record in records.values():
        for side in ("inputs", "outputs"):
            files |= {file["path"]: file for file in record[side]}
    write_json(
        arguments.manifest,
        {
            "schema_version": 1,
            "code": commit(),
            "files": [
                {"path": path, "bytes": file["bytes"], "sha256": file["sha256"]}
                for path, file in sorted(files.items())
            ],
            "jobs": {
                name: {"record": path.name, "sha256": sha256(path)}
                for name, path in zip(records, sorted(arguments.records), strict=True)
            },
        },
    )


stage = Stage(__doc__)
stage.input("records", "records of the jobs", many=True)
stage.output("manifest", "the manifest, JSON")

if __name__ == "__main__":
    stage.run(main)
