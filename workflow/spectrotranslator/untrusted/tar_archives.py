"""Tar archives read without extracting anything."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spectrotranslator.errors import InputError

from .contained_paths import LONGEST_PATH
from .printable_text import printable
from .regular_files import read_bytes


@dataclass(frozen=True)
class TarLimits:
    """Bounds on a tar archive.

    Parameters
    ----------
    members : int
        Most members, folders included.
    member_bytes : int
        Most bytes of one member.
    total_bytes : int
        Most bytes of the whole archive, unpacked.
    """

    members: int = 10_000
    member_bytes: int = 50_000_000
    total_bytes: int = 200_000_000


def safe_tar_members(
    path: str | Path, limits: TarLimits | None = None
) -> Iterator[tuple[str, bytes]]:
    """The regular files of a tar archive, plain or gzipped; nothing is extracted.

    Parameters
    ----------
    path : str or Path
        The archive.
    limits : TarLimits, optional
        Its bounds.

    Yields
    ------
    tuple of str and bytes
        Name and content of each file, in the archive's order. Folders are left out.

    Raises
    ------
    InputError
        It is not a tar archive, breaks a bound, or has a member that is a link, device, sparse, of
        a duplicate name or leads out of the archive.
    """
    limits = limits or TarLimits()
    shown = printable(path)
    content = _unpacked(shown, read_bytes(path, limits.total_bytes), limits.total_bytes)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            yield from _members(shown, archive, limits)
            rest = content[archive.offset :]
    except (tarfile.TarError, ValueError, LookupError, ArithmeticError, OSError, RecursionError):
        raise InputError(f"{shown}: not a whole tar archive") from None
    # The reader takes a damaged header for the end; the end is two blocks of zeros.
    if len(rest) < 2 * tarfile.BLOCKSIZE or rest.strip(b"\0"):
        raise InputError(f"{shown}: not a whole tar archive")


def _unpacked(shown: str, content: bytes, limit: int) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            plain = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error):
        raise InputError(f"{shown}: its compression is damaged") from None
    if len(plain) > limit:
        raise InputError(f"{shown}: larger than {limit} bytes, unpacked")
    return plain


def _members(
    shown: str, archive: tarfile.TarFile, limits: TarLimits
) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    count = 0
    # Each member is looked at before the next: one of negative size would lead back to itself.
    while (member := archive.next()) is not None:
        count += 1
        if count > limits.members:
            raise InputError(f"{shown}: more than {limits.members} members")
        name = _member_name(shown, member.name, seen)
        if member.type == tarfile.DIRTYPE:
            continue
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            raise InputError(f"{shown}: member '{printable(name)}' is not a regular file")
        if not 0 <= member.size <= limits.member_bytes:
            raise InputError(f"{shown}: member '{printable(name)}' is too large")
        stream = archive.extractfile(member)
        content = b"" if stream is None else stream.read()
        if len(content) != member.size:
            raise InputError(f"{shown}: member '{printable(name)}' ends too early")
        yield name, content


def _member_name(shown: str, name: str, seen: set[str]) -> str:
    parts = name.removeprefix("./").split("/")
    plain = name.isprintable() and len(name) <= LONGEST_PATH
    if not plain or not name or any(part in ("", ".", "..") for part in parts):
        raise InputError(f"{shown}: member '{printable(name)}' does not stay in the archive")
    name = "/".join(parts)
    if name in seen:
        raise InputError(f"{shown}: duplicate member '{printable(name)}'")
    seen.add(name)
    return name
