"""Two runs compared: the first job whose results differ, and what it did otherwise."""

import copy
import dataclasses
import shutil

import pytest
import yaml

from spectrotranslator.provenance.finished_run import read_run
from spectrotranslator.provenance.run_comparison import compare

TRAIN = "train_members-as-published-g2a-intrinsic"
TRANSLATE = "translate_shard-as-published-g2a-1-of-2"
PREDICT = "cross_validate-as-published-g2a"
MATCH = "crossmatch-g2a-intrinsic"


@pytest.fixture(scope="module")
def run(finished):
    return read_run(finished.root / "results" / "tiny", finished.root)


def planted(run, job, change):
    """A copy of the run in which ``job`` did something otherwise, and all after it too."""
    other = dataclasses.replace(run, records=copy.deepcopy(run.records))
    change(other.records[job])
    for name in run.follows({job}):
        for file in other.records[name]["outputs"]:
            inject_defects(other, file["path"])
    return other


def inject_defects(run, path):
    for record in run.records.values():
        for file in [*record["inputs"], *record["outputs"]]:
            if file["path"] == path:
                file["sha256"] = "f" * 64


def code(name):
    return lambda r: r["code"]["files"].update({name: "0" * 64})


def machine(**values):
    return lambda r: r["machine"].update(values)


def compute(name, value):
    return lambda r: r["compute"].update({name: value})


def layout_changed(record):
    next(f for f in record["inputs"] if f["role"] == "layout")["sha256"] = "0" * 64


def upgraded(record):
    packages = record["environment"]["distributions"]
    packages[:] = ["numpy==0.1" if p.startswith("numpy==") else p for p in packages]


PLANTED = [
    (TRAIN, "code", code("network/training.py")),
    (TRANSLATE, "code", code("catalogue/draws.py")),
    (MATCH, "code", code("sample/crossmatch.py")),
    ("read_survey-galah", "code", code("surveys/readers.py")),
    ("grade_catalogues", "code", code("compare/verdict.py")),
    (TRAIN, "hardware", machine(cpu="another")),
    (TRANSLATE, "hardware", machine(instruction_sets=["avx2"])),
    (TRAIN, "hardware", machine(architecture="aarch64")),
    (TRAIN, "hardware", compute("accelerator", {"kind": "cuda"})),
    (TRANSLATE, "hardware", compute("precision", {"matmul": "medium"})),
    (TRAIN, "threads", lambda r: r["compute"]["threads"].update(torch=2)),
    (TRANSLATE, "threads", lambda r: r["compute"]["threads"].update(OMP_NUM_THREADS="4")),
    (TRAIN, "environment", upgraded),
    ("prepare_stars-galah", "environment", upgraded),
    (TRANSLATE, "environment", lambda r: r["environment"].update(python="3.12.0")),
    ("fetch_file-GALAH_DR3_main_allstar_v2.fits", "input", lambda r: None),
    ("fetch_photometry", "input", lambda r: None),
    ("assemble_catalogue-as-published-g2a", "input", layout_changed),
    (TRAIN, "parameter", lambda r: r["parameters"].update(member=9)),
    (TRANSLATE, "parameter", lambda r: r["parameters"].update(shard="(0, 3)")),
]


@pytest.mark.parametrize(("job", "cause", "change"), PLANTED)
def test_a_planted_change_is_named_with_its_job(run, job, cause, change):
    found = compare(run, planted(run, job, change))
    assert (found.job, found.causes[0].kind) == (job, cause)
    assert job not in found.following and found.alike == []
    assert set(found.following) <= run.follows({job})


@pytest.mark.parametrize(
    ("place", "value", "job", "cause"),
    [
        (("methods", "as-published", "training", "seed"), 2, TRAIN, "seed"),
        (("methods", "as-published", "training", "batch"), 64, TRAIN, "parameter"),
        (("methods", "as-published", "montecarlo", "seed"), 9, TRANSLATE, "seed"),
        (("split", "seed"), 9, MATCH, "seed"),
        (("compute", "threads"), 2, TRAIN, "threads"),
    ],
)
def test_a_changed_setting_is_named(run, tmp_path, place, value, job, cause):
    folder = with_setting(run, tmp_path, place, value)
    other = dataclasses.replace(planted(run, job, lambda record: None), folder=folder)
    found = compare(run, other)
    assert (found.job, found.causes[0].kind) == (job, cause)
    assert any(change.startswith(".".join(place)) for change in found.causes[0].what)


@pytest.mark.parametrize(
    ("place", "value", "job"),
    [
        (("methods", "as-published", "training", "seed"), 2, PREDICT),
        (("methods", "as-published", "montecarlo", "realisations"), 9, PREDICT),
        (("methods", "as-published", "ensemble", "trim"), 0, PREDICT),
        (("methods", "as-published", "training", "patience"), 9, "read_fingerprint-g2a"),
    ],
)
def test_it_is_named_too_where_an_evaluation_or_an_estimate_differs_first(
    run, tmp_path, place, value, job
):
    folder = with_setting(run, tmp_path, place, value)
    other = dataclasses.replace(planted(run, job, lambda record: None), folder=folder)
    (cause,) = compare(run, other).causes
    assert [change.partition(":")[0] for change in cause.what] == [".".join(place)]


def with_setting(run, tmp_path, place, value):
    """A folder with the run's configurations, one setting of which is another."""
    kept = tmp_path / "tiny" / "provenance" / "configurations"
    shutil.copytree(run.folder / "provenance" / "configurations", kept)
    path = next(kept.glob("*.yaml"))
    settings = yaml.safe_load(path.read_text())
    inner = settings
    for name in place[:-1]:
        inner = inner.setdefault(name, {})
    inner[place[-1]] = value
    path.write_text(yaml.safe_dump(settings))
    return tmp_path / "tiny"


def test_two_equal_runs_differ_in_none(run):
    found = compare(run, dataclasses.replace(run, records=copy.deepcopy(run.records)))
    assert found.job is None and found.causes == [] and len(found.same) > 50
    assert found.without_effect == []


def test_a_change_without_effect_is_told_as_such(run):
    other = dataclasses.replace(run, records=copy.deepcopy(run.records))
    code("network/training.py")(other.records[TRAIN])
    found = compare(run, other)
    assert found.job is None
    assert [cause.kind for cause in found.without_effect] == ["code"]
