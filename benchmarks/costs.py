"""Fit what a job of each rule costs to runs of several sizes.

Run it with ``python benchmarks/costs.py RUN RUN ...``, names of runs of one
structure and different numbers of rows, made on this machine while it was idle. It prints, for
every rule, the seconds measured at each size and the line through them, and writes
``config/costs.json``, which ``./reproduce plan`` and every job's resources come from. A run need
not be finished; each rule notes the most rows it was measured with.
"""

import argparse
import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from spectrotranslator.config import load
from spectrotranslator.download.registry import read_registry
from spectrotranslator.files import write_json
from spectrotranslator.resources.cost_table import TABLE, survey_rows
from spectrotranslator.resources.machine_speed import plain_work

JOB_OVERHEAD_S = 0.3
# What stands for the jobs of one rule and run: a job that outgrows its memory is killed.
FIGURES = {"seconds": np.mean, "memory_mb": np.max, "bytes": np.mean}


def rows_of(run: str) -> int:
    """Rows of all surveys of a finished run."""
    configuration = load(Path("results") / run / "config.yaml")
    registry = read_registry(configuration.sources.registry)
    return sum(survey_rows(configuration, {n: s.rows for n, s in registry.items()}).values())


def jobs_of(run: str) -> dict[str, list[dict[str, float]]]:
    """Rule to the figures of its jobs: seconds, peak memory, bytes written.

    Of wall clock and processor time the lesser counts: a busy machine stretches the one, threads
    the other.
    """
    folder = Path("results") / run
    found = defaultdict(list)
    for path in sorted((folder / "benchmarks").glob("*.tsv")):
        recorded = folder / "provenance/jobs" / f"{path.stem}.json"
        if not recorded.is_file():
            continue
        record = json.loads(recorded.read_text())
        with path.open(newline="") as stream:
            line = next(csv.DictReader(stream, delimiter="\t"))
        found[record["rule"]].append(
            {
                "seconds": min(float(line["s"]), record["cpu_seconds"]) + JOB_OVERHEAD_S,
                "memory_mb": record["peak_memory_mb"],
                "bytes": float(sum(file["bytes"] for file in record["outputs"])),
            }
        )
    return found


def fitted(rows: list[int], values: list[float]) -> list[float]:
    """A fixed part and a part a row, neither negative, relative errors least squared."""
    if len(set(rows)) < 2:
        return [float(np.mean(values)), 0.0]
    weight = 1 / np.maximum(values, 1e-9)
    matrix = np.stack([np.ones(len(rows)), np.array(rows, float)], axis=1)
    return nnls(matrix * weight[:, None], np.asarray(values) * weight)[0].tolist()


def main() -> None:
    """Fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("runs", nargs="+")
    given = parser.parse_args()
    sizes = {run: rows_of(run) for run in given.runs}
    jobs = {run: jobs_of(run) for run in given.runs}
    rules = {}
    print(
        f"{'rule':<20} "
        + " ".join(f"{run:>12}" for run in given.runs)
        + "   fixed + a 100,000 rows"
    )
    for rule in sorted({rule for one in jobs.values() for rule in one}):
        here = [run for run in given.runs if rule in jobs[run]]
        rows = [sizes[run] for run in here]
        rules[rule] = {
            name: fitted(rows, [typical([j[name] for j in jobs[run][rule]]) for run in here])
            for name, typical in FIGURES.items()
        } | {"rows": [max(rows)]}
        means = {run: np.mean([j["seconds"] for j in jobs[run][rule]]) for run in here}
        fixed, each = rules[rule]["seconds"]
        shown = " ".join(
            f"{means[run]:>10.2f} s" if run in means else " " * 12 for run in given.runs
        )
        print(f"{rule:<20} {shown}   {fixed:.2f} + {each * 1e5:.2f}")
    write_json(
        TABLE,
        {
            "schema_version": 1,
            "command": f"python benchmarks/costs.py {' '.join(sys.argv[1:])}",
            "rows": sizes,
            "work_s": plain_work(),
            "rules": rules,
        },
    )
    print(f"{TABLE} written")


if __name__ == "__main__":
    main()
