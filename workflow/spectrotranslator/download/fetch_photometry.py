"""Fetch Gaia magnitudes and their errors by TAP, the source ids uploaded in chunks.

Each chunk is kept when whole, so a broken run asks only for what is missing; in a shared download
folder chunks are kept for later runs.
"""

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Table

from spectrotranslator.config import load
from spectrotranslator.config.configuration import Photometry, PhotometryMirror
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, digest, sha256, write_json
from spectrotranslator.step import Step
from spectrotranslator.untrusted import printable

from .fetch_file import about
from .http import RetryPolicy, TransferError
from .registry import Source, read_registry, source
from .tap import ask, in_order, to_arrow


@dataclass(frozen=True)
class Provider:
    """A TAP service that has the photometry: its address, table and columns, in our order."""

    name: str
    url: str
    table: str
    columns: tuple[str, ...]
    flux_over_error: dict[str, float]

    @property
    def query(self) -> str:
        """The question, with ids uploaded as ``TAP_UPLOAD.ids``."""
        chosen = ", ".join(f"g.{_quoted(column)}" for column in self.columns)
        return (
            f"SELECT {chosen} FROM {_quoted(self.table)} AS g "
            f"JOIN TAP_UPLOAD.ids AS u ON g.{_quoted(self.columns[0])} = u.source_id"
        )


@dataclass(frozen=True)
class _PhotometryRequest:
    """Whom to ask for what, and where whole chunks are kept; ``short`` are those that lack rows."""

    providers: list[Provider]
    columns: list[str]
    chunk: int
    retry: RetryPolicy
    folder: Path
    short: list[Path] = field(default_factory=list)


def _quoted(name: str) -> str:
    """VizieR's names need double quotes, ``schema.table`` must have none."""
    return (
        name
        if name.replace(".", "").replace("_", "").isalnum() and "/" not in name
        else (f'"{name}"')
    )


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    sources = load(arguments.config).sources
    photometry = sources.photometry
    entry = source(sources.registry, arguments.name)
    ids = _source_ids(arguments.rows)
    kept = Path(sources.folder) / "gaia" if sources.folder else None
    asking = _PhotometryRequest(
        _providers(entry, photometry, read_registry(sources.registry)),
        photometry.columns,
        photometry.chunk,
        replace(RetryPolicy(**sources.retry.model_dump()), stall_s=photometry.answer_s),
        kept or arguments.magnitudes.parent / f".{arguments.magnitudes.name}.chunks",
    )
    table, by_provider = fetch_magnitudes(asking, ids)
    _enough(asking, table, ids, photometry)
    with atomic(arguments.magnitudes) as temporary:
        pq.write_table(table.drop_columns("provider"), temporary)
    told = about(entry) | {
        "file": arguments.magnitudes.name,
        "url": entry.urls[0],
        "query": asking.providers[0].query,
        "asked": len(ids),
        "answered": len(table),
        "absent": len(ids) - len(table),
        "providers": by_provider,
        "bytes": arguments.magnitudes.stat().st_size,
        "sha256": sha256(arguments.magnitudes),
    }
    write_json(arguments.receipt, told)
    if not kept:
        _empty(asking.folder)


def _providers(
    entry: Source, photometry: Photometry, registry: dict[str, Source]
) -> list[Provider]:
    same = [Provider(entry.name, url, photometry.table, tuple(photometry.columns), {})
            for url in entry.urls]  # fmt: skip
    return same + [
        Provider(mirror.source, url, mirror.table, tuple(mirror.columns), mirror.flux_over_error)
        for mirror in photometry.mirrors
        for url in _registered(mirror, registry).urls
    ]


def _registered(mirror: PhotometryMirror, registry: dict[str, Source]) -> Source:
    if mirror.source not in registry:
        raise InputError(f"sources.photometry.mirrors: no source {mirror.source!r} is registered")
    return registry[mirror.source]


def _source_ids(paths: list[Path]) -> np.ndarray:
    columns = [pq.read_table(path, columns=["source_id"])["source_id"] for path in paths]
    ids = np.unique(np.concatenate([column.to_numpy() for column in columns]))
    return ids[ids > 0]


def fetch_magnitudes(
    asking: _PhotometryRequest, ids: np.ndarray
) -> tuple[pa.Table, dict[str, int]]:
    """Magnitudes of ``ids`` (sorted, unique), by id, and how many rows each provider gave.

    Ids that no row came for are asked for again, of another provider if there is one, until
    nothing new comes: a service may leave rows out without saying so.
    """
    tables, left, turn = [], ids, 0
    while len(left):
        parts = [
            _chunk(asking, left[i : i + asking.chunk], turn)
            for i in range(0, len(left), asking.chunk)
        ]
        found = pa.concat_tables(parts)
        tables.append(found)
        here = left[~np.isin(left, found[asking.columns[0]].to_numpy())]
        if len(found) == 0 and turn >= min(len(asking.providers) - 1, 1):
            break
        left, turn = here, turn + 1
    table = pa.concat_tables(tables) if tables else _no_rows(asking.columns)
    given = Counter(table["provider"].to_pylist())
    return table.sort_by(asking.columns[0]), dict(sorted(given.items()))


def _no_rows(columns: list[str]) -> pa.Table:
    types = [pa.int64(), *[pa.float64()] * (len(columns) - 1), pa.string()]
    return pa.schema(list(zip([*columns, "provider"], types, strict=True))).empty_table()


def _chunk(asking: _PhotometryRequest, ids: np.ndarray, turn: int) -> pa.Table:
    """One chunk, kept or asked for; a later turn begins with the next provider."""
    first = asking.providers[0]
    known = [first.table, asking.columns, turn, ids.tolist()]
    kept = asking.folder / f"{digest(known)}.parquet"
    if not kept.is_file():
        shift = turn % len(asking.providers)
        providers = asking.providers[shift:] + asking.providers[:shift]
        table = _ask_some(replace(asking, providers=providers), ids)
        with atomic(kept) as temporary:
            pq.write_table(table, temporary)
    table = pq.read_table(kept)
    if len(table) < len(ids):
        asking.short.append(kept)
    return table


def _ask_some(asking: _PhotometryRequest, ids: np.ndarray) -> pa.Table:
    """Rows of ``ids`` from the first provider that answers in full; halved where it overflows."""
    reasons: dict[str, str] = {}
    for attempt in range(asking.retry.attempts):
        wishes = []
        for provider in asking.providers:
            try:
                answer = ask(provider.url, provider.query, asking.retry, ids, 2 * len(ids) + 1)
                if answer.overflow and len(ids) > 1:
                    middle = len(ids) // 2
                    halves = [_ask_some(asking, part) for part in (ids[:middle], ids[middle:])]
                    return pa.concat_tables(halves)
                return _checked(answer.table, provider, asking.columns, ids)
            except TransferError as error:
                reasons[provider.url] = str(error)
                wishes.append(error.wish)
        if attempt < asking.retry.attempts - 1:
            shortest = None if None in wishes else min(wishes)
            time.sleep(asking.retry.wait(attempt, shortest))
    told = "; ".join(f"{url}: {reason}" for url, reason in reasons.items())
    raise InputError(f"Gaia magnitudes could not be fetched: {told}")


def _checked(table: Table, provider: Provider, columns: list[str], ids: np.ndarray) -> pa.Table:
    _refuse_units(table, provider)
    rows = to_arrow(table, columns, provider.columns)
    found = rows[columns[0]].to_numpy()
    if len(np.unique(found)) != len(found):
        raise TransferError("some source ids came more than once")
    strange = int((~np.isin(found, ids)).sum())
    if strange:
        raise TransferError(f"{strange} source ids came that were not asked for")
    for name, zero_point in provider.flux_over_error.items():
        place = columns.index(name)
        errors = magnitude_error(rows[name].to_numpy(zero_copy_only=False), zero_point)
        rows = rows.set_column(place, name, pa.array(errors, from_pandas=True))
    return rows.append_column("provider", pa.array([provider.name] * len(rows), pa.string()))


def _refuse_units(table: Table, provider: Provider) -> None:
    """Refuse what is not in magnitudes, or, of a ratio, has a unit at all; none told is fine."""
    for name, column in zip(provider.columns, in_order(table, provider.columns), strict=True):
        unit = str(column.unit or "")
        if unit and name != provider.columns[0] and not unit.startswith("mag"):
            raise TransferError(f"column {name} is in {printable(unit, 40)}, not in mag")


def magnitude_error(flux_over_error: np.ndarray, zero_point_error: float) -> np.ndarray:
    """Error (mag) from the ratio of flux to its error and the error of the zero point (mag).

    sqrt((2.5 / ln 10 / ratio)^2 + zero_point_error^2), as the Gaia documentation has it.
    """
    return np.hypot(2.5 / np.log(10) / flux_over_error, zero_point_error)


def _enough(
    asking: _PhotometryRequest, table: pa.Table, ids: np.ndarray, photometry: Photometry
) -> None:
    """Refuse a service's bad moment, and keep no answer of it: a later call asks anew."""
    absent = len(ids) - len(table)
    if absent > photometry.absent * len(ids):
        for path in asking.short:
            path.unlink(missing_ok=True)
        raise InputError(
            f"Gaia magnitudes: {absent} of {len(ids)} source ids are answered by no service, "
            f"more than the share {photometry.absent:g} of sources.photometry.absent; "
            f"the first is {ids[~np.isin(ids, table[0].to_numpy())][0]}"
        )


def _empty(folder: Path) -> None:
    for path in folder.glob("*"):
        path.unlink()
    if folder.is_dir():
        folder.rmdir()


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("name", "name of the source in the registry", required=True)
step.input("rows", "tables with the source ids asked for, Parquet", many=True)
step.output("magnitudes", "magnitudes and errors, Parquet")
step.output("receipt", "service, query, counts and digest")
step.setting("sources.photometry")
