"""What a job's record says, and that it is whole or absent."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from spectrotranslator.errors import InputError
from spectrotranslator.files import sha256
from spectrotranslator.provenance.job_record import seeds, signatures, write_record
from spectrotranslator.provenance.machine import environment
from spectrotranslator.source_code import SOURCE, is_step

ROOT = SOURCE.parent


@pytest.fixture
def job(tmp_path):
    """Run a small stage (joining receipts) with a record."""

    def run(**environment):
        receipt = tmp_path / "receipt.json"
        receipt.write_text('{"name": "a", "sha256": "x"}')
        record = tmp_path / "provenance" / "jobs" / "list_sources.json"
        command = [
            sys.executable,
            "-m",
            "spectrotranslator.run_step",
            "spectrotranslator.download.list_sources",
        ]
        command += ["--receipts", str(receipt), "--manifest", str(tmp_path / "m.json")]
        surroundings = os.environ | environment
        subprocess.run([*command, "--record", str(record)], env=surroundings, check=True)
        return json.loads(record.read_text())

    return run


def test_a_record_holds_files_code_environment_machine_and_times(job, tmp_path):
    record = job()
    assert record["job"] == "list_sources"
    assert record["step"] == "spectrotranslator.download.list_sources"
    assert record["rule"] == "list_sources" and record["exit"] == 0
    (read,), (wrote,) = record["inputs"], record["outputs"]
    assert (read["role"], wrote["role"]) == ("receipts", "manifest")
    assert wrote["sha256"] == sha256(tmp_path / "m.json")
    assert wrote["bytes"] == (tmp_path / "m.json").stat().st_size
    for name, told in record["code"]["files"].items():
        assert told == sha256(SOURCE / name)
    assert {
        "spectrotranslator/download/list_sources.py",
        "spectrotranslator/step.py",
        "cdstables/files.py",
    } <= set(record["code"]["files"])
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


def test_only_modules_that_declare_a_step_are_run():
    assert is_step("spectrotranslator.network.train_members")
    assert is_step("minisky.simulate_sky")
    for other in ("spectrotranslator.files", "os", "spectrotranslator.nothing", "..", "a/b"):
        assert not is_step(other)


def test_an_input_that_changes_while_it_is_read_is_refused(tmp_path):
    source = tmp_path / "input.txt"
    source.write_text("before")
    before = signatures({"source": [source]})
    source.write_text("after, longer")
    record = tmp_path / "record.json"
    with pytest.raises(InputError, match="changed while it was read"):
        write_record(
            record,
            module="spectrotranslator.download.list_sources",
            words=[],
            inputs={"source": [source]},
            outputs={},
            started=datetime.now(UTC),
            parameters={},
            before=before,
        )
    assert not record.exists()


def test_the_listed_distributions_are_those_that_are_installed():
    from importlib.metadata import distributions

    installed = {f"{re.sub('[-_.]+', '-', d.name).lower()}=={d.version}" for d in distributions()}
    assert set(environment()["distributions"]) == installed
