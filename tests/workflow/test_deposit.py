"""A run as a folder for a data repository: whole, checked, without what is not ours to pass on."""

import hashlib
import json
from contextlib import chdir
from dataclasses import replace

import pytest

from spectrotranslator import Translation
from spectrotranslator.cli import deposit as module
from spectrotranslator.cli.deposit import deposit
from spectrotranslator.download.registry import read_registry
from spectrotranslator.provenance.finished_run import read_run


@pytest.fixture(scope="module")
def made(finished, tmp_path_factory):
    """The finished clone and the deposit of its run."""
    out = tmp_path_factory.mktemp("deposits") / "tiny"
    done = finished.verb("deposit", "tiny", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{out}: ") and " MB" in done.stdout
    return finished, out


def names(folder) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in files}


def test_every_file_has_its_checksum(made):
    _, out = made
    told = dict(line.split("  ")[::-1] for line in (out / "SHA256SUMS").read_text().splitlines())
    assert set(told) == names(out) - {"SHA256SUMS"}
    for name, digest in told.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest


def test_it_holds_catalogues_models_and_crate_and_no_survey_file(made):
    clone, out = made
    found = names(out)
    for suffix in ("fits", "vot", "parquet", "dat"):
        for name in ("g2a", "homogenised_apogee"):
            assert f"catalogues/as-published/{name}.{suffix}" in found
    assert {"provenance/ro-crate-metadata.json", "provenance/manifest.json"} <= found
    assert {"catalogues/as-published/ReadMe", "report/index.html", "verdict.json"} <= found
    sources = clone.root / "results/tiny/sources"
    survey = {hashlib.sha256(p.read_bytes()).hexdigest() for p in sources.glob("*.*")}
    assert not survey & {hashlib.sha256((out / n).read_bytes()).hexdigest() for n in found}
    assert not [name for name in found if "/parts/" in name or name.startswith("sources/")]
    assert Translation.load(out / "models/as-published-g2a.zip").direction == "g2a"


def test_the_readme_says_what_is_there_and_what_is_left_out(made):
    clone, out = made
    text = (out / "ReadMe").read_text()
    assert text.startswith("SIMULATED DATA")
    left = clone.root / "results/tiny/sources/allStarLite-dr17-synspec_rev1.fits"
    assert f"{left.name} ({left.stat().st_size} bytes): APOGEE-2 DR17; SDSS data policy" in text
    size = (out / "catalogues/as-published/g2a.dat").stat().st_size
    assert f"{size}  catalogues/as-published/g2a.dat" in text


def test_zenodo_s_metadata_are_complete(made):
    _, out = made
    told = json.loads((out / ".zenodo.json").read_text())
    needed = {"title", "upload_type", "description", "creators", "license", "access_right"}
    assert needed <= set(told)
    assert told["title"].startswith("SIMULATED DATA") and told["creators"][0]["name"]
    dois = {one["identifier"] for one in told["related_identifiers"]}
    assert dois == {"10.1051/0004-6361/202451427"}  # simulated stars derive from no survey


def test_what_is_there_is_not_written_over(made):
    clone, out = made
    done = clone.verb("deposit", "tiny", "--out", str(out))
    assert done.returncode == 2
    assert "is there already" in done.stderr


def test_a_changed_catalogue_is_refused_and_nothing_is_left(clone, tmp_path):
    path = clone.root / "results/tiny/catalogues/as-published/g2a.vot"
    path.write_bytes(path.read_bytes().replace(b"VOTABLE", b"VOTABLF", 1))
    done = clone.verb("deposit", "tiny", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "g2a.vot: changed since the run was made" in line
    assert not list(tmp_path.glob("*out*"))


def test_models_of_surveys_that_may_not_be_passed_on_are_left_out(made, tmp_path, monkeypatch):
    clone, _ = made

    def closed(path):
        registry = read_registry(path)
        galah = replace(registry["galah_main"], redistribution="no")
        return {**registry, "galah_main": galah}

    monkeypatch.setattr(module, "read_registry", closed)
    with chdir(clone.root):
        deposit(read_run("tiny"), tmp_path / "closed")
    assert not (tmp_path / "closed/models").exists()
    told = (tmp_path / "closed/ReadMe").read_text()
    assert "models: hold labels of GALAH DR3, whose terms do not allow it" in told
