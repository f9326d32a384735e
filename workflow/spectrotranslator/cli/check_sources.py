"""Look at every source of a run over the network, a few kilobytes each: reachable, whole, as known.

Nothing is written.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cdstables.readme import parse_readme
from spectrotranslator.config import Configuration
from spectrotranslator.download.fits_layout import TableLayout, table_layout
from spectrotranslator.download.http import RetryPolicy, TransferError
from spectrotranslator.download.ranges import WINDOW, RangeStream, RemoteHead, read_head
from spectrotranslator.download.registry import Source, read_needed, read_registry
from spectrotranslator.download.require_columns import nearest
from spectrotranslator.download.tap import ask, columns_query
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.readers import columns_of, columns_of_files

from .check_published import check_rows
from .check_result import CheckResult

PUBLISHED_BYTES = 1_500_000
RATE_BYTES = 500_000
LIKE = 0.05
ELSEWHERE = (
    "is the network up, is a proxy needed (https_proxy)? A mirror can be named in {registry} or by "
    "SPECTROTRANSLATOR_URL_MAP"
)


@dataclass(frozen=True)
class SourceState:
    """Findings on one source, bytes still to fetch (None: not known) and bytes a second."""

    findings: list[CheckResult]
    bytes: int | None = None
    rate: float | None = None


@dataclass(frozen=True)
class _SourceCheck:
    """The run that is looked at, and how patiently."""

    run: Configuration
    registry: dict[str, Source]
    retry: RetryPolicy
    folders: list[Path]

    @property
    def simulated(self) -> bool:
        return self.run.sky is not None


def check_sources(run: Configuration, retry: RetryPolicy, skip: set[str]) -> list[SourceState]:
    """What is seen of every source that the run needs, but those in ``skip``."""
    look = _SourceCheck(run, read_registry(run.sources.registry), retry, _folders(run))
    tasks: list[Callable[[], SourceState]] = []
    for name in needed_files(run):
        if name not in skip:
            tasks.append(lambda name=name: _file(look, _registered(look, name)))
    if run.sources.route != "files":
        tasks += [lambda n=name: _copy(look, n) for name, s in run.surveys.items() if s.vizier]
    services: list[Callable[[], SourceState]] = []
    if photometry := run.sources.photometry:
        tables = [("gaia", photometry.table, photometry.columns)]
        tables += [(mirror.source, mirror.table, mirror.columns) for mirror in photometry.mirrors]
        services = [lambda a=named: _service(look, *a) for named in tables]
    with ThreadPoolExecutor(max_workers=4) as pool:
        seen = list(pool.map(lambda task: task(), [*tasks, *services]))
    return seen[: len(tasks)] + _one_is_enough(seen[len(tasks) :], run)


def _one_is_enough(services: list[SourceState], run: Configuration) -> list[SourceState]:
    """Where one service can answer, the faults of the others are notes."""
    findings = [finding for seen in services for finding in seen.findings]
    if any(finding.what == "service" and finding.state == "ok" for finding in findings):
        return [
            SourceState([replace(f, state="ok" if f.state == "ok" else "note") for f in findings])
        ]
    if findings:
        advice = ELSEWHERE.format(registry=run.sources.registry)
        findings.append(CheckResult("gaia", "reachable", "fault", "no service can answer", advice))
    return [SourceState(findings)]


def needed_files(run: Configuration) -> list[str]:
    """Names of the sources that a run fetches as files."""
    names = [
        name
        for key, survey in run.surveys.items()
        for name in run.sources.surveys.get(key, [])
        if run.sources.route != "vizier" or not survey.vizier
    ]
    published = [d.published for d in run.directions.values() if d.published]
    return [*names, *([run.sources.readme] if run.sources.readme else []), *published]


def _registered(look: _SourceCheck, name: str) -> Source:
    if name not in look.registry:
        raise InputError(f"{look.run.sources.registry}: no source {name!r}")
    return look.registry[name]


def _folders(run: Configuration) -> list[Path]:
    return [Path(p) for p in (run.sources.folder, f"results/{run.run}/sources") if p]


def _file(look: _SourceCheck, source: Source) -> SourceState:
    findings, best = [], None
    for number, url in enumerate(source.urls):
        what = "address" if number == 0 else "mirror"
        try:
            seen = read_head(url, look.retry)
        except TransferError as error:
            findings.append(CheckResult(source.name, what, "note", f"{url}: {error}"))
            continue
        findings.append(CheckResult(source.name, what, "ok", f"{url}: {_told(seen)}"))
        best = best or (url, seen)
    if best is None:
        advice = ELSEWHERE.format(registry=look.run.sources.registry)
        findings.append(CheckResult(source.name, "reachable", "fault", "at no address", advice))
        return SourceState(findings, source.likely_bytes)
    url, seen = best
    findings += _size(look, source, seen)
    try:
        findings += _content(look, source, url, seen)
    except (TransferError, InputError) as error:
        findings.append(CheckResult(source.name, "content", "fault", str(error), _ANOTHER))
    rate = _rate(look, url, seen)
    here = any((folder / source.file).exists() for folder in look.folders)
    if here:
        findings.append(CheckResult(source.name, "download", "ok", "fetched already"))
    return SourceState(findings, 0 if here else seen.size, rate)


_ANOTHER = "is it another file or release than the registered one? Compare the provider's page"


def _told(seen: RemoteHead) -> str:
    size = "size not told" if seen.size is None else f"{seen.size / 1e6:.1f} MB"
    return f"{size}, {'resumable' if seen.ranges else 'no ranges: not resumable'}"


def _size(look: _SourceCheck, source: Source, seen: RemoteHead) -> list[CheckResult]:
    if seen.size is None or look.simulated:
        return []
    told, fault = source.unconfirmed, "fault"
    if source.bytes is not None:
        same, wanted = seen.size == source.bytes, f"{source.bytes} bytes"
    elif told and told.bytes is not None:
        same, wanted = seen.size == told.bytes, f"{told.bytes} bytes by {told.origin}"
        fault = "note"
    elif source.mebibytes is not None:
        mebibytes = seen.size / 2**20
        same = abs(mebibytes - source.mebibytes) <= LIKE * source.mebibytes
        wanted = f"about {source.mebibytes:g} MiB"
    else:
        return []
    found = f"{seen.size} bytes; registered: {wanted}"
    result = ("ok", found) if same else (fault, found, _ANOTHER)
    return [CheckResult(source.name, "size", *result)]


def _content(look: _SourceCheck, source: Source, url: str, seen: RemoteHead) -> list[CheckResult]:
    if source.file.endswith(".fits"):
        stream = RangeStream(url, look.retry, seen.start)
        return _fits(look, source, table_layout(stream, source.file), seen)
    directions = {d.published: d for d in look.run.directions.values() if d.catalogue}
    if source.name in directions:
        start = read_head(url, look.retry, PUBLISHED_BYTES).start
        layout = Path(directions[source.name].catalogue)
        return check_rows(source.name, layout, start)
    if source.name == look.run.sources.readme:
        return _readme(look, source, read_head(url, look.retry, 1 << 20).start)
    return []


def _readme(look: _SourceCheck, source: Source, content: bytes) -> list[CheckResult]:
    readme = parse_readme(content.decode("utf-8", "replace"), source.file)
    findings = []
    for name in {d.published for d in look.run.directions.values() if d.published}:
        file = look.registry[name].file.removesuffix(".gz")
        table = readme.table(file)
        findings.append(
            CheckResult(source.name, file, "ok", f"{len(table.columns)} columns described")
        )
    return findings


def _fits(
    look: _SourceCheck, source: Source, layout: TableLayout, seen: RemoteHead
) -> list[CheckResult]:
    rows = f"{layout.rows} rows, {len(layout.columns)} columns"
    if source.rows is None or look.simulated or source.rows == layout.rows:
        findings = [CheckResult(source.name, "table", "ok", rows)]
    else:
        found = f"{rows}; registered: {source.rows} rows"
        findings = [CheckResult(source.name, "table", "fault", found, _ANOTHER)]
    if seen.size is not None and seen.size < layout.end:
        found = f"{seen.size} bytes, its header promises {layout.end}"
        findings.append(
            CheckResult(source.name, "length", "fault", found, "the archive's copy is cut")
        )
    wanted = _wanted(look.run, source.name)
    known = read_needed(look.run.sources.columns).get(source.name, {})
    lacking = [name for name in wanted if name not in layout.columns]
    for name in lacking:
        near = ", ".join(nearest(name, layout.columns)) or "none"
        findings.append(
            CheckResult(
                source.name, f"column {name}", "fault", f"not there; nearest: {near}",
                f"name the new column in surveys of {look.run.run}'s configuration",
            )
        )  # fmt: skip
    odd = [finding for name in wanted if name not in lacking
           for finding in _column(source.name, layout, name, known.get(name))]  # fmt: skip
    if not lacking and not odd:
        what = f"all {len(wanted)} needed ones, of the known types"
        findings.append(CheckResult(source.name, "columns", "ok", what))
    return findings + odd


def _wanted(run: Configuration, source: str) -> list[str]:
    for name, survey in run.surveys.items():
        files = run.sources.surveys.get(name, [])
        if source in files:
            return columns_of_files(survey, len(files))[files.index(source)]
    return []


def _column(source: str, layout: TableLayout, name: str, known: tuple | None) -> list[CheckResult]:
    column = layout.columns[name]
    if column.count != 1:
        return [CheckResult(source, f"column {name}", "fault", f"{column.count} values a row")]
    if known is None:
        return []
    kind, unit = known
    if column.kind != kind:
        found = f"{column.form}: {column.kind}, known as {kind}"
        return [CheckResult(source, f"column {name}", "fault", found, _ANOTHER)]
    if column.unit and unit and _plain(column.unit) != _plain(unit):
        found = f"unit {column.unit!r}, known as {unit!r}"
        return [CheckResult(source, f"column {name}", "note", found, "is the scale the same?")]
    return []


def _plain(unit: str) -> str:
    return unit.lower().replace(" ", "").replace("s^-1", "/s").replace("degrees", "deg")


def _rate(look: _SourceCheck, url: str, seen: RemoteHead) -> float:
    """Bytes a second of one connection, from a longer look where the file is long enough."""
    if seen.size is not None and seen.size < 4 * WINDOW:
        return seen.rate
    try:
        return read_head(url, look.retry, RATE_BYTES).rate
    except TransferError:
        return seen.rate


def _service(look: _SourceCheck, name: str, table: str, columns: list[str]) -> SourceState:
    source = _registered(look, name)
    findings = []
    for url in source.urls:
        try:
            findings += _asked(look, source, url, table, columns)
        except (TransferError, InputError) as error:
            findings.append(CheckResult(name, "service", "note", f"{url}: {error}"))
    return SourceState(findings)


def _copy(look: _SourceCheck, survey: str) -> SourceState:
    """A survey's copy at VizieR: which of the needed columns it has."""
    settings = look.run.surveys[survey]
    source = _registered(look, settings.vizier.source)
    table, columns = settings.vizier.table, settings.vizier.columns
    try:
        names = _columns_there(look, source.urls[0], table)
    except TransferError as error:
        advice = ELSEWHERE.format(registry=look.run.sources.registry)
        return SourceState([CheckResult(source.name, table, "fault", str(error), advice)])
    if not names:
        return SourceState([CheckResult(source.name, table, "fault", "no such table", _ANOTHER)])
    wanted = columns_of(settings)
    lacking = [name for name in wanted if columns.get(name) not in names]
    if not lacking:
        return SourceState(
            [CheckResult(source.name, table, "ok", f"has all {len(wanted)} columns")]
        )
    vital = {*settings.key, settings.identifier, settings.source_id} & set(lacking)
    found = f"lacks {', '.join(lacking)}"
    advice = f"set surveys.{survey}.vizier.columns, or take the survey's files (sources.route)"
    return SourceState(
        [CheckResult(source.name, table, "fault" if vital else "note", found, advice)]
    )


def _columns_there(look: _SourceCheck, url: str, table: str) -> list[str]:
    names = [str(name) for name in ask(url, columns_query(table), look.retry).table.columns[0]]
    return [name.strip('"') for name in names]


def _asked(
    look: _SourceCheck, source: Source, url: str, table: str, columns: list[str]
) -> list[CheckResult]:
    started = time.monotonic()
    names = _columns_there(look, url, table)
    if not names:
        return [CheckResult(source.name, "table", "fault", f"{url} has no table {table}", _ANOTHER)]
    lacking = [name for name in columns if name not in names]
    findings = [
        CheckResult(source.name, f"column {name}", "fault",
                f"not there; nearest: {', '.join(nearest(name, names)) or 'none'}",
                "name the new column in sources.photometry")
        for name in lacking
    ]  # fmt: skip
    if lacking:
        return findings
    quoted = [f'"{table}"' if "/" in table else table, columns[0]]
    some = ask(url, f"SELECT TOP 3 {quoted[1]} FROM {quoted[0]}", look.retry).table
    ids = np.asarray(some.columns[0], dtype=np.int64)
    joined = (
        f"SELECT g.{quoted[1]} FROM {quoted[0]} AS g "
        f"JOIN TAP_UPLOAD.ids AS u ON g.{quoted[1]} = u.source_id"
    )
    back = np.asarray(ask(url, joined, look.retry, ids).table.columns[0], dtype=np.int64)
    if sorted(back) != sorted(ids):
        found = f"{url}: of {len(ids)} uploaded ids {len(back)} came back"
        return [CheckResult(source.name, "upload", "fault", found, "try again later")]
    seconds = time.monotonic() - started
    found = f"{url}: {table} has all {len(columns)} columns, uploads work ({seconds:.1f} s)"
    return [CheckResult(source.name, "service", "ok", found)]
