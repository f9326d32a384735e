"""Signing a manifest with an SSH key, and verifying it against signers named elsewhere."""

import subprocess
from pathlib import Path
from shutil import which

from spectrotranslator.errors import InputError

from .finished_run import MANIFEST, SIGNATURE

NAMESPACE = "spectrotranslator-run"
NO_KEYGEN = "ssh-keygen was not found; install OpenSSH to sign or verify"


def sign(folder: Path, key: Path) -> Path:
    """Sign the manifest in the run's ``folder`` with the private ``key``; the signature's path.

    Raises
    ------
    InputError
        There is no such key, or ``ssh-keygen`` refuses it.
    """
    if not key.is_file():
        raise InputError(f"{key}: no such key")
    (folder / SIGNATURE).unlink(missing_ok=True)
    command = ["-Y", "sign", "-n", NAMESPACE, "-f", str(key), str(folder / MANIFEST)]
    done = _keygen(command, None)
    if done.returncode:
        raise InputError(f"{key}: {done.stderr.decode().strip().splitlines()[-1]}")
    return folder / SIGNATURE


def ready(signers: Path) -> None:
    """See that a signature can be verified against ``signers``.

    Raises
    ------
    InputError
        There is no such file, or no ``ssh-keygen``.
    """
    if not signers.is_file():
        raise InputError(f"{signers}: no such file of allowed signers")
    if which("ssh-keygen") is None:
        raise InputError(NO_KEYGEN)


def signer(folder: Path, signers: Path) -> str | None:
    """Who of ``signers`` (an allowed-signers file) signed the manifest; none if nobody did."""
    files = ["-s", str(folder / SIGNATURE), "-f", str(signers)]
    names = _keygen(["-Y", "find-principals", *files], None).stdout.decode().splitlines()
    for name in names:
        command = ["-Y", "verify", "-I", name, "-n", NAMESPACE, *files]
        if not _keygen(command, folder / MANIFEST).returncode:
            return name
    return None


def _keygen(arguments: list[str], given: Path | None) -> subprocess.CompletedProcess:
    try:
        text = given.read_bytes() if given else b""
        return subprocess.run(["ssh-keygen", *arguments], input=text, capture_output=True)
    except FileNotFoundError:
        raise InputError(NO_KEYGEN) from None
