"""One manifest of a run: every file's digest, every job's record, what the workflow is made of.

Nothing is written after it but its signature, so it names everything else and itself holds the
record of its own making and the digest of its own content.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from spectrotranslator.config import load
from spectrotranslator.files import digest, read_json, sha256, write_text
from spectrotranslator.step import Step

from .canonical_json import text
from .job_record import file_entry, job_record

SCHEMA_VERSION = 3
NAME = "write_manifest"


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    started = datetime.now(UTC)
    configuration = load(arguments.config)
    folder = arguments.manifest.parent.parent
    records = {path.stem: read_json(path) for path in sorted(arguments.records)}
    paths = {Path(file["path"]) for record in records.values() for file in _files(record)}
    paths |= {arguments.config, *arguments.records, *_beside(folder, records)}
    paths |= _configurations(folder, records, arguments.config)
    inputs = {"records": sorted(arguments.records), "config": [arguments.config]}
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "run": configuration.run,
        "evidence": configuration.evidence,
        "workflow": [file_entry(path) for path in sorted(set(arguments.workflow))],
        "files": [file_entry(path) for path in sorted(paths)],
        "jobs": {
            name: {"record": str(path), "sha256": sha256(path)}
            for name, path in zip(records, sorted(arguments.records), strict=True)
        },
        "manifest_job": job_record(
            NAME, f"spectrotranslator.provenance.{NAME}", sys.argv[2:], inputs, {}, started, {}
        ),
    }
    write_text(arguments.manifest, text(manifest | {"digest": digest(manifest)}))


def _files(record: dict) -> list[dict]:
    return [*record["inputs"], *record["outputs"]]


def _configurations(folder: Path, records: dict, config: Path) -> set[Path]:
    """Kept configurations that a job read; those of jobs that were made again since are removed."""
    read = {
        file["sha256"]
        for record in records.values()
        for file in record["inputs"]
        if file["role"] == "config"
    }
    read.add(sha256(config))
    kept = set()
    for path in (folder / "provenance" / "configurations").glob("*.yaml"):
        if path.stem in read:
            kept.add(path)
        else:
            path.unlink()
    return kept


def _beside(folder: Path, records: dict) -> list[Path]:
    """Log and benchmark of every job; the log of this one, which says nothing."""
    logs = [folder / "logs" / f"{name}.log" for name in [*records, NAME]]
    times = [folder / "benchmarks" / f"{name}.tsv" for name in records]
    return [path for path in [*logs, *times] if path.is_file()]


step = Step(__doc__)
step.input("config", "resolved configuration")
step.input("workflow", "Snakefiles, rules, configuration files and lock", many=True)
step.input("records", "records of the jobs", many=True)
step.output("manifest", "the manifest, JSON")
step.setting("everything")
