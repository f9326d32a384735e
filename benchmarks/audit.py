"""Time of an audit with two catalogues of 0.6 GB, and what recording cost a run.

.venv/bin/python benchmarks/audit.py results/tiny
"""

import dataclasses
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from spectrotranslator.provenance.finished_run import Run, read_run
from spectrotranslator.provenance.job_record import file_entry
from spectrotranslator.provenance.run_audit import Audit

SIZE = 600_000_000
LIMIT_S = 10


def with_large_files(run: Run, folder: Path) -> Run:
    """The run with two large files more in its manifest."""
    block = bytes(range(256)) * 4096
    files = []
    for name in ("g2a.dat", "a2g.dat"):
        path = folder / name
        with path.open("wb") as stream:
            for _ in range(SIZE // len(block)):
                stream.write(block)
        files.append(file_entry(path))
    manifest = run.manifest | {"files": [*run.manifest["files"], *files]}
    return dataclasses.replace(run, manifest=manifest)


def recording(run: Run) -> tuple[float, float, float]:
    """Seconds of all jobs, of recording and of hashing."""
    times = [
        datetime.fromisoformat(r["ended"]) - datetime.fromisoformat(r["started"])
        for r in run.records.values()
    ]
    return (
        sum(t.total_seconds() for t in times),
        sum(r["recording_seconds"] for r in run.records.values()),
        sum(r["hashing_seconds"] for r in run.records.values()),
    )


def main() -> int:
    run = read_run(sys.argv[1])
    jobs, record, hashing = recording(run)
    print(f"jobs {jobs:.1f} s, recording {record:.2f} s, of it hashing files {hashing:.3f} s")
    clock = time.perf_counter()
    Audit(run).check()
    print(f"audit of {run.name}: {time.perf_counter() - clock:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        large = with_large_files(run, Path(folder))
        clock = time.perf_counter()
        Audit(large).check()
        seconds = time.perf_counter() - clock
    print(f"audit with two files of {SIZE / 1e9:.1f} GB: {seconds:.2f} s")
    return 0 if seconds < LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
