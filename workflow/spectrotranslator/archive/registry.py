"""The table of sources: where each file comes from and what it should be."""

import csv
import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

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
        The table is absent or a line lacks a column; the line is named.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such table of sources")
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream, strict=True)
        return {line["name"]: _source(line, f"{path}, line {reader.line_num}") for line in reader}


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
    except (KeyError, ValueError) as error:
        raise InputError(f"{where}: {error}") from None


def source(path: str | Path, name: str) -> Source:
    """One source by name; ``InputError`` names those there are."""
    registry = read_registry(path)
    if name not in registry:
        raise InputError(f"{path}: no source {name!r}; there are {', '.join(registry)}")
    return registry[name]


def read_needed(path: str | Path) -> dict[str, dict[str, tuple[str, str]]]:
    """Source to its needed columns, each with its kind (integer, float, text) and unit."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such table of columns")
    needed: dict[str, dict[str, tuple[str, str]]] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream):
            needed.setdefault(line["source"], {})[line["column"]] = (line["kind"], line["unit"])
    return needed


def address(url: str) -> str:
    """Where ``url`` is really asked for.

    The environment variable ``SPECTROTRANSLATOR_URL_MAP`` holds a JSON object from prefixes to
    their replacements, for institutional mirrors; the longest prefix that fits wins.
    """
    prefixes = json.loads(os.environ.get(URL_MAP, "{}"))
    fitting = [prefix for prefix in prefixes if url.startswith(prefix)]
    if not fitting:
        return url
    prefix = max(fitting, key=len)
    return prefixes[prefix] + url[len(prefix) :]
