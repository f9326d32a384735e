"""The profile for Slurm, tried where no Slurm is."""

import os
import re
import shutil
from pathlib import Path

import pytest

from workflow.conftest import bare

__all__ = ["bare"]

SLURM = {"sinfo", "sbatch", "squeue", "sacct", "scancel", "scontrol", "srun", "salloc"}
ON_DEVICE = {"train_members", "cross_validate", "translate_shard"}


@pytest.fixture(scope="module")
def without_slurm(tmp_path_factory) -> str:
    """A PATH on which everything lies but the programs of Slurm."""
    folder = tmp_path_factory.mktemp("programs")
    for place in reversed(os.environ["PATH"].split(":")):
        for program in Path(place).glob("*"):
            link = folder / program.name
            link.unlink(missing_ok=True)
            if program.name not in SLURM:
                link.symlink_to(program)
    return str(folder)


def tried(clone, run: str, path: str) -> str:
    """What a dry run with the profile prints."""
    arguments = (run, "--", "--profile", "profiles/slurm", "-n", "-p")
    done = clone.reproduce(*arguments, env=os.environ | {"PATH": path})
    assert done.returncode == 0, done.stderr
    return done.stdout


def asking(text: str) -> dict[str, set[str]]:
    """Rule to the GPUs its jobs ask for, from a dry run's text."""
    found: dict[str, set[str]] = {}
    for block in re.split(r"\n(?=\s*(?:local)?rule )", text)[1:]:
        rule = re.match(r"\s*(?:local)?rule (\w+):", block)[1]
        found.setdefault(rule, set()).update(re.findall(r"gres=([^,\n]+)", block))
    return found


def test_the_slurm_profile_can_be_tried_without_slurm(bare, without_slurm):
    assert shutil.which("sbatch", path=without_slurm) is None
    text = tried(bare, "tiny", without_slurm)
    assert "train_members" in text
    assert not any(asking(text).values())


def test_only_jobs_on_the_device_ask_for_a_gpu_and_only_where_it_is_configured(bare, without_slurm):
    run = Path("config/runs/gpu.yaml")
    (bare.root / run).write_text(
        "extends: [tiny.yaml]\ncompute: {device: cuda, gres: 'gpu:a100:1'}\n"
    )
    found = asking(tried(bare, "gpu", without_slurm))
    assert len(found) > 10
    assert {rule for rule, gpus in found.items() if gpus} == ON_DEVICE
    assert all(found[rule] == {"gpu:a100:1"} for rule in ON_DEVICE)
