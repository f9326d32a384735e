"""Write a catalogue as the CDS table its layout describes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cdstables.layout import layout_from_yaml
from cdstables.writing import TableWriter
from spectrotranslator.step import Step

from .shards import GROUP_ROWS


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
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


step = Step(__doc__)
step.input("layout", "the column layout, YAML")
step.input("parquet", "the catalogue, Parquet")
step.output("dat", "the CDS table")
