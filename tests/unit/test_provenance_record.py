"""What a job's record says, and that it is whole or absent."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spectrotranslator.files import sha256
from spectrotranslator.provenance.code import PACKAGE, rule_of
from spectrotranslator.provenance.machine import environment
from spectrotranslator.provenance.record import seeds

ROOT = PACKAGE.parent.parent


@pytest.fixture
def job(tmp_path):
    """Run a small stage (joining receipts) with a record."""

    def run(**environment):
        receipt = tmp_path / "receipt.json"
        receipt.write_text('{"name": "a", "sha256": "x"}')
        record = tmp_path / "provenance" / "jobs" / "list-sources.json"
        command = [sys.executable, "-m", "spectrotranslator.archive.manifest"]
        command += ["--receipts", str(receipt), "--manifest", str(tmp_path / "m.json")]
        surroundings = os.environ | {"PYTHONPATH": str(PACKAGE.parent)} | environment
        subprocess.run([*command, "--record", str(record)], env=surroundings, check=True)
        return json.loads(record.read_text())

    return run


def test_a_record_holds_files_code_environment_machine_and_times(job, tmp_path):
    record = job()
    assert record["job"] == "list-sources" and record["stage"] == "archive.manifest"
    assert record["rule"] == "list_sources" and record["exit"] == 0
    (read,), (wrote,) = record["inputs"], record["outputs"]
    assert (read["role"], wrote["role"]) == ("receipts", "manifest")
    assert wrote["sha256"] == sha256(tmp_path / "m.json")
    assert wrote["bytes"] == (tmp_path / "m.json").stat().st_size
    for name, told in record["code"]["files"].items():
        assert told == sha256(PACKAGE / name)
    assert {"archive/manifest.py", "stage.py", "files.py"} <= set(record["code"]["files"])
    assert record["environment"]["lock"]["sha256"] == sha256(ROOT / "envs" / "run.lock")
    assert any(line.startswith("numpy==") for line in record["environment"]["distributions"])
    assert record["compute"]["accelerator"] == "none" and record["seeds"] == "none"
    assert record["machine"]["cpu"] and record["machine"]["memory_mb"] > 0
    assert record["started"] < record["ended"] and record["peak_memory_mb"] > 1


def test_the_commit_and_the_difference_are_recorded_where_there_is_a_repository(job):
    told = job()["code"]["repository"]
    if not (ROOT / ".git").exists():
        assert told["commit"].startswith("none")
        return
    assert re.fullmatch("[0-9a-f]{40}", told["commit"])
    assert told["difference"] == "none" or told["modified"]


def test_the_host_can_be_withheld(job):
    assert job()["machine"]["host"] not in ("withheld", "")
    assert job(SPECTROTRANSLATOR_WITHHOLD_HOST="1")["machine"]["host"] == "withheld"


def test_every_seed_of_the_configuration_is_found_by_its_place(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("split: {seed: 4}\nmethods: {a: {training: {seed: 1, batch: 2}}}\n")
    (tmp_path / "training.json").write_text('{"seed": 77}')
    found = seeds([path], [tmp_path / "training.json"])
    assert found == {"split.seed": 4, "methods.a.training.seed": 1, "training": 77}


def test_every_stage_of_the_workflow_has_its_rule():
    rules = {path.read_text() for path in (PACKAGE.parent / "rules").glob("*.smk")}
    stages = {s for text in rules for s in re.findall(r"-m spectrotranslator\.([\w.]+)", text)}
    for stage in stages - {"minisky.serve"}:
        assert rule_of(stage) != "none", stage
    assert rule_of("network.train") == "train_member"
    assert rule_of("nothing.of.that") == "none"


def test_an_input_that_changes_while_it_is_read_is_refused(tmp_path):
    script = tmp_path / "stage_that_changes_its_input.py"
    source = Path(tmp_path / "input.txt")
    source.write_text("before")
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from spectrotranslator.stage import Stage\n"
        "stage = Stage('a stage')\n"
        "stage.input('source', 'a file')\n"
        "def main(arguments):\n"
        "    arguments.source.write_text('after, longer')\n"
        "stage.run(main)\n"
    )
    record = tmp_path / "record.json"
    done = subprocess.run(
        [sys.executable, str(script), "--source", str(source), "--record", str(record)],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "changed while it was read" in done.stderr
    assert not record.exists()


def test_the_listed_distributions_are_those_that_are_installed():
    from importlib.metadata import distributions

    installed = {f"{re.sub('[-_.]+', '-', d.name).lower()}=={d.version}" for d in distributions()}
    assert set(environment()["distributions"]) == installed
