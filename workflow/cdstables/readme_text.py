"""A ReadMe's description as the text of a ReadMe."""

import textwrap

from .layout import ReadMe, Table

_WIDTH = 80


def format_readme(readme: ReadMe) -> str:
    """The text of a ReadMe, at most 80 bytes a line where its words allow, newline at the end.

    ``parse_readme`` of it gives the same tables.
    """
    parts = [f"{readme.designation} {readme.title}".strip(), "=" * _WIDTH]
    summary = _format_summary(readme)
    placed = False
    for heading, text in readme.sections:
        if not placed and heading.lower() in ("see also", "acknowledgements", "references"):
            parts += [*summary, ""]
            placed = True
        parts += [f"{heading}:", *_indented(text), ""]
    if not placed:
        parts += [*summary, ""]
    for table in readme.tables:
        parts += [*_format_table(table), ""]
    parts += ["=" * _WIDTH, "(End)"]
    return "\n".join(parts) + "\n"


def _indented(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        lines += textwrap.wrap(
            line, _WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False
        ) or [""]
    return lines


def _format_summary(readme: ReadMe) -> list[str]:
    files = readme.files or tuple(
        (table.name, table.lrecl or table.width, table.records, table.explanation)
        for table in readme.tables
    )
    if not any(file[0] == "ReadMe" for file in files):
        files = (("ReadMe", _WIDTH, None, "This file"), *files)
    name_width = max(8, *(len(file[0]) for file in files))
    lines = ["File Summary:", "-" * _WIDTH]
    lines += [f" {'FileName':<{name_width}} {'Lrecl':>6} {'Records':>8}   Explanations"]
    lines += ["-" * _WIDTH]
    for name, lrecl, records, explanation in files:
        length, count = ("." if value is None else str(value) for value in (lrecl, records))
        lines += _hanging(f"{name:<{name_width}}  {length:>6} {count:>8}   ", explanation)
    return [*lines, "-" * _WIDTH]


def _hanging(front: str, text: str, extra: int = 1) -> list[str]:
    """Text behind ``front``, its further lines under its first and ``extra`` deeper."""
    indent = " " * (len(front) + extra)
    room = max(_WIDTH, len(indent) + 24)
    wrapped = textwrap.wrap(
        text,
        room,
        initial_indent=front,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.rstrip() for line in wrapped] or [front.rstrip()]


def _format_table(table: Table) -> list[str]:
    digits = len(str(max(column.end for column in table.columns)))
    digits = max(3, digits)
    widths = [
        max(len(title), *(len(getattr(column, attribute)) for column in table.columns))
        for title, attribute in (("Format", "format"), ("Units", "unit"), ("Label", "label"))
    ]
    titles = " ".join(
        f"{title:<{width}}"
        for title, width in zip(("Format", "Units", "Label"), widths, strict=True)
    )
    lines = [f"Byte-by-byte Description of file: {table.name}", "-" * _WIDTH]
    lines += [f" {'Bytes':>{2 * digits + 1}} {titles} Explanations", "-" * _WIDTH]
    for column in table.columns:
        single = column.start == column.end
        first = " " * (digits + 1) if single else f"{column.start:>{digits}}-"
        texts = " ".join(
            f"{text:<{width}}"
            for text, width in zip((column.format, column.unit, column.label), widths, strict=True)
        )
        front = f" {first}{column.end:>{digits}} {texts} "
        lines += _hanging(front, column.marked_explanation)
    lines.append("-" * _WIDTH)
    for mark, text in table.notes:
        first, *rest = text.splitlines() or [""]
        lines += _hanging(f"Note {mark}: ", first, 0)
        lines += [f"    {line}".rstrip() for line in rest]
    if table.notes:
        lines.append("-" * _WIDTH)
    return lines
