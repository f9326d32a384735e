"""The repository a job ran from: its commit, how the tree differs from it, and the lock."""

import hashlib
import os
import re
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.files import sha256
from spectrotranslator.source_code import SOURCE
from spectrotranslator.surroundings import clean
from spectrotranslator.untrusted import inside, printable, read_text

ROOT = SOURCE.parent
LOCK = "envs/run.lock"
NONE = "none: not a git repository"
SMALL, PACKED = 10_000, 50_000_000


@cache
def repository() -> dict:
    """Commit, whether the tree differs, and the digest of the difference (untracked files too)."""
    try:
        commit = _git("rev-parse", "HEAD").decode().strip()
        changed = _git("diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv")
        untracked = _git("ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
    except (OSError, subprocess.CalledProcessError) as error:
        return _without_git(_reason(error))
    total = hashlib.sha256(changed)
    names = sorted(filter(None, untracked))
    for name in names:
        path = ROOT / os.fsdecode(name)
        total.update(name + b"\0" + (path.read_bytes() if path.is_file() else b""))
    modified = bool(changed or names)
    return {
        "commit": commit,
        "modified": modified,
        "difference": total.hexdigest() if modified else "none",
    }


def _reason(error: OSError | subprocess.CalledProcessError) -> str:
    """Why git told nothing: not installed, no repository here, or its own words."""
    if isinstance(error, FileNotFoundError):
        return "git is not installed"
    if isinstance(error, OSError):
        return f"git cannot be called ({error.strerror})"
    said = error.stderr.decode("utf-8", "replace").strip().splitlines()
    words = said[0].removeprefix("fatal: ") if said else f"status {error.returncode}"
    if "not a git repository" in words:
        return NONE.removeprefix("none: ")
    return f"git refuses: {printable(words)}"


def _without_git(reason: str) -> dict:
    """What is known of the repository without git, which is told once."""
    head = _head() if f"none: {reason}" != NONE else None
    if f"none: {reason}" != NONE:
        print(f"note: {reason}; the tree's difference is not recorded", file=sys.stderr)
    return {
        "commit": head or f"none: {reason}",
        "modified": "unknown",
        "difference": "unknown",
    }


def _head() -> str | None:
    """The commit that ``.git/HEAD`` names, read without git; none where that is not found."""
    folder = ROOT / ".git"
    try:
        if folder.is_file():
            folder = ROOT / read_text(folder, SMALL).removeprefix("gitdir: ").strip()
        head = read_text(folder / "HEAD", SMALL).strip()
        if head.startswith("ref: "):
            head = _reference(folder, head.removeprefix("ref: "))
    except InputError:
        return None
    return head if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", head) else None


def _reference(folder: Path, name: str) -> str:
    """The commit of a reference, of its own file or of the packed ones."""
    with suppress(InputError):
        return read_text(inside(folder, name), SMALL).strip()
    packed = read_text(folder / "packed-refs", PACKED).splitlines()
    return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")


@cache
def lock_file() -> dict | str:
    """Path and digest of the lock the environment was made from; ``none`` where there is none."""
    path = ROOT / LOCK
    return {"path": LOCK, "sha256": sha256(path)} if path.is_file() else "none"


def _git(*words: str) -> bytes:
    # Not a repository further up, and no lock on the index: jobs run side by side.
    surroundings = clean(os.environ) | {
        "GIT_CEILING_DIRECTORIES": str(Path(ROOT).parent),
        "LC_ALL": "C",
    }
    # Settings of a clone from somebody else could name programs to run.
    harmless = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    return subprocess.run(
        ["git", "--no-optional-locks", *harmless, *words],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=surroundings,
    ).stdout
