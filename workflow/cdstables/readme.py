"""ReadMe files: parse them as they are found, write them as the standard wants them.

The layout is that of the CDS catalogue standard: a title, sections opened by a heading, a file
summary, and for each table a byte-by-byte description between lines of dashes.
"""

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from .errors import InputError
from .layout import FORMAT, Column, ReadMe, Table

_DESCRIPTION = re.compile(r"\s*Byte-(?:by|per)-byte\s+Description\s+of\s+files?\s*:\s*(.*)", re.I)
_TITLES = re.compile(r"\s*Bytes?\s+Formats?\s+Units?\s+Labels?\s+Explanations?", re.I)
_ROW = re.compile(
    r"\s*(?:(?P<start>\d+)\s*-\s*)?(?P<end>\d+)\s+(?P<format>\S+)\s+(?P<unit>\S+)\s+(?P<label>\S+)"
    r"(?:\s+(?P<text>\S.*))?$"
)
_BYTES = re.compile(r"\s*(?P<start>\d+\s*-\s*)?(?P<end>\d+)(?=\s|$)(?:\s+(?P<format>\S+))?")
_FORMAT_LIKE = re.compile(r"\d*[A-Za-z]\d+(\.\d*)?|[AIFED]\.?")
_BARE_FORMAT = re.compile(r"[AIFED]\.?")
_ALIGNED = 6  # byte numbers that end at this place or behind it stand in a column of their own
_NOTE = re.compile(r"\s*Notes?\s*(?:\((?P<mark>\w+)\)|on\s+(?P<on>[^:]+))\s*:\s*(?P<text>.*)", re.I)
_FILE = re.compile(r"\s*(\S+)\s+(\d+|\.)\s+(\d+|\.)(?:\s+(.*))?$")
_HEADING = re.compile(
    r"(ADC_Keywords|Mission_Name|Keywords|Abstract|Introduction|Description|Objects|See also"
    r"|Nomenclature|History|Acknowledgements|References|Prepared by|Authors?|Title|Table)"
    r"(?:\s*\([^)]*\))?\s*:\s*(.*)",
    re.I,
)
_SUMMARY = re.compile(r"\s*File\s+Summary\s*:", re.I)
_END = re.compile(r"\s*\(End\)", re.I)
_TALLEST = 100_000


def is_delimiter(line: str) -> bool:
    """Whether a line is one of six or more dashes, or equal signs, from its first byte on."""
    bare = line.rstrip()
    return len(bare) >= 6 and bare[0] in "-=" and len(set(bare)) == 1


def load_readme(path: str | Path) -> ReadMe:
    """Read and parse a ReadMe file.

    Raises
    ------
    InputError
        The file is absent, is not text, or cannot be understood; the line is named.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the catalogue's ReadMe") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return parse_readme(decode(content), str(path))


def decode(content: bytes) -> str:
    """Text of a ReadMe: UTF-8 where it is, Latin-1 otherwise, without a byte order mark."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def parse_readme(text: str, name: str = "ReadMe") -> ReadMe:
    """Parse a ReadMe.

    Indentation is used where there is any and not needed. A line of a description without bytes
    continues the explanation above it; one that begins with bytes and a format is a column, or an
    error. A format without a width (``A``) has that of its bytes.

    Parameters
    ----------
    text
        The whole file.
    name
        What errors call it.

    Raises
    ------
    InputError
        There is no byte-by-byte description, or one that breaks off or cannot be read; the line
        is named.
    """
    return _Parser(text.removeprefix("\ufeff").splitlines(), name).parse()


def parse_header(lines: list[str], name: str) -> tuple[ReadMe, int]:
    """The description at the start of a file, and the first line (from 0) behind its notes.

    What follows the first description is not parsed.

    Raises
    ------
    InputError
        As ``parse_readme``; or the file describes several tables.
    """
    starts = [number for number, line in enumerate(lines) if _DESCRIPTION.match(line)]
    parser = _Parser(lines, name, last=1)
    readme = parser.parse()
    more = [number for number in starts if number >= parser.behind]
    if more:
        raise InputError(f"{name}, line {more[0] + 1}: describes a second table; one is expected")
    return readme, parser.behind


def is_end(line: str) -> bool:
    """Whether a line is the ``(End)`` of a ReadMe."""
    return bool(_END.match(line))


def is_heading(line: str) -> bool:
    """Whether a line opens a section of a ReadMe, or a note."""
    return bool(_HEADING.match(line) or _NOTE.match(line))


@dataclass
class _Parser:
    """Reads a ReadMe line by line.

    ``position`` is the next line, ``behind`` the first behind the last description and its notes.
    """

    lines: list[str]
    name: str
    position: int = 0
    behind: int = 0
    last: int | None = None
    sections: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    files: list[tuple[str, int | None, int | None, str]] = field(default_factory=list)

    def parse(self) -> ReadMe:
        if len(self.lines) > _TALLEST and self.last is None:
            raise InputError(f"{self.name}: {len(self.lines)} lines; a ReadMe is a short text")
        designation, title = self._title()
        while self.position < len(self.lines) and len(self.tables) != self.last:
            line = self.lines[self.position]
            if _DESCRIPTION.match(line):
                self.tables.append(self._table())
                self.behind = self.position
            elif _SUMMARY.match(line):
                self._summary()
            elif found := _HEADING.match(line):
                self._section(found[1], found[2])
            else:
                self.position += 1
        if not self.tables:
            raise InputError(
                f"{self.name}: no line 'Byte-by-byte Description of file: NAME'; is it a ReadMe?"
            )
        return ReadMe(
            title,
            tuple(self.tables),
            designation,
            tuple(self.sections),
            tuple(self.files),
            self.name,
        )

    def _refuse(self, position: int, reason: str) -> InputError:
        return InputError(f"{self.name}, line {position + 1}: {reason}")

    def _title(self) -> tuple[str, str]:
        for line in self.lines:
            if not line.strip() or is_delimiter(line):
                continue
            if found := _HEADING.match(line):
                return "", found[2].strip() if found[1].lower() == "title" else ""
            if _DESCRIPTION.match(line) or _SUMMARY.match(line):
                return "", ""
            first, _, rest = line.strip().partition(" ")
            return (first, rest.strip()) if "/" in first and rest else ("", line.strip())
        return "", ""

    def _starts_part(self, line: str) -> bool:
        return bool(
            is_delimiter(line)
            or _DESCRIPTION.match(line)
            or _SUMMARY.match(line)
            or _HEADING.match(line)
            or _END.match(line)
        )

    def _section(self, heading: str, first: str) -> None:
        self.position += 1
        body = [first] if first.strip() else []
        while self.position < len(self.lines):
            line = self.lines[self.position]
            if self._starts_part(line):
                break
            body.append(line)
            self.position += 1
        self.sections.append((heading, textwrap.dedent("\n".join(body)).strip()))

    def _to_delimiter(self, opened: int, what: str) -> None:
        """Move behind the next delimiter."""
        while self.position < len(self.lines):
            self.position += 1
            if is_delimiter(self.lines[self.position - 1]):
                return
        raise self._refuse(opened, f"{what} that begins here is not followed by a line of dashes")

    def _summary(self) -> None:
        opened = self.position
        self._to_delimiter(opened, "the file summary")
        self._to_delimiter(opened, "the heading of the file summary")
        while self.position < len(self.lines):
            line = self.lines[self.position]
            self.position += 1
            if is_delimiter(line):
                return
            found = _FILE.match(line)
            if found:
                lrecl, records = (None if text == "." else int(text) for text in found.group(2, 3))
                self.files.append((found[1], lrecl, records, (found[4] or "").strip()))
            elif line.strip() and self.files:
                *front, text = self.files[-1]
                self.files[-1] = (*front, f"{text} {line.strip()}".strip())
        raise self._refuse(opened, "the file summary that begins here has no last line of dashes")

    def _table(self) -> Table:
        opened = self.position
        names = self._names()
        self._to_delimiter(opened, "the description")
        if self.position >= len(self.lines) or not _TITLES.match(self.lines[self.position]):
            raise self._refuse(
                min(self.position, len(self.lines) - 1),
                "expected the titles 'Bytes Format Units Label Explanations'",
            )
        deep = max(12, self.lines[self.position].lower().find("expl") - 2)
        self._to_delimiter(opened, "the heading of the description")
        columns = self._columns(opened, deep)
        notes = self._notes()
        name = ", ".join(names)
        lrecl, records, explanation = self._summarised(name)
        try:
            return Table(name, lrecl, records, explanation, columns, notes)
        except InputError as error:
            raise self._refuse(opened, str(error)) from None

    def _names(self) -> list[str]:
        names = []
        while self.position < len(self.lines):
            line = self.lines[self.position]
            found = _DESCRIPTION.match(line)
            if is_delimiter(line) or (not found and not line.strip()):
                break
            words = found[1] if found else line
            names += [word for word in re.split(r"[,\s]+", words) if word]
            self.position += 1
        if not names:
            raise self._refuse(self.position - 1, "the description names no file")
        return names

    def _columns(self, opened: int, deep: int) -> tuple[Column, ...]:
        rows: list[tuple[int, re.Match, list[str]]] = []
        while self.position < len(self.lines):
            line = self.lines[self.position]
            here = self.position
            self.position += 1
            if is_delimiter(line):
                return tuple(self._column(*row) for row in rows)
            if not line.strip():
                continue
            before = rows[-1][1] if rows else None
            if found := self._row(here, line, deep, before):
                rows.append((here, found, [found["text"] or ""]))
            elif rows:
                rows[-1][2].append(line.strip())
            else:
                raise self._refuse(here, f"{line.strip()[:40]!r} describes no column")
        raise self._refuse(opened, "the description that begins here has no last line of dashes")

    def _row(self, here: int, line: str, deep: int, before: re.Match | None) -> re.Match | None:
        """The column that a line describes; None where it continues the explanation above."""
        if before and len(line) - len(line.lstrip()) >= deep:
            return None
        found = _ROW.match(line.rstrip())
        if found and _is_column(found, before):
            return found
        place = _BYTES.match(line)
        if before and not (place and _must_be_column(place, found, before)):
            return None
        if not place:
            return found
        if place["format"] and found and not FORMAT.fullmatch(place["format"]):
            raise self._refuse(here, f"format {place['format']!r} is none of A, I, F, E, D")
        if not found:
            reason = "has bytes, but not a format, a unit and a label behind them"
            raise self._refuse(here, f"{line.strip()[:40]!r} {reason}")
        return found

    def _column(self, here: int, found: re.Match, texts: list[str]) -> Column:
        end = int(found["end"])
        start = int(found["start"] or end)
        text = " ".join(part for part in texts if part)
        form = found["format"]
        if _BARE_FORMAT.fullmatch(form):
            form = f"{form[0]}{max(1, end - start + 1)}"
        try:
            return Column.described(start, end, form, found["unit"], found["label"], text)
        except InputError as error:
            raise self._refuse(here, str(error)) from None

    def _notes(self) -> tuple[tuple[str, str], ...]:
        notes: list[tuple[str, list[str]]] = []
        opened = self.position
        while self.position < len(self.lines):
            line = self.lines[self.position]
            found = _NOTE.match(line)
            if found:
                if not notes:
                    opened = self.position
                mark = f"({found['mark']})" if found["mark"] else f"on {found['on'].strip()}"
                notes.append((mark, [found["text"].strip()]))
            elif self._starts_part(line):
                if notes and is_delimiter(line):
                    self.position += 1
                break
            elif notes:
                notes[-1][1].append(line.strip())
            elif line.strip():
                break
            self.position += 1
        else:
            if notes:
                raise self._refuse(opened, "the notes that begin here have no last line of dashes")
        return tuple((mark, "\n".join(lines).strip()) for mark, lines in notes)

    def _summarised(self, name: str) -> tuple[int | None, int | None, str]:
        for file, lrecl, records, explanation in self.files:
            if file == name:
                return lrecl, records, explanation
        return None, None, ""


def _is_column(found: re.Match, before: re.Match | None) -> bool:
    """Whether a line with all its parts is a column by its format, and no words."""
    form = FORMAT.fullmatch(found["format"])
    if not form:
        return bool(_BARE_FORMAT.fullmatch(found["format"])) and (
            before is None or _follows(found, before)
        )
    if before is None or found["start"] or form.group(3).lstrip("0") == "1":
        return True
    return _aligned(found, before)


def _must_be_column(place: re.Match, found: re.Match | None, before: re.Match) -> bool:
    """Whether a line that begins with numbers must be a column, understood or not."""
    if _aligned(place, before):
        return True
    if not (place["start"] and place["format"]) or _gap(place, before) < 1:
        return False
    if _BARE_FORMAT.fullmatch(place["format"]):
        return _gap(place, before) <= 2
    if _FORMAT_LIKE.fullmatch(place["format"]):
        return True
    return bool(found) and _follows(found, before)


def _aligned(place: re.Match, before: re.Match) -> bool:
    """Whether the byte numbers stand under those of the column before."""
    return place.end("end") == before.end("end") >= _ALIGNED


def _follows(found: re.Match, before: re.Match) -> bool:
    """Whether the bytes of a line come next after those of the column before."""
    gap = _gap(found, before)
    return gap == 1 or (gap > 1 and (found["unit"] == "---" or _aligned(found, before)))


def _gap(place: re.Match, before: re.Match) -> int:
    """Bytes from the end of the column before to the first byte of a line."""
    first = re.match(r"\d+", place["start"] or place["end"])[0]
    return int(first[:20]) - int(before["end"][:20])
