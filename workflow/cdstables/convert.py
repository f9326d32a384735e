"""Convert a CDS table to FITS, Parquet, VOTable or ECSV, and back to a given layout."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .astropy_file import read_ecsv, write_ecsv
from .errors import InputError
from .files import atomic
from .fits_file import read_fits, write_fits
from .layout import Table
from .reading import Described, iter_batches, layout_of
from .readme import load_readme
from .records import blocks
from .votable_file import read_votable, write_votable
from .writing import TableWriter

_KINDS = {
    ".fits": "fits",
    ".parquet": "parquet",
    ".vot": "votable",
    ".xml": "votable",
    ".ecsv": "ecsv",
}
_CDS = (".dat", ".txt")


def main(
    argv: Sequence[str] | None = None,
    read_path: Callable[[str], Path] = Path,
    write_path: Callable[[str], Path] = Path,
) -> int:
    """``./reproduce convert README FILE OUT``: 0 when OUT was written.

    ``read_path`` and ``write_path`` find paths of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="reproduce convert",
        description="Convert a CDS table to FITS, Parquet, VOTable (.vot, .xml) or ECSV by the "
        "suffix of OUT; or back, when OUT is a .dat or .txt file that README describes.",
        epilog="example: ./reproduce convert catalogues/ReadMe catalogues/g2a.dat g2a.fits",
    )
    parser.add_argument("readme", metavar="README", type=read_path)
    parser.add_argument("file", metavar="FILE", type=read_path)
    parser.add_argument("out", metavar="OUT", type=write_path)
    arguments = parser.parse_args(argv)
    records = convert(arguments.readme, arguments.file, arguments.out)
    print(f"{arguments.out}: {records} records", file=sys.stderr)
    return 0


def convert(readme: Path, file: Path, out: Path) -> int:
    """Convert ``file`` to ``out`` and return the number of records.

    Where ``readme`` is ``file`` itself, the file carries its own description (MRT).

    Raises
    ------
    InputError
        A file cannot be read, a value does not fit the layout, or a suffix is not known.
    """
    if out.exists() and file.exists() and out.samefile(file):
        raise InputError(f"{out}: would be written over itself; give another OUT")
    bare = out.with_suffix("") if out.suffix == ".gz" else out
    if out.suffix in _KINDS:
        return _export(readme, file, out)
    if bare.suffix in _CDS:
        return _import(readme, file, out)
    raise InputError(f"{out}: the suffix is none of {', '.join([*_KINDS, *_CDS])}")


def _export(readme: Path, file: Path, out: Path) -> int:
    found = layout_of(readme, file)
    table = found.table
    records, foreign = _survey(file, found)
    batches = iter_batches(file, table, None, None, True, found.skip, range(records))
    kind = _KINDS[out.suffix]
    with atomic(out) as temporary:
        if kind == "fits":
            write_fits(temporary, table, batches, records)
        elif kind == "votable":
            write_votable(temporary, table, batches, foreign)
        elif kind == "ecsv":
            write_ecsv(temporary, table, batches)
        else:
            _write_parquet(temporary, batches, table)
    return records


def _survey(file: Path, found: Described) -> tuple[int, frozenset[str]]:
    """Number of records, and the labels of columns that hold text beyond ASCII."""
    records = 0
    foreign = np.zeros(found.table.width, dtype=bool)
    for block in blocks(file, found.table.width, None, found.skip, found.records):
        records += len(block)
        foreign |= (block.cells > 127).any(axis=0)
    labels = {c.label for c in found.table.named if foreign[c.start - 1 : c.end].any()}
    return records, frozenset(labels)


def _import(readme: Path, file: Path, out: Path) -> int:
    table = load_readme(readme).table(out)
    readers = {
        "fits": read_fits,
        "votable": read_votable,
        "ecsv": read_ecsv,
        "parquet": _read_parquet,
    }
    if file.suffix not in _KINDS:
        raise InputError(f"{file}: the suffix is none of {', '.join(_KINDS)}")
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    with TableWriter(out, table) as writer:
        for batch in readers[_KINDS[file.suffix]](file, table):
            writer.write(_blank_texts(batch, table))
        return writer.records


def _blank_texts(batch: pa.RecordBatch, table: Table) -> pa.RecordBatch:
    """Null texts as empty ones where the layout has no null: the other formats mix the two."""
    arrays = {}
    for column in table.named:
        values = batch.column(column.label)
        if column.kind == "A" and column.null is None and pa.types.is_string(values.type):
            values = pc.fill_null(values, "")
        arrays[column.label] = values
    return pa.record_batch(arrays)


def _write_parquet(path: Path, batches: Iterable[pa.RecordBatch], table: Table) -> None:
    batches = iter(batches)
    first = next(batches, None)
    schema = table.schema if first is None else first.schema
    about = {"name": table.name, "description": table.explanation}
    with pq.ParquetWriter(path, schema.with_metadata(about)) as writer:
        for batch in chain([] if first is None else [first], batches):
            writer.write_batch(batch.replace_schema_metadata(about))


def _read_parquet(path: Path, table: Table) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as source:
            names = source.schema_arrow.names
            if missing := [c.label for c in table.named if c.label not in names]:
                raise InputError(f"{path}: no column {missing[0]!r}")
            for batch in source.iter_batches(batch_size=20_000):
                yield batch.select([column.label for column in table.named])
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: no Parquet file ({error})") from error
