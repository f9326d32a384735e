"""Compare any two catalogues of one layout: CDS tables, FITS or Parquet."""

import argparse
import json
from pathlib import Path

import numpy as np

from ..cds.readme import load_readme
from ..compare.diff import compare
from ..compare.grade import IDENTICAL
from ..compare.tables import number_labels, read_catalogue
from ..compare.tolerances import Tolerances, read_tolerances
from ..figures.diff_page import write_page
from ..figures.differences import is_median
from .summary import catalogue_table
from .verdicts import GOOD


def main(arguments: list[str]) -> int:
    """``./reproduce diff PUBLISHED REGENERATED --readme README --out DIR``."""
    given = _parser().parse_args(arguments)
    table = load_readme(given.readme).table(given.published)
    regenerated = read_catalogue(given.regenerated, table, whole=False)
    # The comparison gives columns away as it goes; the page shows these.
    medians = {
        label: regenerated.columns[label].to_numpy(np.float64)
        for label in filter(is_median, number_labels(table))
        if label in regenerated.columns
    }
    difference = compare(
        read_catalogue(given.published, table),
        regenerated,
        _tolerances(given.tolerances, table.name),
    )
    names = ("diff.json", "rows.parquet", "peculiar.parquet")
    difference.write(*(given.out / name for name in names))
    rows = difference.stars["row_regenerated"].to_numpy()
    sides = (given.published, given.regenerated)
    page = write_page(given.out, sides, lambda label: medians[label][rows])
    if given.json:
        print(json.dumps(difference.summary, indent=1))
    else:
        print("\n".join(catalogue_table(table.name, difference.summary)))
        print(f"\nGrade: {difference.summary['grade']}; all figures in {given.out / 'diff.json'}")
        print(f"Page:  {page}")
    grade = difference.summary["grade"]
    return 0 if grade == IDENTICAL or (grade in GOOD and not given.strict) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "./reproduce diff",
        description=__doc__,
        epilog="example: ./reproduce diff published/g2a.dat mine/g2a.dat --readme published/ReadMe "
        "--out differences --tolerances config/tolerances/mini.json",
    )
    parser.add_argument("published", type=Path, help="one catalogue")
    parser.add_argument("regenerated", type=Path, help="the other")
    parser.add_argument("--readme", type=Path, required=True, help="describes both")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is found")
    parser.add_argument("--tolerances", type=Path, help="as ./reproduce calibrate makes them")
    parser.add_argument("--strict", action="store_true", help="anything but identical is bad")
    parser.add_argument("--json", action="store_true", help="print diff.json")
    return parser


def _tolerances(path: Path | None, table: str) -> Tolerances | None:
    return read_tolerances(path, table.split(".")[0]) if path else None
