"""Which source files of the package a module is made of, and their digest."""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
RULES = PACKAGE.parent / "rules"


def source_files(module: str) -> list[Path]:
    """Files of the package that ``module`` (dotted, within the package) imports, directly or not.

    Imports are read from the syntax tree; nothing is run.
    """
    waiting, found = [_file(module)], set()
    while waiting:
        path = waiting.pop()
        if path is None or path in found:
            continue
        found.add(path)
        waiting += _imported(path)
    return sorted(found.union(*map(_packages, {path.parent for path in found})))


@cache
def code_digest(module: str) -> str:
    """SHA-256 over names and bytes of all files that ``module`` is made of."""
    total = hashlib.sha256()
    for path in source_files(module):
        total.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


@cache
def rule_of(module: str) -> str:
    """Name of the workflow's rule that runs ``module``; ``none`` if there is none."""
    called = re.compile(rf"-m {PACKAGE.name}\.{re.escape(module)}[\s\"]")
    for path in sorted(RULES.glob("*.smk")):
        for rule in re.split(r"^\s*rule ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
            if called.search(rule):
                return rule.partition(":")[0].strip()
    return "none"


@cache
def _file(module: str) -> Path | None:
    place = PACKAGE.joinpath(*filter(None, module.split(".")))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _packages(folder: Path) -> set[Path]:
    """The ``__init__`` files that importing what lies in ``folder`` runs."""
    above = [parent for parent in folder.parents if PACKAGE in (parent, *parent.parents)]
    files = [parent / "__init__.py" for parent in (folder, *above)]
    return {path for path in files if path.is_file()}


@cache
def _imported(path: Path) -> list[Path | None]:
    """What the imports of a file stand for; None for what is no module."""
    here = path.relative_to(PACKAGE).parent.parts
    names = []
    for node in _statements(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*here[: len(here) - node.level + 1], *(node.module or "").split(".")]
            base = [part for part in base if part]
            names.append(".".join(base))
            names += [".".join([*base, alias.name]) for alias in node.names]
    return [_file(name) for name in names]


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All statements, those within others as well; an import is nowhere else."""
    for node in body:
        yield node
        for within in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _statements(getattr(node, within, ()))
