"""The look before a run sees what is wrong with archives, files and machine, and what to do."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from minisky.faults import Fault
from minisky.mock_archive import APOGEE, GALAH, TAP, TAP_ESA, VIZIER, Archive
from minisky.settings import parse_sky
from minisky.simulate_sky import simulate
from spectrotranslator.cli import check_machine, preflight
from spectrotranslator.cli.check_published import check_comments, check_rows
from spectrotranslator.config import resolve
from spectrotranslator.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / "config" / "skies" / "tiny"
LITE = "allStarLite-dr17-synspec_rev1.fits"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The tiny sky's files, made once."""
    folder = tmp_path_factory.mktemp("sky")
    settings = parse_sky(resolve("tiny", ROOT).sky)
    files = [folder / name for name in preflight.SKY]
    simulate(settings, *files, folder / "truth.parquet", folder / "clusters.csv")
    return folder


@pytest.fixture
def look(made, tmp_path, monkeypatch, capsys):
    """Look at the run ``tiny`` beside an archive with these faults: exit status and findings."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    sky = tmp_path / "sky"
    shutil.copytree(made, sky)

    def run(*faults, refused=(), spoil=None):
        if spoil:
            spoil(sky)
        with Archive(sky, STORED, faults) as archive:
            for name, value in archive.environment(refused).items():
                monkeypatch.setenv(name, value)
            status = preflight.main(["tiny", "--json"])
            sent = archive.bytes_sent()
        told = json.loads(capsys.readouterr().out)
        assert told["ready"] == (status == 0)
        return status, told["findings"], sent

    return run


def states(findings, subject, state):
    return [f for f in findings if f["subject"] == subject and f["state"] == state]


def test_healthy_archive_is_ready_after_a_few_megabytes(look):
    status, findings, sent = look()
    assert status == 0
    assert not [f for f in findings if f["state"] == "fault"]
    assert sent < 4_000_000
    whats = {(f["subject"], f["what"]) for f in findings}
    assert {("gaia", "service"), ("gaia_esa", "service"), ("all", "download")} <= whats
    assert {("machine", what) for what in ("disk", "memory", "cores", "device")} <= whats


def test_layout_of_the_published_rows_is_told_against_ours(look):
    _, findings, _ = look()
    (numbers,) = [f for f in findings if f["what"] == "numbers stand"]
    assert numbers["state"] == "note"
    assert numbers["found"].startswith("left in 100.0%")
    assert numbers["advice"] == "set align.numbers: left in config/catalogues/g2a.yaml"
    found = {f["what"]: f["found"] for f in findings if f["subject"] == "g2a"}
    assert found["row width"].startswith("924 bytes in all")
    assert (found["empty comment"], found["quotes"], found["comments cut"]) == (
        "'\"\"'",
        "'\"'",
        "155",
    )


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("galah/GALAH_DR3_main", "status", 404), "status 404"),
        (Fault("galah/GALAH_DR3_main", "status", 503), "status 503"),
        (Fault("galah/GALAH_DR3_main", "html"), "HTML page"),
        (Fault("galah/GALAH_DR3_main", "drop"), "connection broke"),
        (Fault("galah/GALAH_DR3_main", "redirect-loop"), "redirects"),
    ],
)
def test_source_that_cannot_be_fetched_is_a_fault_with_its_reason(look, fault, words):
    status, findings, _ = look(fault)
    assert status == 1
    (note,) = states(findings, "galah_main", "note")
    assert words in note["found"]
    (fault,) = states(findings, "galah_main", "fault")
    assert "config/sources.csv" in fault["advice"]


def test_mirror_is_enough(look):
    status, findings, _ = look(refused=[VIZIER])
    assert status == 0
    assert "connection refused" in states(findings, "readme", "note")[0]["found"]


def test_one_gaia_service_is_enough_and_none_is_a_fault(look):
    status, findings, _ = look(refused=[TAP])
    assert status == 0
    assert states(findings, "gaia", "note")
    status, findings, _ = look(refused=[TAP, TAP_ESA])
    assert status == 1
    assert states(findings, "gaia", "fault")


def test_service_whose_uploads_do_not_work_is_not_counted_on(look):
    status, findings, _ = look(Fault("/tap/", "tap-missing", 2))
    assert status == 0
    assert states(findings, "gaia", "note")


def renamed(sky):
    table = Table.read(sky / LITE)
    table.rename_column("VHELIO_AVG", "VHELIO_AVERAGE")
    table["STARFLAG"] = np.asarray(table["STARFLAG"], dtype=np.float32)
    table.write(sky / LITE, overwrite=True)


def test_lacking_column_and_changed_type_are_seen_in_the_header_alone(look):
    status, findings, _ = look(spoil=renamed)
    assert status == 1
    faults = {f["what"]: f["found"] for f in states(findings, "apogee_lite", "fault")}
    assert "VHELIO_AVERAGE" in faults["column VHELIO_AVG"]
    assert "float, known as integer" in faults["column STARFLAG"]


def test_file_shorter_than_its_header_promises_is_seen(look):
    def cut(sky):
        (sky / LITE).write_bytes((sky / LITE).read_bytes()[:100_000])

    status, findings, _ = look(spoil=cut)
    assert status == 1
    assert "its header promises" in states(findings, "apogee_lite", "fault")[0]["found"]


def test_what_is_no_fits_is_seen(look):
    status, findings, _ = look(spoil=lambda sky: (sky / LITE).write_bytes(b"hello" * 9999))
    assert status == 1
    assert "not a FITS file" in states(findings, "apogee_lite", "fault")[0]["found"]


def test_table_for_people_ends_with_the_verdict(look, capsys, monkeypatch, made):
    with Archive(made, STORED, [Fault("ReadMe", "status", 404)]) as archive:
        for name, value in archive.environment([APOGEE, GALAH]).items():
            monkeypatch.setenv(name, value)
        assert preflight.main(["tiny"]) == 1
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-1].startswith("Verdict: tiny is not ready: 4 faults")
    assert any(line.startswith("FAULT  readme") for line in lines)


def test_simulated_run_starts_its_archive_itself(tmp_path, monkeypatch, capfd):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPECTROTRANSLATOR_URL_MAP", raising=False)
    assert preflight.main(["tiny", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["ready"]
    assert not (tmp_path / "results").exists(), "a look writes nothing"


def test_run_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(InputError, match="no-such"):
        preflight.main(["no-such"])


def test_disk_and_memory_that_do_not_suffice_are_faults():
    run = resolve("tiny", ROOT)
    short = run.compute.model_copy(update={"memory_mb": 10**9, "threads": 10**6})
    found = check_machine.check_machine(run.model_copy(update={"compute": short}), 10**18, 1)
    assert {f.what: f.state for f in found} == {
        "disk": "fault", "memory": "fault", "cores": "note", "device": "ok",
    }  # fmt: skip


def test_device_that_is_asked_for_and_not_there_or_wrong_is_a_fault():
    torch = pytest.importorskip("torch")
    run = resolve("tiny", ROOT)
    if torch.cuda.is_available():
        assert check_machine._computes(torch, "cuda").state == "ok"
    else:
        cuda = run.compute.model_copy(update={"device": "cuda"})
        run = run.model_copy(update={"compute": cuda})
        assert check_machine._device(run).state == "fault"
        assert check_machine._computes(torch, "cuda").state == "fault"


LAYOUT = ROOT / "config" / "catalogues" / "g2a.yaml"
OURS = {"empty": '""', "quote": '"', "cut": 155, "ellipsis": "..."}


def test_other_habits_of_comments_are_told():
    cells = ["", "'" + "x" * 150 + "...'", "'short'", ""]
    found = {f.what: f for f in check_comments("g2a", cells, OURS, LAYOUT)}
    assert found["empty comment"].advice == f"set comment.empty: '' in {LAYOUT}"
    assert '"\'"' in found["quotes"].found
    assert found["comments cut"].advice.startswith("set comment.cut: 150")


@pytest.mark.parametrize("quote", ['"', ""])
def test_comments_cut_hard_are_told_with_their_width_and_do_not_change_the_quotes(quote):
    words = ["x" * 200, "y" * 200, "z" * 200, "x" * 154 + " x"]
    cells = ['""', f"{quote}short|{quote}", *(f"{quote}{text}"[:156] for text in words)]
    width = 156 - len(quote)
    found = {f.what: f for f in check_comments("g2a", cells, OURS | {"quote": quote}, LAYOUT)}
    assert found["quotes"].state == "ok"
    assert found["comments cut"].state == "note"
    assert f" end at {width} characters" in found["comments cut"].found
    advice = f"set comment.cut: {width} and comment.ellipsis: '' in {LAYOUT}"
    assert found["comments cut"].advice == advice


@pytest.mark.parametrize("ellipsis", ["...", ""])
def test_whole_comments_are_not_taken_for_cut_whatever_the_ellipsis(ellipsis):
    cells = ['"| Input teff_logg outside training range|"'] * 5 + ['"| Input teff|"', '""']
    ours = OURS | {"ellipsis": ellipsis}
    found = {f.what: f for f in check_comments("g2a", cells, ours, LAYOUT)}
    assert {f.state for f in found.values()} == {"ok"}
    assert "none of 6 comments is cut" in found["comments cut"].found


def test_damaged_remote_files_are_findings(look):
    status, findings, _ = look(Fault("g2a.dat.gz", "wrong-bytes", 40))
    assert status == 1
    assert any("gzip" in f["found"] for f in states(findings, "g2a", "fault"))

    def spoil(sky):
        path = sky / preflight.SKY[0]
        content = path.read_bytes()
        start = content.index(b"TFIELDS =")
        path.write_bytes(content[:start] + b"TFIELDS = 'x'".ljust(80) + content[start + 80 :])

    status, findings, _ = look(spoil=spoil)
    assert status == 1
    assert any("TFIELDS is 'x'" in f["found"] for f in states(findings, "galah_main", "fault"))


def test_rows_of_another_width_are_a_fault():
    (found,) = check_rows("g2a", LAYOUT, b"x" * 900 + b"\n" + b"y" * 900 + b"\n")
    assert found.state == "fault"
    assert "900 bytes (2); expected 924" in found.found
    (found,) = check_rows("g2a", LAYOUT, b"no whole row")
    assert found.state == "fault"


def test_authors_samples_that_are_not_at_hand_are_named_with_the_place_to_get_them(look):
    _, findings, _ = look()
    (note,) = [f for f in findings if f["subject"] == "authors_intrinsic"]
    assert note["state"] == "note"
    assert "research.iac.es" in note["advice"]
    assert "sources.authors.folder" in note["advice"]
    run = resolve("tiny", ROOT)
    trained_on = run.model_copy(update={"training_sample": "authors"})
    assert {f.state for f in preflight._authors(trained_on)} == {"fault"}


def test_authors_samples_in_their_folder_are_looked_into(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    run = resolve("tiny", ROOT)
    authors = run.sources.authors.model_copy(update={"folder": str(tmp_path)})
    there = run.model_copy(update={"sources": run.sources.model_copy(update={"authors": authors})})
    assert {f.state for f in preflight._authors(there)} == {"fault"}
    columns = {c: np.ones(3) for named in authors.columns.values() for c in named.values()}
    for kind in ("intrinsic", "extrinsic"):
        Table(columns).write(tmp_path / f"Training_sample_{kind}.fits")
    assert {f.found.split(": ")[1] for f in preflight._authors(there)} == {"3 stars"}
    columns["TEFF_apogee_2"] = columns.pop("TEFF_APOGEE")
    Table(columns).write(tmp_path / "Training_sample_intrinsic.fits", overwrite=True)
    first, _ = preflight._authors(there)
    assert "nearest: TEFF_apogee_2" in first.found
