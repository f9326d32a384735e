"""Paths that came from a file, kept inside a folder."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spectrotranslator.errors import InputError

from .printable_text import printable
from .regular_files import check_regular

LONGEST_PATH = 4_096


def inside(folder: str | Path, name: Any, *, linked: Iterable[str | Path] = ()) -> Path:
    """The path of ``name``, which came from a file, inside ``folder``.

    Parameters
    ----------
    folder : str or Path
        The folder that must not be left.
    name : object
        The path, as the file has it.
    linked : iterable of str or Path
        Further folders into which a link inside ``folder`` may lead.

    Returns
    -------
    Path
        The path with all links resolved; nothing need be there.

    Raises
    ------
    InputError
        It is not text, is empty or absolute, has control characters, names the folder itself, or
        leads out of it, once links are resolved.

    Examples
    --------
    >>> inside("/tmp/run", "sources/../sources/ReadMe").name
    'ReadMe'
    """
    return _inside(folder, name, linked)[0]


def regular_inside(folder: str | Path, name: Any, *, linked: Iterable[str | Path] = ()) -> Path:
    """The path of ``name``, which came from a file: an existing regular file inside ``folder``.

    Parameters
    ----------
    folder : str or Path
        The folder that must not be left.
    name : object
        The path, as the file has it.
    linked : iterable of str or Path
        Further folders into which a link inside ``folder`` may lead.

    Returns
    -------
    Path
        The path with all links resolved.

    Raises
    ------
    InputError
        As for :func:`inside`, or there is no such file, it may not be looked at, or it is not
        a regular file.
    """
    path, shown = _inside(folder, name, linked)
    try:
        check_regular(shown, path.lstat())
    except FileNotFoundError:
        raise InputError(f"{shown}: no such file") from None
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror or error}") from None
    return path


def _inside(folder: str | Path, name: Any, linked: Iterable[str | Path]) -> tuple[Path, str]:
    shown = f"'{printable(name)}'"
    if not isinstance(name, str) or not name:
        raise InputError(f"{shown}: not the name of a file")
    if len(name) > LONGEST_PATH or not name.isprintable():
        raise InputError(f"{shown}: too long for a path, or with control characters")
    if name.startswith("/"):
        raise InputError(f"{shown}: an absolute path; one inside {printable(folder)} is expected")
    try:
        root = os.path.realpath(folder)
        lexical = os.path.normpath(os.path.join(root, name))  # noqa: PTH118
        path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118
        roots = [root, *(os.path.realpath(other) for other in linked)]
    except (OSError, ValueError):
        raise InputError(f"{shown}: not the name of a file") from None
    if not _below(lexical, [root]) or not _below(path, roots):
        raise InputError(f"{shown}: leads out of {printable(folder)}")
    return Path(path), shown


def _below(path: str, roots: list[str]) -> bool:
    return any(path != root and os.path.commonpath([path, root]) == root for root in roots)
