"""What of the caller's environment reaches our tools: one place sets and clears it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

#: Cleared: they would change what is imported, drawn, installed or recorded.
CLEARED = (
    "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONWARNINGS",
    "PYTHONOPTIMIZE",
    "PYTHONBREAKPOINT", "PYTHONUSERBASE", "PYTHONPLATLIBDIR", "PYTHONEXECUTABLE",
    "SNAKEMAKE_PROFILE", "BASH_ENV", "ENV", "CDPATH",
)  # fmt: skip
CLEARED_PREFIXES = ("GIT_", "PIP_")
FIGURES = str(Path(__file__).with_name("report") / "matplotlibrc")
SET = {"MPLBACKEND": "Agg", "MATPLOTLIBRC": FIGURES, "PYTHONNOUSERSITE": "1"}


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which our own processes run.

    Parameters
    ----------
    environment : mapping of str to str
        The caller's.

    Returns
    -------
    dict of str to str
        Without what would change our results, with what they need.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name not in CLEARED and not name.startswith(CLEARED_PREFIXES)
    }
    return kept | SET


def settle() -> None:
    """Give this process that environment, and output that takes any text and a closed pipe."""
    wanted = clean(os.environ)
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, Output):
            continue
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace" if name == "stdout" else "backslashreplace")
        setattr(sys, name, Output(stream) if stream is not None else stream)


class Output:
    """A stream whose reader may leave: what is written after that is dropped, as by ``head``."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write ``text``; how many characters."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._drop()
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._drop()

    def give_up(self) -> None:
        """Drop what could not be written, so that nothing complains of it at the end."""
        self._drop()

    def _drop(self) -> None:
        try:
            number = self._stream.fileno()
        except (OSError, ValueError, AttributeError):
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
