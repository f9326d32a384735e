"""Parquet files of ours: their columns described, and as the table that other formats hold."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.table import Column as AstropyColumn
from astropy.table import Table as AstropyTable
from astropy.table.meta import get_yaml_from_table
from astropy.units import Unit, UnitBase, dex

from cdstables.layout import Column, Table
from spectrotranslator.errors import InputError

from .product_columns import Description
from .product_metadata import as_texts
from .shards import GROUP_ROWS

#: Digits that a number of a CDS table without a published layout has: some eight.
NUMBER = (14, "E14.8")


def describing(
    descriptions: Mapping[str, Description], metadata: Mapping[str, str | bool]
) -> Callable[[pa.Schema], pa.Schema]:
    """A function that adds descriptions to the fields of a schema and metadata to itself.

    Raises
    ------
    InputError
        By that function: a column is not described.
    """

    def describe(schema: pa.Schema) -> pa.Schema:
        if bare := [name for name in schema.names if name not in descriptions]:
            raise InputError(f"column {bare[0]!r} is not described; see product_columns.py")
        fields = [field.with_metadata(_about(descriptions[field.name])) for field in schema]
        told = as_texts(metadata) | {
            "table_meta_yaml": _for_astropy(schema, descriptions, metadata)
        }
        return pa.schema(fields, {**(schema.metadata or {}), **_encoded(told)})

    return describe


def _about(description: Description) -> dict[str, str]:
    return {"unit": description.unit, "description": description.text, "ucd": description.ucd}


def _for_astropy(
    schema: pa.Schema,
    descriptions: Mapping[str, Description],
    metadata: Mapping[str, str | bool],
) -> str:
    """Units, descriptions and metadata as astropy's reader of Parquet expects them."""
    columns = [
        AstropyColumn(
            np.empty(0, _empty_type(field.type)),
            name=field.name,
            unit=_astropy_unit(descriptions[field.name].unit),
            description=descriptions[field.name].text,
            meta={"ucd": descriptions[field.name].ucd},
        )
        for field in schema
    ]
    return "\n".join(get_yaml_from_table(AstropyTable(columns, meta=dict(metadata))))


def _empty_type(kind: pa.DataType) -> np.dtype:
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return np.dtype("U1") if text else np.dtype(kind.to_pandas_dtype())


def _astropy_unit(unit: str) -> UnitBase | None:
    if unit == "[-]":
        return dex
    return None if unit == "---" else Unit(unit, format="cds", parse_strict="silent")


def _encoded(texts: dict[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): text.encode() for name, text in texts.items()}


def described_table(
    path: Path, name: str, title: str, metadata: Mapping[str, str | bool], leave_out=()
) -> Table:
    """The layout that a described Parquet file has as a table of fixed-width text.

    Parameters
    ----------
    path
        A file whose columns ``describing`` has described.
    name, title
        Name of the table's file and what it holds.
    metadata
        Keywords of the whole table.
    leave_out
        Columns that the table does not have.
    """
    file = pq.ParquetFile(path)
    fields = [field for field in file.schema_arrow if field.name not in leave_out]
    widths = _widths(file, fields)
    columns, start = [], 1
    for field in fields:
        column = _column(field, start, widths.get(field.name, 1))
        columns.append(column)
        start = column.end + 2
    return Table(name, None, file.metadata.num_rows, title, tuple(columns), metadata=metadata)


def _column(field: pa.Field, start: int, width: int) -> Column:
    told = {name.decode(): text.decode() for name, text in field.metadata.items()}
    characters, null = None, ""
    if pa.types.is_boolean(field.type):
        width, form, characters, null = 5, "A5", "false/true ", None
    elif pa.types.is_floating(field.type):
        width, form = NUMBER
    else:
        whole = pa.types.is_integer(field.type)
        form, null = (f"I{width}", "") if whole else (f"A{width}", None)
    return Column(
        start,
        start + width - 1,
        form,
        told["unit"],
        field.name.replace(" ", "_"),
        told["description"],
        null=null,
        characters=characters,
        ucd=told["ucd"],
    )


def _widths(file: pq.ParquetFile, fields: list[pa.Field]) -> dict[str, int]:
    """Bytes of the longest value of every column of texts or whole numbers."""
    names = [
        field.name
        for field in fields
        if not (pa.types.is_boolean(field.type) or pa.types.is_floating(field.type))
    ]
    widths = dict.fromkeys(names, 1)
    for batch in file.iter_batches(GROUP_ROWS, columns=names) if names else ():
        for name in names:
            texts = batch.column(name).cast(pa.string())
            widths[name] = max(widths[name], pc.max(pc.binary_length(texts)).as_py() or 1)
    return widths


def batches(path: Path, table: Table, leave_out=()) -> Iterator[pa.RecordBatch]:
    """Rows of a Parquet file in pieces, their columns under the labels of ``table``."""
    file = pq.ParquetFile(path)
    names = [name for name in file.schema_arrow.names if name not in leave_out]
    for batch in file.iter_batches(GROUP_ROWS, columns=names):
        yield batch.rename_columns([column.label for column in table.columns])
