"""Join a catalogue's shards to one table, as Parquet and FITS, piece by piece."""

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.units import Unit

from cdstables.fits_file import write_fits
from cdstables.layout import Column, Table, layout_from_yaml
from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import Direction
from spectrotranslator.files import atomic
from spectrotranslator.step import Step

from .catalogue_columns import comment_style, diagnostic_columns, layout_columns
from .column_descriptions import Description, descriptions, kinds_from_residuals
from .shards import GROUP_ROWS, read_parts, write_groups

# The whole comment stays out of FITS: thousands of bytes a row for what the reasons' bits say.
PARQUET_ONLY = ("comment", "full_comment")


def main(arguments) -> None:
    configuration = load(arguments.config)
    direction = configuration.directions[arguments.direction]
    layout = layout_from_yaml(direction.catalogue) if direction.catalogue else None
    write_groups(arguments.parquet, _shaped(direction, layout, read_parts(arguments.parts)))
    written = pq.ParquetFile(arguments.parquet)
    names = [name for name in written.schema_arrow.names if name not in PARQUET_ONLY]
    about = _meanings(configuration, arguments.method, arguments.direction, names)
    table = Table(arguments.direction, None, None, "", _columns(written, names, layout, about))
    with atomic(arguments.fits) as temporary:
        batches = written.iter_batches(GROUP_ROWS, columns=names)
        write_fits(temporary, table, batches, written.metadata.num_rows)


def _shaped(
    direction: Direction, layout: Table | None, pieces: Iterator[pd.DataFrame]
) -> Iterator[pd.DataFrame]:
    """The published layout's columns, then what it has no room for; without a layout, all."""
    if layout is None:
        yield from pieces
        return
    style = comment_style(direction.catalogue)
    for piece in pieces:
        columns = layout_columns(piece, layout, style)
        yield pd.concat([columns, diagnostic_columns(piece)], axis=1)


def _columns(
    written: pq.ParquetFile, names: list[str], layout: Table | None, about: dict[str, Description]
) -> tuple[Column, ...]:
    """Descriptions of the columns: the layout's where it has them."""
    known = {column.label: column for column in layout.columns} if layout else {}
    widths = _widths(written, [name for name in names if name not in known])
    columns, end = [], 0
    for name in names:
        column = known.get(name)
        if column is None:
            kind = written.schema_arrow.field(name).type
            width, form, words = _form(kind, widths.get(name, 1))
            told = about.get(name, Description("", "", ""))
            ucd = f" [ucd={told.ucd}]" if told.ucd else ""
            text = f"{words}{told.text}{ucd}"
            column = Column.described(end + 1, end + width, form, _cds(told.unit), name, text)
        end = max(end, column.end)
        columns.append(column)
    return tuple(columns)


def _form(kind: pa.DataType, width: int) -> tuple[int, str, str]:
    if pa.types.is_boolean(kind):
        return 5, "A5", "[false/true ] "
    if pa.types.is_integer(kind):
        return 20, "I20", ""
    if pa.types.is_floating(kind):
        return 25, "D25.17", ""
    return width, f"A{width}", ""


def _widths(written: pq.ParquetFile, names: list[str]) -> dict[str, int]:
    """Bytes of the longest value of every text column."""
    kinds = {name: written.schema_arrow.field(name).type for name in names}
    texts = [n for n, k in kinds.items() if pa.types.is_string(k) or pa.types.is_large_string(k)]
    widths = dict.fromkeys(texts, 1)
    for batch in written.iter_batches(GROUP_ROWS, columns=texts) if texts else ():
        for name in texts:
            longest = pc.max(pc.binary_length(batch.column(name))).as_py()
            widths[name] = max(widths[name], longest or 1)
    return widths


def _meanings(
    configuration: Configuration, method: str, name: str, columns: list[str]
) -> dict[str, Description]:
    """What every column that is not the layout's holds."""
    direction = configuration.directions[name]
    features = configuration.surveys[direction.target].features
    units = {label: feature.unit for label, feature in features.items()}
    residuals = kinds_from_residuals(configuration, method, name)
    return descriptions(columns, direction, units, direction.target, residuals)


def _cds(unit: str) -> str:
    """A unit as astropy writes it in the notation of the CDS."""
    if unit in ("", "dex"):
        return "[-]" if unit else "---"
    try:
        return Unit(unit).to_string("cds")
    except ValueError:
        return "---"


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("method", "name of the method", required=True)
step.option("direction", "name of the direction", required=True)
step.input("layout", "the column layout that the configuration names", required=False)
step.input("parts", "shards in order, Parquet", many=True)
step.output("parquet", "all columns, members and reasons, Parquet")
step.output("fits", "the same but the whole comment, FITS")
step.setting("methods.{method}.montecarlo.intervals")
step.setting("directions.{direction}")
step.setting("surveys.*.features")
