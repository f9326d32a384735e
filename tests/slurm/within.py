"""Run one command beside a private Slurm: ``unshare --mount python within.py FOLDER COMMAND...``.

Job steps look for Slurm's configuration in /etc/slurm and nowhere else; in a mount namespace of
our own the test's configuration stands there, and the system sees nothing of it.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from slurm.cluster import Cluster


def main() -> int:
    """Start, run, stop; the command's status, or 3 if jobs are left in the queue."""
    folder, *command = sys.argv[1:]
    with Cluster(Path(folder)) as cluster:
        subprocess.run(["mount", "--bind", folder, "/etc/slurm"], check=True)
        status = subprocess.run(command, env=cluster.environment).returncode
        left = cluster.command("squeue", "--noheader").strip()
        print(f"jobs left: {left or 'none'}")
        return 3 if left else status


if __name__ == "__main__":
    sys.exit(main())
