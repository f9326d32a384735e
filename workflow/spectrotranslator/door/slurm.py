"""How Slurm is asked what became of a job: by accounting where there is accounting."""

import shutil
import subprocess

STATUS = "--slurm-status-command"


def status_command(extra: list[str], environment: dict[str, str]) -> list[str]:
    """Arguments that choose ``sacct`` or ``squeue`` for a call of Snakemake with ``extra``.

    The mere presence of ``sacct`` proves nothing: without an accounting service it answers with
    an error for ever. So it is asked once.
    """
    words = " ".join(extra)
    if "slurm" not in words or STATUS in words:
        return []
    return [STATUS, "sacct" if _accounting(environment) else "squeue"]


def _accounting(environment: dict[str, str]) -> bool:
    if shutil.which("sacct") is None:
        return False
    try:
        asked = subprocess.run(
            ["sacct", "--noheader", "--allocations", "--starttime", "now"],
            env=environment,
            capture_output=True,
            timeout=20,
        )
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0
