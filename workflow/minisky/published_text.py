"""The published files' text: fixed-width records and a ReadMe, by the plainest of writers."""

import csv
import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spectrotranslator.files import atomic

from .published_catalogue import PERCENTILES, Catalogue

COMMENT_CUT = {"g2a": 155, "a2g": 156}
QUANTITIES = {
    "Teff": "effective temperature",
    "logg": "surface gravity",
    "[Fe/H]": "metallicity",
    "[M/H]": "metallicity",
    "[Mg/Fe]": "magnesium over iron ratio",
    "HV": "heliocentric velocity",
}
SURVEYS = {"g2a": ("GALAH", "APOGEE-2"), "a2g": ("APOGEE-2", "GALAH")}
RULE = "-" * 80


class Cell(NamedTuple):
    """One column of a record: its bytes (1-based, both ends included), format, unit, label."""

    first: int
    last: int
    format: str
    unit: str
    label: str

    @property
    def width(self) -> int:
        """Bytes of the column."""
        return self.last - self.first + 1


def read_cells(name: str) -> list[Cell]:
    """The columns of ``g2a`` or ``a2g``, as the byte-by-byte description gives them."""
    path = Path(__file__).parent / "layouts" / "published.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        return [
            Cell(int(row["first"]), int(row["last"]), row["format"], row["unit"], row["label"])
            for row in csv.DictReader(stream)
            if row["file"] == name
        ]


def number(value: float, width: int) -> str:
    """The shortest text of a double; if that is too long, as many digits as fit."""
    text = repr(float(value)).replace("e", "E")
    digits = 17
    while len(text) > width:
        digits -= 1
        text = f"{value:.{digits}g}".replace("e", "E")
    return text


def comment_text(comment: str, cut: int) -> str:
    """A comment as published: in double quotes, with ``...`` where it was cut."""
    if len(comment) > cut:
        comment = comment[:cut] + "..."
    return f'"{comment}"'


def record(cells: list[Cell], texts: list[str]) -> str:
    """One line: every text at the left of its column."""
    line = ""
    for cell, text in zip(cells, texts, strict=True):
        if len(text) > cell.width:
            raise ValueError(f"{cell.label}: {text!r} is longer than {cell.width} bytes")
        line = line.ljust(cell.first - 1) + text.ljust(cell.width)
    return line + "\n"


def records(name: str, first: list[str], source_ids: list[int], catalogue: Catalogue) -> list[str]:
    """All lines of a catalogue; ``first`` is the survey's own identifier."""
    cells = read_cells(name)
    lines = []
    for row, (identifier, source_id) in enumerate(zip(first, source_ids, strict=True)):
        texts = [identifier, str(source_id)]
        for label in range(5):
            values = [*catalogue.percentiles[row, label], catalogue.systematic[row, label]]
            texts += [number(value, cells[len(texts) + k].width) for k, value in enumerate(values)]
        texts += [
            _boolean(catalogue.missing_intrinsic[row]),
            _boolean(catalogue.missing_extrinsic[row]),
            comment_text(catalogue.comments[row], COMMENT_CUT[name]),
            _boolean(catalogue.good_inputs_intrinsic[row]),
            _boolean(catalogue.good_outputs_intrinsic[row]),
            _boolean(catalogue.good_inputs_extrinsic[row]),
            "true",
        ]
        lines.append(record(cells, texts))
    return lines


def _boolean(value: np.bool_) -> str:
    return "true" if value else "false"


def write_gzip(path: Path, lines: list[str]) -> None:
    """Write lines compressed, with neither time nor name inside."""
    with (
        atomic(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
    ):
        for line in lines:
            packed.write(line.encode("ascii"))


def readme(rows: dict[str, int]) -> str:
    """The ReadMe of the simulated catalogues, with ``rows`` records each."""
    lines = [
        "MINISKY   Simulated translations of two simulated surveys",
        RULE[:80].replace("-", "="),
        "Description:",
        "    Nothing here was observed. A simulated GALAH and a simulated APOGEE-2",
        "    catalogue, each translated onto the base of the other.",
        "",
        "File Summary:",
        RULE,
        " FileName   Lrecl  Records   Explanations",
        RULE,
        "ReadMe         80        .   This file",
    ]
    for name, count in rows.items():
        start, base = SURVEYS[name]
        width = read_cells(name)[-1].last
        lines.append(f"{name + '.dat':11s} {width:5d} {count:8d}   {start} on the base of {base}")
    lines.append(RULE)
    for name in rows:
        lines += ["", f"Byte-by-byte Description of file: {name}.dat", RULE]
        lines += ["   Bytes Format Units    Label        Explanations", RULE]
        for cell in read_cells(name):
            lines += _describe(cell, name)
        lines.append(RULE)
    lines += ["", RULE.replace("-", "="), "(End)"]
    return "\n".join(lines) + "\n"


def _describe(cell: Cell, name: str) -> list[str]:
    head = f"{cell.first:4d}-{cell.last:4d} {cell.format:6s} {cell.unit:8s} {cell.label:12s} "
    words = _explain(cell.label, name).split()
    lines, text = [], head
    for word in words:
        if len(text) + len(word) + 1 > 80:
            lines.append(text.rstrip())
            text = " " * (len(head) + 2)
        text += word.replace("~", " ") + " "
    return [*lines, text.rstrip()]


def _explain(label: str, name: str) -> str:
    start, base = SURVEYS[name]
    fixed = {
        "GALAH": "Identifier of the simulated spectrum (sobject_id)",
        "APOGEE": "Identifier of the simulated star (APOGEE_ID)",
        "GaiaDR3": "Gaia DR3 source identifier (source_id)",
        "Flagmii": "[false/true~] Whether the intrinsic network lacked an input",
        "Flagmie": "[false/true~] Whether the extrinsic network lacked an input",
        "Com": "Which pairs lie outside the training sample",
        "QflagIi": "[false/true~] Whether the intrinsic inputs are covered by training",
        "QflagOi": "[false/true~] Whether the intrinsic outputs are covered by training",
        "QflagIe": "[false/true~] Whether the extrinsic inputs are covered by training",
        "QflagOe": "[true] Always true: one output makes no pair",
    }
    if label in fixed:
        return fixed[label]
    for quantity, words in QUANTITIES.items():
        for percentile in PERCENTILES:
            if label == f"{quantity}{percentile}":
                return f"Percentile {percentile} of the {words} of {start} on the {base} base"
        if label == f"e_{quantity}50":
            return f"Systematic error of the translated {words}"
    raise ValueError(f"{label}: no explanation")
