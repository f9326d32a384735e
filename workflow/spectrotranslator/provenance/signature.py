"""Signing a manifest with an SSH key, and verifying it against signers named elsewhere."""

import subprocess
from pathlib import Path
from shutil import which

from spectrotranslator.errors import InputError
from spectrotranslator.untrusted import read_bytes

from .finished_run import MANIFEST, SIGNATURE

NAMESPACE = "spectrotranslator-run"
SIGNATURE_BYTES = 64_000
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


def ready(signers: Path, revoked: Path | None = None) -> None:
    """See that a signature can be verified against ``signers``.

    Raises
    ------
    InputError
        There is no such file, or no ``ssh-keygen``.
    """
    if not signers.is_file():
        raise InputError(f"{signers}: no such file of allowed signers")
    if revoked and not revoked.is_file():
        raise InputError(f"{revoked}: no such list of revoked keys")
    if which("ssh-keygen") is None:
        raise InputError(NO_KEYGEN)


def signer(folder: Path, signers: Path, revoked: Path | None = None) -> str | None:
    """Who of ``signers`` signed the manifest in a run's ``folder``; none if nobody did.

    Parameters
    ----------
    folder : Path
        The run's folder.
    signers : Path
        Allowed signers, as ssh-keygen reads them.
    revoked : Path, optional
        Revoked keys, one a line or a key revocation list of ssh-keygen.

    Returns
    -------
    str or None
        The name in the entry of the signer's key. An entry that holds for any name names no one,
        and is said to.

    Raises
    ------
    InputError
        The signature is no regular file of a signature's size, or there is no ``ssh-keygen``.
    """
    read_bytes(folder / SIGNATURE, SIGNATURE_BYTES)
    files = ["-s", str(folder / SIGNATURE), "-f", str(signers)]
    without = ["-r", str(revoked)] if revoked else []
    names = _keygen(["-Y", "find-principals", *files], None).stdout.decode().splitlines()
    for name in names:
        command = ["-Y", "verify", "-I", name, "-n", NAMESPACE, *files, *without]
        if not _keygen(command, folder / MANIFEST).returncode:
            return f"a key whose entry {name!r} names no one" if set("*?!") & set(name) else name
    return None


def _keygen(arguments: list[str], given: Path | None) -> subprocess.CompletedProcess:
    try:
        text = given.read_bytes() if given else b""
        return subprocess.run(["ssh-keygen", *arguments], input=text, capture_output=True)
    except FileNotFoundError:
        raise InputError(NO_KEYGEN) from None
