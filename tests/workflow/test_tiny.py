"""The whole workflow on the tiny sky: complete, idempotent, precise and deterministic."""

import json
import re

import pytest

from workflow.conftest import MAY_CUT_OFF, steps_with_network


def test_a_run_ends_with_a_table_a_page_and_a_verdict(finished):
    printed = (finished.root / "first.txt").read_text()
    verdict = json.loads((finished.root / "results/tiny/verdict.json").read_text())
    assert verdict["evidence"] == "simulated"
    assert verdict["grade"] in ("identical", "equivalent")
    assert f"Verdict: {verdict['grade']}" in printed
    assert "results/tiny/report/index.html" in printed
    assert len(verdict["catalogues"]["g2a.dat"]["columns"]) == 39


def test_what_follows_from_the_inputs_alone_is_identical(finished):
    columns = json.loads((finished.root / "results/tiny/diff/g2a/diff.json").read_text())["columns"]
    exact = ("GALAH", "Flagmii", "Flagmie", "QflagIi", "QflagIe", "QflagOe")
    assert {columns[label]["grade"] for label in exact} == {"identical"}
    # The published side aligns short numbers otherwise, so their bytes are not the same.
    assert columns["GaiaDR3"]["differing"] == 0


def test_records_have_the_published_length(finished):
    lines = (finished.root / "results/tiny/catalogues/as-published/g2a.dat").read_bytes()
    assert {len(line) for line in lines.splitlines()} == {924}


def test_our_own_check_finds_no_fault_in_our_table(finished):
    folder = "results/tiny/catalogues/as-published"
    done = finished.reproduce("check", f"{folder}/ReadMe", f"{folder}/g2a.dat")
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not MAY_CUT_OFF, reason="no network namespace can be made here")
def test_no_stage_but_those_that_fetch_needs_a_network(finished):
    assert steps_with_network(finished, "tiny") == {
        "spectrotranslator.download.fetch_file",
        "spectrotranslator.download.fetch_photometry",
    }


def test_no_stage_reads_the_truth(finished):
    for record in (finished.root / "results/tiny/provenance/jobs").glob("*.json"):
        inputs = [file["path"] for file in json.loads(record.read_text())["inputs"]]
        assert not [path for path in inputs if "truth" in path], record.name


def test_nothing_that_is_not_needed_is_fetched(finished):
    assert not (finished.root / "results/tiny/sources/a2g.dat.gz").exists()


def test_no_execution_at_once_is_refused(finished):
    done = finished.verb("calibrate", "tiny", "--jobs", "0")
    assert (done.returncode, done.stderr) == (2, "error: --jobs 0: at least 1 is needed\n")


def test_every_file_of_the_run_is_named_in_the_manifest(finished):
    folder = finished.root / "results/tiny"
    manifest = json.loads((folder / "provenance/manifest.json").read_text())
    known = {file["path"] for file in manifest["files"]}
    own = "results/tiny/report/snakemake.html"  # of Snakemake, made when all else is recorded
    assert (finished.root / own).is_file()
    for name in ("sample", "networks", "importance", "catalogues", "diff", "figures", "report"):
        for path in (folder / name).rglob("*"):
            assert path.is_dir() or str(path.relative_to(finished.root)) in {*known, own}, path


def test_the_page_shows_every_figure_and_asks_for_nothing(finished):
    page = (finished.root / "results/tiny/report/index.html").read_text()
    drawn = list((finished.root / "results/tiny/figures").glob("*.svg"))
    assert page.count("data:image/svg+xml;base64,") == len(drawn) > 10
    assert not re.search(r'(src|href)="(?!data:|#|\.\./)', page)


def test_a_second_call_does_nothing_and_says_so(finished):
    done = finished.reproduce("tiny")
    assert done.returncode == 0
    assert "Nothing to do" in done.stdout


AFTER_TRANSLATION = {
    "assemble_catalogue",
    "write_table",
    "describe_catalogues",
    "homogenise",
    "compare_catalogue",
    "grade_catalogues",
    "draw_figures",
    "write_page",
    "write_crate",
    "write_manifest",
}
AFTER_TRAINING = {
    "train_members",
    "assess_ensemble",
    "translate_shard",
    *AFTER_TRANSLATION,
}
AFTER_SAMPLES = {
    "crossmatch",
    "build_ledger",
    "cross_validate",
    "evaluate_methods",
    *AFTER_TRAINING,
}


@pytest.mark.parametrize(
    ("file", "rules"),
    [
        ("report/index.html", {"write_page", "write_crate", "write_manifest"}),
        ("figures/quality-as-published-g2a.csv", {"draw_figures", "write_page"}),
        ("verdict.json", {"grade_catalogues", "write_page"}),
        (
            "diff/g2a/rows.parquet",
            {"compare_catalogue", "grade_catalogues", "draw_figures", "write_page"},
        ),
        ("catalogues/as-published/g2a.fits", AFTER_TRANSLATION - {"homogenise"}),
        (
            "catalogues/as-published/parts/g2a-1-of-2.parquet",
            {"translate_shard", *AFTER_TRANSLATION},
        ),
        ("networks/as-published/g2a/intrinsic/member-2/weights.safetensors", AFTER_TRAINING),
        ("sample/g2a-intrinsic.parquet", AFTER_SAMPLES),
        (
            "sources/g2a.dat.gz",
            {
                "fetch_file",
                "list_sources",
                "read_fingerprint",
                "compare_catalogue",
                "grade_catalogues",
            },
        ),
        (
            "fingerprint/g2a.json",
            {
                "read_fingerprint",
                "compare_catalogue",
                "grade_catalogues",
                "draw_figures",
                "write_page",
            },
        ),
        ("logs/grade_catalogues.log", {"grade_catalogues", "write_page"}),
        ("benchmarks/grade_catalogues.tsv", {"grade_catalogues", "write_page"}),
        ("provenance/jobs/grade_catalogues.json", {"grade_catalogues", "write_page"}),
    ],
)
def test_a_deleted_file_reruns_what_makes_it_and_what_hangs_on_it(clone, file, rules):
    path = clone.root / "results/tiny" / file
    path.unlink()
    extra = {"write_manifest", "draw_figures", "write_page", "write_crate"}
    assert rules <= clone.would_run() <= rules | extra


def test_an_edited_module_reruns_the_stages_made_of_it(clone):
    with (clone.root / "workflow/spectrotranslator/network/scaling.py").open("a") as stream:
        stream.write("\n# edited\n")
    again = clone.would_run()
    assert {"train_members", "translate_shard", "grade_catalogues"} <= again
    assert not again & {"simulate_sky", "fetch_file", "read_survey", "crossmatch"}


def test_a_changed_setting_reruns_what_depends_on_it(clone):
    path = clone.root / "config/runs/tiny.yaml"
    path.write_text(path.read_text().replace("block_rows: 128", "block_rows: 64"))
    again = clone.would_run()
    assert {"translate_shard", "grade_catalogues"} <= again
    assert not again & {"fetch_file", "crossmatch", "train_members", "assess_ensemble"}


def test_a_run_made_again_with_other_settings_passes_its_audit(clone):
    path = clone.root / "config/runs/tiny.yaml"
    for before, after in ((128, 64), (64, 96)):
        text = path.read_text().replace(f"block_rows: {before}", f"block_rows: {after}")
        path.write_text(text)
        done = clone.reproduce("tiny")
        assert done.returncode == 0, done.stderr
    kept = list((clone.root / "results/tiny/provenance/configurations").iterdir())
    audit = clone.reproduce("audit", "tiny")
    assert audit.returncode == 0, audit.stdout
    assert len(kept) == 2


def test_a_dry_run_leaves_the_finished_run_s_configuration_as_it_is(clone):
    kept = clone.root / "results/tiny/config.yaml"
    before = kept.read_bytes()
    path = clone.root / "config/runs/tiny.yaml"
    path.write_text(path.read_text().replace("Some hundred", "Some thousand").replace("128", "64"))
    assert "translate_shard" in clone.would_run()
    assert kept.read_bytes() == before


def test_another_order_of_the_surveys_matches_them_anew(clone):
    path = clone.root / "config/runs/tiny.yaml"
    path.write_text("extends: [ahead.yaml, mini.yaml, ../skies/tiny/sky.yaml]\n"
                    + path.read_text().split("\n", 1)[1])  # fmt: skip
    (path.parent / "ahead.yaml").write_text("surveys: {apogee: {}, galah: {}}\n")
    assert {"crossmatch", "train_members"} <= clone.would_run()


def test_another_entry_of_a_service_asks_it_anew(clone):
    path = clone.root / "config/sources.csv"
    lines = path.read_text().splitlines(keepends=True)
    lines = [x.replace("https://", "https://other.") if x.startswith("gaia,") else x for x in lines]
    path.write_text("".join(lines))
    again = clone.would_run()
    assert {"fetch_photometry", "crossmatch"} <= again
    assert not again & {"fetch_file", "simulate_sky", "read_survey"}


def test_a_part_of_a_run_is_made_and_called_a_part(bare):
    done = bare.reproduce("tiny", "--", "--until", "simulate_sky")
    assert done.returncode == 0, done.stderr
    assert "run tiny is not complete" in done.stdout
    assert (bare.root / "results/tiny/sky/gaia.parquet").is_file()


def test_the_plan_of_a_finished_run_says_so(finished):
    done = finished.verb("plan", "tiny")
    assert (done.returncode, done.stdout) == (
        0, "Run tiny is complete: nothing is left to do.\n",
    )  # fmt: skip


def test_a_dry_run_prints_counts_and_reasons_alone(bare):
    done = bare.reproduce("tiny", "--", "-n")
    assert done.returncode == 0, done.stderr
    assert "train_members" in done.stdout
    assert "results/tiny/networks" not in done.stdout
    assert len(done.stdout.splitlines()) < 120
