"""Make .venv from the locks beside this file; do nothing if it is made. Standard library only."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE.parent / ".venv"
PARTS = {
    "run": [["--require-hashes", "--no-deps", "-r", "run.lock"], ["-r", "torch.txt"]],
    "test": [["--require-hashes", "--no-deps", "-r", "test.lock"]],
}
SIZES = {
    "run": "about 400 MB with a CPU build of torch, several GB with a CUDA build",
    "test": "about 160 MB",
}


def stamp(part: str) -> tuple[Path, str]:
    """Where it is noted that a part is whole, and what the note must say."""
    files = [arguments[-1] for arguments in PARTS[part]]
    text = "".join((HERE / name).read_text() for name in files) + sys.version
    return VENV / f".{part}-complete", hashlib.sha256(text.encode()).hexdigest()


def complete(part: str) -> bool:
    """Whether the part is installed from the locks as they are now."""
    path, digest = stamp(part)
    return path.is_file() and path.read_text() == digest


def fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def make_venv() -> None:
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        fail("Python lacks its venv or ensurepip module; install it (Debian: python3-venv)")
    print("Making .venv", file=sys.stderr)
    try:
        venv.create(VENV, with_pip=True, clear=True)
    except (OSError, subprocess.CalledProcessError) as error:
        fail(f".venv could not be made ({error}); free disk space and call again")


def install(part: str) -> None:
    print(f"Installing the {part} environment: {SIZES[part]} to download", file=sys.stderr)
    bar = "on" if sys.stderr.isatty() else "off"
    for arguments in PARTS[part]:
        command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--progress-bar", bar]
        quiet = [] if sys.stderr.isatty() else ["-qq"]
        command += [*quiet, "--disable-pip-version-check", "--no-compile", *arguments]
        if subprocess.run(command, cwd=HERE, stdout=sys.stderr).returncode:
            fail(f"pip could not install envs/{arguments[-1]}; its reason stands above")
    compile_modules()
    path, digest = stamp(part)
    path.write_text(digest)


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
    with (HERE.parent / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete("run"):
            make_venv()
        for part in dict.fromkeys(["run", *parts]):
            if not complete(part):
                install(part)


if __name__ == "__main__":
    main()
