"""Compare any two catalogues: of one layout by its ReadMe, any tables by a key."""

import argparse
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cdstables.layout import ReadMe, Table
from cdstables.readme import load_readme
from spectrotranslator import user_paths
from spectrotranslator.comparison.catalogue_diff import compare
from spectrotranslator.comparison.grades import IDENTICAL
from spectrotranslator.comparison.plain_tables import read_pair
from spectrotranslator.comparison.read_catalogues import Catalogue, number_labels, read_catalogue
from spectrotranslator.comparison.tolerances import Tolerances, read_tolerances
from spectrotranslator.errors import InputError
from spectrotranslator.report.diff_page import write_page
from spectrotranslator.report.plot_differences import is_median

from .exit_grades import GOOD
from .run_summary import catalogue_table

ANSWER = "diff.json"


def main(arguments: list[str]) -> int:
    """``./reproduce diff PUBLISHED REGENERATED --readme README --out DIR``, or ``--key COLUMN``."""
    given = _parser().parse_args(arguments)
    published, regenerated = _sides(given)
    table = published.table
    # The comparison gives columns away as it goes; the page shows these.
    medians = {
        label: regenerated.columns[label].to_numpy(np.float64)
        for label in filter(is_median, number_labels(table))
        if label in regenerated.columns
    }
    difference = compare(
        published,
        regenerated,
        _tolerances(given.tolerances, table.name),
    )
    rows = difference.stars["row_regenerated"].to_numpy()
    sides = (given.published, given.regenerated)
    with _staged(given.out) as folder:
        difference.write(*(folder / name for name in (ANSWER, "rows.parquet", "unmatched.parquet")))
        page = write_page(folder, sides, lambda label: medians[label][rows])
    page = given.out / page.relative_to(folder)
    if given.json:
        print(json.dumps(difference.summary, indent=1))
    else:
        print("\n".join(catalogue_table(table.name, difference.summary)))
        print(f"\nGrade: {difference.summary['grade']}; all figures in {given.out / ANSWER}")
        print(f"Page:  {page}")
    grade = difference.summary["grade"]
    return 0 if grade == IDENTICAL or (grade in GOOD and not given.strict) else 1


def _sides(given: argparse.Namespace) -> tuple[Catalogue, Catalogue]:
    """Both catalogues, described by their ReadMe or by themselves."""
    paths = (given.published, given.regenerated)
    if given.key:
        return read_pair(*paths, given.key)
    table = _table(load_readme(given.readme), paths, given.table)
    return read_catalogue(paths[0], table), read_catalogue(paths[1], table, whole=False)


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """A new folder beside ``out`` whose files go there once all are made.

    The old answer is taken away before, and the new one comes last, so that whoever stops this
    half-way never leaves the answer of one comparison among the files of another.
    """
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as place:
        folder = Path(place)
        yield folder
        (out / ANSWER).unlink(missing_ok=True)
        made = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for path in sorted(made, key=lambda path: path.name == ANSWER):
            target = out / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "./reproduce diff",
        description=__doc__,
        epilog="example: ./reproduce diff published/g2a.dat mine/g2a.dat --readme published/ReadMe "
        "--out differences --tolerances config/tolerances/mini.json",
    )
    parser.add_argument("published", type=user_paths.resolve_input, help="one catalogue")
    parser.add_argument("regenerated", type=user_paths.resolve_input, help="the other")
    described = parser.add_mutually_exclusive_group(required=True)
    described.add_argument(
        "--readme", type=user_paths.resolve_input, help="describes both: CDS tables, FITS, Parquet"
    )
    described.add_argument(
        "--key",
        metavar="COLUMN",
        help="names the rows of two tables without a ReadMe: CSV, ECSV, FITS, Parquet, VOTable",
    )
    parser.add_argument(
        "--table", metavar="NAME", help="the table of the ReadMe, where no file's name says it"
    )
    parser.add_argument(
        "--out", type=user_paths.resolve_output, required=True, help="folder for what is found"
    )
    parser.add_argument(
        "--tolerances", type=user_paths.resolve_input, help="as ./reproduce calibrate makes them"
    )
    parser.add_argument("--strict", action="store_true", help="anything but identical is bad")
    parser.add_argument("--json", action="store_true", help="print diff.json")
    return parser


def _table(readme: ReadMe, sides: tuple[Path, Path], wanted: str | None) -> Table:
    """The table of that name, else the one the name of a side fits, with its suffix or without."""
    names = [wanted] if wanted else [name for side in sides for name in _names(readme, side)]
    for name in names:
        if any(table.answers_to(name) for table in readme.tables):
            return readme.table(name)
    if len(readme.tables) == 1 and not wanted:
        return readme.tables[0]
    known = "; ".join(table.name for table in readme.tables) or "none"
    sought = wanted or f"{sides[0].name} or {sides[1].name}"
    raise InputError(f"{readme.name} describes no file {sought}; give --table, one of {known}")


def _names(readme: ReadMe, side: Path) -> list[str]:
    """The file's name, and what it would be with the suffixes of the tables that are described."""
    described = [Path(name) for table in readme.tables for name in re.split(r"[,\s]+", table.name)]
    stem = Path(side.name.removesuffix(".gz")).stem
    return [side.name, *dict.fromkeys(stem + path.suffix for path in described)]


def _tolerances(path: Path | None, table: str) -> Tolerances | None:
    return read_tolerances(path, table.split(".")[0]) if path else None
