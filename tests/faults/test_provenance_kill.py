"""A killed job leaves a whole record or none."""

import json
import os
import random
import signal
import subprocess
import sys
import time


def start(folder):
    command = [
        sys.executable,
        "-m",
        "spectrotranslator.run_step",
        "spectrotranslator.download.list_sources",
        "--receipts",
    ]
    command += [str(folder / "receipt.json"), "--manifest", str(folder / "manifest.json")]
    command += ["--record", str(folder / "jobs" / "list_sources.json")]
    surroundings = os.environ
    return subprocess.Popen(command, env=surroundings)


def test_a_job_killed_at_any_of_20_moments_leaves_a_whole_record_or_none(tmp_path):
    (tmp_path / "receipt.json").write_text('{"name": "a", "sha256": "x"}')
    clock = time.monotonic()
    assert start(tmp_path).wait() == 0
    whole = time.monotonic() - clock
    record = tmp_path / "jobs" / "list_sources.json"
    chance, killed = random.Random(7), 0
    for _ in range(20):
        record.unlink(missing_ok=True)
        job = start(tmp_path)
        time.sleep(whole * chance.uniform(0.3, 1.1))
        job.send_signal(signal.SIGKILL)
        killed += job.wait() == -signal.SIGKILL
        if record.exists():
            assert json.loads(record.read_text())["exit"] == 0
    assert killed >= 5
    assert start(tmp_path).wait() == 0
    assert json.loads(record.read_text())["outputs"][0]["sha256"]
