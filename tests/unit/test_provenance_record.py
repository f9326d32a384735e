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


TOLD = (
    "JobId=7 JobName=x JobState=RUNNING TimeLimit=00:05:00 SubmitTime=2026-01-01T00:00:01"
    " Partition=main NodeList=n[1-2] BatchHost=n1 NumCPUs=2"
    " ReqTRES=cpu=1,mem=1M TRES=cpu=2,mem=600M,node=1,billing=2,gres/gpu=1,gres/gpu:a100=1"
)


def test_under_slurm_the_record_names_job_node_and_what_was_allocated(job, tmp_path):
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(f"#!/bin/sh\n[ $4 = 7 ] && echo '{TOLD}'\n")
    scontrol.chmod(0o755)
    slurm = {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "n1", "CUDA_VISIBLE_DEVICES": "0"}
    slurm["PATH"] = f"{scontrol.parent}:{os.environ['PATH']}"
    told = job(**slurm)["scheduler"]
    assert (told["job"], told["node"], told["nodes"]) == ("7", "n1", "n[1-2]")
    assert told["cuda_visible_devices"] == "0" and told["time_limit"] == "00:05:00"
    assert told["resources"]["mem"] == "600M" and told["resources"]["gres/gpu:a100"] == "1"
    assert "n1" not in str(job(**slurm, SPECTROTRANSLATOR_WITHHOLD_HOST="1")["scheduler"])
    silent = job(**slurm | {"SLURM_JOB_ID": "8"})["scheduler"]
    assert silent["job"] == "8" and silent["resources"] == "unknown"


def test_outside_slurm_the_record_has_no_scheduler_and_no_container(job):
    record = job()
    assert record["scheduler"] == {} and "container" not in record["machine"]


def test_the_image_a_job_runs_in_is_recorded_by_its_digest(job, tmp_path):
    image = tmp_path / "environment.sif"
    image.write_bytes(b"an image")
    assert job(APPTAINER_CONTAINER=str(image))["machine"]["container"] == sha256(image)


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
