"""Regular files alone are read, to a stated size."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

from spectrotranslator.errors import InputError

from .printable_text import printable


def read_bytes(path: str | Path, limit: int, *, links: bool = False) -> bytes:
    """The bytes of a regular file, bounded in size.

    Parameters
    ----------
    path : str or Path
        The file. A FIFO, device, socket or folder is refused and never waited for.
    limit : int
        Most bytes that the file may have.
    links : bool
        Whether ``path`` itself may be a symbolic link.

    Returns
    -------
    bytes
        The whole content.

    Raises
    ------
    InputError
        There is no such file, it may not be read, it is not a regular file, it is a link and links
        are not allowed, or it is larger than ``limit``.
    """
    shown = printable(path)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        check_regular(shown, os.stat(path, follow_symlinks=links))  # noqa: PTH116
        descriptor = os.open(path, flags if links else flags | os.O_NOFOLLOW)
        with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123
            # Looked at once more: the name may have been given to another file in between.
            check_regular(shown, os.fstat(descriptor))
            return _read_whole(shown, stream, limit)
    except FileNotFoundError:
        raise InputError(f"{shown}: no such file") from None
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror or error}") from None
    except ValueError:
        raise InputError(f"{shown}: not the name of a file") from None


def hash_regular(path: str | Path, limit: int) -> str:
    """SHA-256 of a regular file, which may be reached by a link, bounded in size.

    Parameters
    ----------
    path : str or Path
        The file. A FIFO, device, socket or folder is refused and never waited for.
    limit : int
        Most bytes that are read.

    Returns
    -------
    str
        The digest of at most ``limit + 1`` bytes, as hexadecimal text.

    Raises
    ------
    InputError
        It is not a regular file.
    OSError
        It is absent or may not be read.
    """
    shown, total, left = printable(path), hashlib.sha256(), limit + 1
    check_regular(shown, os.stat(path))  # noqa: PTH116
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123
        check_regular(shown, os.fstat(descriptor))
        while left and (block := stream.read(min(1 << 20, left))):
            total.update(block)
            left -= len(block)
    return total.hexdigest()


def check_regular(shown: str, status: os.stat_result) -> None:
    """Refuse what is no regular file.

    Parameters
    ----------
    shown : str
        The file's name, for the error.
    status : os.stat_result
        What the system says of it.

    Raises
    ------
    InputError
        It is a link, a folder, a FIFO or a device.
    """
    if stat.S_ISLNK(status.st_mode):
        raise InputError(f"{shown}: a link, not a regular file")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{shown}: not a regular file")


def _read_whole(shown: str, stream: Any, limit: int) -> bytes:
    """All bytes of ``stream``, counted while they are read: a file may grow meanwhile."""
    content = bytearray()
    while block := stream.read(min(1 << 20, limit + 1 - len(content))):
        content += block
        if len(content) > limit:
            raise InputError(f"{shown}: larger than {limit} bytes")
    return bytes(content)


def read_text(path: str | Path, limit: int, *, links: bool = False) -> str:
    """The text of a regular UTF-8 file, bounded in size.

    Parameters
    ----------
    path : str or Path
        The file.
    limit : int
        Most bytes that the file may have.
    links : bool
        Whether ``path`` itself may be a symbolic link.

    Returns
    -------
    str
        The text, with its line ends as they are.

    Raises
    ------
    InputError
        As for :func:`read_bytes`, or the file is not UTF-8; the byte is named.
    """
    content = read_bytes(path, limit, links=links)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f"{printable(path)}, line {line}"
        raise InputError(f"{where}: not UTF-8 text at byte {error.start}") from None
