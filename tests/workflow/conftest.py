"""Clones of the project with a finished tiny run, for tests of the whole workflow."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
SAME_BYTES = ("sample", "networks", "importance", "catalogues", "diff", "figures")


@dataclass(frozen=True)
class Clone:
    """A copy of the project's files, in a path with a space in it."""

    root: Path

    def reproduce(self, *arguments: str, **settings) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["./reproduce", *arguments], cwd=self.root, capture_output=True, text=True, **settings
        )

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
        shutil.copytree(self.root, place, symlinks=True)
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
    (place / ".venv").symlink_to(Path(sys.prefix), target_is_directory=True)
    return Clone(place)


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


def pytest_collection_modifyitems(items):
    for item in items:
        if "workflow" in Path(item.fspath).parts:
            item.add_marker(pytest.mark.workflow)
