"""What a table of fixed-width text looks like: columns, tables, and the ReadMe that lists them."""

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import yaml

from .errors import InputError
from .marks import Limits, Marks, allowed_bytes, choices, format_marks, parse_marks

if TYPE_CHECKING:
    from astropy.units import UnitBase

WIDEST = 1 << 20
_UCD = re.compile(r"[\[(]ucd=([\w.;-]+)[\])]", re.I)
FORMAT = re.compile(r"(\d*)([AIFEDaifed])(\d+)(?:\.(\d+))?")
_COLUMN_KEYS = {
    "label",
    "bytes",
    "format",
    "unit",
    "explanation",
    "null",
    "limits",
    "characters",
    "order",
    "align",
    "value",
}
LAYOUT_BYTES = 5_000_000
_TABLE_KEYS = {"name", "title", "lrecl", "align", "comment", "columns"}


@dataclass(frozen=True)
class Column:
    """One field of a record.

    Attributes
    ----------
    start, end
        First and last byte, counted from 1, both inside the field.
    format
        Fortran format (``A160``, ``I19``, ``F24.15``, ``E22.19``, ``D25.17``).
    unit
        Unit in the notation of the CDS, ``---`` for none; brackets mean a decimal logarithm.
    label, explanation
        Name and words of the description, the words without their opening marks.
    null
        None where no null is allowed, ``""`` where a blank field is one, else the code of a null.
    limits, characters, order
        Interval of a number, characters (or words) of a text, order of the rows.
    align
        ``left`` or ``right``: where a shorter text stands in the field when written.
    value
        What fills the column, as the layout's configuration says it; None from a ReadMe.
    ucd
        Unified content descriptor; by default the one that the explanation names:
        ``[ucd=phot.mag]``.
    """

    start: int
    end: int
    format: str
    unit: str
    label: str
    explanation: str = ""
    null: str | None = None
    limits: Limits | None = None
    characters: str | None = None
    order: str | None = None
    align: str = ""
    value: Mapping[str, Any] | None = field(default=None, hash=False)
    ucd: str | None = None

    def __post_init__(self):
        if self.ucd is None and (found := _UCD.search(self.explanation)):
            object.__setattr__(self, "ucd", found[1])
        if not FORMAT.fullmatch(self.format):
            raise InputError(f"column {self.label}: {self.format!r} is no format of A, I, F, E, D")
        if not 1 <= self.start <= self.end:
            raise InputError(f"column {self.label}: bytes {self.start}-{self.end} are no range")
        if not self.align:
            object.__setattr__(self, "align", "left" if self.kind == "A" else "right")
        if self.align not in ("left", "right"):
            raise InputError(f"column {self.label}: align is left or right, not {self.align!r}")

    @classmethod
    def described(
        cls, start: int, end: int, format: str, unit: str, label: str, text: str
    ) -> "Column":
        """A column whose explanation still carries its marks."""
        numeric = _kind(format) != "A"
        marks = parse_marks(text, numeric)
        return cls(start, end, format, unit, label, **vars(marks))

    @property
    def width(self) -> int:
        """Bytes of the field."""
        return self.end - self.start + 1

    @property
    def bytes_type(self) -> np.dtype:
        """The field as a run of bytes."""
        return np.dtype((np.void, self.width))

    @property
    def place(self) -> str:
        """Name of the field in ``Table.record_type``."""
        return f"byte {self.start}"

    @property
    def kind(self) -> str:
        """``A``, ``I``, ``F``, ``E`` or ``D``; a repeated format (``3F5.2``) is text."""
        return _kind(self.format)

    @property
    def stated_width(self) -> int:
        """The width that the format states, which should be that of the bytes."""
        repeat, _, width, _ = FORMAT.fullmatch(self.format).groups()
        return int(repeat or 1) * int(width)

    @property
    def arrow_type(self) -> pa.DataType:
        """Type in memory: text, 64-bit integer or 64-bit float."""
        return {"A": pa.string(), "I": pa.int64()}.get(self.kind, pa.float64())

    @property
    def marked_explanation(self) -> str:
        """The explanation with limits, characters, null and order in front."""
        return format_marks(
            Marks(self.explanation, self.limits, self.characters, self.null, self.order)
        )

    @property
    def astropy_unit(self) -> "UnitBase | None":
        """The unit as astropy has it (``[cm/s2]`` is ``dex(cm/s2)``), None for ``---``.

        A unit that astropy does not know comes back as an ``UnrecognizedUnit``.
        """
        if self.unit == "---":
            return None
        from astropy.units import Unit  # tables written as text never pay for it

        return Unit(self.unit, format="cds", parse_strict="silent")

    @cached_property
    def choices(self) -> tuple[str, ...] | None:
        """The words a text column may hold, where its brackets list words."""
        return choices(self.characters, self.width) if self.characters else None

    @cached_property
    def allowed(self) -> frozenset[int] | None:
        """The bytes a text column may hold, where its brackets list characters."""
        if self.kind != "A" or self.characters is None or self.choices:
            return None
        return allowed_bytes(self.characters)

    @property
    def boolean(self) -> bool:
        """Whether the words of the column are ``true`` and ``false``, or one of them."""
        return bool(self.choices) and set(self.choices) <= {"true", "false"}


@dataclass(frozen=True)
class Table:
    """One file of fixed-width records.

    ``lrecl`` (bytes of a record) and ``records`` come from the file summary and are None where
    it does not say. ``notes`` are pairs of a mark (``(1)``, or empty) and a text. ``comment`` is
    the part of the configuration that says how the free text of the catalogue is written.
    ``metadata`` are keywords of the whole table, which FITS, VOTable and Parquet hold.
    """

    name: str
    lrecl: int | None
    records: int | None
    explanation: str
    columns: tuple[Column, ...]
    notes: tuple[tuple[str, str], ...] = ()
    comment: Mapping[str, Any] | None = field(default=None, hash=False)
    metadata: Mapping[str, str | bool] = field(default_factory=dict, hash=False)

    def __post_init__(self):
        if not self.columns:
            raise InputError(f"{self.name}: the table has no column")
        if self.width > WIDEST:
            raise InputError(f"{self.name}: {self.width} bytes a record; at most {WIDEST} are read")
        labels = [column.label for column in self.columns if column.label != "---"]
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise InputError(f"{self.name}: label {twice[0]} stands twice; labels must differ")

    @property
    def width(self) -> int:
        """Bytes of a record, without its newline: as stated, or up to the last column."""
        return max(self.lrecl or 0, *(column.end for column in self.columns))

    @property
    def named(self) -> tuple[Column, ...]:
        """The columns that have a label; a field labelled ``---`` holds a constant."""
        return tuple(column for column in self.columns if column.label != "---")

    @property
    def record_type(self) -> np.dtype:
        """A record with its newline: every field a run of bytes, named by its ``place``."""
        return self._record(self.width + 1)

    @property
    def bare_record_type(self) -> np.dtype:
        """The same without the newline."""
        return self._record(self.width)

    def _record(self, size: int) -> np.dtype:
        return np.dtype(
            {
                "names": [column.place for column in self.columns],
                "formats": [column.bytes_type for column in self.columns],
                "offsets": [column.start - 1 for column in self.columns],
                "itemsize": size,
            }
        )

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the named columns, with unit and explanation as field metadata."""
        return pa.schema([_arrow_field(column) for column in self.named])

    def column(self, label: str) -> Column:
        """The column of that label.

        Raises
        ------
        InputError
            There is none; the labels are listed.
        """
        for column in self.named:
            if column.label == label:
                return column
        known = ", ".join(column.label for column in self.named)
        raise InputError(f"{self.name}: no column {label!r}; there are {known}")

    def answers_to(self, file_name: str) -> bool:
        """Whether the description's file names (patterns, several) cover ``file_name``."""
        bare = re.sub(r"\.\d{2,3}$", "", file_name.removesuffix(".gz"))
        patterns = [pattern for pattern in re.split(r"[,\s]+", self.name) if pattern]
        return any(
            fnmatch.fnmatchcase(name, pattern)
            for name in (file_name, file_name.removesuffix(".gz"), bare)
            for pattern in patterns
        )


@dataclass(frozen=True)
class ReadMe:
    """A description of tables: the catalogue's title, its tables and its other sections.

    ``sections`` are pairs of a heading (``Description``) and its text, in the file's order.
    ``files`` are the rows of the file summary: name, record length, records, explanation.
    """

    title: str
    tables: tuple[Table, ...]
    designation: str = ""
    sections: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, int | None, int | None, str], ...] = ()
    name: str = "ReadMe"

    def table(self, file_name: str | Path) -> Table:
        """The table that describes a file, found by the file's name.

        A ReadMe that describes one table alone describes any file.

        Raises
        ------
        InputError
            No description, or the file's name fits none of them.
        """
        wanted = Path(file_name).name
        for table in self.tables:
            if table.answers_to(wanted):
                return self._of_file(table, wanted)
        if len(self.tables) == 1:
            return self.tables[0]
        known = "; ".join(table.name for table in self.tables) or "none"
        raise InputError(f"{self.name} describes no file {wanted!r}; it describes {known}")

    def _of_file(self, table: Table, wanted: str) -> Table:
        bare = re.sub(r"\.\d{2,3}$", "", wanted.removesuffix(".gz"))
        for name, lrecl, records, explanation in self.files:
            if name in (wanted, wanted.removesuffix(".gz"), bare):
                return replace(
                    table, name=name, lrecl=lrecl, records=records, explanation=explanation
                )
        return table


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases, so that a short text cannot become a large one."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(None, None, "an alias", event.start_mark)
        return super().compose_node(parent, index)


def _layout_text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: not a regular file")
    with path.open("rb") as stream:
        content = stream.read(LAYOUT_BYTES + 1)
    if len(content) > LAYOUT_BYTES:
        raise InputError(f"{path}: more than {LAYOUT_BYTES} bytes, too large for a layout")
    return content.decode("utf-8")


def layout_from_yaml(path: str | Path) -> Table:
    """Read a layout of ``config/catalogues``.

    Raises
    ------
    InputError
        The file is absent, is not YAML, or says something a layout does not know.
    """
    path = Path(path)
    try:
        content = yaml.load(_layout_text(path), _PlainLoader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not YAML ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: a layout is a mapping with {', '.join(sorted(_TABLE_KEYS))}")
    _known(path, "layout", content, _TABLE_KEYS, {"name", "title", "lrecl", "columns"})
    align = content.get("align", {})
    columns = tuple(_column_from(path, entry, align) for entry in content["columns"])
    return Table(
        content["name"],
        content["lrecl"],
        None,
        content["title"],
        columns,
        (),
        content.get("comment"),
    )


def _column_from(path: Path, entry: dict[str, Any], align: dict[str, str]) -> Column:
    where = f"column {entry.get('label')}"
    _known(path, where, entry, _COLUMN_KEYS, {"label", "bytes", "format", "unit", "explanation"})
    side = align.get("text" if _kind(entry["format"]) == "A" else "numbers", "")
    first, last = entry["bytes"]
    limits = entry.get("limits")
    if limits is not None:
        limits = parse_marks(limits, numeric=True).limits
    rest = {key: entry[key] for key in ("null", "characters", "order", "value") if key in entry}
    return Column(
        first,
        last,
        entry["format"],
        entry["unit"],
        entry["label"],
        entry["explanation"],
        limits=limits,
        align=entry.get("align", side),
        **rest,
    )


def _known(path: Path, where: str, given: dict, known: set[str], required: set[str]) -> None:
    if unknown := sorted(set(given) - known):
        raise InputError(f"{path}, {where}: unknown key {unknown[0]!r}; known: {sorted(known)}")
    if missing := sorted(required - set(given)):
        raise InputError(f"{path}, {where}: {missing[0]!r} is missing")


def _kind(format: str) -> str:
    found = FORMAT.fullmatch(format)
    if not found:
        return "A"
    return "A" if found[1] and int(found[1]) > 1 else found[2].upper()


def column_metadata(column: Column) -> dict[str, str]:
    """What a Parquet file says of a column: unit, description and UCD."""
    metadata = {"unit": column.unit, "description": column.explanation}
    if column.ucd:
        metadata["ucd"] = column.ucd
    return metadata


def _arrow_field(column: Column) -> pa.Field:
    return pa.field(column.label, column.arrow_type, metadata=column_metadata(column))
