"""Bad input gets one clear line, the last one printed, exit status 2, and nothing is lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spectrotranslator.config import dump, resolve
from workflow.conftest import clone, finished

__all__ = ["clone", "finished"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path):
    """A copy of the configuration and links to the rest, so that runs can be spoilt."""
    for name in ("Snakefile", "workflow", "profiles", "envs", "reproduce", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name if name != ".venv" else Path(sys.prefix))
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "reproduce").unlink()
    shutil.copy2(ROOT / "reproduce", tmp_path / "reproduce")
    return tmp_path


def reproduce(place, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "spectrotranslator", *arguments],
        cwd=place,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


def refusal(done) -> str:
    """The one line of a refused call."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    return last


def run_file(place, text: str, name: str = "odd") -> str:
    (place / f"{name}.yaml").write_text("extends: config/runs/tiny.yaml\n" + text)
    return f"{name}.yaml"


def test_an_unknown_key_is_refused_with_its_line_and_the_nearest_known_name(place):
    run = run_file(place, "methods:\n  as-published:\n    ensemble:\n      member: 7\n")
    line = refusal(reproduce(place, run))
    assert "odd.yaml, line 5" in line
    assert "'members'" in line


def test_too_few_members_to_trim_are_refused(place):
    run = run_file(place, "methods: {as-published: {ensemble: {members: 3}}}\n")
    assert "at least 5" in refusal(reproduce(place, run))


def test_a_run_that_does_not_exist_names_those_that_do(place):
    line = refusal(reproduce(place, "minni"))
    assert "minni" in line
    assert "mini" in line
    assert "full" in line


def test_a_missing_configuration_file_is_named(place):
    assert "nowhere.yaml: no such run" in refusal(reproduce(place, "nowhere.yaml"))


def test_a_file_that_is_not_yaml_is_named_with_the_line(place):
    (place / "odd.yaml").write_text("extends: config/runs/tiny.yaml\ncompute: {shards: [}\n")
    assert "odd.yaml, line 2" in refusal(reproduce(place, "odd.yaml"))


def test_a_character_that_no_yaml_may_hold_is_refused_in_a_line(place):
    (place / "odd.yaml").write_text("extends: config/runs/tiny.yaml\ndescription: a\x0bb\n")
    assert "odd.yaml: not YAML" in refusal(reproduce(place, "odd.yaml"))


def refused(clone, settings: str) -> str:
    """The line that refuses further settings of the tiny run, whose sources are there."""
    with (clone.root / "config/runs/tiny.yaml").open("a") as stream:
        stream.write(settings)
    return refusal(clone.reproduce("tiny"))


def test_a_missing_column_is_named_with_its_nearest_relatives(clone):
    line = refused(clone, "surveys: {galah: {keep: [flag_spp]}}\n")
    assert "flag_spp" in line
    assert "flag_sp" in line.replace("flag_spp", "")


def test_an_empty_overlap_is_refused(clone):
    cut = "{cut: snr_c3_iraf > 1e9, source: ours}"
    line = refused(clone, f"selections: {{advice: {{cuts: {{galah: [{cut}]}}}}}}\n")
    assert "0 stars are left" in line


def test_a_cut_on_an_unknown_column_is_refused(clone):
    cut = "{cut: snr > brightness, source: ours}"
    line = refused(clone, f"selections: {{advice: {{cuts: {{galah: [{cut}]}}}}}}\n")
    assert "brightness" in line


def test_a_run_folder_of_another_configuration_is_refused_with_the_difference(place):
    run = run_file(place, "importance: {stars: 21}\n", name="tiny")
    (place / "results/tiny").mkdir(parents=True)
    (place / "results/.locks").mkdir()
    (place / "results/.locks/tiny.origin.json").write_text('{"path": "elsewhere/tiny.yaml"}')
    dump(resolve("tiny", place), place / "results/tiny/config.yaml")
    line = refusal(reproduce(place, run))
    assert "importance.stars is 20 there, 21 here" in line


def test_python_too_old_is_said_in_one_line(place):
    fake = place / "bin"
    fake.mkdir()
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (fake / name).write_text("#!/bin/sh\nexit 1\n")
        (fake / name).chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "./reproduce"],
        cwd=place,
        capture_output=True,
        text=True,
        env={"PATH": f"{fake}:/usr/bin:/bin"},
    )
    assert "Python 3.11 or newer" in refusal(done)


def test_a_python_without_venv_is_said_in_one_line(place):
    (place / ".venv").unlink()
    fake = place / "bin"
    fake.mkdir()
    blocker = "import sys; sys.modules['ensurepip'] = None; "
    (fake / "python3.13").write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exit 0\n'
        f'exec "{sys.executable}" -c "{blocker}import runpy; sys.argv = sys.argv[1:]; '
        f'runpy.run_path(sys.argv[0], run_name=\'__main__\')" "$@"\n'
    )
    (fake / "python3.13").chmod(0o755)
    (place / "envs").unlink()
    shutil.copytree(ROOT / "envs", place / "envs")
    done = subprocess.run(
        ["/bin/sh", "./reproduce"],
        cwd=place,
        capture_output=True,
        text=True,
        env={"PATH": f"{fake}:/usr/bin:/bin"},
    )
    assert "venv" in refusal(done)


def test_a_full_disk_is_said_in_one_line(place):
    if os.geteuid():
        pytest.skip("a small file system needs root")
    small = place / "results"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        line = refusal(reproduce(place, "tiny"))
        assert "No space left" in line or "free" in line
    finally:
        subprocess.run(["umount", str(small)], check=True)
