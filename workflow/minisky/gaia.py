"""The Galaxy as Gaia sees it: identifiers, EDR3 and DR3 photometry with errors, distances.

``photometry`` is what both surveys' files carry (EDR3) and what the archive serves (DR3); for the
sources with a six-parameter solution the two differ in G, and so in both colours.
"""

import numpy as np
import pandas as pd

from .galaxy import Stars
from .seeds import generator
from .settings import SkySettings

ZERO_POINT = {"g": 25.6873668671, "bp": 25.3385422158, "rp": 24.7478955012}
ZERO_POINT_ERROR = {"g": 0.0027553202, "bp": 0.0027901700, "rp": 0.0037793818}
YEARS_SINCE_2MASS = 16.0
_INDEX_BITS = 21
_BEYOND_GAIA = 12 * 4**12 << 35 - _INDEX_BITS


def source_ids(seed: int, n: int) -> np.ndarray:
    """``n`` different identifiers like Gaia's that no source of Gaia has; one in 500 is short.

    An identifier of Gaia holds the HEALPix number of order 12 of a place, of which there are
    12 * 4**12, in its bits from 35 on, and none is below 4295806720. The long ones here lie beyond
    the last place, the short ones below that number.
    """
    rng = generator(seed, "source ids")
    high = _BEYOND_GAIA + rng.integers(1 << 20, 3_290_000_000_000, n) // 3
    short = rng.random(n) < 0.002
    high[short] = rng.integers(2, 4000, int(short.sum())) // 2
    return (high << _INDEX_BITS) | rng.permutation(1 << _INDEX_BITS)[:n]


def observe(settings: SkySettings, stars: Stars) -> Stars:
    """Gaia's columns (n,) for the true stars: source_id, magnitudes, fluxes, distances, motions.

    Keys: source_id, ra2000, dec2000; per band x in g, bp, rp: x (EDR3 mag), flux_x, flux_error_x;
    g_dr3; parallax, parallax_error, pmra, pmra_error, pmdec, pmdec_error (mas, mas/yr);
    r_med, r_lo, r_hi (pc); absent (not in Gaia at all), six (six-parameter solution).
    """
    rng = generator(settings.seed, "gaia")
    n = stars["g"].size
    true = {"g": stars["g"], "bp": stars["g"] + stars["bp_g"], "rp": stars["g"] - stars["g_rp"]}
    result: Stars = {"source_id": source_ids(settings.seed, n)}
    for band, magnitude in true.items():
        relative = {"g": 0.0003, "bp": 0.0015, "rp": 0.0012}[band]
        relative = relative * 10 ** (0.2 * np.clip(magnitude - 12, -3, 8)) * rng.gamma(9, 1 / 9, n)
        observed = magnitude + 1.0857 * relative * rng.normal(size=n)
        flux = 10 ** (0.4 * (ZERO_POINT[band] - observed))
        result |= {band: observed, f"flux_{band}": flux, f"flux_error_{band}": relative * flux}
    blank = rng.random(n) < settings.defects.no_photometry
    result["absent"] = blank & (rng.random(n) < 0.4)
    for band in ("bp", "rp"):
        for key in (band, f"flux_{band}", f"flux_error_{band}"):
            result[key] = np.where(blank, np.nan, result[key])
    result["six"] = rng.random(n) < 0.12
    correction = 0.004 + 0.008 * np.tanh(result["g"] - 13)
    result["g_dr3"] = result["g"] + np.where(result["six"], correction, 0.0)
    return result | _astrometry(rng, stars)


def _astrometry(rng: np.random.Generator, stars: Stars) -> Stars:
    n = stars["g"].size
    error = 0.014 * 10 ** (0.12 * np.clip(stars["g"] - 12.5, 0, 8)) * rng.gamma(16, 1 / 16, n)
    relative = np.clip(error * stars["distance"], 0.003, 0.2)
    median = 1000 * stars["distance"] * np.exp(relative * rng.normal(size=n))
    declination = np.cos(np.radians(stars["dec"]))
    milli = YEARS_SINCE_2MASS / 3.6e6
    return {
        "parallax": 1 / stars["distance"] + error * rng.normal(size=n),
        "parallax_error": error,
        "pmra": stars["pmra"] + error * rng.normal(size=n), "pmra_error": error,
        "pmdec": stars["pmdec"] + error * rng.normal(size=n), "pmdec_error": error,
        "r_med": median, "r_lo": median * np.exp(-relative), "r_hi": median * np.exp(relative),
        "ra2000": (stars["ra"] - milli * stars["pmra"] / declination) % 360,
        "dec2000": np.clip(stars["dec"] - milli * stars["pmdec"], -90, 90),
    }  # fmt: skip


def magnitude_error(gaia: Stars, band: str) -> np.ndarray:
    """Error (mag) from flux and zero point, as the Gaia documentation gives it."""
    relative = gaia[f"flux_error_{band}"] / gaia[f"flux_{band}"]
    return np.hypot(2.5 / np.log(10) * relative, ZERO_POINT_ERROR[band])


def archive_table(stars: Stars, gaia: Stars) -> pd.DataFrame:
    """The rows of ``I/355/gaiadr3`` that the archive can serve, by Source; DR3 photometry.

    Decimals are cut as CDS prints them (six for magnitudes), so text carries them exactly.
    """
    columns = {"Source": gaia["source_id"], "RA_ICRS": stars["ra"], "DE_ICRS": stars["dec"]}
    for name, key in (("Plx", "parallax"), ("pmRA", "pmra"), ("pmDE", "pmdec")):
        columns[name] = np.round(gaia[key], 4)
        columns[f"e_{name}"] = np.round(gaia[f"{key}_error"], 4)
    for name, key, band in (("Gmag", "g_dr3", "g"), ("BPmag", "bp", "bp"), ("RPmag", "rp", "rp")):
        columns[name] = np.round(gaia[key], 6)
        columns[f"e_{name}"] = np.round(magnitude_error(gaia, band), 6)
    columns["Solved"] = np.where(gaia["six"], 95, 31)
    table = pd.DataFrame(columns)[~gaia["absent"]]
    return table.sort_values("Source", ignore_index=True)
