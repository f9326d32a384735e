"""The repository a job ran from: its commit, how the tree differs from it, and the lock."""

import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

from spectrotranslator.files import sha256
from spectrotranslator.source_code import SOURCE

ROOT = SOURCE.parent
LOCK = "envs/run.lock"
NONE = "none: not a git repository"


@cache
def repository() -> dict:
    """Commit, whether the tree differs, and the digest of the difference (untracked files too)."""
    try:
        commit = _git("rev-parse", "HEAD").decode().strip()
        changed = _git("diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv")
        untracked = _git("ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
    except (OSError, subprocess.CalledProcessError):
        return {"commit": NONE, "modified": "unknown", "difference": "unknown"}
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


@cache
def lock_file() -> dict | str:
    """Path and digest of the lock the environment was made from; ``none`` where there is none."""
    path = ROOT / LOCK
    return {"path": LOCK, "sha256": sha256(path)} if path.is_file() else "none"


def _git(*words: str) -> bytes:
    # Not a repository further up, and no lock on the index: jobs run side by side.
    surroundings = os.environ | {"GIT_CEILING_DIRECTORIES": str(Path(ROOT).parent)}
    return subprocess.run(
        ["git", "--no-optional-locks", *words],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=surroundings,
    ).stdout
