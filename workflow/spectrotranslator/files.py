"""Files that are whole or absent, and their digests."""

import hashlib
import json
from pathlib import Path
from typing import Any

from cdstables.files import atomic

from .untrusted import YAML_BYTES, parse_json, parse_yaml, read_text

JSON_BYTES = 500_000_000


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 ``text`` to ``path``, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as indented JSON with a newline at the end; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a regular JSON file, bounded in size and depth.

    Raises
    ------
    InputError
        The file is absent, no regular file, or is not JSON; the line is named.
    """
    return parse_json(read_text(path, JSON_BYTES, links=True), str(path))


def read_yaml(path: str | Path) -> Any:
    """Read a regular YAML file, bounded in size and depth.

    Raises
    ------
    InputError
        The file is absent, no regular file, or is not YAML; the line is named.
    """
    return parse_yaml(read_text(path, YAML_BYTES, links=True), str(path))


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal text."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of ``value`` as canonical JSON, as hexadecimal text."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
