"""JSON, bounded and without what its standard leaves open."""

import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn

from spectrotranslator.errors import InputError

from .printable_text import printable
from .regular_files import read_text

LONGEST_NUMBER = 100
JSON_DEPTH = 100
MOST_DIGITS = 20


_JSON_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*+(?:"|\\?\Z))
    |(?P<sign>[\[\]{}])
    |(?P<constant>NaN|-?Infinity)
    |(?P<number>-?[0-9][0-9.eE+-]*)""",
    re.VERBOSE | re.DOTALL,
)
_COLON = re.compile(r"[ \t\r\n]*:")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str, where: str) -> Any:
    """The value that a JSON text holds, without what JSON readers disagree on.

    Parameters
    ----------
    text : str
        The JSON text.
    where : str
        The file's name, for errors.

    Returns
    -------
    object
        The value.

    Raises
    ------
    InputError
        It is not JSON, names a key twice, has a number that is not finite, an integer of more
        than 20 digits, half of a surrogate pair, or is nested deeper than 100 levels; the line
        and column are named.

    Examples
    --------
    >>> parse_json('{"epochs": 200}', "training.json")
    {'epochs': 200}
    """
    _check_json(text, printable(where))
    try:
        value = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        _refuse_json(text, printable(where), error.pos, f"not JSON ({error.msg})")
    except (UnicodeEncodeError, ValueError, RecursionError):
        raise InputError(f"{printable(where)}: not JSON in Unicode") from None
    return value


def _check_json(text: str, where: str) -> None:
    """Refuse, by their place, what the JSON reader itself would take or not survive."""
    opened: list[set[str] | None] = []
    for token in _JSON_TOKEN.finditer(text):
        piece, start = token.group(), token.start()
        if token.lastgroup == "sign":
            if piece in "[{":
                opened.append(set() if piece == "{" else None)
            elif opened:
                opened.pop()
            if len(opened) > JSON_DEPTH:
                _refuse_json(text, where, start, f"nested deeper than {JSON_DEPTH} levels")
        elif token.lastgroup == "constant":
            _refuse_json(text, where, start, f"{piece} is not a number of JSON")
        elif token.lastgroup == "number":
            if fault := _number_fault(piece):
                _refuse_json(text, where, start, fault)
        elif opened and opened[-1] is not None and _COLON.match(text, token.end()):
            key = _json_key(piece)
            if key in opened[-1]:
                _refuse_json(text, where, start, f"duplicate key '{printable(key)}'")
            opened[-1].add(key)


def _json_key(piece: str) -> str:
    try:
        return json.loads(piece)
    except ValueError:
        return piece


def _number_fault(piece: str) -> str:
    if piece.lstrip("-").isdigit():
        fault = len(piece.lstrip("-")) > MOST_DIGITS
        return f"an integer of more than {MOST_DIGITS} digits" if fault else ""
    if len(piece) > LONGEST_NUMBER:
        return f"a number of more than {LONGEST_NUMBER} characters"
    try:
        return "" if math.isfinite(float(piece)) else "a number that is not finite"
    except ValueError:
        return ""


def _refuse_json(text: str, where: str, position: int, reason: str) -> NoReturn:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    raise InputError(f"{where}, line {line}, column {column}: {reason}")


def read_json_object(path: str | Path, limit: int, *, links: bool = False) -> dict[str, Any]:
    """The object that a JSON file holds.

    Parameters
    ----------
    path : str or Path
        The file.
    limit : int
        Most bytes that the file may have.
    links : bool
        Whether ``path`` itself may be a symbolic link.

    Returns
    -------
    dict
        The object.

    Raises
    ------
    InputError
        As for :func:`read_text` and :func:`parse_json`, or the file does not hold an object.
    """
    value = parse_json(read_text(path, limit, links=links), str(path))
    if not isinstance(value, dict):
        raise InputError(f"{printable(path)}: an object is expected")
    return value
