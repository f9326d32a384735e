"""A trained direction as one file: a zip archive of which every byte is known.

Its members are stored uncompressed, with fixed times, in the order of their names; `manifest.json`
holds the digest of every other one and of itself. A file that is not byte for byte what its
members pack to is refused, so nothing can hide in it.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, digest
from spectrotranslator.untrusted import parse_json, printable, read_bytes

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
MOST_BYTES = 2_000_000_000
MOST_MEMBERS = 2_000
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.+-]{0,199}/){0,5}[A-Za-z0-9][A-Za-z0-9_.+-]{0,199}")
_TIME = (1980, 1, 1, 0, 0, 0)
#: What the reader of zip archives raises on a damaged one.
_DAMAGED = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OverflowError, EOFError,
    OSError, IndexError, KeyError, MemoryError,
)  # fmt: skip


def write_model(path: Path, members: Mapping[str, bytes], about: Mapping[str, object]) -> None:
    """Write a file of ``members`` and a manifest, which begins with ``about``."""
    files = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(members.items())
    }
    manifest = {"schema_version": SCHEMA_VERSION, **about, "files": files}
    text = _text(manifest | {"digest": digest(manifest)})
    with atomic(path) as temporary:
        temporary.write_bytes(_packed({**members, MANIFEST: text}))


def read_model(path: Path) -> tuple[dict, dict[str, bytes]]:
    """Manifest and members of a file that ``write_model`` wrote.

    Raises
    ------
    InputError
        The file is damaged or was changed: a byte, a name, a member more or less.
    """
    content = read_bytes(path, MOST_BYTES, links=True)
    members = _members(path, content)
    if MANIFEST not in members or _packed(members) != content:
        raise _changed(path)
    manifest = parse_json(_utf8(path, members[MANIFEST]), f"{path}, {MANIFEST}")
    if not isinstance(manifest, dict) or manifest.get("schema_version") != SCHEMA_VERSION:
        raise InputError(f"{path}: not a model of version {SCHEMA_VERSION}; export it again")
    told = dict(manifest)
    if told.pop("digest", None) != digest(told) or _text(manifest) != members[MANIFEST]:
        raise _changed(path)
    found = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in members.items()
        if name != MANIFEST
    }
    if found != manifest.get("files"):
        raise _changed(path)
    return manifest, members


def _members(path: Path, content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
            if len(listed) > MOST_MEMBERS or len({one.filename for one in listed}) < len(listed):
                raise _changed(path)
            if sum(max(one.file_size, one.compress_size) for one in listed) > len(content):
                raise _changed(path)
            for one in listed:
                stored = one.compress_type == zipfile.ZIP_STORED
                if not (stored and _NAME.fullmatch(one.filename)):
                    raise InputError(
                        f"{path}: member '{printable(one.filename)}' is none of a model's; export "
                        "it again"
                    )
            return {one.filename: archive.read(one) for one in listed}
    except _DAMAGED as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"{path}: no exported model, or damaged ({printable(reason)})") from None


def _packed(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, members[name])
    return stream.getvalue()


def _text(manifest: Mapping[str, object]) -> bytes:
    return (json.dumps(manifest, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()


def _utf8(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _changed(path) from None


def _changed(path: Path) -> InputError:
    return InputError(f"{path}: not as ./reproduce export wrote it; get it again")
