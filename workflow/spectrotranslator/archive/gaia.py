"""Fetch Gaia magnitudes and their errors by TAP, the source ids uploaded in chunks.

Each chunk is kept when whole, so a broken run asks only for what is missing.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyvo
from astropy.table import Table

from ..configuration import load
from ..errors import InputError
from ..files import atomic, digest, sha256, write_json
from ..stage import Stage
from .registry import Source, address, source

ATTEMPTS = 5


def main(arguments) -> None:
    configuration = load(arguments.config)
    photometry = configuration.sources.photometry
    entry = source(configuration.sources.registry, arguments.name)
    ids = _source_ids(arguments.rows)
    columns = ", ".join(f'g."{column}"' for column in photometry.columns)
    key = photometry.columns[0]
    query = (
        f'SELECT {columns} FROM "{photometry.table}" AS g '
        f'JOIN TAP_UPLOAD.ids AS u ON g."{key}" = u.source_id'
    )
    folder = arguments.magnitudes.parent / f".{arguments.magnitudes.name}.chunks"
    chunks = [ids[i : i + photometry.chunk] for i in range(0, len(ids), photometry.chunk)]
    parts = [_chunk(entry, query, key, chunk, folder) for chunk in chunks]
    table = pa.concat_tables(parts) if parts else _empty(photometry.columns)
    with atomic(arguments.magnitudes) as temporary:
        pq.write_table(table.sort_by(key), temporary)
    write_json(arguments.receipt, _receipt(entry, query, len(ids), table, arguments.magnitudes))
    for path in folder.glob("*"):
        path.unlink()
    if folder.is_dir():
        folder.rmdir()


def _source_ids(paths: list[Path]) -> pa.Array:
    columns = [pq.read_table(path, columns=["source_id"])["source_id"] for path in paths]
    ids = pc.unique(pa.chunked_array([chunk for column in columns for chunk in column.chunks]))
    known = ids.filter(pc.greater(ids, 0))
    return known.take(pc.sort_indices(known))


def _empty(columns: list[str]) -> pa.Table:
    types = [pa.int64(), *[pa.float64()] * (len(columns) - 1)]
    return pa.schema(list(zip(columns, types, strict=True))).empty_table()


def _chunk(entry: Source, query: str, key: str, ids: pa.Array, folder: Path) -> pa.Table:
    kept = folder / f"{digest([query, ids.to_pylist()])}.parquet"
    if not kept.is_file():
        answer = _ask(entry, query, ids)
        _whole(answer, key, ids)
        with atomic(kept) as temporary:
            pq.write_table(answer, temporary)
    return pq.read_table(kept)


def _ask(entry: Source, query: str, ids: pa.Array) -> pa.Table:
    upload = Table({"source_id": ids.to_numpy(zero_copy_only=False)})
    reasons = []
    for attempt in range(ATTEMPTS):
        for url in entry.urls:
            try:
                service = pyvo.dal.TAPService(address(url))
                result = service.run_sync(query, uploads={"ids": upload}, maxrec=2 * len(ids) + 1)
                return _arrow(result.to_table())
            except (pyvo.dal.DALAccessError, OSError) as error:
                reasons.append(f"{url}: {str(error).splitlines()[0]}")
        time.sleep(0.5 * 2**attempt)
    raise InputError(f"Gaia magnitudes could not be fetched: {reasons[-1]}")


def _arrow(table: Table) -> pa.Table:
    columns = {}
    for name in table.colnames:
        column = table[name]
        mask = getattr(column, "mask", None)
        columns[name] = pa.array(column.data.data if mask is not None else column, mask=mask)
    names = table.colnames
    types = [pa.int64(), *[pa.float64()] * (len(names) - 1)]
    return pa.table(columns).cast(pa.schema(list(zip(names, types, strict=True))))


def _whole(answer: pa.Table, key: str, ids: pa.Array) -> None:
    found = answer[key]
    if pc.count_distinct(found).as_py() != len(found):
        raise InputError("Gaia magnitudes: the archive answered some source ids more than once")
    strange = pc.sum(pc.invert(pc.is_in(found, ids))).as_py()
    if strange:
        raise InputError(f"Gaia magnitudes: {strange} source ids came that were not asked for")


def _receipt(entry: Source, query: str, asked: int, table: pa.Table, path: Path) -> dict:
    return {
        "name": entry.name,
        "file": path.name,
        "url": entry.urls[0],
        "query": query,
        "asked": asked,
        "answered": len(table),
        "bytes": path.stat().st_size,
        "sha256": sha256(path),
        "retrieved": datetime.now(UTC).isoformat(timespec="seconds"),
        "dataset": entry.dataset,
        "release": entry.release,
        "licence": entry.licence,
        "redistribution": entry.redistribution,
        "citation": entry.citation,
        "doi": entry.doi,
    }


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.option("name", "name of the source in the registry", required=True)
stage.input("rows", "tables with the source ids asked for, Parquet", many=True)
stage.output("magnitudes", "magnitudes and errors, Parquet")
stage.output("receipt", "service, query, counts and digest")

if __name__ == "__main__":
    stage.run(main)
