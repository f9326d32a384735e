"""What the jobs of a finished run asked for and what they used, per rule.

Run it with ``python benchmarks/efficiency.py RUN``, after a run here or on a
cluster. Of a rule's jobs the one that used most counts. Memory used holds the share of Snakemake
that a job of Slurm holds beside its command (``door.asks``); cores used are processor time by wall
clock, so a busy machine shows less. The end is 1 if a rule asks for more than four times what it
uses; one core is the least there is.
"""

import argparse
import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

from spectrotranslator.config import load
from spectrotranslator.resources.resource_requests import SNAKEMAKE_MB, ResourceRequests

MOST = 4


def used(folder: Path) -> dict[str, list[dict]]:
    """Rule to its jobs' seconds, megabytes, cores and threads."""
    found = defaultdict(list)
    for path in sorted((folder / "provenance/jobs").glob("*.json")):
        record = json.loads(path.read_text())
        with (folder / "benchmarks" / f"{path.stem}.tsv").open(newline="") as stream:
            line = next(csv.DictReader(stream, delimiter="\t"))
        seconds = max(float(line["s"]), 0.1)
        found[record["rule"]].append(
            {
                "seconds": seconds,
                "memory_mb": record["peak_memory_mb"] + SNAKEMAKE_MB,
                "cores": record["cpu_seconds"] / seconds,
                "processes": record["parameters"].get("processes") or 1,
                "threads": record["parameters"].get("processes")
                or record["compute"]["threads"].get("torch", 1),
            }
        )
    return found


def main() -> int:
    """Print a rule a line; the status says whether all keep within the bound."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", help="name of a finished run")
    folder = Path("results") / parser.parse_args().run
    configuration = load(folder / "config.yaml")
    asks = ResourceRequests.of(configuration)
    print(
        f"{'rule':<20} {'jobs':>4}   {'asked':>8} {'used':>8} times   {'cores':>5} {'used':>5}"
        f" times   {'asked':>7} {'used':>8}"
    )
    beyond = []
    for rule, jobs in used(folder).items():
        memory, cores, seconds = (
            max(job[name] for job in jobs) for name in ("memory_mb", "cores", "seconds")
        )
        asked, threads = asks.memory(rule, jobs[0]["processes"]), jobs[0]["threads"]
        times = (asked / memory, threads / cores)
        print(
            f"{rule:<20} {len(jobs):>4}   {asked:>5} MB {memory:>5.0f} MB {times[0]:>5.1f}"
            f"   {threads:>5} {cores:>5.2f} {times[1]:>5.1f}"
            f"   {asks.minutes(rule):>3} min {seconds:>6.1f} s"
        )
        beyond += [rule] if times[0] > MOST or (threads > 1 and times[1] > MOST) else []
    for rule in beyond:
        print(f"{rule} asks for more than {MOST} times what it uses")
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
