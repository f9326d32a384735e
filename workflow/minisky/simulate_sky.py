"""Simulate a miniature sky: the surveys' files, Gaia's photometry and, apart, the truth.

Reads the ``sky:`` mapping of a run configuration.
"""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, write_text
from spectrotranslator.step import Step

from .fits_table import Column, TableWriter, read_layout
from .seeds import generator
from .settings import SkySettings, parse_sky
from .sky import make_sky
from .survey_columns import Columns, apogee_columns, galah_columns, truth_columns, vac_columns

CHUNK = 20_000


def read_settings(path: Path) -> SkySettings:
    """The sky of the run configuration at ``path``.

    Raises
    ------
    InputError
        The file is no YAML mapping with a ``sky:``, or a value in it is refused.
    """
    try:
        configuration = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML ({error})") from error
    if not isinstance(configuration, dict) or not isinstance(configuration.get("sky"), dict):
        raise InputError(f"{path}: has no 'sky:' mapping; add one or name another configuration")
    return parse_sky(configuration["sky"], f"{path}, sky")


def write_table(path: Path, layout: str, name: str, known: Columns, seed: int, wide: bool) -> None:
    """Write ``known`` columns as the survey's file; ``wide`` adds the survey's other columns."""
    columns = read_layout(layout)
    if not wide:
        columns = [column for column in columns if column.name in known]
    rows = len(next(iter(known.values())))
    with atomic(path) as temporary, temporary.open("wb") as stream:
        writer = TableWriter(stream, columns, rows, name)
        for start in range(0, rows, CHUNK):
            stop = min(start + CHUNK, rows)
            chunk = np.zeros(stop - start, writer.dtype)
            rng = generator(seed, "filler", layout, start)
            for column in columns:
                if column.name in known:
                    chunk[column.name] = _cells(known[column.name][start:stop])
                else:
                    _fill(rng, chunk, column)
            writer.write(chunk)
        writer.close()


def _cells(values: np.ndarray) -> np.ndarray:
    return np.char.encode(values, "ascii") if values.dtype.kind == "U" else values


def _fill(rng: np.random.Generator, chunk: np.ndarray, column: Column) -> None:
    """Fill a column that no stage reads with something of its type."""
    shape = chunk[column.name].shape
    code = column.form[-1]
    if code in "ED":
        chunk[column.name] = rng.standard_normal(shape, dtype=np.float32)
    elif code in "JK":
        chunk[column.name] = rng.integers(0, 8, shape, dtype=np.int32)
    elif code == "L":
        chunk[column.name] = np.where(rng.integers(0, 2, shape, dtype=np.int8), b"T", b"F")
    else:
        chunk[column.name] = b"minisky"


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """Write ``table`` as Parquet, with neither index nor pandas' own metadata."""
    with atomic(path) as temporary:
        plain = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(plain, temporary)


def simulate(
    settings: SkySettings,
    galah: Path,
    vac: Path,
    apogee: Path,
    gaia: Path,
    truth: Path,
    clusters: Path,
) -> None:
    """Write all files of the sky that ``settings`` describes."""
    sky = make_sky(settings)
    for path, layout, name, columns in (
        (galah, "galah", "GALAH_DR3_main_allstar_v2", galah_columns),
        (vac, "vac", "GALAH_DR3_VAC_GaiaEDR3_v2", vac_columns),
        (apogee, "apogee", "allStarLite", apogee_columns),
    ):
        write_table(path, layout, name, columns(sky), settings.seed, settings.wide)
    write_parquet(gaia, sky.archive)
    write_parquet(truth, pd.DataFrame(truth_columns(sky)))
    write_text(clusters, sky.members.to_csv(index=False))


def main(arguments: Namespace) -> None:
    """Simulate the configured sky."""
    simulate(
        read_settings(arguments.config),
        arguments.galah,
        arguments.vac,
        arguments.apogee,
        arguments.gaia,
        arguments.truth,
        arguments.clusters,
    )


step = Step(__doc__)
step.input("config", "run configuration with a sky: mapping")
step.output("galah", "GALAH_DR3_main_allstar_v2.fits")
step.output("vac", "GALAH_DR3_VAC_GaiaEDR3_v2.fits")
step.output("apogee", "allStarLite-dr17-synspec_rev1.fits")
step.output("gaia", "gaia.parquet, what the archive's TAP serves as I/355/gaiadr3")
step.output("truth", "truth.parquet, for tests and figures only")
step.output("clusters", "clusters.csv, the members of the clusters by their Gaia id")
step.setting("sky")
