"""A run on a real Slurm with accounts kept, held against the same run made without Slurm.

Run it as root with ``PYTHONPATH=tests python benchmarks/on_slurm.py [RUN]`` (mini);
Debian's slurm-wlm, munge, slurmdbd and mariadb-server have to be there. It makes two clones in a
temporary folder, starts MariaDB, slurmdbd, slurmctld and slurmd on loopback, and prints how long
each run took, how the jobs ended, which files have other bytes, and what the jobs asked for and
used.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from slurm.cluster import Cluster, absent
from workflow.conftest import Clone, fresh

PROFILE = ("--", "--profile", "profiles/slurm")
PROFILE += ("--latency-wait", "5", "--slurm-init-seconds-before-status-checks", "5")


def timed(clone: Clone, run: str, *arguments: str, env: dict[str, str]) -> float:
    """Make a run; seconds."""
    began = time.monotonic()
    done = clone.reproduce(run, *arguments, env=env)
    if done.returncode:
        sys.exit(f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.monotonic() - began


def accounts(cluster: Cluster) -> Counter:
    """How many jobs ended how, by Slurm's own accounts."""
    asked = ("sacct", "--allocations", "--noheader", "--parsable2", "--format=State")
    return Counter(cluster.command(*asked).split("\n")[:-1])


def main() -> int:
    """Both runs and what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", nargs="?", default="mini")
    run = parser.parse_args().run
    if lacking := absent(accounting=True):
        sys.exit(f"Slurm with accounts lacks {', '.join(lacking)} here")
    with tempfile.TemporaryDirectory() as folder:
        local, remote = (fresh(Path(folder) / name) for name in ("local", "remote"))
        print(f"without Slurm: {timed(local, run, env=dict(os.environ)):.0f} s", flush=True)
        with Cluster(Path(folder) / "cluster", accounting=True) as cluster:
            seconds = timed(remote, run, *PROFILE, env=cluster.environment)
            ended = accounts(cluster)
        log = (remote.root / f"results/{run}/logs/snakemake.log").read_text()
        submitted = len(re.findall(r"has been submitted with SLURM jobid", log))
        print(
            f"on Slurm: {seconds:.0f} s, {submitted} jobs submitted, in its accounts {dict(ended)}"
        )
        ours, theirs = local.digests(run), remote.digests(run)
        differing = sorted(name for name, told in ours.items() if theirs.get(name) != told)
        differing += sorted(theirs.keys() - ours.keys())
        print(
            f"{len(ours)} files, {len(differing)} of them with other bytes", *differing, sep="\n  "
        )
        efficiency = [sys.executable, "benchmarks/efficiency.py", run]
        subprocess.run(efficiency, cwd=remote.root)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
