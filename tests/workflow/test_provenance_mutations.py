"""Whatever is changed in a finished run, the audit and the crate's own verifier both say so."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from spectrotranslator.errors import InputError
from spectrotranslator.files import digest, sha256
from spectrotranslator.provenance.canonical_json import text
from spectrotranslator.provenance.finished_run import AFTERWARDS, read_run
from spectrotranslator.provenance.run_audit import Audit
from spectrotranslator.provenance.signature import sign

MANIFEST = "results/tiny/provenance/manifest.json"
JOBS = "results/tiny/provenance/jobs"
CRATE = "results/tiny/ro-crate-metadata.json"
CRATE_COPY = "results/tiny/provenance/ro-crate-metadata.json"


class Spoilt:
    """A copy of the finished run, one change at a time, and what both checkers say of it."""

    def __init__(self, root: Path):
        self.root = root
        self.run = root / "results" / "tiny"
        place = self.run / "provenance" / "verify.py"
        # An import would leave its compiled form in the run, which both would rightly report.
        self.verifier = ModuleType("verify_of_the_run")
        exec(compile(place.read_text(), place, "exec"), vars(self.verifier))
        self.checked = 0

    def unnamed(self, names: list[str]) -> list[str]:
        """Those of the changed files that not both checkers name."""
        try:
            audit = "\n".join(map(str, Audit(read_run(self.run, self.root)).check()))
        except InputError:
            return names
        verified = "\n".join(self.verifier.verify(self.run, self.root))
        return [
            n
            for n in names
            if not all(n in told or inside(n) in told for told in (audit, verified))
        ]

    def missed_by(self, signers: Path | None = None) -> list[str]:
        """The checkers that find nothing."""
        self.checked += 1
        try:
            audit = Audit(read_run(self.run, self.root), signers).check()
        except InputError as error:
            audit = [str(error)]
        verified = self.verifier.verify(self.run, self.root, signers)
        return ["audit"] * (not audit) + ["verify.py"] * (not verified)

    def missed(self, what: str, signers: Path | None = None) -> list[str]:
        return [f"{what}: {checker}" for checker in self.missed_by(signers)]

    @contextmanager
    def kept(self, *names: str) -> Iterator[list[Path]]:
        """Paths that are as before again afterwards, bytes and times."""
        paths = [self.root / name for name in names]
        before = [(p.read_bytes(), p.stat()) if p.is_file() else None for p in paths]
        try:
            yield paths
        finally:
            for path, was in zip(paths, before, strict=True):
                if was is None:
                    path.unlink(missing_ok=True)
                else:
                    path.write_bytes(was[0])
                    os.utime(path, ns=(was[1].st_atime_ns, was[1].st_mtime_ns))

    def files(self) -> list[str]:
        """Every file of the run, seen from the repository, but those written after its end."""
        found = sorted(path for path in self.run.rglob("*") if path.is_file())
        inside = [path.relative_to(self.run).as_posix() for path in found]
        return [f"results/tiny/{name}" for name in inside if name not in AFTERWARDS]

    def forge_manifest(self, change) -> None:
        """Change the manifest and give it a fitting digest of its content."""
        path = self.root / MANIFEST
        manifest = json.loads(path.read_text())
        manifest.pop("digest")
        change(manifest)
        path.write_text(text(manifest | {"digest": digest(manifest)}))


@pytest.fixture(scope="module")
def spoilt(finished, tmp_path_factory) -> Spoilt:
    return Spoilt(finished.copy(tmp_path_factory.mktemp("mutations") / "a clone").root)


def inside(name: str) -> str:
    """A file of the run as seen from the run's folder."""
    return name.removeprefix("results/tiny/")


def flip(path: Path, place: int) -> None:
    """Flip one bit of the file and give it its old time back."""
    was = path.stat()
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))


def test_a_clean_run_passes(spoilt):
    assert Audit(read_run(spoilt.run, spoilt.root)).check() == []
    assert spoilt.verifier.verify(spoilt.run, spoilt.root) == []


def test_a_flipped_bit_in_any_file_is_caught_though_its_time_is_the_old_one(spoilt):
    chance, alone = random.Random(1), []
    names = [n for n in [*spoilt.files(), MANIFEST] if (spoilt.root / n).stat().st_size]
    assert len(names) > 150
    for first in range(0, len(names), 10):
        several = names[first : first + 10]
        with spoilt.kept(*several) as paths:
            for path in paths:
                flip(path, chance.randrange(1 << 40))
            alone += spoilt.unnamed(several)
    # Where one damaged file hid others, or is named by what hangs on it, it is looked at by itself.
    assert len(alone) < 60
    missed = []
    for name in alone:
        with spoilt.kept(name) as [path]:
            flip(path, chance.randrange(1 << 40))
            missed += spoilt.missed(name)
    assert missed == []


def test_a_manifest_flipped_anywhere_is_caught_and_crashes_nothing(spoilt):
    missed, chance = [], random.Random(2)
    for _ in range(40):
        with spoilt.kept(MANIFEST) as [path]:
            flip(path, chance.randrange(1 << 40))
            missed += spoilt.missed(MANIFEST)
    assert not missed


def test_a_missing_cut_or_added_file_is_caught(spoilt):
    missed, chance = [], random.Random(2)
    for name in chance.sample(spoilt.files(), 12):
        with spoilt.kept(name) as [path]:
            path.unlink()
            missed += spoilt.missed(f"{name} removed")
    full = [name for name in spoilt.files() if (spoilt.root / name).stat().st_size]
    for name in chance.sample(full, 12):
        with spoilt.kept(name) as [path]:
            path.write_bytes(path.read_bytes()[:-1])
            missed += spoilt.missed(f"{name} cut")
    for name in ("catalogues/as-published/extra.dat", "provenance/jobs/extra.json", "new.txt"):
        with spoilt.kept(f"results/tiny/{name}") as [path]:
            path.write_text("{}")
            missed += spoilt.missed(f"{name} added")
    assert missed == []


def test_swapped_files_are_caught(spoilt):
    missed, chance = [], random.Random(3)
    names = spoilt.files()
    for _ in range(15):
        first, second = chance.sample(names, 2)
        with spoilt.kept(first, second) as [one, other]:
            if one.read_bytes() == other.read_bytes():
                continue
            content = one.read_bytes()
            one.write_bytes(other.read_bytes())
            other.write_bytes(content)
            missed += spoilt.missed(f"{first} and {second} swapped")
    assert missed == []


EDITS = {
    "another digest of an output": lambda r: r["outputs"][0].update(sha256="0" * 64),
    "an output less": lambda r: r["outputs"].pop(),
    "another seed": lambda r: r.update(seeds={"training": 1}),
    "another machine": lambda r: r["machine"].update(cpu="another"),
    "another commit": lambda r: r["code"]["repository"].update(commit="0" * 40),
    "another start": lambda r: r.update(started="2020-01-01T00:00:00.000+00:00"),
    "another command": lambda r: r["command"].append("--fast"),
    "no code": lambda r: r["code"].update(files={}),
    "no inputs": lambda r: r.update(inputs=[]),
    "no digest": lambda r: r["outputs"][0].pop("sha256"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_record_is_caught(spoilt, edit):
    missed = []
    for job in (
        "train_members-as-published-g2a-intrinsic",
        "translate_shard-as-published-g2a-1-of-2",
    ):
        with spoilt.kept(f"{JOBS}/{job}.json") as [path]:
            record = json.loads(path.read_text())
            EDITS[edit](record)
            path.write_text(text(record))
            missed += spoilt.missed(f"{job}: {edit}")
    assert missed == []


def test_an_edited_record_is_caught_though_the_manifest_was_edited_to_fit(spoilt):
    missed = []
    job = "train_members-as-published-g2a-intrinsic"
    name = f"{JOBS}/{job}.json"
    for edit in ("another digest of an output", "an output less", "no digest"):
        with spoilt.kept(name, MANIFEST) as [path, _]:
            record = json.loads(path.read_text())
            EDITS[edit](record)
            path.write_text(text(record))
            size, now = path.stat().st_size, sha256(path)

            def fit(manifest, size=size, now=now):
                manifest["jobs"][job]["sha256"] = now
                for file in manifest["files"]:
                    if file["path"] == name:
                        file.update(bytes=size, sha256=now)

            spoilt.forge_manifest(fit)
            missed += spoilt.missed(edit)
    assert missed == []


def test_a_removed_record_or_digest_is_caught_though_the_manifest_looks_whole(spoilt):
    missed, chance = [], random.Random(4)
    entries = json.loads((spoilt.root / MANIFEST).read_text())["files"]
    jobs = sorted(path.stem for path in (spoilt.root / JOBS).glob("*.json"))
    for file in chance.sample([f for f in entries if f["path"].startswith("results/")], 12):
        with spoilt.kept(MANIFEST):
            spoilt.forge_manifest(lambda m, file=file: m["files"].remove(file))
            missed += spoilt.missed(f"{file['path']} not in the manifest")
    for job in chance.sample(jobs, 10):
        name = f"{JOBS}/{job}.json"
        with spoilt.kept(name, MANIFEST) as [path, _]:
            path.unlink()

            def forget(manifest, job=job, name=name):
                manifest["jobs"].pop(job)
                manifest["files"] = [f for f in manifest["files"] if f["path"] != name]

            spoilt.forge_manifest(forget)
            missed += spoilt.missed(f"record of {job} removed and forgotten")
    assert missed == []


def test_changed_modules_lock_and_configuration_are_caught(spoilt):
    missed, chance = [], random.Random(5)
    record = json.loads(next((spoilt.root / JOBS).glob("translate*.json")).read_text())
    modules = [f"workflow/{name}" for name in record["code"]["files"]]
    modules = [name for name in modules if (spoilt.root / name).stat().st_size]
    others = ["envs/run.lock", "config/runs/tiny.yaml", "config/runs/mini.yaml"]
    others += ["config/paper.yaml", "config/sources.csv", "workflow/rules/translate.smk"]
    others += ["workflow/spectrotranslator/provenance/write_manifest.py"]
    others += ["workflow/Snakefile", "config/catalogues/g2a.yaml", "results/tiny/config.yaml"]
    for name in [*chance.sample(modules, 10), *others]:
        with spoilt.kept(name) as [path]:
            flip(path, chance.randrange(1 << 40))
            missed += spoilt.missed(f"{name} changed")
    assert missed == []


FORGERIES = {
    "an action less": lambda g: g.remove(next(e for e in g if e["@id"].startswith("#job-"))),
    "another digest": lambda g: next(e for e in g if "sha256" in e).update(sha256="0" * 64),
    "no digest": lambda g: next(e for e in g if "sha256" in e).pop("sha256"),
    "another end": lambda g: next(e for e in g if "endTime" in e).update(endTime="2020-01-01"),
    "another commit": lambda g: next(e for e in g if e.get("name") == "commit").update(value="x"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_crate_is_caught_though_the_manifest_names_it(spoilt, forgery):
    with spoilt.kept(CRATE, CRATE_COPY, MANIFEST) as [path, copy, _]:
        crate = json.loads(path.read_text())
        FORGERIES[forgery](crate["@graph"])
        path.write_text(text(crate))
        copy.write_text(text(crate))
        size, now = path.stat().st_size, sha256(path)

        def fit(manifest):
            for entry in manifest["files"]:
                if entry["path"] in (CRATE, CRATE_COPY):
                    entry.update(bytes=size, sha256=now)

        spoilt.forge_manifest(fit)
        assert spoilt.missed(forgery) == []


def key(place: Path, name: str) -> Path:
    path = place / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def test_a_signature_holds_and_a_wrong_one_or_none_is_caught(spoilt, tmp_path):
    mine, other = key(tmp_path, "mine"), key(tmp_path, "other")
    signers = tmp_path / "signers"
    signers.write_text(f"me@example.org {mine.with_suffix('.pub').read_text()}")
    signature = f"{MANIFEST}.sig"
    with spoilt.kept(signature, MANIFEST, "results/tiny/catalogues/as-published/g2a.dat"):
        assert spoilt.missed("no signature", signers) == []
        sign(spoilt.run, mine)
        assert spoilt.missed("good", signers) == ["good: audit", "good: verify.py"]
        # A consistent forgery: nothing but the signature can tell.
        spoilt.forge_manifest(lambda manifest: manifest["manifest_job"].update(seeds={"x": 1}))
        assert spoilt.missed("forged after signing", signers) == []
        sign(spoilt.run, other)
        assert spoilt.missed("signed by another", signers) == []
        (spoilt.root / signature).write_text("-----BEGIN SSH SIGNATURE-----\n")
        assert spoilt.missed("no real signature", signers) == []
        (spoilt.root / signature).write_text("-----BEGIN SSH SIGNATURE-----\n" * 10_000)
        assert spoilt.missed("a huge signature", signers) == []


def test_a_revoked_key_is_no_good_and_a_wildcard_names_no_one(spoilt, tmp_path):
    mine = key(tmp_path, "mine")
    public = mine.with_suffix(".pub").read_text()
    signers, revoked = tmp_path / "signers", tmp_path / "revoked"
    signers.write_text(f"* {public}")
    revoked.write_text(public)
    with spoilt.kept(f"{MANIFEST}.sig"):
        sign(spoilt.run, mine)
        audit = Audit(read_run(spoilt.run, spoilt.root), signers)
        assert audit.check() == []
        assert "signed by a key whose entry '*' names no one" in audit.notes
        assert Audit(read_run(spoilt.run, spoilt.root), signers, revoked).check() != []
        assert spoilt.verifier.verify(spoilt.run, spoilt.root, signers, revoked) != []


def test_who_cannot_look_at_a_signature_says_so_instead_of_damage(spoilt, tmp_path, monkeypatch):
    signers = tmp_path / "signers"
    script = [sys.executable, spoilt.run / "provenance" / "verify.py", "--signers", signers]
    with pytest.raises(InputError, match="no such file of allowed signers"):
        Audit(read_run(spoilt.run, spoilt.root), signers).check()
    assert subprocess.run(script, capture_output=True).returncode == 2
    signers.touch()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="install OpenSSH"):
        Audit(read_run(spoilt.run, spoilt.root), signers).check()
    assert subprocess.run(script, capture_output=True).returncode == 2


@pytest.mark.parametrize("lost", [CRATE, "results/tiny/config.yaml"])
def test_a_lost_file_of_the_record_hides_no_other_damage(spoilt, lost):
    table = "results/tiny/catalogues/as-published/g2a.dat"
    with spoilt.kept(lost, table) as [gone, changed]:
        gone.unlink()
        flip(changed, 99)
        assert spoilt.unnamed([lost, table]) == []


def test_a_link_that_nobody_recorded_is_caught(spoilt):
    missed = []
    for target in ("/etc", "nowhere"):
        link = spoilt.run / "catalogues" / "more"
        link.symlink_to(target)
        missed += spoilt.missed(f"a link to {target}")
        link.unlink()
    assert missed == []


def test_damage_names_the_results_that_hang_on_it(spoilt):
    member = "networks/as-published/g2a/intrinsic/member-0/weights.safetensors"
    with spoilt.kept(f"results/tiny/{member}") as [path]:
        flip(path, 5000)
        damage = Audit(read_run(spoilt.run, spoilt.root)).check()
    assert [fault.path for fault in damage] == [member]
    assert {"catalogues/as-published/g2a.dat", "verdict.json"} <= set(damage[0].consequence)
    sample = "catalogues/as-published/homogenised_apogee.parquet"
    with spoilt.kept(f"results/tiny/{sample}") as [path]:
        flip(path, 5000)
        damage = Audit(read_run(spoilt.run, spoilt.root)).check()
    assert "catalogues/as-published/g2a.dat" not in damage[0].consequence
