"""The table of sources: where each file comes from and what it should be."""

import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spectrotranslator.errors import InputError

URL_MAP = "SPECTROTRANSLATOR_URL_MAP"


@dataclass(frozen=True)
class Source:
    """One line of ``config/sources.csv``; ``megabytes`` is what the provider's page rounds to."""

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
    megabytes: float | None = None


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
    return {source.name: source for source in sources}


def _lines(path: Path) -> Iterator[tuple[str, dict]]:
    """Lines of a CSV file, each with its place. Excel begins the file with a byte order mark."""
    content = path.read_bytes()
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
        return Source(
            name=line["name"],
            file=line["file"],
            dataset=line["dataset"],
            release=line["release"],
            urls=tuple(filter(None, (line["url"], *line["mirror"].split(" ")))),
            bytes=int(line["bytes"]) if line["bytes"] else None,
            rows=int(line["rows"]) if line["rows"] else None,
            sha256=line["sha256"] or None,
            licence=line["licence"],
            redistribution=line["redistribution"],
            citation=line["citation"],
            doi=line["doi"],
            megabytes=float(line["megabytes"]) if line.get("megabytes") else None,
        )
    except KeyError as error:
        raise InputError(f"{where}: there is no column {error}") from None
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


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
