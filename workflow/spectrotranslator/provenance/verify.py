"""Verify a finished run without its package: hashes, lineage, code, crate, signature.

    python verify.py [RUN_FOLDER] [--root REPOSITORY] [--signers ALLOWED_SIGNERS]
        [--revoked REVOKED_KEYS]

Needs Python 3.11 and, for a signature, ssh-keygen. Exit: 0 whole, 1 damaged, 2 cannot look.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote

NAMESPACE = "spectrotranslator-run"
#: In the crate, followed by the path of a file that is read from outside of the run's folder.
OUTSIDE = "#file/"
AFTERWARDS = {
    "provenance/manifest.json", "provenance/manifest.json.sig", "provenance/codecheck.yml",
    "provenance/certificate.md", "logs/snakemake.log", "report/snakemake.html",
}  # fmt: skip
BROKEN = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    OSError,
    RecursionError,
    tarfile.TarError,
)
MOST_BYTES = 200_000_000
SIGNATURE_BYTES = 64_000
SIMULATOR = "minisky."


def opened(path):
    """A regular file, opened; a FIFO or a device is refused and never waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f"{path} is not a regular file")
    return open(descriptor, "rb")  # noqa: PTH123


def sha256(path):
    """Digest of a regular file."""
    with opened(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read(path):
    """Text of a regular file of bounded size."""
    with opened(path) as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"{path} is larger than {MOST_BYTES} bytes")
    return content.decode("utf-8")


def printable(text):
    """Text without characters that act on a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text)[:500])


def canonical(value):
    """A value as bytes that are the same for equal values."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Verifier:
    """What is wrong with one run's folder, found step by step."""

    def __init__(self, folder, root):
        self.folder, self.root, self.damage = Path(folder), Path(root), []
        self.jobs, self.archived, self.whole_root = {}, {}, False
        raw = read(self.folder / "provenance/manifest.json")
        self.manifest = json.loads(raw)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", self.manifest["run"]):
            raise ValueError("the run's name is no plain name")
        self.prefix = f"results/{self.manifest['run']}/"
        self.listed = {file["path"]: file for file in self.manifest["files"]}
        told = self.manifest.pop("digest")
        again = json.dumps(self.manifest | {"digest": told}, indent=1, ensure_ascii=False) + "\n"
        if told != canonical(self.manifest) or again != raw:
            self.found("provenance/manifest.json", "is not what was written")

    def found(self, path, what):
        """Note a fault of a file."""
        self.damage.append(f"{printable(path)}: {printable(what)}")

    def place(self, path):
        """Where a recorded path lies; refused where it leads out of the run or the repository."""
        if not path or os.path.normpath(path) != path:
            raise ValueError(f"{path!r} is not a plain path")
        if path.startswith("/"):
            if path not in self.outside():
                raise ValueError(f"{path!r} is outside of the repository")
            return Path(path)
        mine = path.startswith(self.prefix)
        base = self.folder if mine else self.root
        place = base / (path[len(self.prefix) :] if mine else path)
        shared = mine and path.startswith(self.prefix + "sources/")
        if not shared and not place.resolve().is_relative_to(base.resolve()):
            raise ValueError(f"{path!r} leads out of its folder")
        return place

    def outside(self):
        """The user's own files, named in the configuration, or layers of the run's own file."""
        told = read(self.folder / "config.yaml")
        named = set(re.findall(r"(?m)^ *(?:path|catalogue|tolerances|registry): (/.+?) *$", told))
        workflow = {file["path"] for file in self.manifest["workflow"]}
        return named | {p for p in workflow if p.endswith((".yaml", ".yml", ".csv"))}

    def archive(self):
        """Digest of every member of the archive of the code."""
        with opened(self.folder / "provenance/code.tar") as stream:
            if os.fstat(stream.fileno()).st_size > MOST_BYTES:
                raise ValueError("code.tar is too large")
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                members = list(tar)
                if not all(member.isfile() for member in members):
                    raise ValueError("code.tar holds something that is no file")
                return {
                    member.name: hashlib.sha256(tar.extractfile(member).read()).hexdigest()
                    for member in members
                }

    def code_archive(self):
        """The archive of the code, member by member; in place of a repository that is not here."""
        self.whole_root = (self.root / "workflow" / "Snakefile").is_file()
        self.archived = self.archive()
        if not self.whole_root:
            print(f"note: no repository at {self.root}: code.tar is looked at in its place")
        wanted = {}
        for record in [*self.jobs.values(), self.manifest["manifest_job"]]:
            for name, told in record["code"]["files"].items():
                wanted.setdefault(f"workflow/{name}", set()).add(told)
        read = [file for record in self.jobs.values() for file in record["inputs"]]
        for file in [*self.manifest["workflow"], *read]:
            if not file["path"].startswith(("results/", "/")):
                wanted.setdefault(file["path"], set()).add(file["sha256"])
        for name in sorted(wanted.keys() | self.archived.keys()):
            if self.archived.get(name) not in wanted.get(name, ()):
                self.found("provenance/code.tar", f"{name} is not what the records name")

    def papers(self):
        """Evidence, workflow, and the job of every listed file."""
        jobs = [*self.jobs.values(), self.manifest["manifest_job"]]
        kept = {f["sha256"] for job in jobs for f in job["inputs"] if f["role"] == "config"}
        texts = [read(self.folder / "config.yaml")]
        for name in sorted(kept):
            path = self.folder / f"provenance/configurations/{name}.yaml"
            if sha256(path) != name:
                self.found(path.name, "is not the configuration that its name says")
            texts.append(read(path))
        simulated = any(job["step"].startswith(SIMULATOR) for job in jobs)
        simulated |= any(re.search(r"(?m)^evidence: simulated *$", told) for told in texts)
        if self.manifest["evidence"] != ("simulated" if simulated else "real"):
            self.found("provenance/manifest.json", "says other evidence than the configurations")
        last = [self.jobs.get("write_crate"), self.manifest["manifest_job"]]
        told = {f["sha256"] for r in last if r for f in r["inputs"] if f["role"] == "config"}
        if told != {sha256(self.folder / "config.yaml")}:
            self.found("config.yaml", "is not what the last jobs of the run read")
        self.every_file_has_its_job(kept)

    def every_file_has_its_job(self, kept):
        """Every listed file was written or read by a job, and every job has its log."""
        inside = self.prefix
        beside = {f"{inside}logs/{job}.log" for job in self.jobs}
        beside |= {f"{inside}benchmarks/{job}.tsv" for job in self.jobs}
        known = beside | {f"{inside}config.yaml", f"{inside}logs/write_manifest.log"}
        known |= {f["path"] for r in self.jobs.values() for f in [*r["inputs"], *r["outputs"]]}
        known |= {f"{inside}provenance/jobs/{job}.json" for job in self.jobs}
        known |= {f"{inside}provenance/configurations/{name}.yaml" for name in kept}
        for path in sorted(self.listed.keys() - known):
            self.found(path, "is listed, and no job wrote or read it")
        for path in sorted(beside - self.listed.keys()):
            self.found(path, "is not listed: every job has its log and its benchmark")
        made = self.jobs.get("write_crate", {"inputs": []})["inputs"]
        read_then = {f["path"]: f["sha256"] for f in made if f["role"] == "workflow"}
        if read_then != {f["path"]: f["sha256"] for f in self.manifest["workflow"]}:
            self.found("provenance/manifest.json", "lists another workflow than the crate read")

    def files(self):
        """Every listed file is there, unchanged, and no other file is."""
        wanted = {**{f["path"]: f for f in self.manifest["workflow"]}, **self.listed}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            faults = pool.map(self.fault, wanted.values())
            for path, fault in zip(wanted, faults, strict=True):
                if fault:
                    self.found(path, fault)
        for path in sorted(self.folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                continue
            inside = path.relative_to(self.folder).as_posix()
            if inside not in AFTERWARDS and self.prefix + inside not in self.listed:
                self.found(inside, "is not recorded")

    def fault(self, file):
        """What is wrong with one listed file; a file of another size is not read."""
        path = file["path"]
        if not (self.whole_root or path.startswith((self.prefix, "/"))):
            return "" if self.archived.get(path) == file["sha256"] else "is not so in code.tar"
        try:
            place = self.place(path)
            same = place.stat().st_size == file["bytes"] and sha256(place) == file["sha256"]
            return "" if same else "has changed"
        except FileNotFoundError:
            return "is missing"
        except (OSError, ValueError) as error:
            return f"is refused ({error})"

    def records(self):
        """Every record is whole and belongs to the run."""
        kept = set(self.manifest["jobs"])
        for path in sorted((self.folder / "provenance/jobs").glob("*.json")):
            kept.discard(path.stem)
            told = self.manifest["jobs"].get(path.stem)
            if told is None or sha256(path) != told["sha256"]:
                self.found(path.name, "is not the record in the manifest")
            try:
                self.jobs[path.stem] = json.loads(read(path))
                self.jobs[path.stem]["outputs"], self.jobs[path.stem]["inputs"]
            except BROKEN:
                self.jobs.pop(path.stem, None)
                self.found(path.name, "is no record")
        for job in sorted(kept):
            self.found(f"{job}.json", "the record is missing")

    def lineage(self):
        """Every file leads back to one that was fetched or simulated."""
        self.makers = {}
        for job, record in self.jobs.items():
            for file in record["outputs"]:
                if file["path"] in self.makers:
                    self.found(file["path"], "two jobs say they wrote it")
                self.makers[file["path"]] = job
                self.agree(job, file)
        for job, record in self.jobs.items():
            for file in record["inputs"]:
                if file["role"] == "config":
                    kept = f"{self.prefix}provenance/configurations/{file['sha256']}.yaml"
                    if self.listed.get(kept, {}).get("sha256") != file["sha256"]:
                        self.found(file["path"], f"the configuration of {job} is not kept")
                    continue
                self.agree(job, file)
                made = file["path"] in self.makers or file["role"] == "records"
                if file["path"].startswith(self.prefix) and not made:
                    self.found(file["path"], f"read by {job}, written by no job")
            for receipt in record.get("fetched", []):
                if receipt["sha256"] not in {f["sha256"] for f in record["outputs"]}:
                    self.found(job, "the receipt is not that of the file fetched")
        for path in [p for p in self.makers if p.startswith(self.prefix + "catalogues/")]:
            self.walk(path)

    def agree(self, job, file):
        """A file that a job read is the one that was made."""
        if self.listed.get(file["path"], {}).get("sha256") != file["sha256"]:
            self.found(file["path"], f"{job} recorded another digest than the manifest")

    def walk(self, path):
        """Follow a file back through the jobs that made it."""
        waiting, seen, roots = [path], set(), 0
        while waiting:
            job = self.makers.get(waiting.pop())
            if job is None or job in seen:
                continue
            seen.add(job)
            record = self.jobs[job]
            inputs = [f["path"] for f in record["inputs"] if f["role"] != "config"]
            own = any(not file.startswith(self.prefix) for file in inputs)
            root = not inputs or (own and record["step"] == "spectrotranslator.surveys.read_survey")
            waiting, roots = waiting + inputs, roots + root
        if not roots:
            self.found(path, "no way back to a file that was fetched or simulated")

    def code(self):
        """The code in the repository is the code that ran."""
        if not self.whole_root:
            return
        now = {}
        for job, record in [*self.jobs.items(), ("write_manifest", self.manifest["manifest_job"])]:
            files = {self.place(f"workflow/{n}"): t for n, t in record["code"]["files"].items()}
            if isinstance(lock := record["environment"].get("lock"), dict):
                files[self.place(lock["path"])] = lock["sha256"]
            for path, told in files.items():
                now[path] = now.get(path) or (sha256(path) if path.is_file() else "missing")
                if now[path] != told:
                    self.found(path.relative_to(self.root), f"is not the code {job} ran")

    def crate(self):
        """The crate names the files and jobs of the manifest."""
        text = read(self.folder / "ro-crate-metadata.json")
        if text != read(self.folder / "provenance/ro-crate-metadata.json"):
            self.found("crate", "its copy in provenance/ differs")
        graph = json.loads(text)
        entities = {entity["@id"]: entity for entity in graph["@graph"]}
        told = {**{f["path"]: f for f in self.manifest["workflow"]}, **self.listed}
        for name, entity in entities.items():
            if "sha256" in entity or "File" in entity["@type"]:
                outside = name.startswith(OUTSIDE)
                path = name.removeprefix(OUTSIDE) if outside else self.prefix + name
                file = told.get(unquote(path), {})
                if file.get("sha256") != entity.get("sha256"):
                    self.found("crate", f"{name} has another digest than the manifest")
        for job in set(self.jobs) - {"write_crate"}:
            if f"#job-{job}" not in entities:
                self.found("crate", f"{job} is not in it")

    def signature(self, signers, revoked):
        """The manifest is signed by one of ``signers`` with a key that is not revoked."""
        signed = self.folder / "provenance/manifest.json.sig"
        if signers is None:
            return print("note: signature not looked at, no signers named")
        if not signed.is_file():
            return self.found("provenance/manifest.json", "is not signed")
        if not signed.stat().st_size <= SIGNATURE_BYTES:
            return self.found("provenance/manifest.json.sig", "is too large for a signature")
        command = ["ssh-keygen", "-Y"]
        keys = ["-s", str(signed), "-f", str(signers), "-n", NAMESPACE]
        without = ["-r", str(revoked)] if revoked else []
        names = subprocess.run([*command, "find-principals", *keys[:4]], capture_output=True)
        for name in names.stdout.decode().splitlines():
            with (self.folder / "provenance/manifest.json").open("rb") as text:
                done = [*command, "verify", "-I", name, *keys, *without]
                if subprocess.run(done, stdin=text, capture_output=True).returncode == 0:
                    no_one = set("*?!") & set(name)
                    who = f"a key whose entry {name!r} names no one" if no_one else name
                    return print(f"signed by {printable(who)}")
        return self.found("provenance/manifest.json", "no good signature by the signers named")


def verify(folder, root, signers=None, revoked=None):
    """Faults of the run in ``folder``, one line each."""
    try:
        verifier = Verifier(folder, root)
    except BROKEN as error:
        return [f"provenance: cannot be read ({type(error).__name__}: {error})"]
    for step in ("records", "code_archive", "files", "papers", "lineage", "code", "crate"):
        try:
            getattr(verifier, step)()
        except BROKEN as error:
            verifier.found(
                "provenance", f"{step} cannot be followed ({type(error).__name__}: {error})"
            )
    verifier.signature(signers, revoked)
    return verifier.damage


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", default=Path(__file__).resolve().parents[1])
    parser.add_argument("--root", help="repository (default: two folders above the run)")
    parser.add_argument("--signers", help="allowed signers, as ssh-keygen reads them")
    parser.add_argument("--revoked", help="revoked keys, as ssh-keygen reads them")
    given = parser.parse_args()
    if not (Path(given.folder) / "provenance/manifest.json").is_file():
        sys.exit(print(f"error: {given.folder}: no manifest", file=sys.stderr) or 2)
    if given.signers and not (Path(given.signers).is_file() and shutil.which("ssh-keygen")):
        sys.exit(
            print(f"error: {given.signers}: no such file, or no ssh-keygen", file=sys.stderr) or 2
        )
    above = Path(given.folder).resolve().parents[1]
    if given.revoked and not Path(given.revoked).is_file():
        sys.exit(print(f"error: {given.revoked}: no such file", file=sys.stderr) or 2)
    damage = verify(given.folder, given.root or above, given.signers, given.revoked)
    print("\n".join([*damage, f"{len(damage)} faults" if damage else "whole"]))
    sys.exit(1 if damage else 0)
