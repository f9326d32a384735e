"""A finished run as its manifest and records tell it; where each file they name lies now."""

import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.setting import PLAIN
from spectrotranslator.errors import InputError
from spectrotranslator.repository import ROOT
from spectrotranslator.untrusted import inside, printable, read_json_object

RESULTS = Path("results")
MANIFEST = "provenance/manifest.json"
SIGNATURE = "provenance/manifest.json.sig"
CRATE = "ro-crate-metadata.json"
CRATE_COPY = "provenance/ro-crate-metadata.json"
MANIFEST_BYTES = 200_000_000
RECORD_BYTES = 20_000_000
LAYERS = (".yaml", ".yml", ".csv")
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
        """Name of the run."""
        return self.manifest["run"]

    @cached_property
    def prefix(self) -> str:
        """What recorded paths within the run's folder begin with."""
        return f"{RESULTS}/{self.name}/"

    def relative(self, path: str) -> str | None:
        """The path within the run's folder; none for a file outside."""
        return path.removeprefix(self.prefix) if path.startswith(self.prefix) else None

    def place(self, path: str) -> Path:
        """Where a recorded path lies now.

        Raises
        ------
        InputError
            It leads out of the run's folder or of the repository, and is none of the user's own
            files that the configuration names.
        """
        if not isinstance(path, str) or not path or os.path.normpath(path) != path:
            raise InputError(f"'{printable(path)}': not a plain path")
        if path.startswith("/"):
            return self._own(path)
        name = self.relative(path)
        if name is None:
            inside(self.root, path)
            return self.root / path
        inside(self.folder, name, linked=self.shared if name.startswith("sources/") else ())
        return self.folder / name

    def _own(self, path: str) -> Path:
        """A file outside of the repository that the configuration names."""
        workflow = {file["path"] for file in self.manifest.get("workflow", [])}
        named = path in self._named or any(str(p) in self._named for p in Path(path).parents)
        if not (named or (path in workflow and path.endswith(LAYERS))):
            raise InputError(f"'{printable(path)}': outside of the repository")
        return Path(path)

    @cached_property
    def configuration(self) -> Configuration | None:
        """The resolved configuration; none where it cannot be read."""
        try:
            return load(self.folder / "config.yaml")
        except InputError:
            return None

    @cached_property
    def shared(self) -> tuple[Path, ...]:
        """The shared download folder, into which links below ``sources/`` may lead."""
        folder = self.configuration.sources.folder if self.configuration else None
        return (self.root / folder,) if folder else ()

    @cached_property
    def _named(self) -> set[str]:
        """Absolute paths of files and folders that the configuration names as the user's own."""
        if self.configuration is None:
            return set()
        authors, folder = self.configuration.sources.authors, self.configuration.sources.folder
        paths = [survey.path for survey in self.configuration.surveys.values()]
        paths += [direction.catalogue for direction in self.configuration.directions.values()]
        paths += [self.configuration.comparison.tolerances, self.configuration.sources.registry]
        paths += [folder, authors.folder if authors else None]
        return {path for path in paths if path and path.startswith("/") and path != "/"}

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
    if not (folder / MANIFEST).resolve().is_relative_to(folder):
        raise InputError(f"{folder / MANIFEST}: a link that leads out of the run")
    above = folder.parent.parent
    root = root or (above if (above / "workflow" / "Snakefile").is_file() else ROOT)
    manifest = read_json_object(folder / MANIFEST, MANIFEST_BYTES)
    if manifest.get("schema_version") != 3:
        raise InputError(f"{folder / MANIFEST}: not a manifest of version 3; make the run again")
    if lacking := {"run", "evidence", "files", "jobs"} - manifest.keys():
        raise InputError(f"{folder / MANIFEST}: damaged, no {min(lacking)!r}; make the run again")
    if not isinstance(manifest["run"], str) or not re.fullmatch(PLAIN, manifest["run"]):
        raise InputError(f"{folder / MANIFEST}: damaged, the run's name is no plain name")
    records, broken = {}, {}
    for path in sorted((folder / "provenance" / "jobs").glob("*.json")):
        try:
            records[path.stem] = _record(path)
        except (InputError, ValueError, KeyError, TypeError, AttributeError) as error:
            broken[path.stem] = str(error)
    return Run(folder, root, manifest, records, broken)


def _record(path: Path) -> dict:
    record = read_json_object(path, RECORD_BYTES)
    for side in ("inputs", "outputs"):
        for file in record[side]:
            if not all(isinstance(file[name], str) for name in ("path", "sha256", "role")):
                raise ValueError("a file without path, sha256 or role")
    record["code"]["files"].items()
    return record
