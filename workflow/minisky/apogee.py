"""The Galaxy as APOGEE-2 DR17 sees it: a row a star, telescope and field, repeats included."""

import numpy as np

from .defects import cycle_bits, draw_defects, inject_defects
from .galaxy import Stars
from .seeds import generator
from .settings import SkySettings
from .stated_errors import APOGEE, APOGEE_REFERENCE, apogee_noise, draw_errors
from .systematics import Systematics

STAR_BAD = 1 << 23
ASPCAPFLAG = tuple(1 << bit for bit in range(41))
STARFLAG = tuple(1 << bit for bit in range(27))
MG_FE_FLAG = tuple(1 << bit for bit in range(14))
EXTRATARG_DUPLICATE = 16
ODD_IDENTIFIERS = (
    "VESTA", "AP17431912-2817213", "2M00000000+0000000", "<script>x</script>", 'HD_12"3\'45',
    "47Tuc&W52|8", "GJ 1245.B", "2MASS-J1742-2856.7", "-9999", "N2243-W2135-bis-19",
)  # fmt: skip
LONG_IDENTIFIER = "AP_long_identifier_of_30_chars"
Rows = dict[str, np.ndarray]


def plan(settings: SkySettings, stars: Stars, star: np.ndarray) -> Rows:
    """Observations of ``star`` (row -> index into ``stars``)."""
    rng = generator(settings.seed, "apogee plan")
    n = star.size
    dirt = draw_defects(rng, n, settings.defects.model_dump())
    visits = np.where(rng.random(n) < 0.25, 1, 1 + rng.poisson(2.5, n))
    h = stars["h"][star]
    snr = 165 * 10 ** (-0.12 * (h - 11)) * np.sqrt(visits / 3) * np.exp(rng.normal(0, 0.25, n))
    snr = np.clip(snr, 8, 2500)
    noise = np.sqrt(0.7 + 0.3 * (120 / snr) ** 2)
    observed = {name: column[star] for name, column in stars.items()}
    error = draw_errors(rng, APOGEE, APOGEE_REFERENCE, apogee_noise(snr), observed)
    rows = {
        "star": star, "snr": snr, "visits": visits, "error": error, "defects": dirt,
        "verr": 0.04 * noise * np.exp(rng.normal(0, 0.2, n)),
        "vscatter": np.where(visits == 1, 0.0, 0.07 * np.sqrt(rng.chisquare(3, n) / 3)),
        "ASPCAPFLAG": np.zeros(n, np.int64), "STARFLAG": np.zeros(n, np.int64),
        "MG_FE_FLAG": np.zeros(n, np.int64), "EXTRATARG": np.zeros(n, np.int64),
    }  # fmt: skip
    _raise_flags(rng, rows)
    return rows


def _raise_flags(rng: np.random.Generator, rows: Rows) -> None:
    dirt = rows["defects"]
    j = np.arange(dirt.flagged.size)
    rows["ASPCAPFLAG"][dirt.flagged] |= cycle_bits(ASPCAPFLAG, j.size)
    odd, third = dirt.flagged[j % 2 == 1], dirt.flagged[j % 3 == 0]
    rows["STARFLAG"][odd] |= cycle_bits(STARFLAG, odd.size)
    rows["MG_FE_FLAG"][third] |= cycle_bits(MG_FE_FLAG, third.size)
    rows["ASPCAPFLAG"][dirt.gross] |= STAR_BAD | 1 << 36
    rows["EXTRATARG"][rng.random(rows["star"].size) < 0.08] |= 1
    for start, bit in enumerate((2, 4, 8)):
        rows["EXTRATARG"][dirt.flagged[start::8]] |= bit


def mark_duplicates(rows: Rows, identifier: np.ndarray) -> None:
    """Set the duplicate bit on all rows of an identifier but the one with the highest S/N."""
    order = np.lexsort((-rows["snr"], identifier))
    same = np.zeros(order.size, bool)
    same[1:] = identifier[order][1:] == identifier[order][:-1]
    rows["EXTRATARG"][order[same]] |= EXTRATARG_DUPLICATE


def clean(rows: Rows) -> np.ndarray:
    """Whether each row passes the survey's advice and lacks nothing that we planned to blank."""
    good = ((rows["ASPCAPFLAG"] & STAR_BAD) == 0) & (rows["STARFLAG"] == 0)
    good &= (rows["MG_FE_FLAG"] == 0) & ((rows["EXTRATARG"] & EXTRATARG_DUPLICATE) == 0)
    for faulty in (
        rows["defects"].missing,
        rows["defects"].sentinel,
        rows["defects"].missing_error,
    ):
        good[faulty] = False
    return good & (rows["snr"] > 70)


def velocity_variance(rows: Rows) -> np.ndarray:
    """Variance (km^2/s^2) of the velocities' noise."""
    return rows["verr"] ** 2 + 0.07**2


def measure(settings: SkySettings, stars: Stars, rows: Rows, systematics: Systematics) -> Rows:
    """The columns of the APOGEE table that stages use, in no order yet."""
    rng = generator(settings.seed, "apogee measure")
    star = {name: column[rows["star"]] for name, column in stars.items()}
    n = rows["star"].size
    dirt = rows["defects"]
    noise = rng.normal(size=(n, 4))
    value = np.stack([star[label] for label in ("teff", "logg", "fe_h", "mg_fe")], axis=1)
    value = value + systematics.apogee(star) + rows["error"] * noise
    velocity = systematics.apogee_velocity(star)
    velocity = velocity + np.sqrt(velocity_variance(rows)) * rng.normal(size=n)
    _fail(rng, dirt.gross, value, rows["error"])
    values = [column.copy() for column in value.T] + [velocity]
    stated = settings.stated_errors_apogee
    errors = [*stated.of_labels(rows["error"]), stated.velocity * rows["verr"]]
    inject_defects(rng, dirt, values, errors)
    values[3][(rows["MG_FE_FLAG"] & 1) > 0] = np.nan
    result: Rows = {}
    for name, one, other in zip(("TEFF", "LOGG", "M_H", "MG_FE"), values, errors, strict=False):
        result[name] = one
        result[f"{name}_ERR"] = other
    result["VHELIO_AVG"], result["VERR"], result["VSCATTER"] = (
        values[4],
        errors[4],
        rows["vscatter"],
    )
    result["SNR"], result["NVISITS"] = rows["snr"], rows["visits"]
    for name in ("ASPCAPFLAG", "STARFLAG", "MG_FE_FLAG", "EXTRATARG", "star"):
        result[name] = rows[name]
    return result


def _fail(
    rng: np.random.Generator, gross: np.ndarray, value: np.ndarray, error: np.ndarray
) -> None:
    blank = gross[::2]
    wild = gross[1::2]
    value[blank] = np.nan
    error[blank] = np.nan
    low, high = (3000, -0.5, -2.5, -0.75), (20000, 5.5, 1.0, 1.0)
    value[wild] = rng.uniform(low, high, (wild.size, 4))


def identifiers(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """``2MHHMMSSss+DDMMSSs`` of J2000 positions (deg), text (n,)."""
    centiseconds = np.floor(ra / 15 * 360000 + 1e-6).astype(np.int64) % 8_640_000
    tenths = np.floor(np.abs(dec) * 36000 + 1e-6).astype(np.int64)
    h, rest = np.divmod(centiseconds, 360000)
    m, s = np.divmod(rest, 6000)
    d, rest = np.divmod(tenths, 36000)
    am, arcsec = np.divmod(rest, 600)
    parts = zip(h.tolist(), m.tolist(), s.tolist(), np.where(dec < 0, "-", "+").tolist(),
                d.tolist(), am.tolist(), arcsec.tolist(), strict=True)  # fmt: skip
    return np.array(
        [f"2M{a:02d}{b:02d}{c:04d}{sign}{e:02d}{f:02d}{g:03d}" for a, b, c, sign, e, f, g in parts]
    )
