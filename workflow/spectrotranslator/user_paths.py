"""Paths as the caller means them, who may call from another folder than the repository's."""

import os
from pathlib import Path

from spectrotranslator.errors import InputError

CALLED_FROM = "SPECTROTRANSLATOR_CALLED_FROM"


def resolve_output(text: str) -> Path:
    """A path to write to, seen from the caller's folder."""
    folder = os.environ.get(CALLED_FROM)
    if folder is None or Path(folder).resolve() == Path.cwd():
        return Path(text)
    return Path(folder, text)


def resolve_input(text: str) -> Path:
    """A path to read: seen from the caller's folder, or from the repository if only there it is."""
    path = resolve_output(text)
    return Path(text) if not path.exists() and Path(text).exists() else path


def resolve_run(text: str) -> str:
    """A run: its name, or the path of its configuration or folder."""
    return str(resolve_input(text)) if "/" in text or text.endswith((".yaml", ".yml")) else text


def refuse_braces(folder: Path) -> None:
    """Refuse a clone whose path holds braces.

    Raises
    ------
    InputError
        Snakemake would take them for wildcards.
    """
    if set("{}") & set(str(folder)):
        raise InputError(
            f"{folder}: Snakemake takes braces in a path for wildcards; rename or move the folder"
        )
