"""Is a file what its ReadMe says: every violation with its line, bytes, column and reason.

Kinds of violation
------------------
description
    The byte-by-byte description contradicts itself (width of a format, overlapping fields).
record length
    A record longer than the file summary says, or one that is cut short: it ends within a number,
    or lacks a field that may not be blank, or is shorter in a file whose records are else padded
    with blanks. Records from which blanks at their ends are left out are one note of the file.
line end
    A carriage return, or no newline behind the last record.
encoding
    A byte that is no printable ASCII character.
between columns
    A byte that belongs to no field and is not blank.
number
    Text that a Fortran read of the field would refuse, or that is no finite double.
null
    A blank number where the description allows no null.
limits, characters, order
    What the marks of the explanation exclude.
records
    Another number of records than the file summary says.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .layout import Column, Table
from .numbers import Fields, parse
from .reading import layout_of
from .records import Block, blocks
from .short_records import ShortRecords
from .writing import foreign, outside

THREADS = max(1, min(8, os.cpu_count() or 1))
_SHOWN = 40


@dataclass(frozen=True)
class Violation:
    """One breach: line (from 1; 0 for the file as a whole), bytes (from 1), column and reason."""

    line: int
    start: int
    end: int
    column: str
    kind: str
    reason: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "the file"
        if self.start:
            place += f", byte {self.start}" if self.start == self.end else ""
            place += f", bytes {self.start}-{self.end}" if self.start != self.end else ""
        if self.column:
            place += f", {self.column}"
        return f"{place}: {self.kind}: {self.reason}"


@dataclass
class Report:
    """What a check found: the first violations in the file's order, and all of them by kind."""

    file: str
    records: int = 0
    counts: Counter = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Whether nothing was found."""
        return not self.counts

    def summary(self) -> str:
        """One line: records, and the violations by kind."""
        if self.fine:
            return f"{self.file}: {self.records} records, fine"
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.counts.items()))
        total = self.counts.total()
        return f"{self.file}: {self.records} records, {total} violations: {kinds}"


@dataclass(frozen=True)
class _Finding:
    """Rows of a block that share a kind of violation; reasons are one text or one per row."""

    kind: str
    rows: np.ndarray
    start: int
    end: int
    column: str
    reason: str | dict[int, str]

    def first(self, count: int, line: int) -> Iterator[Violation]:
        for row in self.rows[:count].tolist():
            reason = self.reason if isinstance(self.reason, str) else self.reason[row]
            yield Violation(line + row, self.start, self.end, self.column, self.kind, reason)


def check_file(
    path: str | Path,
    table: Table,
    limit: int | None = None,
    progress: bool = False,
    skip: int = 0,
    records: int | None = None,
) -> Report:
    """Hold a file against its description.

    Parameters
    ----------
    path
        Plain or gzip; numbered parts by the name they share.
    limit
        How many violations the report lists; all by default. All are counted.
    progress
        Whether to say on standard error how far it is.
    skip, records
        Lines before the first record, and how many lines from there are records.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    report = Report(str(path))
    for violation in _self_contradictions(table):
        _add(report, violation, limit)
    ended = True
    last: dict[str, float] = {}
    short = ShortRecords(table)
    with ThreadPoolExecutor(THREADS) as pool:
        for block in blocks(path, table.width, None, skip, records):
            findings = list(_layout_findings(block, table))
            hidden = _rows_of(findings, "encoding")
            found = pool.map(partial(_column_findings, block, hidden, last), table.columns)
            findings += [finding for column in found for finding in column]
            short.add(block, findings)
            _collect(report, findings, skip + block.first + 1, limit)
            report.records += len(block)
            ended = block.ended
            if progress:
                print(f"\r{path}: {report.records} records", end="", file=sys.stderr)
    if progress:
        print(file=sys.stderr)
    _tell_short(report, short, skip, limit)
    for violation in _whole_file(report, table, ended, skip):
        _add(report, violation, limit)
    return report


def _tell_short(report: Report, short: ShortRecords, skip: int, limit: int | None) -> None:
    """Violations of records cut short in the file's order, or the note that blanks are left out."""
    held, note = short.verdict()
    if note:
        report.notes.append(note)
    if held:
        report.counts["record length"] += len(held)
        report.violations += [
            Violation(skip + line, 0, 0, "", "record length", reason) for line, reason in held
        ]
        report.violations.sort(key=lambda item: (item.line, item.start, item.kind))
        del report.violations[len(report.violations) if limit is None else limit :]


def main(argv: Sequence[str] | None = None, read_path: Callable[[str], Path] = Path) -> int:
    """``./reproduce check README FILE...``: 0 where all files are fine, 1 where one is not.

    ``read_path`` finds a path of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="reproduce check",
        description="Hold files of fixed-width text against the ReadMe that describes them; a "
        "file that describes itself (MRT) is its own README.",
        epilog="example: ./reproduce check catalogues/ReadMe catalogues/g2a.dat",
    )
    parser.add_argument("readme", metavar="README", type=read_path)
    parser.add_argument("files", metavar="FILE", type=read_path, nargs="+")
    parser.add_argument("--json", action="store_true", help="print the reports as JSON")
    parser.add_argument(
        "--max", type=_count, default=20, metavar="N", help="violations to list per file (20)"
    )
    arguments = parser.parse_args(argv)
    described = [layout_of(arguments.readme, file) for file in arguments.files]
    progress = sys.stderr.isatty() and not arguments.json
    reports = [
        check_file(file, found.table, arguments.max, progress, found.skip, found.records)
        for file, found in zip(arguments.files, described, strict=True)
    ]
    if arguments.json:
        print(json.dumps([_plain(report) for report in reports], indent=1))
    else:
        _print(reports)
    return 0 if all(report.fine for report in reports) else 1


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of violations")
    return int(text)


def _print(reports: list[Report]) -> None:
    for report in reports:
        for violation in report.violations:
            print(f"{report.file}, {violation}")
        if (left := report.counts.total() - len(report.violations)) and report.violations:
            print(f"{report.file}: {left} more not listed; --max lists more")
        for note in report.notes:
            print(f"{report.file}: note: {note}")
        print(report.summary())


def _plain(report: Report) -> dict:
    return {
        "file": report.file,
        "records": report.records,
        "fine": report.fine,
        "counts": dict(sorted(report.counts.items())),
        "notes": report.notes,
        "violations": [asdict(violation) for violation in report.violations],
    }


def _add(report: Report, violation: Violation, limit: int | None) -> None:
    report.counts[violation.kind] += 1
    if limit is None or len(report.violations) < limit:
        report.violations.append(violation)


def _collect(report: Report, findings: list[_Finding], line: int, limit: int | None) -> None:
    for finding in findings:
        report.counts[finding.kind] += len(finding.rows)
    room = sys.maxsize if limit is None else limit - len(report.violations)
    if room > 0 and findings:
        made = [item for finding in findings for item in finding.first(room, line)]
        made.sort(key=lambda item: (item.line, item.start, item.kind))
        report.violations += made[:room]


def _self_contradictions(table: Table) -> Iterator[Violation]:
    behind = 0
    for column in sorted(table.columns, key=lambda column: (column.start, column.end)):
        where = (0, column.start, column.end, column.label, "description")
        if column.stated_width != column.width:
            yield Violation(*where, f"format {column.format} over {column.width} bytes")
        if column.start <= behind:
            yield Violation(*where, f"overlaps the field before it, which ends at byte {behind}")
        behind = max(behind, column.end)


def _whole_file(report: Report, table: Table, ended: bool, skip: int) -> Iterator[Violation]:
    if not ended:
        yield Violation(
            skip + report.records, 0, 0, "", "line end", "no newline behind the last record"
        )
    if table.records is not None and table.records != report.records:
        reason = f"{report.records} records, the file summary says {table.records}"
        yield Violation(0, 0, 0, "", "records", reason)


def _rows_of(findings: list[_Finding], kind: str) -> set[tuple[int, int]]:
    """Rows and bytes that already have a violation of this kind."""
    return {
        (row, finding.start)
        for finding in findings
        if finding.kind == kind
        for row in finding.rows.tolist()
    }


def _layout_findings(block: Block, table: Table) -> Iterator[_Finding]:
    yield from _length_findings(block, table)
    if len(rows := np.flatnonzero(block.returns)):
        yield _Finding("line end", rows, 0, 0, "", "a carriage return before the newline")
    yield from _encoding_findings(block, table)
    for start, end in _gaps(table):
        gap = block.cells[:, start - 1 : end]
        rows = np.flatnonzero((gap != ord(" ")).any(axis=1))
        if len(rows):
            reasons = {row: f"{_show(gap[row])} between columns" for row in rows.tolist()}
            yield _Finding("between columns", rows, start, end, "", reasons)


def _length_findings(block: Block, table: Table) -> Iterator[_Finding]:
    expected = table.width if table.lrecl is None else table.lrecl
    rows = np.flatnonzero(block.lengths > expected)
    if len(rows):
        reasons = {row: f"{block.lengths[row]} bytes, not {expected}" for row in rows.tolist()}
        yield _Finding("record length", rows, 0, 0, "", reasons)


def _encoding_findings(block: Block, table: Table) -> Iterator[_Finding]:
    odd = (block.cells - np.uint8(32)) > 94
    if not odd.any():
        return
    for position in np.flatnonzero(odd.any(axis=0)).tolist():
        rows = np.flatnonzero(odd[:, position])
        byte = position + 1
        names = [column.label for column in table.columns if column.start <= byte <= column.end]
        reasons = {
            row: f"byte 0x{block.cells[row, position]:02x} is no printable ASCII character"
            for row in rows.tolist()
        }
        yield _Finding("encoding", rows, byte, byte, "".join(names[:1]), reasons)


def _gaps(table: Table) -> list[tuple[int, int]]:
    """First and last byte (from 1) of the stretches that belong to no field."""
    free = np.ones(table.width + 2, dtype=bool)
    free[0] = free[-1] = False
    for column in table.columns:
        free[column.start : column.end + 1] = False
    edges = np.flatnonzero(np.diff(free.astype(np.int8)))
    return [(int(low) + 1, int(high)) for low, high in edges.reshape(-1, 2)]


def _column_findings(
    block: Block, hidden: set[tuple[int, int]], last: dict[str, float], column: Column
) -> list[_Finding]:
    fields = parse(block.cells, column)
    findings = []

    def found(kind: str, mask: np.ndarray | None, reason: str) -> None:
        if mask is not None and mask.any():
            rows = np.flatnonzero(mask)
            shown = {row: f"{_show_text(fields.texts, row)} {reason}" for row in rows.tolist()}
            place = (column.start, column.end, column.label)
            findings.append(_Finding(kind, rows, *place, shown))

    if column.kind == "A":
        found("characters", _mask(foreign(fields.texts, column)), _allowed(column))
        return findings
    findings += _bad_numbers(fields, hidden, column)
    found("number", _not_finite(fields.data), "is no finite number")
    if fields.blank is not None and column.null is None:
        found("null", fields.blank, "is blank, and no null is allowed")
    if column.limits is not None:
        numbers = pc.fill_null(fields.data, 0).to_numpy(zero_copy_only=False)
        known = fields.data.is_valid().to_numpy(zero_copy_only=False)
        beyond = outside(numbers, column) & np.isfinite(numbers) & known
        found("limits", beyond, f"is outside {column.limits}")
    if column.order:
        found("order", _disorder(fields.data, column, last), f"breaks the order {column.order}")
    return findings


def _allowed(column: Column) -> str:
    return f"is not among [{column.characters}]"


def _bad_numbers(fields: Fields, hidden: set[tuple[int, int]], column: Column) -> list[_Finding]:
    bytes_of_field = range(column.start, column.end + 1)
    reasons = {
        row: f"{_show_text(fields.texts, row)} is {reason}"
        for row, reason in sorted(fields.bad.items())
        if not (hidden and any((row, byte) in hidden for byte in bytes_of_field))
    }
    if not reasons:
        return []
    rows = np.array(list(reasons))
    return [_Finding("number", rows, column.start, column.end, column.label, reasons)]


def _not_finite(values: pa.Array) -> np.ndarray | None:
    if not pa.types.is_floating(values.type):
        return None
    return _mask(pc.invert(pc.is_finite(values)))


def _disorder(values: pa.Array, column: Column, last: dict[str, float]) -> np.ndarray:
    """Rows that do not follow the value before them, over the blocks of a file."""
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    numbers = values.drop_null().to_numpy(zero_copy_only=False)
    before = last.get(column.label)
    if before is not None:
        numbers = np.concatenate(([before], numbers))
    steps = numbers[1:], numbers[:-1]
    if column.order.startswith("-"):
        steps = steps[::-1]
    broken = steps[0] < steps[1] if column.order.endswith("=") else steps[0] <= steps[1]
    if before is None and len(numbers):
        broken = np.concatenate(([False], broken))
    if len(numbers):
        last[column.label] = numbers[-1]
    mask = np.zeros(len(values), dtype=bool)
    mask[np.flatnonzero(valid)] = broken
    return mask


def _mask(values: pa.Array) -> np.ndarray | None:
    if not pc.any(values).as_py():
        return None
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False)


def _show(cells: np.ndarray) -> str:
    text = cells.tobytes().decode("latin-1")
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def _show_text(texts: pa.Array, row: int) -> str:
    text = texts[row].as_py()
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
