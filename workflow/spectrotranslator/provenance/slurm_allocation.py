"""What Slurm gave the running job; nothing where it runs without Slurm.

Slurm's variables name job, node and partition. How much memory, how many cores and which GPU a job
was given, only Slurm itself says: it is asked once, and a job that gets no answer records that.
"""

import os
import re
import subprocess

from .machine import WITHHOLD_HOST

NAMED = {
    "job": "SLURM_JOB_ID",
    "cluster": "SLURM_CLUSTER_NAME",
    "node": "SLURMD_NODENAME",
    "partition": "SLURM_JOB_PARTITION",
    "gpus": "SLURM_JOB_GPUS",
    "cuda_visible_devices": "CUDA_VISIBLE_DEVICES",
}
ASKED = {
    "resources": re.compile(r" (?:AllocTRES|TRES)=(\S+)"),
    "gres": re.compile(r" TresPerNode=(\S+)"),
    "nodes": re.compile(r" NodeList=(\S+)"),
    "time_limit": re.compile(r" TimeLimit=(\S+)"),
    "submitted": re.compile(r" SubmitTime=(\S+)"),
    "started": re.compile(r" StartTime=(\S+)"),
}
TIMING_S = 10


def allocation() -> dict:
    """Job, node, partition, and under ``resources`` what was allocated, GPU and all.

    Where Slurm does not answer, ``resources`` is ``unknown`` and ``reason`` says why. Nodes are not
    named where the environment asks for that.
    """
    if "SLURM_JOB_ID" not in os.environ:
        return {}
    found = {
        name: os.environ[value] for name, value in NAMED.items() if value in os.environ
    } | _asked()
    if os.environ.get(WITHHOLD_HOST):
        found |= {name: "withheld" for name in ("node", "nodes") if name in found}
    return found


def _asked() -> dict:
    try:
        done = subprocess.run(
            ["scontrol", "--oneliner", "show", "job", os.environ["SLURM_JOB_ID"]],
            capture_output=True,
            text=True,
            timeout=TIMING_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"resources": "unknown", "reason": f"scontrol: {type(error).__name__}"}
    if done.returncode:
        return {"resources": "unknown", "reason": done.stderr.strip()[-200:]}
    return told(done.stdout)


def told(line: str) -> dict:
    """The facts in one line of ``scontrol --oneliner show job``.

    ``resources`` is a dictionary of Slurm's own names, ``cpu``, ``mem``, ``gres/gpu``.
    """
    found = {name: match[1] for name, pattern in ASKED.items() if (match := pattern.search(line))}
    pairs = (one.partition("=") for one in found.get("resources", "").split(",") if one)
    return found | {"resources": {name: amount for name, _, amount in pairs}}
