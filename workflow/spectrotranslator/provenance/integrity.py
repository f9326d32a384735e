"""Whether a run's own papers agree, before anything in them is used.

A run folder may come from somebody else. What is not as its digest says is not used: `why`,
`compare` and `certificate` refuse it, `audit` calls it damage.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from spectrotranslator.config.loading import load
from spectrotranslator.errors import InputError
from spectrotranslator.files import digest
from spectrotranslator.untrusted import (
    hash_regular,
    printable,
    read_bytes,
    read_text,
    safe_tar_members,
)

from .canonical_json import text
from .finished_run import MANIFEST, MANIFEST_BYTES, RECORD_BYTES, Run

SIMULATOR = "minisky."
CONFIGURATION_BYTES = 1_000_000

Fault = tuple[str, str, set[str]]


def require_sound(run: Run) -> None:
    """Refuse a run whose manifest, records, configurations or evidence do not agree.

    Raises
    ------
    InputError
        The first fault.
    """
    for check in (manifest_faults, record_faults, configuration_faults, evidence_faults):
        try:
            fault = next(iter(check(run)), None)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            _refuse(run, MANIFEST, f"cannot be followed ({printable(error)})")
        if fault:
            _refuse(run, fault[0], fault[1])


def _refuse(run: Run, path: str, what: str) -> NoReturn:
    raise InputError(
        f"{run.folder}: damaged, so not used: {printable(path)} {what}; see ./reproduce audit"
    )


def manifest_faults(run: Run) -> Iterator[Fault]:
    """Whether the manifest is as it was written, by its own digest and form."""
    manifest = dict(run.manifest)
    raw = read_text(run.folder / MANIFEST, MANIFEST_BYTES)
    told = manifest.pop("digest", None)
    if told != digest(manifest) or raw != text(run.manifest):
        yield MANIFEST, "is not what was written", set()


def record_faults(run: Run) -> Iterator[Fault]:
    """Whether every record is the one that the manifest names."""
    told = run.manifest["jobs"]
    for job in sorted({*told, *run.records, *run.broken}):
        path = f"provenance/jobs/{job}.json"
        place = run.folder / path
        if job in run.broken:
            yield path, f"is no record ({run.broken[job]})", set()
        elif job not in told:
            yield path, "is a record the manifest does not know", {job}
        elif not place.is_file():
            yield path, "the record is missing", set()
        elif sha256_of(read_bytes(place, RECORD_BYTES)) != told[job]["sha256"]:
            yield path, "is not the record in the manifest", {job}


def configuration_faults(run: Run) -> Iterator[Fault]:
    """Whether every configuration that a job read is kept, and is the one that its name says."""
    for name in sorted(read_configurations(run)):
        path = f"provenance/configurations/{name}.yaml"
        try:
            content = read_bytes(run.folder / path, CONFIGURATION_BYTES)
        except InputError as error:
            yield path, f"cannot be used ({error})", set()
            continue
        if sha256_of(content) != name:
            yield path, "is not the configuration that its name says", set()


def evidence_faults(run: Run) -> Iterator[Fault]:
    """Whether the manifest's word on the data is that of its configurations and records."""
    told, derived = run.manifest["evidence"], evidence(run)
    if told != derived:
        yield MANIFEST, f"says {printable(told)} data, its configurations say {derived}", set()


def evidence(run: Run) -> str:
    """What the run's data are by the configurations and records of its jobs.

    Returns
    -------
    str
        ``simulated`` where one of them says so, else ``real``.

    Raises
    ------
    InputError
        A configuration cannot be read.
    """
    if any(str(record["step"]).startswith(SIMULATOR) for record in run.records.values()):
        return "simulated"
    kept = [run.folder / "provenance" / "configurations" / f"{n}.yaml"
            for n in sorted(read_configurations(run))]  # fmt: skip
    found = {load(path).evidence for path in [*kept, run.folder / "config.yaml"]}
    return "simulated" if "simulated" in found else "real"


def read_configurations(run: Run) -> set[str]:
    """Digests of the configurations that the run's jobs read."""
    jobs = [*run.records.values(), run.manifest["manifest_job"]]
    return {f["sha256"] for job in jobs for f in job["inputs"] if f["role"] == "config"}


def workflow_faults(run: Run) -> Iterator[Fault]:
    """Whether the manifest lists the workflow that the run's crate was made from."""
    made = run.records.get("write_crate")
    if made is None:
        return
    read = {f["path"]: f["sha256"] for f in made["inputs"] if f["role"] == "workflow"}
    told = {f["path"]: f["sha256"] for f in run.manifest["workflow"]}
    for path in sorted(read.keys() | told.keys()):
        if read.get(path) != told.get(path):
            yield path, "is listed as part of the workflow otherwise than the crate read it", set()


def job_faults(run: Run) -> Iterator[Fault]:
    """Whether every listed file has its job, and every job its log and its benchmark."""
    listed = {file["path"] for file in run.manifest["files"]}
    beside = _beside(run)
    known = {f["path"] for r in run.records.values() for f in [*r["inputs"], *r["outputs"]]}
    known |= beside | {f"{run.prefix}config.yaml", f"{run.prefix}logs/write_manifest.log"}
    known |= {f"{run.prefix}provenance/jobs/{job}.json" for job in run.records}
    kept = read_configurations(run)
    known |= {f"{run.prefix}provenance/configurations/{name}.yaml" for name in kept}
    for path in sorted(listed - known):
        yield path, "is listed, and no job of the run wrote or read it", set()
    for path in sorted(beside - listed):
        yield path, "is not listed: every job has its log and its benchmark", set()


def _beside(run: Run) -> set[str]:
    logs = {f"{run.prefix}logs/{job}.log" for job in run.records}
    return logs | {f"{run.prefix}benchmarks/{job}.tsv" for job in run.records}


def archive_faults(run: Run) -> Iterator[Fault]:
    """Whether the archive of the code holds, member by member, what the records name."""
    path = "provenance/code.tar"
    wanted = archived(run)
    found = {name: sha256_of(content) for name, content in safe_tar_members(run.folder / path)}
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            yield path, f"lacks {printable(name)}", set()
        elif name not in wanted:
            yield path, f"holds {printable(name)}, which no record names", set()
        elif found[name] not in wanted[name]:
            yield path, f"holds another {printable(name)} than the records name", set()


def archived(run: Run) -> dict[str, set[str]]:
    """Name of every file that the archive of the code must hold to its recorded digests."""
    wanted: dict[str, set[str]] = {}
    for record in [*run.records.values(), run.manifest["manifest_job"]]:
        for name, told in record["code"]["files"].items():
            wanted.setdefault(f"workflow/{name}", set()).add(told)
    read = [file for record in run.records.values() for file in record["inputs"]]
    for file in [*run.manifest["workflow"], *read]:
        if not file["path"].startswith(("results/", "/")):
            wanted.setdefault(file["path"], set()).add(file["sha256"])
    return wanted


def file_fault(path: Path, size: int, told: str) -> str:
    """What is wrong with a file of known size and digest; empty where nothing is.

    A file of another size is not read, a special file is not opened.
    """
    try:
        same = path.stat().st_size == size and hash_regular(path, size) == told
        return "" if same else "has changed"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    except InputError as error:
        return str(error).removeprefix(f"{printable(path)}: ")


def sha256_of(content: bytes) -> str:
    """SHA-256 of bytes, as hexadecimal text."""
    return hashlib.sha256(content).hexdigest()
