"""The text of a cut: its size, its signs, and its syntax tree."""

import ast
import difflib
import keyword
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from spectrotranslator.errors import InputError
from spectrotranslator.untrusted import printable

LONGEST = 2_000
DEEPEST = 50
MOST_NODES = 500
MOST_DIGITS = 20
LARGEST_EXPONENT = 10

ALLOWED = (
    "a cut may use columns, numbers, texts, comparisons, and, or, not, in, arithmetic, "
    "abs, isfinite, sqrt, log10 and named bits"
)
WORDS = frozenset({"and", "or", "not", "in", "True", "False"})

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<column>`[^`\n]+`)
    |(?P<text>'[^'\\\n]*'|"[^"\\\n]*")
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<sign>\*\*|//|<=|>=|==|!=|[-+*/%<>&|~(),.\[\]])""",
    re.VERBOSE,
)
_OPENING, _CLOSING = "([", ")]"


def shown_text(text: Any) -> str:
    """A cut in quotation marks, safe to show."""
    shown = printable(text)
    quote = '"' if "'" in shown and '"' not in shown else "'"
    return f"{quote}{shown}{quote}"


def refuse(text: str, position: int, reason: str) -> NoReturn:
    """Raise the error that points at the character at ``position``, counted from 0."""
    raise InputError(f"cut {shown_text(text)}: {reason} at character {position + 1}; {ALLOWED}")


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Every token of ``text``; a character that begins none is refused."""
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            refuse(text, position, f"unexpected {shown_text(text[position])}")
        yield token
        position = token.end()


def plain_text(text: str) -> tuple[str, dict[int, tuple[str, str]]]:
    """``text`` in ASCII on one line, and what stood in quotes or backticks, by its position.

    Each quoted token is replaced by underscores of the same length, so that positions stay.
    """
    pieces: list[str] = []
    quoted: dict[int, tuple[str, str]] = {}
    before = ""
    depth = 0
    for token in _tokens(text):
        kind, piece, start = token.lastgroup or "", token.group(), token.start()
        if kind in ("name", "number", "text", "column") and before in ("name", "number", "quoted"):
            refuse(text, start, f"unexpected {shown_text(piece)}")
        if kind == "name" and (
            piece.startswith("__") or (keyword.iskeyword(piece) and piece not in WORDS)
        ):
            refuse(text, start, f"unexpected {shown_text(piece)}")
        if kind == "number":
            _check_number(text, start, piece)
        if kind in ("text", "column"):
            quoted[start] = (kind, piece[1:-1])
            kind, piece = "quoted", "_" * len(piece)
        depth += (piece in _OPENING) - (piece in _CLOSING)
        if depth > DEEPEST:
            refuse(text, start, f"nested deeper than {DEEPEST} levels")
        pieces.append(" " * len(piece) if kind == "space" else piece)
        before = kind
    return "".join(pieces), quoted


def _check_number(text: str, start: int, piece: str) -> None:
    if piece.isdigit() and len(piece) > MOST_DIGITS:
        refuse(text, start, f"an integer of more than {MOST_DIGITS} digits")
    if not piece.isdigit() and not math.isfinite(float(piece)):
        refuse(text, start, "a number that is not finite")


def parse(text: str, plain: str) -> ast.expr:
    """The syntax tree of ``plain``, bounded in size and depth."""
    indent = len(plain) - len(plain.lstrip())
    if indent == len(plain):
        raise InputError(f"cut {shown_text(text)}: a condition on columns is expected")
    try:
        # The spaces in front would count as an indentation: parse without, then shift.
        tree = ast.parse(plain.strip(), mode="eval").body
    except SyntaxError as error:
        ended = (error.lineno or 1) > 1 or not error.offset
        _refuse_syntax(text, plain, len(plain) if ended else indent + error.offset - 1)
    except (RecursionError, MemoryError, ValueError):
        refuse(text, indent, f"nested deeper than {DEEPEST} levels")
    _check_size(text, tree, indent)
    return tree


def _refuse_syntax(text: str, plain: str, position: int) -> NoReturn:
    rest = plain[position:].strip()
    if not rest:
        refuse(text, len(plain.rstrip()), "unexpected end")
    position += len(plain[position:]) - len(plain[position:].lstrip())
    token = _TOKEN.match(text, position)
    refuse(text, position, f"unexpected {shown_text(token.group() if token else text[position])}")


def _check_size(text: str, tree: ast.expr, indent: int) -> None:
    """Refuse a tree too large or too deep, and shift its positions by ``indent``."""
    nodes = 0
    below: list[tuple[ast.AST, int]] = [(tree, 1)]
    while below:
        node, depth = below.pop()
        nodes += 1
        if isinstance(node, ast.expr):
            node.col_offset += indent
            node.end_col_offset = (node.end_col_offset or 0) + indent
        if depth > DEEPEST:
            refuse(text, tree.col_offset, f"nested deeper than {DEEPEST} levels")
        if nodes > MOST_NODES:
            refuse(text, tree.col_offset, f"more than {MOST_NODES} terms")
        children = (n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.expr_context))
        below.extend((child, depth + isinstance(child, ast.expr)) for child in children)


def nearest(name: str, names: Iterable[str]) -> str:
    """``; the nearest is 'NAME'``, or nothing where there are no names."""
    folded = {str(other).lower(): str(other) for other in names}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0)
    return f"; the nearest is {shown_text(folded[close[0]])}" if close else ""
