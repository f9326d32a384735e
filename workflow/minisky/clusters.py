"""Star clusters of a simulated sky: stars of one place, motion and composition, in both surveys."""

import numpy as np

from spectrotranslator.errors import InputError

from .footprints import galactic, unit_vectors
from .galaxy import (
    CLUMP,
    DWARF,
    GIANT,
    HALO,
    THIN,
    Stars,
    draw_labels,
    draw_motions,
    galactocentric,
    reddening,
    with_observables,
)
from .settings import ClusterSettings

STAGES = {DWARF: 0.3, GIANT: 0.4, CLUMP: 0.3}
CANDIDATES = 400  # drawn for each member wanted
BRIGHT = (9.0, 13.8)  # G, where both surveys reach a useful S/N


def draw_cluster(rng: np.random.Generator, cluster: ClusterSettings) -> Stars:
    """Members of a cluster that are bright enough for both surveys.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where everything random comes from.
    cluster : ClusterSettings
        Place, motion, composition and number of members.

    Returns
    -------
    dict of ndarray
        The columns of ``galaxy.draw_stars``, with ``field`` and ``telescope``.

    Raises
    ------
    InputError
        Too few of the candidates are bright enough at the cluster's distance.
    """
    n = CANDIDATES * cluster.stars
    angle, distance = rng.uniform(0, 2 * np.pi, n), cluster.radius * np.sqrt(rng.random(n))
    ra = cluster.ra + distance * np.cos(angle) / np.cos(np.radians(cluster.dec))
    stars = {"ra": ra % 360, "dec": cluster.dec + distance * np.sin(angle)}
    l, b = galactic(stars["ra"], stars["dec"])  # noqa: E741
    depth = np.full(n, cluster.distance)
    place = galactocentric(unit_vectors(l, b) * depth[:, None])
    fe_h = cluster.fe_h + cluster.dispersion_fe_h * rng.normal(size=n)
    stage = rng.choice(list(STAGES), n, p=list(STAGES.values()))
    population = THIN if cluster.fe_h > -0.7 else HALO
    teff, logg, mass = draw_labels(rng, stage)
    motion = draw_motions(
        rng, np.array([population]), place[:1], ra[:1], stars["dec"][:1], depth[:1]
    )
    stars |= {
        "l": l, "b": b, "stage": stage, "population": np.full(n, population),
        "teff": teff, "logg": logg, "fe_h": fe_h,
        "mg_fe": cluster.mg_fe + cluster.dispersion_mg_fe * rng.normal(size=n), "mass": mass,
        "distance": depth, "r": np.hypot(place[:, 0], place[:, 1]), "z": place[:, 2],
        "vlos": cluster.velocity + cluster.dispersion_velocity * rng.normal(size=n),
        "pmra": np.full(n, motion[1]), "pmdec": np.full(n, motion[2]),
        "ebv": reddening(depth, b),
    }  # fmt: skip
    stars = with_observables(stars)
    bright = np.flatnonzero((stars["g"] > BRIGHT[0]) & (stars["g"] < BRIGHT[1]))[: cluster.stars]
    if bright.size < cluster.stars:
        raise InputError(
            f"sky.clusters, {cluster.name}: {bright.size} of {n} stars lie at G {BRIGHT[0]} to"
            f" {BRIGHT[1]} at {cluster.distance} kpc; name another distance"
        )
    stars = {name: column[bright] for name, column in stars.items()}
    fields = {"field": cluster.name.upper(), "telescope": "lco25m"}
    return stars | {name: np.full(cluster.stars, text) for name, text in fields.items()}
