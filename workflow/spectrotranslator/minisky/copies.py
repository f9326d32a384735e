"""The surveys as VizieR has them: other labels, rounded values, fewer columns, record numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io import fits

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
