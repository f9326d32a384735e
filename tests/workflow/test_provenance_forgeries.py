"""Forged runs whose digests all fit: both checkers still say so, and read nothing outside."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from spectrotranslator.cli.main import main
from spectrotranslator.files import digest, sha256
from spectrotranslator.provenance.canonical_json import text
from spectrotranslator.provenance.finished_run import read_run
from spectrotranslator.provenance.run_audit import Audit

PREFIX = "results/tiny/"


class Forged:
    """A copy of a finished run that is changed, its papers then made to fit."""

    def __init__(self, root: Path):
        self.root, self.run = root, root / "results" / "tiny"

    def job(self, name: str, change) -> None:
        """Change a record and let the manifest name the changed one."""
        path = self.run / "provenance" / "jobs" / f"{name}.json"
        record = json.loads(path.read_text())
        change(record)
        path.write_text(text(record))
        self.fit(f"provenance/jobs/{name}.json")
        self.manifest(lambda m: m["jobs"][name].update(sha256=sha256(path)))

    def fit(self, name: str) -> None:
        """Let the manifest list the file as it is now."""
        path = self.run / name
        entry = {"path": PREFIX + name, "bytes": path.stat().st_size, "sha256": sha256(path)}

        def change(manifest):
            others = [f for f in manifest["files"] if f["path"] != entry["path"]]
            manifest["files"] = sorted([*others, entry], key=lambda file: file["path"])

        self.manifest(change)

    def manifest(self, change) -> None:
        path = self.run / "provenance" / "manifest.json"
        manifest = json.loads(path.read_text())
        manifest.pop("digest")
        change(manifest)
        path.write_text(text(manifest | {"digest": digest(manifest)}))

    def audit(self) -> list[str]:
        return [f"{d.path}: {d.what}" for d in Audit(read_run(self.run, self.root)).check()]

    def verify(self, *arguments) -> subprocess.CompletedProcess:
        command = [sys.executable, "-I", self.root / "verify.py", self.run, "--root", self.root]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture
def forged(finished, tmp_path) -> Forged:
    """A copy of what the run was made of, and of the run."""
    root = tmp_path / "copy"
    root.mkdir()
    shutil.copyfile(finished.root / "Snakefile", root / "Snakefile")
    for name in ("workflow", "config", "envs"):
        shutil.copytree(finished.root / name, root / name, symlinks=True)
    shutil.copytree(finished.root / "results" / "tiny", root / "results" / "tiny", symlinks=True)
    # The verifier is the repository's: that of a received run may be anything.
    source = finished.root / "workflow" / "spectrotranslator" / "provenance" / "verify.py"
    shutil.copyfile(source, root / "verify.py")
    return Forged(root)


def say_real(forged):
    forged.manifest(lambda m: m.update(evidence="real"))


def list_a_file_without_a_job(forged):
    (forged.run / "catalogues" / "as-published" / "more.dat").write_text("more\n")
    forged.fit("catalogues/as-published/more.dat")


def take_a_log_off_the_list(forged):
    log = "logs/simulate_sky.log"
    (forged.run / log).unlink()
    forged.manifest(lambda m: m.update(files=[f for f in m["files"] if f["path"] != PREFIX + log]))


def empty_the_workflow(forged):
    forged.manifest(lambda m: m.update(workflow=[]))


def read_by_a_path_with_dots(forged):
    entry = {"path": f"{PREFIX}../../../../victim.txt", "bytes": 4, "sha256": "0" * 64}
    forged.manifest(lambda m: m["files"].append(entry))


def list_a_file_of_the_system(forged):
    place = Path("/etc/passwd")
    entry = {"path": str(place), "bytes": place.stat().st_size, "sha256": sha256(place)}
    forged.manifest(lambda m: m["files"].append(entry))


def put_a_link_in_place_of_a_table(forged):
    table = forged.run / "catalogues" / "as-published" / "g2a.dat"
    outside = forged.root.parent / "g2a.dat"
    table.rename(outside)
    table.symlink_to(outside)


def change_a_member_of_the_archive(forged):
    path = forged.run / "provenance" / "code.tar"
    with tarfile.open(path) as tar:
        members = [(m, tar.extractfile(m).read()) for m in tar]
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for info, content in members:
            changed = content + b"#" if info.name.endswith("audit.py") else content
            info.size = len(changed)
            tar.addfile(info, BytesIO(changed))
    forged.fit("provenance/code.tar")
    changed = {"sha256": sha256(path), "bytes": path.stat().st_size}

    def record(found):
        next(f for f in found["outputs"] if f["role"] == "code").update(changed)

    forged.job("write_crate", record)


def add_a_member_that_leaves_the_archive(forged):
    path = forged.run / "provenance" / "code.tar"
    with tarfile.open(path, "a", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("../../outside.txt"), BytesIO(b""))
    forged.fit("provenance/code.tar")


def replace_a_kept_configuration(forged):
    path = next((forged.run / "provenance" / "configurations").glob("*.yaml"))
    path.write_text(path.read_text().replace("source_id > 0", "source_id > 1"))
    forged.fit(f"provenance/configurations/{path.name}")


FORGERIES = [
    say_real, list_a_file_without_a_job, take_a_log_off_the_list, empty_the_workflow,
    read_by_a_path_with_dots, list_a_file_of_the_system, put_a_link_in_place_of_a_table,
    change_a_member_of_the_archive, add_a_member_that_leaves_the_archive,
    replace_a_kept_configuration,
]  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forgery_whose_digests_fit_is_damage_to_both_checkers(forged, forge):
    forge(forged)
    assert forged.audit()
    done = forged.verify()
    assert done.returncode == 1, done.stdout + done.stderr


def test_an_untouched_run_is_whole_to_both_wherever_it_is_copied(forged, tmp_path):
    assert forged.audit() == []
    assert forged.verify().returncode == 0, forged.verify().stdout
    elsewhere = tmp_path / "far" / "away"
    shutil.copytree(forged.run, elsewhere, symlinks=True)
    for root in (forged.root, tmp_path / "nothing"):
        command = [sys.executable, "-I", forged.root / "verify.py", elsewhere, "--root", root]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    assert Audit(read_run(elsewhere, forged.root)).check() == []


@pytest.mark.parametrize("special", ["fifo", "/dev/zero"])
@pytest.mark.parametrize("name", ["catalogues/as-published/g2a.dat", "config.yaml"])
def test_a_special_file_is_damage_and_ends_at_once(forged, special, name):
    (forged.run / name).unlink()
    if special == "fifo":
        os.mkfifo(forged.run / name)
    else:
        (forged.run / name).symlink_to(special)
    assert any(name in fault for fault in forged.audit())
    assert forged.verify().returncode == 1


def test_why_refuses_a_run_whose_configuration_is_not_what_its_name_says(
    forged, monkeypatch, capsys
):
    mark = forged.root / "mark"
    path = next((forged.run / "provenance" / "configurations").glob("*.yaml"))
    cut = f"\"source_id > @pd.io.common.os.system('touch {mark}')\""
    path.write_text(path.read_text().replace("source_id > 0", cut))
    monkeypatch.chdir(forged.root)
    assert main(["why", str(forged.run), "g2a", "1"]) == 2
    assert "not the configuration that its name says" in capsys.readouterr().err
    assert not mark.exists()


@pytest.mark.parametrize("verb", [["why", "{run}", "g2a", "1"], ["compare", "{run}", "{run}"]])
def test_a_manifest_that_is_not_what_was_written_is_not_used(forged, verb, monkeypatch, capsys):
    path = forged.run / "provenance" / "manifest.json"
    path.write_text(path.read_text().replace('"simulated"', '"real"'))
    monkeypatch.chdir(forged.root)
    assert main([word.format(run=forged.run) for word in verb]) == 2
    assert "damaged" in capsys.readouterr().err


def test_a_certificate_of_forged_evidence_is_not_signed(forged, monkeypatch, tmp_path, capsys):
    say_real(forged)
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    monkeypatch.chdir(forged.root)
    assert main(["certificate", str(forged.run), "--sign", str(key)]) == 2
    assert "simulated" in capsys.readouterr().err
    assert not (forged.run / "provenance" / "manifest.json.sig").exists()
