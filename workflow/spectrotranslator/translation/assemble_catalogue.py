"""Join a catalogue's shards to one table, as Parquet, FITS and VOTable, piece by piece."""

from collections.abc import Iterator

import pandas as pd

from cdstables.fits_file import write_fits
from cdstables.layout import Table, layout_from_yaml
from cdstables.votable_file import write_votable
from spectrotranslator.config import load
from spectrotranslator.config.configuration import Direction
from spectrotranslator.files import atomic
from spectrotranslator.step import Step

from .catalogue_columns import comment_style, diagnostic_columns, layout_columns
from .described_parquet import batches, described_table, describing
from .product_columns import catalogue_descriptions
from .product_metadata import SIMULATED, product_metadata
from .shards import read_parts, write_groups

# The whole comment stays out of FITS and VOTable: thousands of bytes a row for what the reasons'
# bits say.
PARQUET_ONLY = ("comment", "full_comment")


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    names = (configuration, arguments.method, arguments.direction)
    direction = configuration.directions[arguments.direction]
    layout = layout_from_yaml(direction.catalogue) if direction.catalogue else None
    metadata = product_metadata(*names, arguments.registry)
    write_groups(
        arguments.parquet,
        _shaped(direction, layout, read_parts(arguments.parts)),
        describing(catalogue_descriptions(*names, layout), metadata),
    )
    title = _title(configuration.surveys, direction, metadata["SIMULATED"])
    table = described_table(
        arguments.parquet, arguments.direction, title, metadata, leave_out=PARQUET_ONLY
    )
    with atomic(arguments.fits) as temporary:
        write_fits(temporary, table, batches(arguments.parquet, table, PARQUET_ONLY), table.records)
    with atomic(arguments.votable) as temporary:
        write_votable(temporary, table, batches(arguments.parquet, table, PARQUET_ONLY))


def _title(surveys, direction: Direction, simulated: bool) -> str:
    origin, target = surveys[direction.origin].title, surveys[direction.target].title
    text = f"Stars of {origin}, their labels translated to the base of {target}"
    return f"{text}. {SIMULATED}" if simulated else text


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


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("method", "name of the method", required=True)
step.option("direction", "name of the direction", required=True)
step.input("registry", "the table of sources")
step.input("layout", "the column layout that the configuration names", required=False)
step.input("parts", "shards in order, Parquet", many=True)
step.output("parquet", "all columns, members and reasons, Parquet")
step.output("fits", "the same but the whole comment, FITS")
step.output("votable", "the same as the FITS file, VOTable")
step.setting("evidence")
step.setting("surveys")
step.setting("surveys.*.title")
step.setting("surveys.*.features.*.description")
step.setting("surveys.*.features.*.ucd")
step.setting("selections")
step.setting("selection")
step.setting("match")
step.setting("crossmatch")
step.setting("split")
step.setting("directions.{direction}")
step.setting("methods.{method}")
