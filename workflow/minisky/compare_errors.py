"""Stated errors of the simulated surveys beside those of real rows.

``python -m minisky.compare_errors GALAH.csv APOGEE.csv`` takes rows of GALAH DR3 and APOGEE DR17
with the surveys' own column names, simulates a sky and compares every stated error that both have:
each real star with the simulated evolved stars that are nearest to it in Teff, log g, [Fe/H] and,
where the rows have it, S/N. It prints a Markdown table (docs/explanation/minisky.md).
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.stats import spearmanr

from .galaxy import DWARF, EXOTIC
from .settings import SkySettings
from .sky import Sky, make_sky

SKY = {"name": "errors", "n_galah": 60_000, "n_apogee": 60_000, "n_common": 20_000}
NEAREST = 3
SCALES = {"Teff": 200.0, "log g": 0.4, "[Fe/H]": 0.3, "ln S/N": 0.3}
# survey -> columns of real rows by quantity, then error columns: name in the sky -> in the rows
SURVEYS = {
    "galah": (
        {"Teff": "teff", "log g": "logg", "[Fe/H]": "fe_h", "S/N": "snr_c3_iraf"},
        {name: name for name in ("e_teff", "e_logg", "e_fe_h", "e_Mg_fe", "e_rv_galah")},
    ),
    "apogee": (
        {"Teff": "TEFF", "log g": "LOGG", "[Fe/H]": "M_H"},
        {name: name for name in ("TEFF_ERR", "LOGG_ERR", "M_H_ERR", "MG_FE_ERR")},
    ),
}


def simulated(sky: Sky, survey: str) -> pd.DataFrame:
    """Unflagged rows of evolved stars of a simulated survey, by the survey's own column names."""
    rows = pd.DataFrame(getattr(sky, survey))
    stage = sky.stars["stage"][rows["star"]]
    flags = {"galah": ["flag_sp", "flag_fe_h", "flag_Mg_fe"],
             "apogee": ["ASPCAPFLAG", "STARFLAG", "MG_FE_FLAG"]}[survey]  # fmt: skip
    return rows[(stage != DWARF) & (stage != EXOTIC) & (rows[flags] == 0).all(axis=1)]


def places(table: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Quantities in which stars are matched, columns of ``SCALES``."""
    result = pd.DataFrame({key: table[name] for key, name in columns.items() if key != "S/N"})
    if "S/N" in columns:
        result["ln S/N"] = np.log(table[columns["S/N"]])
    return result


def alike(sky: Sky, survey: str, real: pd.DataFrame) -> pd.DataFrame:
    """Simulated rows like the real ones: ``NEAREST`` for each, in the order of ``real``."""
    columns, errors = SURVEYS[survey]
    table = simulated(sky, survey)
    wanted = [*columns.values(), *errors]
    table = table[np.isfinite(table[wanted]).all(axis=1) & (table[wanted] > -9999).all(axis=1)]
    scale = [SCALES[name] for name in places(table, columns)]
    tree = cKDTree(places(table, columns) / scale)
    _, found = tree.query(places(real, columns) / scale, k=NEAREST)
    return table.iloc[found.ravel()]


def compared(sky: Sky, survey: str, real: pd.DataFrame) -> pd.DataFrame:
    """Median, half of the 16-84% interval and rank correlations of every error, real and simulated.

    Parameters
    ----------
    sky : Sky
        The simulated sky.
    survey : str
        ``galah`` or ``apogee``.
    real : pandas.DataFrame
        Rows of the real survey, columns as the survey names them.

    Returns
    -------
    pandas.DataFrame
        A row an error: ``median``, ``width``, and rank correlations with each matched quantity, for
        ``real`` and ``simulated`` (columns of two levels).
    """
    columns, errors = SURVEYS[survey]
    sides = {"real": real, "simulated": alike(sky, survey, real)}
    result = {}
    for side, table in sides.items():
        at = places(table, columns)
        for simulated_name, name in errors.items():
            values = table[name]
            low, middle, high = np.nanquantile(values, [0.16, 0.5, 0.84])
            numbers = {"median": middle, "width": (high - low) / 2}
            for key in at:
                numbers[key] = spearmanr(values, at[key], nan_policy="omit").statistic
            for key, number in numbers.items():
                result.setdefault((side, key), {})[simulated_name] = number
    return pd.DataFrame(result)


def main() -> None:
    """Print the comparison as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("galah", type=Path)
    parser.add_argument("apogee", type=Path)
    given = parser.parse_args()
    sky = make_sky(SkySettings.model_validate(SKY))
    print(
        "| error | median: real, simulated | half of 16-84%: real, simulated | rank correlation |"
    )
    print("|---|---|---|---|")
    for survey in SURVEYS:
        real = pd.read_csv(getattr(given, survey))
        if survey == "apogee":
            real = real.rename(columns=str.upper)
        for name, row in compared(sky, survey, real).iterrows():
            pairs = [
                f"{row['real', k]:.3g}, {row['simulated', k]:.3g}" for k in ("median", "width")
            ]
            slopes = [
                f"{key} {row['real', key]:+.2f}, {row['simulated', key]:+.2f}"
                for key in row["real"].index
                if key in SCALES and np.isfinite(row["real", key])
            ]
            print(f"| `{name}` | {pairs[0]} | {pairs[1]} | {'; '.join(slopes)} |")


if __name__ == "__main__":
    main()
