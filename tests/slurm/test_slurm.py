"""The same run on a real Slurm gives the same bytes as the local run."""

import subprocess
import sys
from pathlib import Path

import pytest

from slurm.cluster import absent
from workflow.conftest import bare, finished, fresh

__all__ = ["bare", "finished"]

WITHIN = Path(__file__).with_name("within.py")
PATIENCE = ("--latency-wait", "5", "--slurm-init-seconds-before-status-checks", "3")
PATIENCE += ("--seconds-between-status-checks", "3")
LACKING = absent()


@pytest.mark.skipif(bool(LACKING), reason=f"Slurm lacks {', '.join(LACKING)} here")
def test_tiny_on_slurm_gives_the_bytes_of_the_local_run(finished, tmp_path):
    clone = fresh(tmp_path / "clone")  # Snakemake's Slurm plugin takes no path with a space
    call = ["./reproduce", "tiny", "--", "--profile", "profiles/slurm", *PATIENCE]
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, str(WITHIN), str(tmp_path / "cluster"), *call],
        cwd=clone.root,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "jobs left: none" in done.stdout
    log = (clone.root / "results/tiny/logs/snakemake.log").read_text()
    assert log.count("has been submitted with SLURM jobid") > 15
    assert clone.digests() == finished.digests()
