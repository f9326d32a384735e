"""True stars of the simulated Galaxy: parameters, chemistry, places, motions, photometry.

Toy relations that keep what matters for the translation: dwarfs, giants and the red clump where
they lie in the Kiel diagram; a thin disc with a radial gradient, a thick disc, a halo; distances
that follow from brightness; mass and radius for the gravitational redshift.
"""

import numpy as np

from .footprints import EQUATORIAL_FROM_GALACTIC, galactic, unit_vectors

SUN_RADIUS = 8.122  # kpc, GRAVITY Collaboration 2018
SUN_HEIGHT = 0.0208  # kpc, Bennett & Bovy 2019
SUN_VELOCITY = np.array([12.9, 245.6, 7.78])  # km/s, Drimmel & Poggio 2018
REDSHIFT_OF_THE_SUN = 0.636  # km/s, G M / (R c)
SOLAR_LOGG = 4.438
SOLAR_TEFF = 5772.0
KMS_PER_MAS_KPC = 4.74047

DWARF, GIANT, CLUMP, EXOTIC = range(4)
THIN, THICK, HALO = range(3)

Stars = dict[str, np.ndarray]


def asymmetry_shift(amplitude: float, r: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Shift of [Fe/H] (dex) at Galactocentric R and Z (kpc): half of ``amplitude``.

    Up in the north, down in the south; it sets in between R = 10 and 12 kpc. [Mg/Fe] is
    shifted by minus half of this.
    """
    ramp = np.clip((r - 10) / 2, 0, 1)
    return 0.5 * amplitude * ramp * np.tanh(z / 0.15)


def draw_stars(
    rng: np.random.Generator,
    ra: np.ndarray,
    dec: np.ndarray,
    stages: tuple[float, float, float, float],
    bright: tuple[str, float, float],
    asymmetry: float,
) -> Stars:
    """True stars at J2016 directions ``ra``, ``dec`` (deg, both (n,)).

    ``stages`` are the shares of dwarfs, giants, clump and exotic stars; ``bright`` is the band
    ("G" or "H") with the range of magnitudes in which the survey takes stars.

    Returns columns (n,): ra, dec, l, b (deg), stage, population, teff (K), logg, fe_h, mg_fe (dex),
    mass, radius (solar), distance (kpc), r, z (kpc), vlos, redshift (km/s), pmra, pmdec (mas/yr),
    ebv, g, bp_g, g_rp, h (mag).
    """
    n = ra.size
    stage = rng.choice(4, n, p=stages)
    teff, logg, mass = draw_labels(rng, stage)
    l, b = galactic(ra, dec)  # noqa: E741
    band, low, high = bright
    magnitude = low + (high - low) * rng.power(1.8, n)
    absolute = absolute_g(teff, logg, mass) - (g_minus_h(teff) if band == "H" else 0.0)
    ebv_scatter = np.exp(rng.normal(0, 0.3, n))
    distance = np.clip(10 ** (0.2 * (magnitude - absolute) - 2), 0.01, 40.0)
    for _ in range(3):
        ebv = reddening(distance, b) * ebv_scatter
        dimming = (0.5 if band == "H" else 2.5) * ebv
        distance = np.clip(10 ** (0.2 * (magnitude - absolute - dimming) - 2), 0.01, 40.0)
    place = galactocentric(unit_vectors(l, b) * distance[:, None])
    r, z = np.hypot(place[:, 0], place[:, 1]), place[:, 2]
    population = _population(rng, r, z)
    fe_h, mg_fe = _chemistry(rng, population, r, z, asymmetry)
    vlos, pmra, pmdec = draw_motions(rng, population, place, ra, dec, distance)
    return with_observables({
        "ra": ra, "dec": dec, "l": l, "b": b, "stage": stage, "population": population,
        "teff": teff, "logg": logg, "fe_h": fe_h, "mg_fe": mg_fe, "mass": mass,
        "distance": distance, "r": r, "z": z, "vlos": vlos, "pmra": pmra, "pmdec": pmdec,
        "ebv": ebv,
    })  # fmt: skip


def with_observables(stars: Stars) -> Stars:
    """True stars with what follows from their labels, distance and reddening.

    Parameters
    ----------
    stars : dict of ndarray
        The columns of ``draw_stars`` but those added here, each (n,); ``teff`` (K) at solar [Fe/H].

    Returns
    -------
    dict of ndarray
        With ``teff`` shifted by [Fe/H] for giants and clump, radius (solar), redshift (km/s), g,
        bp_g, g_rp and h (mag).
    """
    stage, fe_h, ebv, logg = (stars[name] for name in ("stage", "fe_h", "ebv", "logg"))
    teff = np.where(stage == GIANT, stars["teff"] - 230 * (fe_h + 0.2), stars["teff"])
    teff = np.where(stage == CLUMP, teff - 160 * (fe_h + 0.1), teff)
    radius = np.sqrt(stars["mass"] * 10 ** (SOLAR_LOGG - logg))
    bp_g, g_rp = colours(teff, logg, fe_h, ebv)
    absolute = absolute_g(teff, logg, stars["mass"])
    g = absolute + 5 * np.log10(stars["distance"]) + 10 + 2.5 * ebv
    return stars | {
        "teff": teff, "radius": radius, "redshift": REDSHIFT_OF_THE_SUN * stars["mass"] / radius,
        "g": g, "bp_g": bp_g, "g_rp": g_rp, "h": g - g_minus_h(teff) - 2.0 * ebv,
    }  # fmt: skip


def draw_labels(
    rng: np.random.Generator, stage: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Teff (K, at solar [Fe/H]), log g and mass (solar) of stars of a ``stage``, each (n,)."""
    teff, logg = _kiel(rng, stage)
    return teff, logg, _mass(rng, stage, teff)


def _kiel(rng: np.random.Generator, stage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = stage.size
    dwarf_teff = np.clip(rng.normal(5750, 520, n), 4250, 6750)
    evolved = rng.exponential(0.16, n) * np.clip((dwarf_teff - 4900) / 700, 0, 1.4)
    dwarf_logg = np.clip(4.66 - 0.12 * (dwarf_teff - 4500) / 1000 - evolved, 3.55, 4.75)
    giant_logg = 0.5 + 3.0 * rng.beta(2.6, 1.5, n)
    giant_teff = 3760 + 400 * giant_logg - 25 * (giant_logg - 2) ** 2 + rng.normal(0, 60, n)
    clump_logg = rng.normal(2.45, 0.07, n)
    clump_teff = rng.normal(4830, 70, n)
    hot = rng.random(n) < 0.5
    exotic_teff = np.where(hot, rng.uniform(7600, 20000, n), rng.uniform(2900, 3600, n))
    exotic_logg = np.where(hot, rng.uniform(2.5, 5.6, n), rng.choice([-0.3, 5.2], n))
    choices_teff = [dwarf_teff, giant_teff, clump_teff, exotic_teff]
    choices_logg = [dwarf_logg, giant_logg, clump_logg, exotic_logg]
    return np.choose(stage, choices_teff), np.choose(stage, choices_logg)


def _mass(rng: np.random.Generator, stage: np.ndarray, teff: np.ndarray) -> np.ndarray:
    dwarf = (teff / SOLAR_TEFF) ** 1.3 * np.exp(rng.normal(0, 0.05, teff.size))
    giant = np.clip(rng.normal(1.2, 0.25, teff.size), 0.75, 2.6)
    return np.where((stage == DWARF) | (stage == EXOTIC), np.clip(dwarf, 0.2, 4), giant)


def absolute_g(teff: np.ndarray, logg: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Absolute G magnitude from the luminosity of mass, gravity and temperature (solar: 4.67)."""
    luminosity = np.log10(mass) - (logg - SOLAR_LOGG) + 4 * np.log10(teff / SOLAR_TEFF)
    correction = -0.45 * np.clip((4700 - teff) / 1000, 0, None) ** 1.5
    return 4.74 - 2.5 * luminosity - 0.07 - correction


def g_minus_h(teff: np.ndarray) -> np.ndarray:
    """Intrinsic G-H (mag) of a star of ``teff`` (K)."""
    return np.clip(1.28 + 3.1 * (5040 / teff - 0.873), -0.2, 4.5)


def colours(
    teff: np.ndarray, logg: np.ndarray, fe_h: np.ndarray, ebv: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Reddened BP-G and G-RP (mag)."""
    bp_rp = 0.82 + 2.05 * (5040 / teff - 0.873) + 0.03 * (fe_h + 0.2) + 0.012 * (logg - 3.5)
    bp_g = 0.43 * bp_rp + 0.07 * (bp_rp - 0.8) ** 2 - 0.025
    return bp_g + 0.75 * ebv, bp_rp - bp_g + 0.55 * ebv


def reddening(distance: np.ndarray, b: np.ndarray) -> np.ndarray:
    """E(B-V) (mag) at ``distance`` (kpc) and latitude ``b`` (deg): a slab 0.12 kpc high."""
    sine = np.abs(np.sin(np.radians(b))) + 0.01
    return 0.03 / sine * (1 - np.exp(-distance * sine / 0.12))


def galactocentric(heliocentric: np.ndarray) -> np.ndarray:
    """Galactocentric places (n, 3; kpc, the Sun at x = -8.122) of heliocentric Galactic ones."""
    return heliocentric + np.array([-SUN_RADIUS, 0.0, SUN_HEIGHT])


def _population(rng: np.random.Generator, r: np.ndarray, z: np.ndarray) -> np.ndarray:
    height = 0.3 * np.exp(np.clip(r - 8, 0, 8) / 9)
    thin = np.exp(-(r - 8) / 2.8 - np.abs(z) / height)
    thick = 0.12 * np.exp(-(r - 8) / 2.1 - np.abs(z) / 0.9)
    halo = 0.003 * ((r**2 + (z / 0.7) ** 2 + 1) / 65) ** -1.4
    total = thin + thick + halo
    draw = rng.random(r.size) * total
    return np.where(draw < thin, THIN, np.where(draw < thin + thick, THICK, HALO))


def _chemistry(
    rng: np.random.Generator, population: np.ndarray, r: np.ndarray, z: np.ndarray, asymmetry: float
) -> tuple[np.ndarray, np.ndarray]:
    a, c = rng.normal(size=(2, r.size))
    thin = (
        0.0 - 0.055 * (np.clip(r, 3, 16) - SUN_RADIUS) - 0.1 * np.clip(np.abs(z), 0, 1.5) + 0.17 * a
    )
    thick = -0.48 + 0.23 * a
    halo = -1.35 + 0.42 * a
    fe_h = np.clip(np.choose(population, [thin, thick, halo]), -2.6, 0.5)
    mg_thin = 0.03 - 0.13 * fe_h + 0.035 * c
    mg_thick = 0.28 - 0.16 * (fe_h + 0.48) + 0.05 * c
    mg_halo = 0.25 - 0.08 * (fe_h + 1.35) + 0.09 * c
    shift = asymmetry_shift(asymmetry, r, z)
    mg_fe = np.choose(population, [mg_thin, mg_thick, mg_halo])
    return fe_h + shift, mg_fe - 0.5 * shift


def draw_motions(
    rng: np.random.Generator,
    population: np.ndarray,
    place: np.ndarray,
    ra: np.ndarray,
    dec: np.ndarray,
    distance: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Line-of-sight velocity (km/s) and proper motions (mas/yr) of a population, each (n,).

    ``place`` is Galactocentric (n, 3; kpc), ``ra`` and ``dec`` in deg, ``distance`` in kpc.
    """
    dispersion = np.array([[35, 22, 18], [65, 50, 40], [140, 100, 95]])[population]
    rotation = np.array([222.0, 180.0, 10.0])[population]
    v_r, v_phi, v_z = (rng.normal(size=(population.size, 3)) * dispersion).T
    v_phi = v_phi + rotation
    azimuth = np.arctan2(place[:, 1], -place[:, 0])
    sine, cosine = np.sin(azimuth), np.cos(azimuth)
    velocity = np.stack([-v_r * cosine + v_phi * sine, v_r * sine + v_phi * cosine, v_z], axis=1)
    relative = (velocity - SUN_VELOCITY) @ EQUATORIAL_FROM_GALACTIC.T
    alpha, delta = np.radians(ra), np.radians(dec)
    east = np.stack([-np.sin(alpha), np.cos(alpha), np.zeros_like(alpha)], axis=1)
    north = np.stack(
        [-np.sin(delta) * np.cos(alpha), -np.sin(delta) * np.sin(alpha), np.cos(delta)], axis=1
    )
    scale = KMS_PER_MAS_KPC * distance
    along = np.sum(relative * unit_vectors(ra, dec), axis=1)
    return along, np.sum(relative * east, axis=1) / scale, np.sum(relative * north, axis=1) / scale
