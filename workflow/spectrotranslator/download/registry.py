"""The table of sources: where each file comes from and what it should be."""

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from spectrotranslator.errors import InputError
from spectrotranslator.untrusted import printable, read_bytes

URL_MAP = "SPECTROTRANSLATOR_URL_MAP"
TABLE_BYTES = 10_000_000
#: Names that the workflow itself gives in a folder of sources.
RESERVED = ("manifest.json", "receipts")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,199}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def is_file_name(name: object) -> bool:
    """Whether ``name`` is the plain name of a fetched file: no folder, link mark or blank in it."""
    return isinstance(name, str) and bool(_FILE_NAME.fullmatch(name)) and name not in RESERVED


def address_fault(url: str) -> str:
    """What is wrong with an address; empty where it may be asked.

    Parameters
    ----------
    url : str
        The address.

    Returns
    -------
    str
        One clause for a message.
    """
    shown = printable(without_userinfo(url))
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return f"{shown} is not an address"
    if parts.scheme not in ("http", "https"):
        return f"{shown} is not an address of http or https"
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        return f"{shown} is not an address"
    return ""


def without_userinfo(url: str) -> str:
    """``url`` without the user's name and password, as everything that is written holds it."""
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@", r"\1", url)


@dataclass(frozen=True)
class UnconfirmedFigures:
    """Size and checksum of a file by the word of others; ``origin`` says whose."""

    bytes: int | None
    sha256: str | None
    origin: str

    def differences(self, bytes: int, sha256: str) -> list[str]:
        """What differs in a file that was fetched, in lines."""
        told = {"bytes": (self.bytes, bytes), "sha256": (self.sha256, sha256)}
        return [
            f"{name} is {found}, {self.origin} says {expected}"
            for name, (expected, found) in told.items()
            if expected not in (None, found)
        ]


@dataclass(frozen=True)
class Source:
    """One line of ``config/sources.csv``.

    ``mebibytes`` is what the provider's page rounds to. ``unconfirmed`` are figures that the
    provider does not state: a file that differs from them is taken, and the difference is told.
    """

    name: str
    file: str
    dataset: str
    release: str
    urls: tuple[str, ...]
    bytes: int | None
    rows: int | None
    sha256: str | None
    licence: str
    redistribution: str
    citation: str
    doi: str
    mebibytes: float | None = None
    unconfirmed: UnconfirmedFigures | None = None

    @property
    def likely_bytes(self) -> int | None:
        """Bytes to reckon with: registered, told by others, or as the provider's page rounds."""
        told = self.unconfirmed.bytes if self.unconfirmed else None
        return self.bytes or told or (round(self.mebibytes * 2**20) if self.mebibytes else None)


def read_registry(path: str | Path) -> dict[str, Source]:
    """Name to source.

    Raises
    ------
    InputError
        The table is absent, is not UTF-8 or not CSV, or a line lacks a column; the line is named.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such table of sources")
    sources = [_source(line, where) for where, line in _lines(path)]
    for what in ("name", "file"):
        counts = Counter(getattr(source, what) for source in sources)
        if twice := [value for value, count in counts.items() if count > 1]:
            raise InputError(f"{path}: two sources have the {what} {twice[0]!r}; rename one")
    return {source.name: source for source in sources}


def _lines(path: Path) -> Iterator[tuple[str, dict]]:
    """Lines of a CSV file, each with its place. Excel begins the file with a byte order mark."""
    content = read_bytes(path, TABLE_BYTES, links=True)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {number}: not UTF-8; save the table as UTF-8") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for line in reader:
            yield f"{path}, line {reader.line_num}", line
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.reader.line_num}: not CSV ({error})") from None


def _source(line: dict, where: str) -> Source:
    if None in line or None in line.values():
        raise InputError(f"{where}: as many values as columns are expected")
    try:
        _check_line(line, where)
        size, checksum = _count(line["bytes"]), line["sha256"] or None
        origin = line.get("figures_from") or ""
        unconfirmed = UnconfirmedFigures(size, checksum, origin) if origin else None
        return Source(
            name=line["name"],
            file=line["file"],
            dataset=line["dataset"],
            release=line["release"],
            urls=_urls(line),
            bytes=None if unconfirmed else size,
            rows=_count(line["rows"]),
            sha256=None if unconfirmed else checksum,
            licence=line["licence"],
            redistribution=line["redistribution"],
            citation=line["citation"],
            doi=line["doi"],
            mebibytes=float(line["mebibytes"]) if line.get("mebibytes") else None,
            unconfirmed=unconfirmed,
        )
    except KeyError as error:
        raise InputError(f"{where}: there is no column {error}") from None
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


def _urls(line: dict) -> tuple[str, ...]:
    return tuple(filter(None, (line["url"], *line["mirror"].split(" "))))


def _count(text: str) -> int | None:
    if text and not re.fullmatch(r"[0-9]{1,15}", text):
        raise ValueError(f"{printable(text)!r} is not a number of bytes or rows")
    return int(text) if text else None


def _check_line(line: dict, where: str) -> None:
    """Refuse names that are no plain names, and addresses that cannot be asked."""
    if not _NAME.fullmatch(line["name"]):
        raise InputError(f"{where}: name {printable(line['name'])!r} is no plain name")
    if not is_file_name(line["file"]):
        raise InputError(
            f"{where}: file {printable(line['file'])!r} is not the name of a file: letters, "
            "digits, '_', '.', '+' and '-', the first of them a letter or a digit"
        )
    for url in _urls(line):
        if fault := address_fault(url):
            raise InputError(f"{where}: {fault}")
        if url != without_userinfo(url):
            raise InputError(
                f"{where}: {without_userinfo(url)} has a user's name in it, which would be written "
                "into every record; put it into ~/.netrc"
            )


def source(path: str | Path, name: str) -> Source:
    """One source by name; ``InputError`` names those there are."""
    registry = read_registry(path)
    if name not in registry:
        raise InputError(f"{path}: no source {name!r}; there are {', '.join(registry)}")
    return registry[name]


def read_needed(path: str | Path) -> dict[str, dict[str, tuple[str, str]]]:
    """Source to its needed columns, each with its kind (integer, float, text) and unit.

    Raises
    ------
    InputError
        The table is absent, is not UTF-8 or not CSV, or lacks a column; the line is named.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such table of columns")
    needed: dict[str, dict[str, tuple[str, str]]] = {}
    for where, line in _lines(path):
        try:
            needed.setdefault(line["source"], {})[line["column"]] = (line["kind"], line["unit"])
        except KeyError as error:
            raise InputError(f"{where}: there is no column {error}") from None
    return needed


def address(url: str) -> str:
    """Where ``url`` is really asked for.

    The environment variable ``SPECTROTRANSLATOR_URL_MAP`` holds a JSON object from prefixes to
    their replacements, for institutional mirrors; the longest prefix that fits wins.

    Raises
    ------
    InputError
        The variable holds something else.
    """
    prefixes = _url_map(os.environ.get(URL_MAP) or "{}")
    fitting = [prefix for prefix in prefixes if url.startswith(prefix)]
    if not fitting:
        return url
    prefix = max(fitting, key=len)
    return prefixes[prefix] + url[len(prefix) :]


def _url_map(text: str) -> dict[str, str]:
    try:
        prefixes = json.loads(text)
    except ValueError as error:
        raise InputError(f"{URL_MAP} is not JSON ({error})") from None
    if not isinstance(prefixes, dict) or not all(isinstance(p, str) for p in prefixes.values()):
        raise InputError(
            f"{URL_MAP} is {text}, but a JSON object from prefixes of addresses to their "
            'replacements is expected: {"https://here/": "https://mirror/"}'
        )
    return prefixes
