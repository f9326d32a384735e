"""What one job did: its files with digests, code, machine and time."""

import os
import platform
import resource
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from ..files import digest, sha256, write_json
from .code import PACKAGE, code_digest, source_files


def write_record(
    path: Path, inputs: dict[str, list[Path]], outputs: dict[str, list[Path]], started: datetime
) -> None:
    """Write the record of the running job, whole, as its last act."""
    module = sys.modules["__main__"].__spec__.name.partition(".")[2]
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    write_json(
        path,
        {
            "schema_version": 1,
            "stage": module,
            "command": ["python", "-m", f"{PACKAGE.name}.{module}", *sys.argv[1:]],
            "inputs": _files(inputs),
            "outputs": _files(outputs),
            "code": {
                "digest": code_digest(module),
                "files": {
                    file.relative_to(PACKAGE).as_posix(): sha256(file)
                    for file in source_files(module)
                },
            },
            "environment": environment(),
            "machine": machine(),
            "started": started.isoformat(timespec="milliseconds"),
            "ended": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "peak_memory_mb": max(use.ru_maxrss for use in usage) / 1024,
            "cpu_seconds": sum(use.ru_utime + use.ru_stime for use in usage),
            "scheduler": {
                name: os.environ[name]
                for name in ("SLURM_JOB_ID", "SLURMD_NODENAME", "CUDA_VISIBLE_DEVICES")
                if name in os.environ
            },
        },
    )


def _files(groups: dict[str, list[Path]]) -> list[dict]:
    return [
        {"role": role, "path": str(path), "bytes": path.stat().st_size, "sha256": sha256(path)}
        for role, paths in groups.items()
        for path in paths
    ]


@cache
def environment() -> dict:
    """Installed distributions and their digest, and Python."""
    installed = sorted({f"{found.name}=={found.version}" for found in distributions()})
    return {
        "python": platform.python_version(),
        "distributions": installed,
        "digest": digest(installed),
    }


def machine() -> dict:
    """What the job ran on."""
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "host": platform.node(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")
