"""What the published execution reads: both surveys' rows, Gaia's colours, cuts, the matched sample.

Written apart from the engine, in the plainest way, so that neither judges itself.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io import fits

from spectrotranslator.expressions import compile_cut

from .settings import CutSettings, PublishedSettings

GALAH_COLUMNS = (
    "sobject_id", "dr3_source_id", "teff", "e_teff", "logg", "e_logg", "fe_h", "e_fe_h", "Mg_fe",
    "e_Mg_fe", "rv_galah", "e_rv_galah", "flag_sp", "flag_fe_h", "flag_Mg_fe", "snr_c3_iraf",
)  # fmt: skip
APOGEE_COLUMNS = (
    "APOGEE_ID", "GAIAEDR3_SOURCE_ID", "TEFF", "TEFF_ERR", "LOGG", "LOGG_ERR", "M_H", "M_H_ERR",
    "MG_FE", "MG_FE_ERR", "VHELIO_AVG", "VERR", "VSCATTER", "SNR", "ASPCAPFLAG", "STARFLAG",
    "EXTRATARG", "MG_FE_FLAG",
)  # fmt: skip
#: Bits of the surveys' masks that cuts may name.
BITS = {"ASPCAPFLAG": {"STAR_BAD": 23}, "EXTRATARG": {"DUPLICATE": 4}}
COLOURS = ("BP-G", "G-RP")
GALAH_VALUES = ("teff", "logg", "fe_h", "Mg_fe")
APOGEE_VALUES = ("TEFF", "LOGG", "M_H", "MG_FE")
GALAH_NAMES = ("teff_GALAH", "logg_GALAH", "fe_h_GALAH", "Mg_fe_GALAH")
APOGEE_NAMES = ("TEFF_APOGEE", "LOGG_APOGEE", "M_H_APOGEE", "MG_FE_APOGEE")


@dataclass(frozen=True)
class Side:
    """One survey: labels and errors (n, 5), the velocity last; colours and errors (n, 2)."""

    labels: np.ndarray
    errors: np.ndarray
    colours: np.ndarray
    colour_errors: np.ndarray

    @property
    def inputs(self) -> np.ndarray:
        """The seven input features (n, 7): four labels, two colours, the velocity."""
        return np.hstack([self.labels[:, :4], self.colours, self.labels[:, 4:]])

    @property
    def input_errors(self) -> np.ndarray:
        """Errors of the seven input features (n, 7)."""
        return np.hstack([self.errors[:, :4], self.colour_errors, self.errors[:, 4:]])


def read_fits(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Columns of the table in HDU 1, in the machine's own byte order; floats as doubles."""
    with fits.open(path) as hdus:
        data = hdus[1].data
        table = {}
        for name in columns:
            values = np.asarray(data[name])
            if values.dtype.kind == "f":
                values = values.astype(np.float64)
            elif values.dtype.kind == "i":
                values = values.astype(np.int64)
            else:
                values = values.astype(str).astype(object)
            table[name] = values
    return pd.DataFrame(table)


def add_colours(table: pd.DataFrame, identifier: str, gaia: pd.DataFrame) -> pd.DataFrame:
    """``table`` with BP-G, G-RP and their errors, from the archive's DR3 magnitudes."""
    found = gaia.set_index("Source").reindex(table[identifier].to_numpy())
    table = table.copy()
    table["BP-G"] = (found["BPmag"] - found["Gmag"]).to_numpy()
    table["G-RP"] = (found["Gmag"] - found["RPmag"]).to_numpy()
    table["e_BP-G"] = np.sqrt(found["e_BPmag"] ** 2 + found["e_Gmag"] ** 2).to_numpy()
    table["e_G-RP"] = np.sqrt(found["e_Gmag"] ** 2 + found["e_RPmag"] ** 2).to_numpy()
    return table


def read_surveys(galah: Path, apogee: Path, gaia: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All rows of both surveys, with colours."""
    photometry = pd.read_parquet(gaia)
    southern = add_colours(read_fits(galah, GALAH_COLUMNS), "dr3_source_id", photometry)
    northern = add_colours(read_fits(apogee, APOGEE_COLUMNS), "GAIAEDR3_SOURCE_ID", photometry)
    northern["e_VHELIO"] = np.sqrt(northern["VSCATTER"] ** 2 + northern["VERR"] ** 2)
    return southern, northern


def apply_cuts(table: pd.DataFrame, cuts: tuple[CutSettings, ...]) -> pd.DataFrame:
    """The rows of ``table`` that pass every cut, in their order."""
    for cut in cuts:
        table = table[compile_cut(cut.expression, BITS).evaluate(table)]
    return table


def match(settings: PublishedSettings, galah: pd.DataFrame, apogee: pd.DataFrame) -> pd.DataFrame:
    """One row for each star that passes both surveys' cuts, by ascending ``sobject_id``.

    Of several rows with one Gaia id, after the cuts, each survey's with the highest
    signal-to-noise stands (GALAH: snr_c3_iraf; APOGEE: SNR).
    """
    galah = apply_cuts(galah, settings.galah_sample)
    apogee = apply_cuts(apogee, settings.apogee_sample)
    galah = galah[galah["dr3_source_id"] > 0]
    apogee = apogee[apogee["GAIAEDR3_SOURCE_ID"] > 0].drop(columns=[*COLOURS, "e_BP-G", "e_G-RP"])
    galah = galah.sort_values("snr_c3_iraf", ascending=False, kind="stable")
    galah = galah.drop_duplicates("dr3_source_id", keep="first")
    apogee = apogee.sort_values("SNR", ascending=False, kind="stable")
    apogee = apogee.drop_duplicates("GAIAEDR3_SOURCE_ID", keep="first")
    both = galah.merge(apogee, left_on="dr3_source_id", right_on="GAIAEDR3_SOURCE_ID")
    both = both.sort_values("sobject_id", ignore_index=True)
    both = apply_cuts(both, settings.pair_sample)
    return both[_usable(both, _intrinsic_columns())].reset_index(drop=True)


def _intrinsic_columns() -> list[str]:
    galah = [column for name in GALAH_VALUES for column in (name, f"e_{name}")]
    apogee = [column for name in APOGEE_VALUES for column in (name, f"{name}_ERR")]
    return [*galah, *apogee, *COLOURS, "e_BP-G", "e_G-RP"]


def _usable(table: pd.DataFrame, columns: list[str]) -> np.ndarray:
    values = table[columns].to_numpy(float)
    return (np.isfinite(values) & (values > -9999)).all(axis=1)


def with_velocities(settings: PublishedSettings, both: pd.DataFrame) -> pd.DataFrame:
    """The rows that train the network of velocities: cut, velocities and errors all there."""
    both = apply_cuts(both, settings.velocity_sample)
    columns = ["rv_galah", "e_rv_galah", "VHELIO_AVG", "VERR", "VSCATTER"]
    return both[_usable(both, columns)].reset_index(drop=True)


def galah_side(table: pd.DataFrame, masks: str = "none") -> Side:
    """GALAH's features of a table of rows."""
    names = [*GALAH_VALUES, "rv_galah"]
    values = table[names].to_numpy(float)
    errors = table[[f"e_{name}" for name in names]].to_numpy(float)
    return _masked(table, values, errors, table["flag_Mg_fe"], masks)


def apogee_side(table: pd.DataFrame, masks: str = "none") -> Side:
    """APOGEE's features of a table of rows."""
    values = table[[*APOGEE_VALUES, "VHELIO_AVG"]].to_numpy(float)
    errors = table[[*(f"{name}_ERR" for name in APOGEE_VALUES), "e_VHELIO"]].to_numpy(float)
    return _masked(table, values, errors, table["MG_FE_FLAG"], masks)


def _masked(
    table: pd.DataFrame, values: np.ndarray, errors: np.ndarray, flag: pd.Series, masks: str
) -> Side:
    values = values.copy()
    if masks in ("sentinel", "flagged"):
        values[values == -9999] = np.nan
    if masks == "flagged":
        values[flag.to_numpy() != 0, 3] = np.nan
    colours = table[list(COLOURS)].to_numpy(float)
    return Side(values, errors, colours, table[["e_BP-G", "e_G-RP"]].to_numpy(float))
