"""The authors' two training samples, as a simulated sky's authors would offer them.

They are drawn by the sky's own cuts of the published execution, which no stage reads, and carry no
identifiers.
"""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table

from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic
from spectrotranslator.step import Step

from .published_data import match, read_surveys, with_velocities
from .settings import PublishedSettings
from .simulate_sky import read_settings

LABELS = {
    **{f"{name}_GALAH": name for name in ("teff", "logg", "fe_h", "Mg_fe")},
    **{f"e_{name}_GALAH": f"e_{name}" for name in ("teff", "logg", "fe_h", "Mg_fe")},
    "BP-G": "BP-G", "G-RP": "G-RP", "BP-G_ERR": "e_BP-G", "G-RP_ERR": "e_G-RP",
    "rv_galah": "rv_galah", "e_rv_galah": "e_rv_galah",
    **{f"{name}_APOGEE": name for name in ("TEFF", "LOGG", "M_H", "MG_FE")},
    **{f"{name}_ERR_APOGEE": f"{name}_ERR" for name in ("TEFF", "LOGG", "M_H", "MG_FE")},
    "VHELIO_AVG_APOGEE": "VHELIO_AVG", "VSCATTER_APOGEE": "VSCATTER", "VERR_APOGEE": "VERR",
}  # fmt: skip
DOUBLE = ("BP-G", "G-RP", "BP-G_ERR", "G-RP_ERR")


def samples(
    settings: PublishedSettings, galah: Path, apogee: Path, gaia: Path
) -> dict[str, pd.DataFrame]:
    """``intrinsic`` and ``extrinsic`` samples with the authors' column names, survey precision."""
    both = match(settings, *read_surveys(galah, apogee, gaia))
    found = {}
    for kind, table in (("intrinsic", both), ("extrinsic", with_velocities(settings, both))):
        named = {label: table[column] for label, column in LABELS.items()}
        found[kind] = pd.DataFrame(
            {
                label: values.astype(np.float64 if label in DOUBLE else np.float32)
                for label, values in named.items()
            }
        )
    return found


def write_sample(path: Path, sample: pd.DataFrame) -> None:
    """Write one sample as FITS."""
    with atomic(path) as temporary:
        Table.from_pandas(sample).write(temporary, format="fits")


def main(arguments: Namespace) -> None:
    """Write both files."""
    settings = read_settings(arguments.config).published
    if settings is None:
        raise InputError(f"{arguments.config}: sky.published is null: there are no authors")
    made = samples(settings, arguments.galah, arguments.apogee, arguments.gaia)
    write_sample(arguments.intrinsic, made["intrinsic"])
    write_sample(arguments.extrinsic, made["extrinsic"])


step = Step(__doc__)
step.input("config", "run configuration with a sky: mapping")
step.input("galah", "GALAH_DR3_main_allstar_v2.fits")
step.input("apogee", "allStarLite-dr17-synspec_rev1.fits")
step.input("gaia", "gaia.parquet")
step.output("intrinsic", "Training_sample_intrinsic.fits")
step.output("extrinsic", "Training_sample_extrinsic.fits")
