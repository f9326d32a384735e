"""What every part of the configuration's model is made of.

Every number of the method carries its source: ``readme``, ``authors' code``, ``paper``,
``survey's advice`` or ``ours``. ``unknown=True`` marks what is stated neither in the authors' code
nor in the catalogue's ReadMe; the paper's text was not consulted here. The report names those.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

PLAIN = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
LONGEST_NAME = 100
LONGEST_PATH = 1_000
ACTING = "{}$`\"'\\<>"
WORDS_OF_YAML = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"])


def plain(name: str) -> str:
    """``name`` itself, which becomes a part of paths and of the names of jobs.

    Raises
    ------
    ValueError
        It is no plain name.
    """
    if not re.fullmatch(PLAIN, name) or len(name) > LONGEST_NAME:
        raise ValueError(
            f"{name!r} is no plain name: letters, digits, '_', '.' and '-', the first of them a "
            "letter or a digit"
        )
    if _reads_as_a_value(name):
        raise ValueError(
            f"{name!r} reads as a number or a truth value, which YAML and Snakemake take it for; "
            "put a letter before it"
        )
    return name


def _reads_as_a_value(name: str) -> bool:
    if name.lower() in WORDS_OF_YAML:
        return True
    for kind in (float, lambda text: int(text, 0)):
        try:
            kind(name)
        except ValueError:
            continue
        return True
    return False


def place(path: str) -> str:
    """``path`` itself, which becomes an argument of commands and an input of rules.

    Raises
    ------
    ValueError
        It is empty or too long, begins with a dash, or has braces or control characters.
    """
    if not path or len(path) > LONGEST_PATH or not path.isprintable():
        raise ValueError(f"{path[:50]!r} is no path of printable characters")
    if path.startswith("-") or "{" in path or "}" in path:
        raise ValueError(f"{path!r} begins with a dash or has braces; rename the file or folder")
    return path


def label(name: str) -> str:
    """``name`` itself, which stands in tables, figures and pages.

    Raises
    ------
    ValueError
        It is empty or too long, begins with a dash, or has a character that acts elsewhere.
    """
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(f"{name[:50]!r} is no label of 1 to {LONGEST_NAME} printable characters")
    if name.startswith("-") or set(name) & set(ACTING):
        raise ValueError(f"{name!r} begins with a dash or has one of {' '.join(ACTING)}")
    return name


Name = Annotated[str, AfterValidator(plain)]
Place = Annotated[str, AfterValidator(place)]
Label = Annotated[str, AfterValidator(label)]
Source = Literal["readme", "authors' code", "paper", "survey's advice", "ours"]


def number(default: Any, description: str, source: Source, *, unknown: bool = False, **limits):
    """A field that holds a number (or a choice) of the method, with where it comes from."""
    return Field(
        default,
        description=description,
        json_schema_extra={"source": source, "unknown": unknown},
        **limits,
    )


class Section(BaseModel):
    """A part of the configuration; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
