"""Write a catalogue as the CDS table its layout describes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..cds.layout import layout_from_yaml
from ..cds.write import TableWriter
from ..stage import Stage
from .parts import GROUP_ROWS


def main(arguments) -> None:
    layout = layout_from_yaml(arguments.layout)
    labels = [column.label for column in layout.columns]
    with TableWriter(arguments.dat, layout) as writer:
        for batch in read_ahead(arguments.parquet, labels):
            writer.write(batch)


def read_ahead(path: Path, labels: list[str]) -> Iterator[pa.RecordBatch]:
    """The batches of a Parquet file; while one is used the next one is read."""
    batches = pq.ParquetFile(path).iter_batches(GROUP_ROWS, columns=labels)
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


stage = Stage(__doc__)
stage.input("layout", "the column layout, YAML")
stage.input("parquet", "the catalogue, Parquet")
stage.output("dat", "the CDS table")

if __name__ == "__main__":
    stage.run(main)
