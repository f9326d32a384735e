"""A finished run as its manifest and records tell it; where each file they name lies now."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json

from .repository import ROOT

RESULTS = Path("results")
MANIFEST = "provenance/manifest.json"
SIGNATURE = "provenance/manifest.json.sig"
CRATE = "provenance/ro-crate-metadata.json"
#: Written after the manifest, so not in it.
AFTERWARDS = (
    MANIFEST,
    SIGNATURE,
    "provenance/codecheck.yml",
    "provenance/certificate.md",
    "logs/snakemake.log",
    "report/snakemake.html",
)


@dataclass(frozen=True)
class Run:
    """Folder of the run, root of the repository, manifest, records by job's name.

    ``broken`` names records that cannot be read, and why.
    """

    folder: Path
    root: Path
    manifest: dict
    records: dict[str, dict]
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.manifest["run"]

    @cached_property
    def prefix(self) -> str:
        return f"{RESULTS}/{self.name}/"

    def relative(self, path: str) -> str | None:
        """The path within the run's folder; none for a file outside."""
        return path.removeprefix(self.prefix) if path.startswith(self.prefix) else None

    def place(self, path: str) -> Path:
        """Where a recorded path lies now."""
        inside = self.relative(path)
        return self.root / path if inside is None else self.folder / inside

    @cached_property
    def makers(self) -> dict[str, str]:
        """Recorded path to the job that wrote it."""
        return {
            file["path"]: job for job, record in self.records.items() for file in record["outputs"]
        }

    @cached_property
    def readers(self) -> dict[str, list[str]]:
        """Recorded path to the jobs that read it."""
        found: dict[str, list[str]] = {}
        for job, record in self.records.items():
            for file in record["inputs"]:
                found.setdefault(file["path"], []).append(job)
        return found

    def ordered(self) -> list[str]:
        """Jobs so that each comes after those whose files it reads; by name where free."""
        before = {
            job: {self.makers[f["path"]] for f in record["inputs"] if f["path"] in self.makers}
            - {job}
            for job, record in self.records.items()
        }
        done: list[str] = []
        while len(done) < len(before):
            seen = set(done)
            ready = sorted(job for job in before if job not in seen and before[job] <= seen)
            done += ready or sorted(set(before) - seen)
        return done

    def follows(self, jobs: set[str]) -> set[str]:
        """The jobs and all that read, directly or not, what they wrote."""
        found, waiting = set(), list(jobs)
        while waiting:
            job = waiting.pop()
            if job in found or job not in self.records:
                continue
            found.add(job)
            for file in self.records[job]["outputs"]:
                waiting += self.readers.get(file["path"], [])
        return found


def locate(run: str) -> Path:
    """The folder of a run given by its name, its configuration's path or its folder's path.

    Raises
    ------
    InputError
        There is no such folder, or it is not a finished run.
    """
    path = Path(run)
    if path.suffix in (".yaml", ".yml"):
        path = RESULTS / path.stem
    folder = RESULTS / run if "/" not in run and (RESULTS / run).is_dir() else path
    if not folder.is_dir():
        known = sorted(p.parent.parent.name for p in RESULTS.glob(f"*/{MANIFEST}"))
        raise InputError(f"{run}: no such run; finished ones are {', '.join(known) or 'none'}")
    if not (folder / MANIFEST).is_file():
        raise InputError(f"{folder / MANIFEST} is not there: the run is not finished; make it")
    return folder.resolve()


def read_run(run: str | Path, root: Path | None = None) -> Run:
    """The run at ``run`` (name or folder).

    ``root`` is the repository its code is held against: by default the one the folder lies in, or
    else this one.
    """
    folder = locate(str(run))
    above = folder.parent.parent
    root = root or (above if (above / "workflow" / "Snakefile").is_file() else ROOT)
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("schema_version") != 3:
        raise InputError(f"{folder / MANIFEST}: not a manifest of version 3; make the run again")
    if lacking := {"run", "evidence", "files", "jobs"} - manifest.keys():
        raise InputError(f"{folder / MANIFEST}: damaged, no {min(lacking)!r}; make the run again")
    records, broken = {}, {}
    for path in sorted((folder / "provenance" / "jobs").glob("*.json")):
        try:
            records[path.stem] = _record(path)
        except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
            broken[path.stem] = str(error)
    return Run(folder, root, manifest, records, broken)


def _record(path: Path) -> dict:
    record = json.loads(path.read_text(encoding="utf-8"))
    for side in ("inputs", "outputs"):
        for file in record[side]:
            if not all(isinstance(file[name], str) for name in ("path", "sha256", "role")):
                raise ValueError("a file without path, sha256 or role")
    record["code"]["files"].items()
    return record
