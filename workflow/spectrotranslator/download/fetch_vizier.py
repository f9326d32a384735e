"""Fetch a survey's table from VizieR by TAP, a range of its record numbers at a time.

Each range is kept when whole, so a broken run asks only for what is missing. Columns come under the
survey's own names; those that VizieR has not are left out and named in the receipt.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table

from spectrotranslator.config import load
from spectrotranslator.config.configuration import VizierTable
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, digest, sha256, write_json
from spectrotranslator.step import Step

from .fetch_file import about
from .http import RetryPolicy, TransferError
from .nullable import nullable_numbers
from .registry import Source, source
from .tap import Answer, ask, columns_query, in_order

RECORD = "recno"
MOST_RECORDS = 10_000_000_000


@dataclass(frozen=True)
class _TableRequest:
    """Where a table is asked for, how, and where whole ranges of it are kept."""

    source: Source
    table: str
    columns: dict[str, str]
    page: int
    retry: RetryPolicy
    folder: Path

    def answer(self, query: str, rows: int) -> Answer:
        """The answer of the first address that gives one."""
        reasons: dict[str, str] = {}
        for attempt in range(self.retry.attempts):
            for url in self.source.urls:
                try:
                    return ask(url, query, self.retry, rows=rows)
                except TransferError as error:
                    reasons[url] = str(error)
            if attempt < self.retry.attempts - 1:
                time.sleep(self.retry.wait(attempt))
        told = "; ".join(f"{url}: {reason}" for url, reason in reasons.items())
        raise InputError(f"{self.table} could not be fetched from VizieR: {told}")


def fetch_table(
    entry: Source, vizier: VizierTable, retry: RetryPolicy, folder: Path
) -> tuple[pd.DataFrame, list[str]]:
    """The whole table in the order of its records, and our columns that it has not.

    Raises
    ------
    InputError
        No address answers, or fewer or more rows came than the table has: nobody knows which range
        is wrong, so all are asked for anew next time.
    """
    route = _TableRequest(entry, vizier.table, {}, vizier.page, retry, folder)
    there = columns_there(route)
    known = {ours: theirs for ours, theirs in vizier.columns.items() if theirs in there}
    lacking = [ours for ours in vizier.columns if ours not in known]
    route = _TableRequest(entry, vizier.table, known, vizier.page, retry, folder)
    bounds = route.answer(
        f'SELECT MIN({RECORD}) AS low, MAX({RECORD}) AS high, COUNT(*) AS n FROM "{vizier.table}"',
        2,
    ).table
    if not len(bounds) or np.ma.is_masked(bounds[0][0]):
        raise InputError(f"{vizier.table}: VizieR says that it has no rows; try again later")
    low, high, rows = (_whole(column[0]) for column in in_order(bounds, ("low", "high", "n")))
    if not 0 <= high - low < MOST_RECORDS:
        raise InputError(f"{vizier.table}: records {low} to {high} are told, which is no table")
    parts = [_page(route, first, min(first + route.page - 1, high))
             for first in range(low, high + 1, route.page)]  # fmt: skip
    table = pd.concat(parts, ignore_index=True).sort_values(RECORD, ignore_index=True)
    if len(table) != rows or table[RECORD].duplicated().any():
        _forget(folder)
        raise InputError(f"{vizier.table}: {len(table)} rows came, the table has {rows}; try again")
    return table.drop(columns=RECORD), lacking


def _whole(value: object) -> int:
    if not isinstance(value, int | np.integer):
        raise InputError(f"VizieR tells {value!r} in place of a number of records; try again later")
    return int(value)


def columns_there(route: _TableRequest) -> list[str]:
    """Names of the table's columns, as the service lists them."""
    answer = route.answer(columns_query(route.table), 10_000)
    names = [str(name).strip('"') for name in answer.table.columns[0]]
    if not names:
        raise InputError(f"{route.source.name}: VizieR lists no table {route.table}")
    return names


def _page(route: _TableRequest, first: int, last: int) -> pd.DataFrame:
    named = [RECORD, *route.columns.values()]
    chosen = ", ".join(f'"{name}"' for name in named)
    query = f'SELECT {chosen} FROM "{route.table}" WHERE {RECORD} BETWEEN {first} AND {last}'
    kept = route.folder / f"{digest([route.source.release, query])}.parquet"
    if not kept.is_file():
        answer = route.answer(query, 2 * (last - first + 1) + 1)
        if answer.overflow and last > first:
            middle = (first + last) // 2
            halves = [_page(route, first, middle), _page(route, middle + 1, last)]
            table = pd.concat(halves, ignore_index=True)
        else:
            table = _named(answer.table, [RECORD, *route.columns], named)
        with atomic(kept) as temporary:
            table.to_parquet(temporary, index=False)
    return pd.read_parquet(kept)


def _named(table: Table, names: list[str], asked: list[str] | None = None) -> pd.DataFrame:
    """Columns ``asked`` for, under our names; blank numbers are missing, text is stripped.

    A blank flag must not become a 0, which is no fault.
    """
    columns = {}
    for name, column in zip(names, in_order(table, asked or names), strict=True):
        values = np.ma.asarray(column)
        if values.ndim != 1 or any(isinstance(v, np.ndarray) for v in values.data[:1].tolist()):
            raise TransferError(f"column {name} holds several values a row, not 1")
        if values.dtype.kind == "b":
            blank = np.ma.getmaskarray(values)
            truth = values.filled(False)
            columns[name] = pd.arrays.BooleanArray(truth, blank) if blank.any() else truth
        elif values.dtype.kind in "iu":
            blank = np.ma.getmaskarray(values)
            whole = np.int64 if not blank.any() else values.dtype
            columns[name] = nullable_numbers(values.filled(0).astype(whole), blank)
        elif values.dtype.kind == "f":
            columns[name] = values.astype(np.float64).filled(np.nan)
        elif values.dtype.kind == "b":
            gaps = np.ma.getmaskarray(values)
            columns[name] = pd.array(values.filled(False), "boolean").copy()
            columns[name][gaps] = pd.NA
        else:
            columns[name] = [str(text).strip() for text in values.filled("")]
    return pd.DataFrame(columns)


def _forget(folder: Path) -> None:
    for path in folder.glob("*"):
        path.unlink()


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    survey = configuration.surveys[arguments.survey]
    entry = source(configuration.sources.registry, survey.vizier.source)
    retry = RetryPolicy(**configuration.sources.retry.model_dump())
    folder = arguments.table.parent / f".{arguments.table.name}.pages"
    table, lacking = fetch_table(entry, survey.vizier, retry, folder)
    with atomic(arguments.table) as temporary:
        table.to_parquet(temporary, index=False)
    told = {
        "file": arguments.table.name,
        "url": entry.urls[0],
        "query": f'all columns of "{survey.vizier.table}" that the run needs',
        "lacking": lacking,
        "rows": len(table),
        "bytes": arguments.table.stat().st_size,
        "sha256": sha256(arguments.table),
    }
    write_json(arguments.receipt, about(entry) | {"name": f"{arguments.survey}_vizier"} | told)
    _forget(folder)
    folder.rmdir()


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("survey", "name of the survey", required=True)
step.output("table", "the survey's rows, Parquet")
step.output("receipt", "service, table, what lacks and digest")
step.setting("surveys.{survey}.vizier")
