"""How the published rows are written, from a few thousand of them: alignment, quotes, cuts."""

import zlib
from collections import Counter
from pathlib import Path

from cdstables.layout import Table, layout_from_yaml
from spectrotranslator.errors import InputError
from spectrotranslator.files import read_yaml

from .check_result import CheckResult


def unpacked(start: bytes) -> bytes:
    """The plain text that the first bytes of a (perhaps packed) file hold.

    Raises
    ------
    InputError
        The packed bytes are damaged.
    """
    if start[:2] != b"\x1f\x8b":
        return start
    try:
        return zlib.decompressobj(wbits=31).decompress(start)
    except zlib.error as error:
        raise InputError(f"damaged gzip ({error})") from None


def check_rows(name: str, layout: Path, start: bytes) -> list[CheckResult]:
    """Findings on the first rows of a published table, held against our layout of it.

    Raises
    ------
    InputError
        The packed bytes are damaged.
    """
    lines = unpacked(start).split(b"\n")[:-1]
    if not lines:
        return [CheckResult(name, "rows", "fault", "no whole row in the first bytes", _SEE)]
    table = layout_from_yaml(layout)
    widths = Counter(len(line.rstrip(b"\r")) for line in lines)
    findings = [_width(name, table, widths, len(lines))]
    whole = [line for line in lines if len(line.rstrip(b"\r")) == table.width]
    if b"\r" in lines[0]:
        findings.append(CheckResult(name, "line ends", "note", "CR LF", _SEE))
    if not whole:
        return findings
    ours = read_yaml(layout)
    for kinds, kind in (("IEFD", "numbers"), ("A", "text")):
        findings.append(_alignment(name, table, whole, kinds, kind, ours["align"][kind], layout))
    comments = [c for c in table.columns if c.kind == "A" and c.width > 100]
    for column in comments:
        cells = [line[column.start - 1 : column.end].decode("latin-1") for line in whole]
        findings += check_comments(name, cells, ours["comment"], layout)
    return findings


QUOTES = "\"'"
SOME = 3  # comments of one width that are no chance
_SEE = "compare the file with its ReadMe: ./reproduce check ReadMe FILE"


def _width(name: str, table: Table, widths: Counter, rows: int) -> CheckResult:
    if set(widths) == {table.width}:
        return CheckResult(name, "row width", "ok", f"{table.width} bytes in all of {rows} rows")
    found = ", ".join(f"{width} bytes ({n})" for width, n in widths.most_common(3))
    return CheckResult(name, "row width", "fault", f"{found}; expected {table.width}", _SEE)


def _alignment(
    name: str, table: Table, lines: list[bytes], kinds: str, kind: str, ours: str, layout: Path
) -> CheckResult:
    sides = Counter()
    for column in table.columns:
        if column.kind not in kinds:
            continue
        for line in lines:
            cell = line[column.start - 1 : column.end]
            if cell.strip() and len(cell.strip()) < len(cell):
                left, right = cell[:1] != b" ", cell[-1:] != b" "
                sides["left" if left and not right else "right" if right and not left else "?"] += 1
    if not sides:
        return CheckResult(name, f"{kind} stand", "ok", "every field is full")
    side, count = sides.most_common(1)[0]
    share = count / sum(sides.values())
    found = f"{side} in {share:.1%} of {sum(sides.values())} shorter cells"
    if side == ours and share == 1:
        return CheckResult(name, f"{kind} stand", "ok", found)
    advice = f"set align.{kind}: {side} in {layout}" if side != ours else _SEE
    return CheckResult(name, f"{kind} stand", "note", f"{found}; ours: {ours}", advice)


def check_comments(name: str, cells: list[str], ours: dict, layout: Path) -> list[CheckResult]:
    """Findings on the empty comment, the quotes, and where long comments are cut."""
    texts = [cell.strip() for cell in cells]
    empty = Counter(text for text in texts if text in ("", '""', "''", "-", "---"))
    full = [text for text in texts if text not in empty]
    findings = [_said(name, "empty comment", _most(empty), ours["empty"], "empty", layout)]
    unclosed = _unclosed(full)
    quotes = Counter(t[0] if t[0] in QUOTES and (t[0] == t[-1] or t in unclosed) else ""
                     for t in full)  # fmt: skip
    findings.append(_said(name, "quotes", _most(quotes), ours["quote"], "quote", layout))
    quote = _most(quotes) or ""
    bare = [text.strip(quote) if quote else text for text in full]
    return [*findings, _cut(name, bare, bool(unclosed), ours, layout)]


def _unclosed(texts: list[str]) -> set[str]:
    """Texts of which the closing quote is cut off, if some of them are the longest of all.

    One that is cut behind a space looks shorter.
    """
    cut = {text for text in texts if text[0] in QUOTES and text[-1] != text[0]}
    return cut if sum(text in cut for text in _longest(texts)) >= SOME else set()


def _longest(texts: list[str]) -> list[str]:
    width = max(map(len, texts), default=0)
    return [text for text in texts if len(text) == width]


def _cut(name: str, bare: list[str], unclosed: bool, ours: dict, layout: Path) -> CheckResult:
    """Where comments without their quotes are cut: before an ellipsis, or hard at one width.

    Whole ones all end in the same sign, those cut hard do not.
    """
    ellipsis, longest = ours["ellipsis"], _longest(bare)
    cut = Counter(len(t) - len(ellipsis) for t in bare if ellipsis and t.endswith(ellipsis))
    if cut:
        return _said(name, "comments cut", _most(cut), ours["cut"], "cut", layout)
    width = len(longest[0]) if longest else 0
    if not unclosed and (len(longest) < SOME or len({text[-1:] for text in longest}) == 1):
        words = f"none of {len(bare)} comments is cut; the longest has {width} characters"
        return CheckResult(name, "comments cut", "ok", words)
    found = f"{len(longest)} end at {width} characters without an ellipsis"
    if unclosed:
        found += " or closing quote"
    if (ours["cut"], ellipsis) == (width, ""):
        return CheckResult(name, "comments cut", "ok", found)
    advice = f"set comment.cut: {width} and comment.ellipsis: '' in {layout}"
    ours_told = f"ours: {ours['cut']} and {ellipsis!r}"
    return CheckResult(name, "comments cut", "note", f"{found}; {ours_told}", advice)


def _most(counts: Counter):
    return counts.most_common(1)[0][0] if counts else None


def _said(name: str, what: str, found, ours, key: str, layout: Path) -> CheckResult:
    if found is None:
        return CheckResult(name, what, "ok", "none among these rows")
    if found == ours:
        return CheckResult(name, what, "ok", repr(found))
    advice = f"set comment.{key}: {found!r} in {layout}"
    return CheckResult(name, what, "note", f"{found!r}; ours: {ours!r}", advice)
