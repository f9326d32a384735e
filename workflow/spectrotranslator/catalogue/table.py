"""Write a catalogue as the CDS table its layout describes."""

import pyarrow.parquet as pq

from ..cds.layout import layout_from_yaml
from ..cds.write import TableWriter
from ..stage import Stage

CHUNK_ROWS = 20_000


def main(arguments) -> None:
    layout = layout_from_yaml(arguments.layout)
    labels = [column.label for column in layout.columns]
    with TableWriter(arguments.dat, layout) as writer:
        for batch in pq.ParquetFile(arguments.parquet).iter_batches(CHUNK_ROWS, columns=labels):
            writer.write(batch)


stage = Stage(__doc__)
stage.input("layout", "the column layout, YAML")
stage.input("parquet", "the catalogue, Parquet")
stage.output("dat", "the CDS table")

if __name__ == "__main__":
    stage.run(main)
