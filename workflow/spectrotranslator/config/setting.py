"""What every part of the configuration's model is made of.

Every number of the method carries its source: ``readme``, ``authors' code``, ``paper``,
``survey's advice`` or ``ours``. ``unknown=True`` marks what is stated neither in the authors' code
nor in the catalogue's ReadMe; the paper's text was not consulted here. The report names those.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

PLAIN = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


def plain(name: str) -> str:
    """``name`` itself, which becomes a part of paths and of the names of jobs.

    Raises
    ------
    ValueError
        It is no plain name.
    """
    if not re.fullmatch(PLAIN, name):
        raise ValueError(
            f"{name!r} is no plain name: letters, digits, '_', '.' and '-', the first of them a "
            "letter or a digit"
        )
    return name


Name = Annotated[str, AfterValidator(plain)]
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
