"""Verify a finished run without its package: hashes, lineage, code, crate, signature.

    python verify.py [RUN_FOLDER] [--root REPOSITORY] [--signers ALLOWED_SIGNERS]

Needs Python 3.11 and, for a signature, ssh-keygen. Exit: 0 whole, 1 damaged, 2 cannot look.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NAMESPACE = "spectrotranslator-run"
AFTERWARDS = {
    "provenance/manifest.json", "provenance/manifest.json.sig", "provenance/codecheck.yml",
    "provenance/certificate.md", "logs/snakemake.log", "report/snakemake.html",
}  # fmt: skip
BROKEN = (ValueError, KeyError, TypeError, AttributeError, OSError)


def sha256(path):
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Verifier:
    def __init__(self, folder, root):
        self.folder, self.root, self.damage = Path(folder), Path(root), []
        raw = (self.folder / "provenance/manifest.json").read_text(encoding="utf-8")
        self.manifest = json.loads(raw)
        self.prefix = f"results/{self.manifest['run']}/"
        self.listed = {file["path"]: file for file in self.manifest["files"]}
        told = self.manifest.pop("digest")
        again = json.dumps(self.manifest | {"digest": told}, indent=1, ensure_ascii=False) + "\n"
        if told != canonical(self.manifest) or again != raw:
            self.found("provenance/manifest.json", "is not what was written")

    def found(self, path, what):
        self.damage.append(f"{path}: {what}")

    def place(self, path):
        if path.startswith(self.prefix):
            return self.folder / path[len(self.prefix) :]
        return self.root / path

    def files(self):
        wanted = {**{f["path"]: f for f in self.manifest["workflow"]}, **self.listed}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            hashes = pool.map(lambda p: self.hash(self.place(p)), wanted)
            for (path, file), found in zip(wanted.items(), hashes, strict=True):
                if found is None:
                    self.found(path, "is missing")
                elif found != (file["bytes"], file["sha256"]):
                    self.found(path, "has changed")
        for path in sorted(self.folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                continue
            inside = path.relative_to(self.folder).as_posix()
            if inside not in AFTERWARDS and self.prefix + inside not in self.listed:
                self.found(inside, "is not recorded")

    @staticmethod
    def hash(path):
        try:
            return path.stat().st_size, sha256(path)
        except OSError:
            return None

    def records(self):
        self.jobs, kept = {}, set(self.manifest["jobs"])
        for path in sorted((self.folder / "provenance/jobs").glob("*.json")):
            kept.discard(path.stem)
            told = self.manifest["jobs"].get(path.stem)
            if told is None or sha256(path) != told["sha256"]:
                self.found(path.name, "is not the record in the manifest")
            try:
                self.jobs[path.stem] = json.loads(path.read_text(encoding="utf-8"))
                self.jobs[path.stem]["outputs"], self.jobs[path.stem]["inputs"]
            except (ValueError, KeyError, TypeError):
                self.jobs.pop(path.stem, None)
                self.found(path.name, "is no record")
        for job in sorted(kept):
            self.found(f"{job}.json", "the record is missing")

    def lineage(self):
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
        if self.listed.get(file["path"], {}).get("sha256") != file["sha256"]:
            self.found(file["path"], f"{job} recorded another digest than the manifest")

    def walk(self, path):
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
        package = self.root / "workflow"
        if not package.is_dir():
            print(f"note: no repository at {self.root}: the code was not looked at")
            return
        now = {}
        for job, record in [*self.jobs.items(), ("write_manifest", self.manifest["manifest_job"])]:
            files = {package / name: told for name, told in record["code"]["files"].items()}
            if isinstance(lock := record["environment"].get("lock"), dict):
                files[self.root / lock["path"]] = lock["sha256"]
            for path, told in files.items():
                now[path] = now.get(path) or (sha256(path) if path.is_file() else "missing")
                if now[path] != told:
                    self.found(path.relative_to(self.root), f"is not the code {job} ran")

    def crate(self):
        graph = json.loads((self.folder / "provenance/ro-crate-metadata.json").read_text())
        entities = {entity["@id"]: entity for entity in graph["@graph"]}
        base = self.folder.resolve() / "provenance"
        told = {self.place(path).resolve(): file for path, file in self.listed.items()}
        for name, entity in entities.items():
            if "File" in entity["@type"] and name != "ro-crate-metadata.json":
                file = told.get(Path(os.path.normpath(base / name)).resolve(), {})
                if file.get("sha256") != entity.get("sha256"):
                    self.found("crate", f"{name} has another digest than the manifest")
        for job in set(self.jobs) - {"write_crate"}:
            if f"#job-{job}" not in entities:
                self.found("crate", f"{job} is not in it")

    def signature(self, signers):
        signed = self.folder / "provenance/manifest.json.sig"
        if signers is None:
            return print("note: signature not looked at, no signers named")
        if not signed.is_file():
            return self.found("provenance/manifest.json", "is not signed")
        command = ["ssh-keygen", "-Y"]
        keys = ["-s", str(signed), "-f", str(signers), "-n", NAMESPACE]
        names = subprocess.run([*command, "find-principals", *keys[:4]], capture_output=True)
        for name in names.stdout.decode().splitlines():
            with (self.folder / "provenance/manifest.json").open("rb") as text:
                done = [*command, "verify", "-I", name, *keys]
                if subprocess.run(done, stdin=text, capture_output=True).returncode == 0:
                    return print(f"signed by {name}")
        return self.found("provenance/manifest.json", "no good signature by the signers named")


def verify(folder, root, signers=None):
    try:
        verifier = Verifier(folder, root)
    except BROKEN as error:
        return [f"provenance: cannot be read ({type(error).__name__}: {error})"]
    for step in ("files", "records", "lineage", "code", "crate"):
        try:
            getattr(verifier, step)()
        except BROKEN as error:
            verifier.found(
                "provenance", f"{step} cannot be followed ({type(error).__name__}: {error})"
            )
    verifier.signature(signers)
    return verifier.damage


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", default=Path(__file__).resolve().parents[1])
    parser.add_argument("--root", help="repository (default: two folders above the run)")
    parser.add_argument("--signers", help="allowed signers, as ssh-keygen reads them")
    given = parser.parse_args()
    if not (Path(given.folder) / "provenance/manifest.json").is_file():
        sys.exit(print(f"error: {given.folder}: no manifest", file=sys.stderr) or 2)
    if given.signers and not (Path(given.signers).is_file() and shutil.which("ssh-keygen")):
        sys.exit(
            print(f"error: {given.signers}: no such file, or no ssh-keygen", file=sys.stderr) or 2
        )
    above = Path(given.folder).resolve().parents[1]
    damage = verify(given.folder, given.root or above, given.signers)
    print("\n".join([*damage, f"{len(damage)} faults" if damage else "whole"]))
    sys.exit(1 if damage else 0)
