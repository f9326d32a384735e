"""How fast the text of both catalogues of a finished run is written.

Run it with ``python benchmarks/text.py results/RUN``. It calls the stage that
writes a table for both catalogues at once, as the workflow does, ``--rounds`` times, and prints
megabytes a second, the start of both processes and the last sync included, and their memory. Exits
with 1 where the best round is slower than 100 MB/s.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from spectrotranslator.config import load

BAR = 100


def written(run: Path, folder: Path) -> tuple[float, float, float]:
    """Seconds, megabytes of text and the largest process's megabytes of memory."""
    configuration = load(run / "config.yaml")
    catalogues = run / "catalogues" / configuration.comparison.method
    start, largest = time.perf_counter(), 0
    running, texts = [], []
    for name, direction in configuration.directions.items():
        if not direction.catalogue:
            continue
        texts.append(folder / f"{name}.dat")
        command = [
            sys.executable,
            "-m",
            "spectrotranslator.run_step",
            "spectrotranslator.translation.write_table",
        ]
        command += ["--layout", direction.catalogue]
        command += ["--parquet", str(catalogues / f"{name}.parquet"), "--dat", str(texts[-1])]
        running.append(psutil.Popen(command))
    while any(process.poll() is None for process in running):
        for process in running:
            if process.poll() is None and process.status() != psutil.STATUS_ZOMBIE:
                largest = max(largest, process.memory_info().rss)
        time.sleep(0.02)
    if any(process.returncode for process in running):
        raise subprocess.CalledProcessError(1, "spectrotranslator.translation.write_table")
    seconds = time.perf_counter() - start
    return seconds, sum(path.stat().st_size for path in texts) / 1e6, largest / 1e6


def main() -> int:
    """Print a line a round."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    best = 0.0
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            seconds, size, memory = written(given.run, Path(folder))
        best = max(best, size / seconds)
        print(
            f"{size:.0f} MB in {seconds:.1f} s: {size / seconds:.0f} MB/s, at most {memory:.0f} MB"
            " of memory a process"
        )
    print(f"best: {best:.0f} MB/s (bar {BAR})")
    return 0 if best >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
