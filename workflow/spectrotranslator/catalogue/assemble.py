"""Join a catalogue's shards to one table, as Parquet and FITS."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

from ..cds.layout import layout_from_yaml
from ..configuration import load
from ..files import atomic
from ..stage import Stage
from .columns import comment_style, diagnostic_columns, layout_columns


def main(arguments) -> None:
    direction = load(arguments.config).directions[arguments.direction]
    translated = pd.concat(map(pd.read_parquet, arguments.parts), ignore_index=True)
    table = translated
    if direction.catalogue:
        layout = layout_from_yaml(direction.catalogue)
        columns = layout_columns(translated, layout, comment_style(direction.catalogue))
        table = pd.concat([columns, diagnostic_columns(translated)], axis=1)
    with atomic(arguments.parquet) as temporary:
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), temporary)
    write_fits(table, arguments.direction, arguments.fits)


def write_fits(table: pd.DataFrame, name: str, path: Path) -> None:
    """One binary table extension; text in as many bytes as its longest value needs."""
    columns = [_fits_column(label, values) for label, values in table.items()]
    hdu = fits.BinTableHDU.from_columns(columns, name=name)
    with atomic(path) as temporary:
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(temporary, output_verify="exception")


def _fits_column(label: str, values: pd.Series) -> fits.Column:
    if is_bool_dtype(values):
        return fits.Column(label, "L", array=values.to_numpy())
    if is_integer_dtype(values):
        return fits.Column(label, "K", array=values.to_numpy(np.int64))
    if is_float_dtype(values):
        return fits.Column(label, "D", array=values.to_numpy(np.float64))
    text = values.to_numpy(dtype="U").astype("S")
    return fits.Column(label, f"{max(1, text.dtype.itemsize)}A", array=text)


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.option("direction", "name of the direction", required=True)
stage.input("layout", "the column layout that the configuration names", required=False)
stage.input("parts", "shards in order, Parquet", many=True)
stage.output("parquet", "all columns, members and reasons, Parquet")
stage.output("fits", "the same, FITS")

if __name__ == "__main__":
    stage.run(main)
