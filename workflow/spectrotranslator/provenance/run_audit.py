"""Re-verify everything a run recorded: files, records, lineage, code, sources, crate, signature."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from spectrotranslator.config import load
from spectrotranslator.download.registry import read_registry
from spectrotranslator.errors import InputError
from spectrotranslator.files import sha256
from spectrotranslator.untrusted import hash_regular, printable, read_json_object, read_text

from .canonical_json import text
from .finished_run import (
    AFTERWARDS,
    CRATE,
    CRATE_COPY,
    MANIFEST,
    MANIFEST_BYTES,
    SIGNATURE,
    Run,
)
from .integrity import (
    Fault,
    archive_faults,
    configuration_faults,
    evidence_faults,
    file_fault,
    job_faults,
    manifest_faults,
    record_faults,
    workflow_faults,
)
from .signature import ready, signer

READS_SURVEYS = ("spectrotranslator.surveys.read_survey",)
RESULT = ("catalogues/", "diff/", "verdict.json", "report/", "figures/", "importance/")


@dataclass(frozen=True)
class Damage:
    """One fault: where, what, and the results that can no longer be trusted for it."""

    path: str
    what: str
    consequence: list[str]


class Audit:
    """All checks of one run; ``damage`` lists what they found, ``notes`` what they did not do."""

    def __init__(self, run: Run, signers: Path | None = None, revoked: Path | None = None):
        self.run, self.signers, self.revoked = run, signers, revoked
        self.damage: list[Damage] = []
        self.notes: list[str] = []
        self.files = 0

    @cached_property
    def listed(self) -> dict[str, dict]:
        """Path to what the manifest says of the file; ``KeyError`` where it is damaged."""
        return {file["path"]: file for file in self.run.manifest["files"]}

    def check(self) -> list[Damage]:
        """Do everything; the damage, each fault once."""
        if self.signers:
            ready(self.signers, self.revoked)
        papers = (
            manifest_faults, record_faults, configuration_faults, evidence_faults, workflow_faults,
            job_faults, archive_faults,
        )  # fmt: skip
        for step in (
            *(partial(self._all, faults) for faults in papers), self._files, self._lineage,
            self._code, self._sources, self._configuration, self._crate, self._signature,
        ):  # fmt: skip
            try:
                step()
            except OSError as error:
                self._found(str(error.filename), f"cannot be read ({error.strerror})", set())
            except (KeyError, TypeError, ValueError, AttributeError, InputError) as error:
                self._found(MANIFEST, f"what it tells cannot be followed ({error})", set())
        self.damage = list(dict.fromkeys(self._merged()))
        return self.damage

    def _merged(self) -> Iterator[Damage]:
        for damage in self.damage:
            yield Damage(damage.path, damage.what, tuple(damage.consequence))

    def _found(self, path: str, what: str, jobs: set[str]) -> None:
        run = self.run
        results = sorted(
            file["path"].removeprefix(run.prefix)
            for job in run.follows(jobs)
            for file in run.records[job]["outputs"]
            if file["path"].removeprefix(run.prefix).startswith(RESULT)
        )
        shown = path.removeprefix(run.prefix)
        self.damage.append(Damage(shown, what, [name for name in results if name != shown]))

    def _touching(self, path: str) -> set[str]:
        """Jobs that wrote or read a file."""
        maker = self.run.makers.get(path)
        return {maker, *self.run.readers.get(path, [])} - {None}

    def _all(self, faults: Callable[[Run], Iterable[Fault]]) -> None:
        for path, what, jobs in faults(self.run):
            self._found(path, what, jobs)

    def _files(self) -> None:
        wanted = {file["path"]: file for file in self.run.manifest["workflow"]} | self.listed
        self.files = len(wanted)
        largest = sorted(wanted.values(), key=lambda file: -file["bytes"])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = pool.map(partial(_fault, self.run), largest)
            for file, fault in zip(largest, found, strict=True):
                if fault:
                    self._found(file["path"], fault, self._touching(file["path"]))
        for path in sorted(self.run.folder.rglob("*")):
            inside = path.relative_to(self.run.folder).as_posix()
            folder = path.is_dir() and not path.is_symlink()
            if folder or inside in AFTERWARDS:
                continue
            if self.run.prefix + inside not in self.listed:
                self._found(inside, "is not recorded: no job of the run says it wrote it", set())

    def _lineage(self) -> None:
        run, seen = self.run, set()
        for job, record in run.records.items():
            for file in record["outputs"]:
                if file["path"] in seen:
                    self._found(file["path"], "two jobs say they wrote it", {job})
                seen.add(file["path"])
                self._agree(job, file)
            for file in record["inputs"]:
                self._input(job, file)
        for path in sorted(path for path in run.makers if "/catalogues/" in path):
            if not self._reaches_sources(path):
                self._found(path, "has no way back to a fetched or simulated file", set())

    def _agree(self, job: str, file: dict) -> None:
        if self.listed.get(file["path"], {}).get("sha256") != file["sha256"]:
            self._found(file["path"], f"{job} recorded another digest than the manifest", {job})

    def _input(self, job: str, file: dict) -> None:
        run, path = self.run, file["path"]
        if file["role"] == "config":
            kept = f"{run.prefix}provenance/configurations/{file['sha256']}.yaml"
            if self.listed.get(kept, {}).get("sha256") != file["sha256"]:
                self._found(path, f"the configuration {job} read is not kept", {job})
            return
        self._agree(job, file)
        made = path in run.makers or file["role"] == "records"
        if run.relative(path) is not None and not made:
            self._found(path, f"read by {job}, written by no job", {job})

    def _reaches_sources(self, path: str) -> bool:
        waiting, seen = [self.run.makers[path]], set()
        while waiting:
            job = waiting.pop()
            if job in seen:
                continue
            seen.add(job)
            record = self.run.records[job]
            inputs = [f for f in record["inputs"] if f["role"] != "config"]
            if not inputs or (record["step"] in READS_SURVEYS and self._from_outside(inputs)):
                return True
            makers = (self.run.makers.get(file["path"]) for file in inputs)
            waiting += [maker for maker in makers if maker]
        return False

    def _from_outside(self, files: list[dict]) -> bool:
        """Whether some of the files are a user's own, which no job of the run wrote."""
        return any(self.run.relative(file["path"]) is None for file in files)

    def _code(self) -> None:
        now: dict[Path, str | None] = {}
        wrong: dict[Path, set[str]] = {}
        for job, record in [
            *self.run.records.items(),
            ("write_manifest", self.run.manifest["manifest_job"]),
        ]:
            told_files = record["code"]["files"].items()
            files = {self.run.place(f"workflow/{name}"): told for name, told in told_files}
            if isinstance(lock := record["environment"]["lock"], dict):
                files[self.run.place(lock["path"])] = lock["sha256"]
            for path, told in files.items():
                if path not in now:
                    now[path] = sha256(path) if path.is_file() else None
                if now[path] != told:
                    wrong.setdefault(path, set()).add(job)
        for path, jobs in wrong.items():
            name = path.relative_to(self.run.root).as_posix()
            self._found(name, f"is not what {_count(jobs, 'job')} ran with", jobs)

    def _sources(self) -> None:
        registry = None
        for job, record in self.run.records.items():
            for receipt in record["fetched"]:
                wrote = {file["sha256"] for file in record["outputs"]}
                if receipt["sha256"] not in wrote:
                    self._found(job, "its receipt is not that of the file it fetched", {job})
                registry = registry or self._registry()
                for fault in _against(receipt, registry.get(receipt["name"])):
                    self._found(f"sources/{receipt['file']}", fault, {job})
        listed = self.run.folder / "sources" / "manifest.json"
        if listed.is_file():
            sources = read_json_object(listed, MANIFEST_BYTES)["sources"]
            told = {r["name"]: r for r in sources}
            mine = {r["name"]: r for rec in self.run.records.values() for r in rec["fetched"]}
            for name in sorted({*told, *mine}):
                if told.get(name) != mine.get(name):
                    self._found("sources/manifest.json", f"{name} is not as fetched", set())

    def _registry(self) -> dict:
        configuration = load(self.run.folder / "config.yaml")
        return read_registry(self.run.place(configuration.sources.registry))

    def _configuration(self) -> None:
        told = {
            file["sha256"]
            for record in self.run.records.values()
            for file in record["inputs"]
            if file["role"] == "config"
        }
        now = hash_regular(self.run.folder / "config.yaml", MANIFEST_BYTES)
        last = [self.run.records.get("write_crate"), self.run.manifest["manifest_job"]]
        read = {f["sha256"] for r in last if r for f in r["inputs"] if f["role"] == "config"}
        if read != {now}:
            self._found("config.yaml", "is not what the last jobs of the run read", set())
        earlier = len(told - {now})
        if earlier:
            self.notes.append(
                f"some jobs read {_count(range(earlier), 'earlier configuration')}; what they "
                "read of it is unchanged, or Snakemake would have made them again"
            )

    def _crate(self) -> None:
        from .write_crate import crate

        mine = {"write_crate", "write_manifest"}
        records = {name: r for name, r in self.run.records.items() if name not in mine}
        made = self.run.records.get("write_crate")
        if made is None:
            self._found(CRATE, "no record of its making", set())
            return
        extra = [file for file in made["outputs"] if file["role"] not in ("crate", "beside")]
        kept = [f"{self.run.prefix}provenance/jobs/{name}.json" for name in records]
        extra = [*(self.listed[path] for path in kept), *extra]
        configuration = load(self.run.folder / "config.yaml")
        again = text(crate(configuration, records, extra))
        for place in (CRATE, CRATE_COPY):
            if read_text(self.run.folder / place, MANIFEST_BYTES) != again:
                self._found(place, "does not say what the records say", set())

    def _signature(self) -> None:
        signed = (self.run.folder / SIGNATURE).is_file()
        if self.signers is None:
            state = "there is one, no signers were named" if signed else "there is none"
            self.notes.append(f"signature not verified: {state}")
        elif not signed:
            self._found(MANIFEST, "is not signed", set())
        else:
            self._signer(self.signers)

    def _signer(self, signers: Path) -> None:
        try:
            who = signer(self.run.folder, signers, self.revoked)
        except InputError as error:
            self._found(SIGNATURE, str(error), set())
            return
        if who:
            self.notes.append(f"signed by {who}")
        else:
            self._found(SIGNATURE, f"is by none of the signers in {signers}", set())


def _fault(run: Run, file: dict) -> str:
    """What is wrong with one listed file; empty where nothing is."""
    try:
        place = run.place(file["path"])
        if run.relative(file["path"]) is not None and place.is_symlink() and not run.shared:
            return "is a link"
        return file_fault(place, file["bytes"], file["sha256"])
    except InputError as error:
        return f"is refused ({error})"


def _against(receipt: dict, source) -> list[str]:
    """What a receipt says otherwise than the registry."""
    if source is None:
        return ["is in no line of the table of sources"]
    pairs = {"dataset", "release", "licence", "redistribution", "citation", "doi"}
    faults = [
        f"{name} is {receipt[name]!r}, the table of sources says {getattr(source, name)!r}"
        for name in sorted(pairs)
        if receipt[name] != getattr(source, name)
    ]
    if receipt["url"] not in source.urls:
        faults.append(f"came from {receipt['url']}, which the table of sources does not name")
    if source.sha256 and source.sha256 != receipt["sha256"]:
        faults.append("is not the file whose sha256 the table of sources gives")
    return faults


def _count(things, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def report(audit: Audit) -> str:
    """What a person reads."""
    run = audit.run
    data = printable(run.manifest["evidence"])
    lines = [f"Run {run.name} ({data} data), {printable(run.folder)}"]
    for damage in audit.damage:
        lines.append(f"DAMAGED {printable(damage.path)}: {printable(damage.what, 500)}")
        if damage.consequence:
            shown = ", ".join(map(printable, damage.consequence[:4]))
            more = len(damage.consequence) - 4
            lines.append(f"  not to be trusted: {shown}" + (f" and {more} more" * (more > 0)))
    lines += [f"note: {note}" for note in audit.notes]
    known = f"{_count(run.records, 'job')}, {_count(range(audit.files), 'file')}"
    faults = _count(audit.damage, "fault")
    lines.append(f"{known}: {faults if audit.damage else 'whole'}")
    return "\n".join(lines)
