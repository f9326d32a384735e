"""The columns of the surveys' files, by their published names, from a simulated sky."""

import numpy as np

from . import galah
from .apogee import identifiers
from .footprints import galactic
from .galaxy import Stars
from .seeds import generator
from .sky import Sky

Columns = dict[str, np.ndarray]
SPECTRA_PER_STAR = 1.153


def galah_spectra(sky: Sky) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All spectra, sorted: sobject_id, star of each, and row in the allstar table or -1."""
    rng = generator(sky.settings.seed, "spectra")
    rows = sky.settings.n_galah
    total = round(SPECTRA_PER_STAR * rows)
    sobject_id = galah.number_spectra(total, sky.settings.seed)
    best = np.ones(total, bool)
    best[rng.choice(total, total - rows, replace=False)] = False
    row = np.full(total, -1)
    row[best] = np.arange(rows)
    star = np.where(best, sky.galah["star"][row], rng.choice(sky.galah["star"], total))
    return sobject_id, star, row


def galah_columns(sky: Sky) -> Columns:
    """GALAH_DR3_main_allstar_v2: a row a star."""
    sobject_id, _, row = galah_spectra(sky)
    rows, seen = sky.galah, sky.gaia
    star = rows["star"]
    _, inverse, counts = np.unique(star, return_inverse=True, return_counts=True)
    result = {
        "sobject_id": sobject_id[row >= 0],
        "star_id": _two_mass(sky, star),
        "dr2_source_id": _dr2_ids(sky, star),
        "dr3_source_id": rows["source_id"],
        "survey_name": np.resize(
            ["galah_main", "galah_bright", "k2_hermes", "tess_hermes"], star.size
        ),
        "field_id": np.arange(star.size) // galah.PER_PLATE + 1,
        "flag_repeat": np.where(counts[inverse] > 1, 1, 0),
        "nr_Mg_fe": np.where(np.isfinite(rows["Mg_fe"]), 3, 0),
        "ra_dr2": sky.stars["ra"][star],
        "dec_dr2": sky.stars["dec"][star],
        "parallax_dr2": seen["parallax"][star],
        "parallax_error_dr2": 1.4 * seen["parallax_error"][star],
    }
    names = ("teff", "e_teff", "logg", "e_logg", "fe_h", "e_fe_h", "flag_fe_h", "Mg_fe", "e_Mg_fe",
             "flag_Mg_fe", "flag_sp", "rv_galah", "e_rv_galah", "snr_c3_iraf")  # fmt: skip
    return result | {name: rows[name] for name in names}


def vac_columns(sky: Sky) -> Columns:
    """GALAH_DR3_VAC_GaiaEDR3_v2: a row a spectrum, those not in the allstar table included."""
    sobject_id, star, row = galah_spectra(sky)
    seen = sky.gaia
    of_row = np.where(row >= 0, sky.galah["source_id"][row], seen["source_id"][star])
    known = of_row > 0
    result = {
        "star_id": _two_mass(sky, star),
        "sobject_id": sobject_id,
        "dr2_source_id": _dr2_ids(sky, star),
        "dr3_source_id": of_row,
        "ra": np.where(known, sky.stars["ra"][star], np.nan),
        "dec": np.where(known, sky.stars["dec"][star], np.nan),
        "astrometric_params_solved": np.where(seen["six"][star], 95, 31),
        "ref_epoch": np.full(star.size, 2016.0),
    }
    for name in ("parallax", "parallax_error", "pmra", "pmra_error", "pmdec", "pmdec_error"):
        result[name] = np.where(known, seen[name][star], np.nan)
    for band in ("g", "bp", "rp"):
        result[f"phot_{band}_mean_mag"] = np.where(known, seen[band][star], np.nan)
        result[f"phot_{band}_mean_flux"] = np.where(known, seen[f"flux_{band}"][star], np.nan)
        error = seen[f"flux_error_{band}"][star]
        result[f"phot_{band}_mean_flux_error"] = np.where(known, error, np.nan)
    result["bp_g"] = result["phot_bp_mean_mag"] - result["phot_g_mean_mag"]
    result["g_rp"] = result["phot_g_mean_mag"] - result["phot_rp_mean_mag"]
    result["bp_rp"] = result["phot_bp_mean_mag"] - result["phot_rp_mean_mag"]
    for bound in ("med", "lo", "hi"):
        for kind, factor in (("geo", 1.01), ("photogeo", 1.0)):
            result[f"r_{bound}_{kind}"] = np.where(known, factor * seen[f"r_{bound}"][star], np.nan)
    return result


def apogee_columns(sky: Sky) -> Columns:
    """allStarLite-dr17-synspec_rev1: a row a star, telescope and field."""
    rows, stars, seen = sky.apogee, sky.stars, sky.gaia
    star = rows["star"]
    known = rows["source_id"] > 0
    l, b = galactic(stars["ra"][star], stars["dec"][star])  # noqa: E741
    result = {
        "RA": seen["ra2000"][star], "DEC": seen["dec2000"][star], "GLON": l, "GLAT": b,
        "H": stars["h"][star], "J": stars["h"][star] + 0.45, "K": stars["h"][star] - 0.08,
        "AK_TARG": 0.31 * stars["ebv"][star],
        "GAIAEDR3_SOURCE_ID": rows["source_id"],
    }  # fmt: skip
    pairs = {
        "PARALLAX": "parallax", "PARALLAX_ERROR": "parallax_error", "PMRA": "pmra",
        "PMRA_ERROR": "pmra_error", "PMDEC": "pmdec", "PMDEC_ERROR": "pmdec_error",
        "PHOT_G_MEAN_MAG": "g", "PHOT_BP_MEAN_MAG": "bp", "PHOT_RP_MEAN_MAG": "rp",
        "R_MED_PHOTOGEO": "r_med", "R_LO_PHOTOGEO": "r_lo", "R_HI_PHOTOGEO": "r_hi",
    }  # fmt: skip
    for name, key in pairs.items():
        result[f"GAIAEDR3_{name}"] = np.where(known, seen[key][star], np.nan)
    skip = {"star", "source_id"}
    return result | {name: column for name, column in rows.items() if name not in skip}


def truth_columns(sky: Sky) -> Columns:
    """The true stars, for tests and figures only: a row a star."""
    n = sky.stars["ra"].size
    inside = {"in_galah": sky.galah["star"], "in_apogee": sky.apogee["star"]}
    result: Stars = {"source_id": sky.gaia["source_id"], **sky.stars}
    for name, star in inside.items():
        result[name] = np.isin(np.arange(n), star)
    return result


def _two_mass(sky: Sky, star: np.ndarray) -> np.ndarray:
    unique, inverse = np.unique(star, return_inverse=True)
    text = identifiers(sky.gaia["ra2000"][unique], sky.gaia["dec2000"][unique])
    return np.array([name[2:] for name in text])[inverse]


def _dr2_ids(sky: Sky, star: np.ndarray) -> np.ndarray:
    ids = sky.gaia["source_id"][star]
    return np.where(ids % 17 == 0, ids ^ 0x1000, ids)
