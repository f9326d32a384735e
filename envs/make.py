"""Make .venv from the locks beside this file; do nothing if it is made. Standard library only."""

import errno
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE.parent / ".venv"
OLD = HERE.parent / ".venv.old"
LOCK = HERE.parent / ".venv.lock"
PROJECT = HERE.parent / "pyproject.toml"
KEPT_OF_PIP = {
    f"PIP_{name}"
    for name in (
        "INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "TRUSTED_HOST", "PROXY", "CERT",
        "CLIENT_CERT", "CACHE_DIR", "NO_CACHE_DIR", "TIMEOUT", "DEFAULT_TIMEOUT", "RETRIES",
        "CONFIG_FILE", "KEYRING_PROVIDER",
    )
}  # fmt: skip
# A pinned package that every platform has: a line without a marker.
PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][0-9A-Za-z.!]*)\s*\\?$")
INSTALLED = """
import os, re, sys
for folder in filter(os.path.isdir, sys.path):
    for name in os.listdir(folder):
        if name.endswith(".dist-info") and "-" in name:
            package, version = name.removesuffix(".dist-info").rsplit("-", 1)
            print(re.sub(r"[-_.]+", "-", package).lower() + "==" + version.partition("+")[0])
"""
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
PARTS = {
    "run": [
        ["--require-hashes", "--no-deps", "-r", "run.lock"],
        ["-r", "torch.txt"],
        ["--no-deps", "--no-build-isolation", "--no-index", "--editable", ".."],
    ],
    "test": [["--require-hashes", "--no-deps", "-r", "test.lock"]],
}
SIZES = {
    "run": "about 400 MB with a CPU build of torch, several GB with a CUDA build",
    "test": "about 160 MB",
}


def note(part: str) -> Path:
    """Where it is noted that a part is whole."""
    return VENV / f".{part}-complete"


def version() -> str:
    """``sys.version`` of the Python in .venv, empty if none starts there."""
    command = [str(VENV / "bin" / "python"), "-ISc", "import sys; sys.stdout.write(sys.version)"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def stamp(part: str, version: str) -> str:
    """What the note says: a digest of the locks and of Python's minor version."""
    files = [HERE / arguments[-1] for arguments in PARTS[part]]
    locks = "".join(file.read_text() for file in files if file.is_file())
    return hashlib.sha256((locks + ".".join(version.split(".")[:2])).encode()).hexdigest()


def complete(part: str) -> bool:
    """Whether the part is installed from the locks as they are now, for the Python it has."""
    if not note(part).is_file():
        return False
    found = version()
    return bool(found) and note(part).read_text() == stamp(part, found) and not lacking(part)


def lacking(part: str) -> list[str]:
    """Packages of the part's locks that .venv does not hold in that version, looked at there."""
    pinned = set()
    for arguments in PARTS[part]:
        path = HERE / arguments[-1]
        lines = path.read_text().splitlines() if path.is_file() else []
        pinned |= {found.groups() for line in lines if (found := PINNED.match(line))}
    command = [str(VENV / "bin" / "python"), "-I", "-c", INSTALLED]
    told = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    there = set(told)
    return sorted(
        f"{name}=={version}"
        for name, version in pinned
        if f"{_plain(name)}=={version}" not in there
    )


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


@contextmanager
def locked() -> Iterator[None]:
    """One call at a time, where the disk has locks."""
    try:
        file = LOCK.open("w")
    except OSError as error:
        fail(f"{LOCK}: cannot be written ({error.strerror}); .venv is made where it can be")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                fail(f"{LOCK}: cannot be locked ({error.strerror})")
            print(
                "note: no file locks on this disk; call once until .venv is made", file=sys.stderr
            )
        yield


def remove(place: Path) -> None:
    """Take away an environment; of a link the link alone."""
    if place.is_symlink():
        place.unlink()
    else:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def old_aside() -> Iterator[None]:
    """Keep a whole .venv aside until the new one is whole, and put it back if that fails.

    The new one is not made elsewhere and moved, for its scripts hold its path.
    """
    if note("run").is_file():
        remove(OLD)
        VENV.rename(OLD)
    remove(VENV)
    try:
        yield
    except BaseException:
        remove(VENV)
        if os.path.lexists(OLD):
            OLD.rename(VENV)
        raise
    remove(OLD)


def make_venv() -> None:
    print("Making .venv", file=sys.stderr)
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        fail("Python lacks its venv or ensurepip module; install it (Debian: python3-venv)")
    try:
        with old_aside():
            venv.create(VENV, with_pip=True)
            install("run")
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f".venv could not be made ({error}); free disk space and call again")


def install(part: str) -> None:
    print(f"Installing the {part} environment: {SIZES[part]} to download", file=sys.stderr)
    bar = "on" if sys.stderr.isatty() else "off"
    for arguments in PARTS[part]:
        if "--editable" in arguments and not PROJECT.is_file():
            continue
        command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--progress-bar", bar]
        quiet = [] if sys.stderr.isatty() else ["-qq"]
        command += [*quiet, "--disable-pip-version-check", "--no-compile", *arguments]
        if subprocess.run(command, cwd=HERE, env=own(), stdout=sys.stderr).returncode:
            fail(f"pip could not install {(HERE / arguments[-1]).resolve()}; its reason is above")
    if missing := lacking(part):
        fail(f"pip put {missing[0]} elsewhere than {VENV}; see `pip config list` and call again")
    compile_modules()
    note(part).write_text(stamp(part, version()))


def own() -> dict[str, str]:
    """The caller's environment without what sends packages elsewhere; its index and proxy stay."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in KEPT_OF_PIP or not name.startswith(("PIP_", "PYTHON"))
    }


def compile_modules() -> None:
    """What pip would do on one core, on all of them, and without the packages' own tests."""
    command = [str(VENV / "bin" / "python"), "-m", "compileall", "-q", "-j", "0"]
    command += ["-x", "site-packages/.*/tests?/", str(VENV / "lib")]
    subprocess.run(command, stdout=subprocess.DEVNULL)


def main() -> None:
    parts = sys.argv[1:]
    if all(map(complete, parts)):
        return
    if shutil.disk_usage(HERE).free < 3e9:
        fail(f"{HERE.parent}: less than 3 GB free for the environment; free some disk space")
    with locked():
        if not complete("run"):
            make_venv()
        for part in parts:
            if not complete(part):
                install(part)


if __name__ == "__main__":
    main()
