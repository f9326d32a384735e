"""Say which columns lack, and which of those that are there they may have become."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from spectrotranslator.errors import InputError


def nearest(name: str, there: Iterable[str], n: int = 3) -> list[str]:
    """Up to ``n`` names like ``name``, nearest first; case does not count."""
    folded: dict[str, list[str]] = {}
    for other in there:
        folded.setdefault(other.lower(), []).append(other)
    close = difflib.get_close_matches(name.lower(), folded, n=n, cutoff=0.3)
    return [other for key in close for other in folded[key]][:n]


def require_columns(path: Path | str, columns: Iterable[str], there: Iterable[str]) -> None:
    """Raise an ``InputError`` that names the lacking columns and their nearest relatives."""
    there = list(there)
    lacking = [name for name in columns if name not in there]
    if not lacking:
        return
    near = ", ".join(nearest(lacking[0], there)) or "none"
    more = f" (also lacking: {', '.join(lacking[1:])})" if lacking[1:] else ""
    raise InputError(f"{path}: no column {lacking[0]!r}; the nearest there are {near}{more}")
