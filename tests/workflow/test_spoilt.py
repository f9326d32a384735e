"""Spoilt networks are called what they are, and a killed run goes on."""

import json
import os
import random
import shutil
import signal
import time

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file, save_file

from workflow.conftest import fresh


def shuffle(weights, seed: int) -> None:
    """Permute the numbers of every tensor of a member."""
    generator = np.random.default_rng(seed)
    tensors = load_file(weights)
    save_file(
        {
            name: generator.permuted(value.ravel()).reshape(value.shape)
            for name, value in tensors.items()
        },
        weights,
    )


def verdict(clone) -> dict:
    return json.loads((clone.root / "results/tiny/verdict.json").read_text())


def test_a_shuffled_network_deviates_and_one_bad_member_of_another_is_named(clone):
    networks = clone.root / "results/tiny/networks/as-published/g2a"
    shuffled = sorted(networks.glob("intrinsic/member-*"))
    for seed, member in enumerate([*shuffled, networks / "extrinsic/member-3"]):
        shuffle(member / "weights.safetensors", seed)
    done = clone.reproduce("tiny")
    assert done.returncode == 1, done.stderr
    found = verdict(clone)
    assert found["grade"] == "deviates"
    assert len(found["bad_members"]) == 6
    (named,) = [line for line in found["bad_members"] if "extrinsic" in line]
    assert named.startswith("as-published/g2a/extrinsic member-3")
    assert "member-3" in done.stdout
    columns = found["catalogues"]["g2a.dat"]["columns"]
    assert columns["Teff50"]["grade"] == "deviates"
    assert columns["Teff50"]["class"] == "training"


def test_twenty_kills_in_another_clone_end_in_the_same_bytes_and_a_whole_record(finished, bare):
    chance = random.Random(20)
    folder = bare.root / "results" / "tiny"
    for _ in range(20):
        process = bare.started()
        time.sleep(chance.uniform(1, 8))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for record in (folder / "provenance" / "jobs").glob("[!.]*.json"):
            assert json.loads(record.read_text())["exit"] == 0
    done = bare.reproduce("tiny")
    assert done.returncode == 0, done.stderr
    first, second = finished.digests(), bare.digests()
    assert len(first) > 50
    assert first == second
    assert not list((bare.root / "results").rglob(".*.part"))
    audit = bare.reproduce("audit", "tiny")
    assert audit.returncode == 0, audit.stdout
    assert "whole" in audit.stdout


def test_survivors_of_a_killed_call_are_ended(bare):
    process = bare.started()
    lock = bare.root / "results/.locks/tiny.lock"
    jobs = bare.root / "results/tiny/logs/snakemake.log"
    wait_for(lambda: lock.is_file() and lock.read_text() and jobs.is_file())
    note = json.loads(lock.read_text())
    os.kill(note["pid"], signal.SIGKILL)
    process.wait()
    assert marked(note["token"]), "Snakemake outlives the front door"
    bare.reproduce("tiny", "--", "-n")
    assert not marked(note["token"])


def test_a_call_in_a_copy_of_the_folder_leaves_the_first_one_s_processes_alone(bare, tmp_path):
    process = bare.started()
    lock = bare.root / "results/.locks/tiny.lock"
    wait_for(lambda: (bare.root / "results/tiny/logs/snakemake.log").is_file())
    token = json.loads(lock.read_text())["token"]
    copy = fresh(tmp_path / "copy")
    shutil.copytree(bare.root / "results/.locks", copy.root / "results/.locks")
    try:
        copy.reproduce("tiny", "--", "-n")
        assert marked(token)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_killed_snakemake_is_told_with_its_signal(bare):
    process = bare.started()
    log = bare.root / "results/tiny/logs/snakemake.log"
    wait_for(lambda: log.is_file())
    (snakemake,) = psutil.Process(process.pid).children()
    snakemake.kill()
    _, told = process.communicate()
    assert process.returncode == 2
    assert told.splitlines()[-1].startswith("error: Snakemake was ended by SIGKILL")


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def marked(token: str) -> list[int]:
    """Processes whose environment holds a call's mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SPECTROTRANSLATOR_RUN") == token:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def test_a_second_call_at_the_same_time_says_so(bare):
    process = bare.started()
    try:
        wait_for(lambda: (bare.root / "results/tiny/logs/snakemake.log").is_file())
        done = bare.reproduce("tiny")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: run tiny is being made by process")


@pytest.mark.parametrize("by", ["a terminal", "a scheduler"])
def test_an_interrupt_leaves_a_run_that_can_go_on(bare, by):
    started = bare.started()
    wait_for(lambda: (bare.root / "results/tiny/logs/snakemake.log").is_file())
    time.sleep(3)
    token = json.loads((bare.root / "results/.locks/tiny.lock").read_text())["token"]
    if by == "a terminal":
        os.killpg(started.pid, signal.SIGINT)
    else:
        os.kill(started.pid, signal.SIGTERM)
    _, errors = started.communicate(timeout=150)
    assert started.returncode == 2
    assert errors.strip().splitlines()[-1].startswith("error: ")
    assert not marked(token), "nothing is left at work"
