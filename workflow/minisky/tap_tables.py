"""The tables of the archive: Gaia's photometry by two names, and the surveys as VizieR has them.

VizieR's copies have other labels, rounded values, fewer columns and record numbers.
"""

import threading
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io import fits

from .gaia import ZERO_POINT_ERROR

GAIA_TABLE = "I/355/gaiadr3"
ESA_TABLE = "gaiadr3.gaia_source"

# VizieR's label: our survey's column, and decimals kept (None: as it is).
GALAH = {
    "GALAH": ("sobject_id", None),
    "GaiaEDR3": ("dr3_source_id", None),
    "RA_ICRS": ("ra_dr2", 6),
    "DE_ICRS": ("dec_dr2", 6),
    "Teff": ("teff", 2),
    "e_Teff": ("e_teff", 2),
    "logg": ("logg", 3),
    "e_logg": ("e_logg", 3),
    "[Fe/H]": ("fe_h", 3),
    "e_[Fe/H]": ("e_fe_h", 3),
    "[Mg/Fe]": ("Mg_fe", 3),
    "e_[Mg/Fe]": ("e_Mg_fe", 3),
    "RVgalah": ("rv_galah", 3),
    "e_RVgalah": ("e_rv_galah", 3),
    "snrc3iraf": ("snr_c3_iraf", 3),
}
APOGEE = {
    "APOGEE": ("APOGEE_ID", None),
    "Tel": ("TELESCOPE", None),
    "Field": ("FIELD", None),
    "GaiaEDR3": ("GAIAEDR3_SOURCE_ID", None),
    "RAJ2000": ("RA", 6),
    "DEJ2000": ("DEC", 6),
    "Teff": ("TEFF", 1),
    "e_Teff": ("TEFF_ERR", 1),
    "logg": ("LOGG", 3),
    "e_logg": ("LOGG_ERR", 3),
    "[M/H]": ("M_H", 4),
    "e_[M/H]": ("M_H_ERR", 4),
    "[Mg/Fe]": ("MG_FE", 4),
    "e_[Mg/Fe]": ("MG_FE_ERR", 4),
    "HRV": ("VHELIO_AVG", 3),
    "e_HRV": ("VERR", 3),
    "s_HRV": ("VSCATTER", 3),
    "SNR": ("SNR", 1),
    "AFlag": ("ASPCAPFLAG", None),
}
COPIES = {
    "J/MNRAS/506/150/stars": ("GALAH_DR3_main_allstar_v2.fits", GALAH),
    "III/286/catalog": ("allStarLite-dr17-synspec_rev1.fits", APOGEE),
}


def copy_of(sky: Path, table: str) -> pd.DataFrame:
    """VizieR's table of the survey in the folder ``sky``; a -9999 is a blank there."""
    file, columns = COPIES[table]
    found: dict[str, np.ndarray] = {}
    with fits.open(sky / file) as hdus:
        data = hdus[1].data
        found["recno"] = np.arange(1, len(data) + 1)
        for label, (name, decimals) in columns.items():
            values = np.array(data[name])
            if values.dtype.kind in "SU":
                found[label] = np.char.strip(values.astype(str)).astype(object)
            elif decimals is None:
                found[label] = values.astype(np.int64)
            else:
                numbers = values.astype(np.float64)
                found[label] = np.where(numbers <= -9999, np.nan, np.round(numbers, decimals))
    return pd.DataFrame(found)


class Tables(dict[str, pd.DataFrame]):
    """What TAP serves, with TAP's own lists of tables and columns."""

    def __init__(self, sky: Path | None):
        super().__init__()
        self._sky = sky
        self._lock = threading.Lock()
        if sky and (sky / "gaia.parquet").exists():
            gaia = pd.read_parquet(sky / "gaia.parquet")
            self.add(GAIA_TABLE, gaia)
            self.add(ESA_TABLE, _as_esa(gaia))

    def named_in(self, query: str) -> "Tables":
        """All tables; VizieR's copies of the surveys are made when a query first names them."""
        with self._lock:
            for name in COPIES:
                if self._sky and name in query and name not in self:
                    self.add(name, copy_of(self._sky, name))
            return self

    def add(self, name: str, table: pd.DataFrame) -> None:
        """Let TAP serve ``table`` as ``name``."""
        self[name] = table
        rows = [
            (
                f'"{name}"' if "/" in name else name,
                column,
                "char" if values.dtype.kind == "O" else str(values.dtype),
            )
            for name, table in self.items()
            if not name.startswith("TAP_SCHEMA")
            for column, values in table.items()
        ]
        columns = pd.DataFrame(rows, columns=["table_name", "column_name", "datatype"])
        self["TAP_SCHEMA.columns"] = columns
        self["TAP_SCHEMA.tables"] = columns[["table_name"]].drop_duplicates()


def _as_esa(gaia: pd.DataFrame) -> pd.DataFrame:
    """The same sources as Gaia's own archive names them; errors as flux over error."""
    columns = {"source_id": gaia["Source"]}
    for band in ("G", "BP", "RP"):
        if f"{band}mag" in gaia:
            name = f"phot_{band.lower()}_mean"
            error, zero = gaia[f"e_{band}mag"], ZERO_POINT_ERROR[band.lower()]
            columns[f"{name}_mag"] = gaia[f"{band}mag"]
            relative = np.sqrt(np.clip(error**2 - zero**2, 1e-16, None)) * np.log(10) / 2.5
            columns[f"{name}_flux_over_error"] = 1 / relative
    return pd.DataFrame(columns)
