"""What one job did: its files with digests, code, environment, machine, seeds and time.

The record is the last act of a job and appears whole or not at all, so a job that was killed has
none and is made again.
"""

import resource
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, read_json, read_yaml, sha256, write_json
from spectrotranslator.repository import lock_file, repository
from spectrotranslator.source_code import code_digest, source_files, source_name

from .machine import compute, environment, machine
from .slurm_allocation import allocation

SCHEMA_VERSION = 3
Groups = dict[str, list[Path]]
Signature = tuple[int, int, int]


def signatures(inputs: Groups) -> dict[Path, Signature]:
    """Size, time and inode of every input, taken before the job reads it."""
    return {path: _signature(path) for paths in inputs.values() for path in paths}


def _signature(path: Path) -> Signature:
    try:
        found = path.stat()
    except OSError:
        return (-1, -1, -1)
    return (found.st_size, found.st_mtime_ns, found.st_ino)


def write_record(
    path: Path,
    *,
    module: str,
    words: list[str],
    inputs: Groups,
    outputs: Groups,
    started: datetime,
    parameters: dict,
    before: dict[Path, Signature],
) -> None:
    """Write the record of the running job, whole, as its last act.

    Raises
    ------
    InputError
        An input changed while the job read it: its digest would be that of another file.
    """
    changed = [file for file, was in before.items() if _signature(file) != was]
    if changed:
        raise InputError(f"{changed[0]} changed while it was read; nothing is recorded: run again")
    record = job_record(path.stem, module, words, inputs, outputs, started, parameters)
    write_json(path, record)
    for config in inputs.get("config", []):
        _keep(config, path.parent.parent / "configurations")


def job_record(
    job: str,
    module: str,
    words: list[str],
    inputs: Groups,
    outputs: Groups,
    started: datetime,
    parameters: dict,
) -> dict:
    """The record of the running job; ``docs/explanation/provenance.md`` describes its fields."""
    clock = time.perf_counter()
    files = {"inputs": _files(inputs), "outputs": _files(outputs)}
    hashing = time.perf_counter() - clock
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "schema_version": SCHEMA_VERSION,
        "job": job,
        "rule": module.rpartition(".")[2],
        "step": module,
        "command": ["python", "-m", "spectrotranslator.run_step", module, *words],
        "parameters": parameters,
        **files,
        "code": {
            "digest": code_digest(module),
            "files": {source_name(file): sha256(file) for file in source_files(module)},
            "repository": repository(),
        },
        "environment": environment() | {"lock": lock_file()},
        "machine": machine(),
        "compute": compute(),
        "seeds": seeds(inputs.get("config", []), outputs.get("description", [])) or "none",
        "fetched": [read_json(receipt) for receipt in outputs.get("receipt", [])],
        "started": started.isoformat(timespec="milliseconds"),
        "ended": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "recording_seconds": round(time.perf_counter() - clock, 4),
        "hashing_seconds": round(hashing, 4),
        "peak_memory_mb": max(use.ru_maxrss for use in usage) / 1024,
        "cpu_seconds": sum(use.ru_utime + use.ru_stime for use in usage),
        "exit": 0,
        "scheduler": allocation(),
    }


def file_entry(path: Path) -> dict:
    """Path, size and digest of one file."""
    return {"path": str(path), "bytes": path.stat().st_size, "sha256": sha256(path)}


def _files(groups: Groups) -> list[dict]:
    return [{"role": role, **file_entry(path)} for role, paths in groups.items() for path in paths]


def seeds(configurations: Iterable[Path], descriptions: Iterable[Path]) -> dict[str, int]:
    """Every seed the job could draw from: the configuration's by place, a training's own."""
    found = {}
    for path in configurations:
        loaded = read_yaml(path)
        found |= dict(_seeds(loaded, ""))
    for path in descriptions:
        found["training"] = read_json(path)["seed"]
    return found


def _seeds(value, place: str):
    for key, inner in value.items() if isinstance(value, dict) else ():
        name = f"{place}.{key}".lstrip(".")
        if key == "seed":
            yield name, inner
        yield from _seeds(inner, name)


def _keep(config: Path, folder: Path) -> None:
    """Keep the configuration the job read, under its digest: a later one may replace the file."""
    kept = folder / f"{sha256(config)}.yaml"
    if not kept.is_file():
        with atomic(kept) as temporary:
            temporary.write_bytes(config.read_bytes())
