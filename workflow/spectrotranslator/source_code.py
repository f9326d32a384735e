"""Source files that a step of the workflow is made of, and their digest."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from spectrotranslator.step_interface import SOURCE

#: Packages whose modules make up the steps.
PACKAGES = ("spectrotranslator", "cdstables", "minisky")


def source_files(module: str) -> list[Path]:
    """Files of our packages that ``module`` imports, directly or not.

    Imports are read from the syntax tree; nothing is run.

    Parameters
    ----------
    module : str
        Dotted name, such as ``spectrotranslator.network.train_members``.
    """
    waiting, found = [_file(module)], set()
    while waiting:
        path = waiting.pop()
        if path is None or path in found:
            continue
        found.add(path)
        waiting += _imported(path)
    return sorted(found.union(*map(_packages, {path.parent for path in found})))


def source_name(path: Path) -> str:
    """Name of a source file in records: relative to the folder of the packages."""
    return path.relative_to(SOURCE).as_posix()


@cache
def code_digest(module: str) -> str:
    """SHA-256 over names and bytes of all files that ``module`` is made of."""
    total = hashlib.sha256()
    for path in source_files(module):
        total.update(source_name(path).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def is_step(module: str) -> bool:
    """Whether ``module`` is a module of our packages that declares a step."""
    path = _file(module) if module.partition(".")[0] in PACKAGES else None
    return path is not None and "\nstep = Step(" in path.read_text(encoding="utf-8")


@cache
def _file(module: str) -> Path | None:
    place = SOURCE.joinpath(*module.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _packages(folder: Path) -> set[Path]:
    """The ``__init__`` files that importing a module in ``folder`` runs."""
    above = [parent for parent in folder.parents if SOURCE in parent.parents]
    files = [parent / "__init__.py" for parent in (folder, *above)]
    return {path for path in files if path.is_file()}


@cache
def _imported(path: Path) -> list[Path | None]:
    """Files that the imports of a file name; None for modules of other distributions."""
    here = path.relative_to(SOURCE).parent.parts
    names = []
    for node in _statements(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = ".".join(_base(node, here))
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return [_file(name) for name in names if name.partition(".")[0] in PACKAGES]


def _base(node: ast.ImportFrom, here: tuple[str, ...]) -> list[str]:
    module = node.module.split(".") if node.module else []
    return [*here[: len(here) - node.level + 1], *module] if node.level else module


def _statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All statements, those within others as well; an import is nowhere else."""
    for node in body:
        yield node
        for within in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _statements(getattr(node, within, ()))
