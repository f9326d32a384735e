"""One miniature sky: the true stars and what GALAH, APOGEE and Gaia make of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import apogee, gaia, galah
from .clusters import draw_cluster
from .footprints import apogee_fields, galah_fields, shared_fields
from .galaxy import Stars, draw_stars
from .seeds import generator
from .settings import SkySettings
from .systematics import Systematics, calibrate

STARS_PER_FIELD = 40
# dwarfs, giants, red clump; the exotic share is configured and taken off all three
STAGES = {"common": (0.47, 0.36, 0.17), "galah": (0.6, 0.27, 0.13), "apogee": (0.3, 0.49, 0.21)}
BRIGHT = {"common": ("G", 11.3, 13.8), "galah": ("G", 11.5, 14.0), "apogee": ("H", 8.0, 12.9)}


@dataclass(frozen=True)
class Sky:
    """True stars with Gaia's view of them, and the rows of both surveys.

    ``stars`` and ``gaia`` have one entry a star; ``galah`` and ``apogee`` one a row, with ``star``
    the index of the row's star.
    """

    settings: SkySettings
    stars: Stars
    gaia: Stars
    galah: galah.Rows
    apogee: apogee.Rows
    systematics: Systematics

    @property
    def members(self) -> pd.DataFrame:
        """Members of the clusters: ``cluster`` and ``source_id``, a row a star."""
        names = [cluster.name for cluster in self.settings.clusters]
        name = np.repeat(names, [cluster.stars for cluster in self.settings.clusters])
        return pd.DataFrame({"cluster": name, "source_id": self.gaia["source_id"][: name.size]})

    @property
    def archive(self) -> pd.DataFrame:
        """Gaia's table as the archive serves it."""
        return gaia.archive_table(self.stars, self.gaia)


def make_sky(settings: SkySettings) -> Sky:
    """Simulate a sky from its settings alone: the same settings, the same sky."""
    repeats_galah = round(settings.defects.repeats_galah * settings.n_galah)
    repeats_apogee = round(settings.defects.repeats_apogee * settings.n_apogee)
    n_galah = settings.n_galah - repeats_galah
    n_apogee = settings.n_apogee - repeats_apogee
    stars = _true_stars(settings, n_galah, n_apogee)
    observed = gaia.observe(settings, stars)
    common = np.arange(settings.n_common)
    only_apogee = np.arange(n_galah, stars["ra"].size)
    galah_star, _ = _with_repeats(settings.seed, "galah", np.arange(n_galah), repeats_galah)
    apogee_star, repeat = _with_repeats(
        settings.seed, "apogee", np.concatenate([common, only_apogee]), repeats_apogee
    )
    galah_plan = galah.plan(settings, stars, galah_star)
    apogee_plan = apogee.plan(settings, stars, apogee_star)
    names = _name_apogee(settings, stars, observed, apogee_star, repeat)
    apogee.mark_duplicates(apogee_plan, names["APOGEE_ID"])
    systematics = _calibrated(settings, stars, galah_plan, apogee_plan)
    galah_rows = galah.measure(settings, stars, galah_plan, systematics)
    apogee_rows = apogee.measure(settings, stars, apogee_plan, systematics) | names
    galah_rows["source_id"] = _ids(settings, observed, galah_star, "galah", (0, -9999))
    apogee_rows["source_id"] = _ids(settings, observed, apogee_star, "apogee", (0,))
    return Sky(
        settings,
        stars,
        observed,
        _sorted_galah(stars, galah_rows),
        _sorted_apogee(apogee_rows),
        systematics,
    )


def _true_stars(settings: SkySettings, n_galah: int, n_apogee: int) -> Stars:
    clusters = [
        draw_cluster(generator(settings.seed, "cluster", cluster.name), cluster)
        for cluster in settings.clusters
    ]
    counts = {
        "common": settings.n_common - sum(part["ra"].size for part in clusters),
        "galah": n_galah - settings.n_common,
        "apogee": n_apogee - settings.n_common,
    }
    makers = {"common": shared_fields, "galah": galah_fields, "apogee": apogee_fields}
    seed = settings.seed
    parts = list(clusters)
    for sample, count in counts.items():
        rng = generator(seed, "stars", sample)
        fields = makers[sample](seed, max(count // STARS_PER_FIELD, 12))
        field, ra, dec = fields.draw(rng, count)
        exotic = settings.defects.exotic
        stages = (*((1 - exotic) * np.array(STAGES[sample])), exotic)
        part = draw_stars(rng, ra, dec, stages, BRIGHT[sample], settings.asymmetry)
        part["field"] = fields.name[field].astype("U20")
        part["telescope"] = fields.telescope[field].astype("U6")
        parts.append(part)
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _with_repeats(
    seed: int, survey: str, star: np.ndarray, repeats: int
) -> tuple[np.ndarray, np.ndarray]:
    rng = generator(seed, "repeats", survey)
    again = rng.choice(star, repeats, replace=False)
    third = rng.random(repeats) < 0.1
    again[third] = again[np.maximum(np.flatnonzero(third) - 1, 0)]
    rows = np.concatenate([star, again])
    seen = pd.Series(rows).groupby(rows).cumcount().to_numpy()
    return rows, seen


def _calibrated(
    settings: SkySettings, stars: Stars, galah_plan: galah.Rows, apogee_plan: apogee.Rows
) -> Systematics:
    n = settings.n_common
    first_galah = galah.clean(galah_plan)[:n]
    first_apogee = apogee.clean(apogee_plan)[:n]
    both = np.flatnonzero(first_galah & first_apogee)
    if both.size < 20:
        both = np.arange(max(n, 20))
    errors = galah_plan["error"][both] ** 2 + apogee_plan["error"][both] ** 2
    from_gaia = galah_plan["from_gaia"][both]
    fixed = apogee.velocity_variance(apogee_plan)[both]
    gaia_error = galah.gaia_velocity_error(stars["g"][both])
    fixed = fixed + np.where(from_gaia, gaia_error**2, 0)
    scaled = np.where(from_gaia, 0, galah_plan["velocity_error"][both] ** 2)
    overlap = {name: column[both] for name, column in stars.items()}
    return calibrate(settings.systematics, overlap, errors, from_gaia, (fixed, scaled))


def _ids(
    settings: SkySettings, observed: Stars, star: np.ndarray, survey: str, blanks: tuple[int, ...]
) -> np.ndarray:
    rng = generator(settings.seed, "missing ids", survey)
    share = getattr(settings.defects, f"no_gaia_id_{survey}")
    ids = observed["source_id"][star]
    lost = rng.permutation(star.size)[: round(share * star.size)]
    ids[lost] = np.resize(blanks, lost.size)
    return ids


def _name_apogee(
    settings: SkySettings, stars: Stars, observed: Stars, star: np.ndarray, repeat: np.ndarray
) -> galah.Rows:
    rng = generator(settings.seed, "apogee names")
    identifier = apogee.identifiers(observed["ra2000"][star], observed["dec2000"][star])
    identifier = identifier.astype("U30")
    single = np.flatnonzero(repeat == 0)
    odd = rng.choice(single, len(apogee.ODD_IDENTIFIERS), replace=False)
    by_star = {star[row]: name for row, name in zip(odd, apogee.ODD_IDENTIFIERS, strict=True)}
    for row in np.flatnonzero(np.isin(star, list(by_star))):
        identifier[row] = by_star[star[row]]
    other = rng.permutation(np.flatnonzero(repeat == 1))
    for row in other[: max(2, other.size // 100)]:
        identifier[row] = f"AP{identifier[row][2:]}"
    telescope = stars["telescope"][star].copy()
    field = stars["field"][star].copy()
    southern = telescope == "2dF"
    telescope[southern] = "lco25m"
    again = repeat > 0
    swapped = np.where(telescope == "apo25m", "lco25m", "apo25m")
    telescope[again] = np.where(repeat[again] == 1, swapped[again], "apo1m")
    field[again] = [
        f"{name[:14]}_r{k}" for name, k in zip(field[again], repeat[again], strict=True)
    ]
    return {"APOGEE_ID": identifier, "TELESCOPE": telescope, "FIELD": field}


def _sorted_galah(stars: Stars, rows: galah.Rows) -> galah.Rows:
    order = np.argsort(stars["field"][rows["star"]], kind="stable")
    return {name: column[order] for name, column in rows.items()}


def _sorted_apogee(rows: apogee.Rows) -> apogee.Rows:
    lost = np.flatnonzero(rows["source_id"] == 0)
    if lost.size:
        rows["APOGEE_ID"][lost[0]] = apogee.LONG_IDENTIFIER
    order = np.lexsort((rows["TELESCOPE"], rows["APOGEE_ID"]))
    return {name: column[order] for name, column in rows.items()}
