"""Files in folders that other users may write to: locks, notes, half-fetched files.

Another user may have put a link, a FIFO or a file of his own where ours will be. No link is
followed, nothing is opened for writing that is not ours, and nothing of others is gone on with.
"""

import errno
import fcntl
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from .errors import InputError
from .untrusted import printable

NOTICE_S = 1.0


def is_own(path: Path) -> bool:
    """Whether ``path`` is a regular file of this user, and no link to one."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()


def is_trusted(path: Path) -> bool:
    """Whether ``path`` leads to a regular file of this user or of the system's administrator."""
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_uid in (os.geteuid(), 0)


def private_folder(path: Path) -> Path:
    """A folder in a shared place that only this user may write to.

    Raises
    ------
    InputError
        Something else is there: a link, a file, or the folder of another user.
    """
    try:
        path.mkdir(exist_ok=True, mode=0o700)
        found = path.lstat()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; set TMPDIR to a folder of yours") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise InputError(f"{path}: not a folder of yours; remove it or set TMPDIR to another place")
    if found.st_mode & 0o022:
        path.chmod(0o700)
    return path


def open_new(path: Path) -> BinaryIO:
    """A new file, open for writing.

    Raises
    ------
    OSError
        Something of that name is there, be it a link to nothing.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o666), "wb", buffering=0)


def open_own(path: Path) -> BinaryIO:
    """A regular file of this user, open for reading and writing; no link is followed.

    Raises
    ------
    InputError
        It is another user's, a link or no regular file.
    OSError
        It is not there.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags)
    _check_own(path, descriptor)
    return os.fdopen(descriptor, "r+b", buffering=0)


def lock_file(path: Path) -> TextIO:
    """A lock file, made if need be, open for reading and writing; its content is left alone.

    Raises
    ------
    InputError
        A link, a special file or, in a place others write to, another user's file is there.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise InputError(f"{printable(path)}: {_trouble(error)}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{printable(path)}: not a regular file; remove it")
    return os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace")


def try_lock(lock: TextIO) -> bool:
    """Take a lock; False where another process holds it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def waited_lock(path: Path, purpose: str) -> Iterator[None]:
    """Hold a lock, waiting for it; after a second it is said what is waited for."""
    with lock_file(path) as lock:
        started, told = time.monotonic(), False
        while not try_lock(lock):
            if not told and time.monotonic() - started > NOTICE_S:
                print(f"waiting for another process {purpose} (lock {path})", file=sys.stderr)
                told = True
            time.sleep(0.05)
        yield


def _check_own(path: Path, descriptor: int) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        os.close(descriptor)
        raise InputError(f"{printable(path)}: not a regular file of yours; remove it")


def _trouble(error: OSError) -> str:
    if error.errno in (errno.ELOOP, errno.ENXIO):
        return "a link or special file in place of a lock; remove it"
    return f"cannot be written ({error.strerror})"
