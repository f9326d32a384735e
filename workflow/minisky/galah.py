"""The Galaxy as GALAH DR3 sees it: one row a star, with its errors, flags and faults."""

import numpy as np

from .defects import cycle_bits, draw_defects, inject_defects
from .galaxy import EXOTIC, Stars
from .seeds import generator
from .settings import SkySettings
from .stated_errors import (
    GALAH,
    GALAH_LOGG_OVER_TRUE,
    GALAH_REFERENCE,
    GALAH_VELOCITY,
    draw_errors,
    galah_noise,
)
from .systematics import Systematics

FLAG_SP = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
FLAG_FE_H = (1, 16)
FLAG_MG_FE = (1, 32)
PER_PLATE = 360
Rows = dict[str, np.ndarray]


def plan(settings: SkySettings, stars: Stars, star: np.ndarray) -> Rows:
    """Observations of ``star`` (row -> index into ``stars``): true errors and flags."""
    rng = generator(settings.seed, "galah plan")
    n = star.size
    dirt = draw_defects(rng, n, settings.defects.model_dump())
    g = stars["g"][star]
    snr = np.clip(62 * 10 ** (-0.17 * (g - 12.9)) * np.exp(rng.normal(0, 0.22, n)), 3, 400)
    observed = {name: column[star] for name, column in stars.items()}
    models = (*GALAH, GALAH_VELOCITY)
    error = draw_errors(rng, models, GALAH_REFERENCE, galah_noise(snr), observed)
    error[:, 1] /= GALAH_LOGG_OVER_TRUE
    velocity_kind = rng.random(n)
    rows = {
        "star": star, "snr": snr, "error": error[:, :4], "defects": dirt,
        "velocity_error": error[:, 4],
        "from_gaia": velocity_kind < 0.02, "no_velocity": velocity_kind > 0.98,
        "flag_sp": np.where(snr < 10, 4, 0).astype(np.int64),
        "flag_fe_h": np.zeros(n, np.int64), "flag_Mg_fe": np.zeros(n, np.int64),
    }  # fmt: skip
    rows["flag_sp"][stars["stage"][star] == EXOTIC] |= 256
    _raise_flags(rng, rows)
    return rows


def _raise_flags(rng: np.random.Generator, rows: Rows) -> None:
    dirt = rows["defects"]
    j = np.arange(dirt.flagged.size)
    spectrum = j % 5 != 4
    rows["flag_sp"][dirt.flagged[spectrum]] |= cycle_bits(FLAG_SP, int(spectrum.sum()))
    both = dirt.flagged[j % 7 == 3]
    rows["flag_sp"][both] |= 32
    for name, bits, every in (("flag_fe_h", FLAG_FE_H, 6), ("flag_Mg_fe", FLAG_MG_FE, 5)):
        hit = dirt.flagged[j % every == 4 % every]
        rows[name][hit] |= cycle_bits(bits, hit.size)
    rows["flag_sp"][dirt.gross] |= 512 | np.where(rng.random(dirt.gross.size) < 0.5, 1024, 0)


def clean(rows: Rows) -> np.ndarray:
    """Whether each row passes the survey's advice and lacks nothing that we planned to blank."""
    good = (rows["flag_sp"] == 0) & (rows["flag_fe_h"] == 0) & (rows["flag_Mg_fe"] == 0)
    for faulty in (
        rows["defects"].missing,
        rows["defects"].sentinel,
        rows["defects"].missing_error,
    ):
        good[faulty] = False
    return good & (rows["snr"] > 30)


def measure(settings: SkySettings, stars: Stars, rows: Rows, systematics: Systematics) -> Rows:
    """The columns of the GALAH table that stages use, in no order yet."""
    rng = generator(settings.seed, "galah measure")
    star = {name: column[rows["star"]] for name, column in stars.items()}
    n = rows["star"].size
    dirt = rows["defects"]
    noise = rng.normal(size=(n, 4))
    noise[dirt.flagged] *= 2.5
    value = np.stack([star[label] for label in ("teff", "logg", "fe_h", "mg_fe")], axis=1)
    value = value + systematics.galah(star) + rows["error"] * noise
    gross = dirt.gross.size
    value[dirt.gross] = np.stack(
        [rng.uniform(2600, 8900, gross), rng.uniform(-1.5, 6, gross),
         rng.uniform(-6, 1.2, gross), rng.uniform(-2.5, 2.5, gross)], axis=1,
    )  # fmt: skip
    stated = settings.stated_errors_galah
    velocity, velocity_error = _velocity(rng, star, rows, systematics, stated.velocity)
    values = [column.copy() for column in value.T] + [velocity]
    errors = [*stated.of_labels(rows["error"]), velocity_error]
    inject_defects(rng, dirt, values, errors)
    values[3][rows["flag_Mg_fe"] == 32] = np.nan
    errors[3][rows["flag_Mg_fe"] == 32] = np.nan
    result: Rows = {}
    names = ("teff", "logg", "fe_h", "Mg_fe", "rv_galah")
    for name, one, other in zip(names, values, errors, strict=True):
        result[name] = one
        result[f"e_{name}"] = other
    for name in ("flag_sp", "flag_fe_h", "flag_Mg_fe"):
        result[name] = rows[name]
    result["snr_c3_iraf"] = rows["snr"]
    result["star"] = rows["star"]
    return result


def _velocity(
    rng: np.random.Generator, star: Stars, rows: Rows, systematics: Systematics, stated: float
) -> tuple[np.ndarray, np.ndarray]:
    """Velocities and their stated errors (km/s, both (n,)); those of Gaia are stated truly."""
    n = rows["star"].size
    own = systematics.velocity_error_scale * rows["velocity_error"]
    error = np.where(rows["from_gaia"], gaia_velocity_error(star["g"]), own)
    velocity = systematics.galah_velocity(star, rows["from_gaia"]) + error * rng.normal(size=n)
    blank = np.where(rows["no_velocity"], np.nan, 0.0)
    return velocity + blank, np.where(rows["from_gaia"], error, stated * own) + blank


def gaia_velocity_error(g: np.ndarray) -> np.ndarray:
    """Error (km/s) of a Gaia DR2 velocity at magnitude ``g``."""
    return np.clip(0.25 * 10 ** (0.25 * (g - 11)), 0.2, 2.0)


def number_spectra(n: int, night_of_seed: int) -> np.ndarray:
    """Ascending ``sobject_id`` of ``n`` spectra: date, run, combination 01, fibre; 15 digits."""
    index = np.arange(n)
    plate, fibre = index // PER_PLATE, index % PER_PLATE + 1 + (index % PER_PLATE) // 10
    night, run = plate // 8, plate % 8 * 5 + 11 + night_of_seed % 7
    year, day_of_year = 13 + night // 300, night % 300
    date = (year * 100 + 1 + day_of_year // 27) * 100 + 1 + day_of_year % 27
    return (date.astype(np.int64) * 10_000 + run) * 100_000 + 1000 + fibre
