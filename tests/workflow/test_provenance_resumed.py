"""A run that was killed again and again ends with a record that is whole."""

import json
import os
import random
import signal
import subprocess
import time


def test_a_run_resumed_after_kills_has_a_complete_record(bare):
    chance = random.Random(8)
    folder = bare.root / "results" / "tiny"
    for _ in range(4):
        call = subprocess.Popen(
            ["./reproduce", "tiny"],
            cwd=bare.root,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(6, 16))
        os.killpg(call.pid, signal.SIGKILL)
        call.wait()
        for path in (folder / "provenance" / "jobs").glob("[!.]*.json"):
            assert json.loads(path.read_text())["exit"] == 0
    done = bare.reproduce("tiny")
    assert done.returncode == 0, done.stderr
    audit = bare.reproduce("audit", "tiny")
    assert audit.returncode == 0, audit.stdout
    assert "whole" in audit.stdout
    assert not list(folder.rglob("*.part"))
