"""The marks that open an explanation: limits or characters, null, order.

The standard (CDS catalogue standard, byte-by-byte description) puts them first and in this order:
``[0/360]``, ``[0,1]``, ``]0,10[`` (limits of a number) or ``[ABC]`` (characters of a text), then
``?`` (blank allowed) or ``?=code``, then ``+``, ``-``, ``+=`` or ``-=`` (the order of the rows).
Catalogues as distributed also have empty brackets (``[]?=99.9``), a blank before the code
(``?= 99.9``) and words in brackets before a null (``[Fe/H]?=-9``).
"""

import math
import re
from dataclasses import dataclass

_OPENING = re.compile(r"[\[\]]([^\[\]]*)[\[\]]")
_EMPTY = re.compile(r"(?:\[\]\s*)+")
_NULL = re.compile(r"\?(?:=(\S*))?(?:([-+]=?)(?=\s|$))?")
_SPACED_CODE = re.compile(r"\?=\s+(?=[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?(?:\s|$))")
_WORDS_THEN_NULL = re.compile(r"(\[[^\[\]]*\])\s*(\?=\S.*|(?<=\])\?.*)", re.S)
_ORDERED_NULL = re.compile(r"\?([-+]=?)(?=\s|$)")
_ORDER = re.compile(r"([-+]=?)(?=\s|$)")
_BOUNDS = re.compile(r"\s*([^\s/,]*)\s*(?:[/,]\s*([^\s/,]*)\s*)?")
_WORDS = re.compile(r"[A-Za-z]{2,}(?:/[A-Za-z]{2,})+")
_RANGE = re.compile(r"([0-9])-([0-9])|([a-z])-([a-z])|([A-Z])-([A-Z])")


@dataclass(frozen=True)
class Limits:
    """The interval a number lies in; an end is outside the interval when it is open."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    text: str = ""

    def __str__(self) -> str:
        return self.text or (
            f"{']' if self.low_open else '['}{_bound(self.low)}/{_bound(self.high)}"
            f"{'[' if self.high_open else ']'}"
        )


@dataclass(frozen=True)
class Marks:
    """What the opening of an explanation says, and the words that follow it."""

    explanation: str
    limits: Limits | None = None
    characters: str | None = None
    null: str | None = None
    order: str | None = None


def parse_marks(text: str, numeric: bool) -> Marks:
    """Split the marks off an explanation.

    Brackets that do not hold two numbers are words of a number's explanation (``[Fe/H] ratio``);
    a null mark behind them counts. Empty brackets say nothing and are left out.
    """
    rest = _without_empty(text.strip())
    limits = characters = null = order = None
    opening = _OPENING.match(rest)
    if opening and numeric:
        limits = _limits(opening[0])
    elif opening and rest.startswith("[") and opening[0].endswith("]") and opening[1]:
        characters = opening[1]
    if limits or characters:
        rest = _without_empty(rest[opening.end() :].lstrip())
    words = ""
    if numeric and not limits and (found := _WORDS_THEN_NULL.match(rest)):
        words, rest = found.groups()
    if numeric:
        rest = _SPACED_CODE.sub("?=", rest, count=1) if rest.startswith("?=") else rest
    if found := _ORDERED_NULL.match(rest):
        null, order = "", found[1]
    elif rest.startswith("?") and (found := _NULL.match(rest)):
        null, order = found[1] or "", found[2]
    elif (limits or characters) and (found := _ORDER.match(rest)):
        order = found[1]
    if null is not None or order is not None:
        rest = rest[found.end() :].lstrip()
    return Marks(f"{words} {rest}".strip(), limits, characters, null, order)


def _without_empty(text: str) -> str:
    """Text behind the empty brackets that it begins with."""
    found = _EMPTY.match(text)
    return text[found.end() :] if found else text


def format_marks(marks: Marks) -> str:
    """The explanation with its marks in front, as the standard orders them."""
    opening = "" if marks.limits is None else str(marks.limits)
    if marks.characters is not None:
        opening = f"[{marks.characters}]"
    if marks.null is not None:
        opening += f"?={marks.null}" if marks.null else "?"
    if marks.order is not None:
        opening += marks.order
    return f"{opening} {marks.explanation}".strip()


def choices(characters: str, width: int) -> tuple[str, ...] | None:
    """Whole words that the brackets of a text column list, or None where they list characters.

    ``[false/true ]`` of an A5 column means two words; so does ``[true]`` alone. Brackets whose
    words would not fit the field list characters.
    """
    text = characters.strip()
    if text in ("true", "false") or _WORDS.fullmatch(text):
        words = tuple(text.split("/"))
        if max(map(len, words)) <= width:
            return words
    return None


def allowed_bytes(characters: str) -> frozenset[int]:
    """The bytes that a character set allows; ``a-z``, ``A-Z`` and ``0-9`` stand for ranges."""
    allowed = set()
    position = 0
    while position < len(characters):
        if found := _RANGE.match(characters, position):
            first, last = (ord(end) for end in found.groups() if end is not None)
            if first <= last:
                allowed.update(range(first, last + 1))
                position = found.end()
                continue
        allowed.update(characters[position].encode())
        position += 1
    return frozenset(allowed)


def _limits(text: str) -> Limits | None:
    found = _BOUNDS.fullmatch(text[1:-1])
    if not found or not (found[1] or found[2]):
        return None
    if found[2] is None:
        low = high = _number(found[1])
    else:
        low = _number(found[1]) if found[1] else -math.inf
        high = _number(found[2]) if found[2] else math.inf
    if low is None or high is None:
        return None
    return Limits(low, high, text[0] == "]", text[-1] == "[", text)


def _number(text: str) -> float | None:
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?", text):
        return None
    return float(text.lower().replace("d", "e"))


def _bound(value: float) -> str:
    return "" if math.isinf(value) else f"{value:.17g}" if value % 1 else f"{value:.0f}"
