"""Clones of the project with a finished tiny run, for tests of the whole workflow."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from spectrotranslator.cli import main
from spectrotranslator.translation import assemble_catalogue, translate_shard, write_table

ROOT = Path(__file__).resolve().parents[2]
# Stands for the python of a clone's jobs: only steps beside the archive have a network, as on a
# cluster's nodes.
NO_NETWORK = """#!/bin/sh
real=$(dirname "$0")/python-with-network
if [ "$2" = minisky.serve ]; then BESIDE_ARCHIVE=1 exec "$real" "$@"; fi
if [ "$2" != spectrotranslator.run_step ] || [ -n "$BESIDE_ARCHIVE" ]; then exec "$real" "$@"; fi
echo "$3" >> "{notes}"
exec unshare --map-root-user --net "$real" "$@"
"""
MAY_CUT_OFF = subprocess.run(["unshare", "--map-root-user", "--net", "true"]).returncode == 0
SAME_BYTES = ("sample", "networks", "importance", "catalogues", "diff", "figures")


@dataclass(frozen=True)
class Clone:
    """A copy of the project's files, in a path with a space in it."""

    root: Path

    def reproduce(self, *arguments: str, **settings) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["./reproduce", *arguments], cwd=self.root, capture_output=True, text=True, **settings
        )

    def verb(self, *arguments: str) -> subprocess.CompletedProcess:
        """``./reproduce VERB ...`` in this process: no start of Python and torch to wait for."""
        out, errors = io.StringIO(), io.StringIO()
        with chdir(self.root), redirect_stdout(out), redirect_stderr(errors):
            status = main.main(list(arguments))
        return subprocess.CompletedProcess(arguments, status, out.getvalue(), errors.getvalue())

    def started(self) -> subprocess.Popen:
        """``./reproduce tiny`` at work, leading a process group of its own."""
        return subprocess.Popen(
            ["./reproduce", "tiny"],
            cwd=self.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def would_run(self, run: str = "tiny") -> set[str]:
        """Rules that a dry run of Snakemake would run again."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--config", f"run={run}"],
            cwd=self.root,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        table = (done.stdout + done.stderr).partition("Job stats:")[2].partition("total")[0]
        lines = [line.split() for line in table.splitlines()[2:]]
        return {line[0] for line in lines if len(line) == 2 and line[1].isdigit()} - {"reproduce"}

    def digests(self, run: str = "tiny") -> dict[str, str]:
        """Digest of every file whose bytes the contract fixes."""
        folder = self.root / "results" / run
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for name in SAME_BYTES
            for path in sorted((folder / name).rglob("*"))
            if path.is_file()
        }

    def copy(self, place: Path) -> "Clone":
        """A clone elsewhere whose tiny run is its own, so that its settings may be changed."""
        shutil.copytree(self.root, place, symlinks=True)
        for path in (place / ".venv").rglob("clone.pth"):
            path.write_text(path.read_text().replace(str(self.root), str(place)))
        origin = place / "results/.locks/tiny.origin.json"
        told = json.loads(origin.read_text())
        told["path"] = told["path"].replace(str(self.root), str(place))
        origin.write_text(json.dumps(told))
        return Clone(place)


def fresh(place: Path) -> Clone:
    """The project's files as they are now, with this machine's environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    link_environment(place)
    return Clone(place)


def link_environment(place: Path) -> None:
    """A ``.venv`` of this machine's packages with the project's own code as it is in ``place``."""
    venv.create(place / ".venv", symlinks=True, with_pip=False)
    paths = sysconfig.get_paths()
    inside = Path(paths["purelib"]).relative_to(sys.prefix)
    (place / ".venv" / inside / "clone.pth").write_text(f"{place}/workflow\n{paths['purelib']}\n")
    for note in Path(sys.prefix).glob(".*-complete"):
        shutil.copy2(note, place / ".venv" / note.name)


def cut_off(clone: Clone) -> None:
    """Keep a clone's steps off the network, where a namespace can be made.

    ``cut_off.txt`` beside the clone notes which were.
    """
    if not MAY_CUT_OFF:
        return
    python = clone.root / ".venv/bin/python"
    python.with_name("python-with-network").symlink_to(python.readlink())
    python.unlink()
    python.write_text(NO_NETWORK.replace("{notes}", str(clone.root.parent / "cut_off.txt")))
    python.chmod(0o755)


def steps_with_network(clone: Clone, run: str) -> set[str]:
    """Steps of a run, made in the folder beside ``cut_off.txt``, that had a network."""
    records = (clone.root / "results" / run / "provenance/jobs").glob("*.json")
    steps = {json.loads(path.read_text())["step"] for path in records}
    return steps - set((clone.root.parent / "cut_off.txt").read_text().split())


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Clone:
    """A clone in which ``./reproduce tiny`` has run once. Copy it, never change it.

    Test processes at work side by side share it: the first to ask for it makes it.
    """
    folder = tmp_path_factory.getbasetemp()
    place = (folder if worker_id == "master" else folder.parent) / "a clone"
    with FileLock(place.with_suffix(".lock")):
        if not (place / "first.txt").exists():
            clone = fresh(place)
            cut_off(clone)
            done = clone.reproduce("tiny")
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
            (place / "first.txt").write_text(done.stdout)
    return Clone(place)


@pytest.fixture
def clone(finished, tmp_path) -> Clone:
    """A copy of the finished clone, to be spoilt."""
    return finished.copy(tmp_path / "spoilt clone")


@pytest.fixture
def bare(tmp_path) -> Clone:
    """A clone in which nothing has run."""
    return fresh(tmp_path / "bare clone")


def call(step, *arguments: object) -> None:
    """A step's own command in this process, in the folder of a clone."""
    step.main(step.step.parser.parse_args([str(argument) for argument in arguments]))


def translated_again(config: Path, shards: int, out: Path) -> None:
    """The tiny run's catalogue made again from its networks, its shards last first, in ``out``."""
    run = Path("results/tiny")
    networks = run / "networks/as-published/g2a"
    weights = sorted(networks.glob("*/member-*/weights.safetensors"))
    samples = [run / f"sample/g2a-{kind}.parquet" for kind in ("intrinsic", "extrinsic")]
    parts = [out / f"g2a-{number}-of-{shards}.parquet" for number in range(1, shards + 1)]
    for number in range(shards, 0, -1):
        call(
            translate_shard, "--config", config, "--method", "as-published", "--direction", "g2a",
            "--shard", f"{number}-of-{shards}", "--stars", run / "sample/galah.parquet",
            "--samples", *samples, "--weights", *weights, "--part", parts[number - 1],
        )  # fmt: skip
    layout = ("--layout", "config/catalogues/g2a.yaml")
    call(
        assemble_catalogue, "--config", config, "--method", "as-published", "--direction", "g2a",
        "--registry", "config/sources.csv", *layout, "--parts", *parts,
        "--parquet", out / "g2a.parquet", "--fits", out / "g2a.fits", "--votable", out / "g2a.vot",
    )  # fmt: skip
    call(write_table, *layout, "--parquet", out / "g2a.parquet", "--dat", out / "g2a.dat")


def pytest_collection_modifyitems(items):
    for item in items:
        if "workflow" in Path(item.fspath).parts:
            item.add_marker(pytest.mark.workflow)
