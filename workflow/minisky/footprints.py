"""Where on the sky the two surveys look: fields of a degree or so, as the real ones have.

GALAH sees the south, away from the plane (|b| > 10 deg, declination < +10 deg). APOGEE sees the
disc, the bulge, the halo and clusters from the Apache Point (apo25m, north) and from Las Campanas
(lco25m, south).
"""

from dataclasses import dataclass

import numpy as np

from .seeds import generator

# J2000 equatorial from Galactic axes: rotation matrix, Hipparcos vol. 1, eq. 1.5.11
EQUATORIAL_FROM_GALACTIC = np.array(
    [
        [-0.0548755604, 0.4941094279, -0.8676661490],
        [-0.8734370902, -0.4448296300, -0.1980763734],
        [-0.4838350155, 0.7469822445, 0.4559837762],
    ]
)
GALAH_RADIUS = 1.0
APOGEE_RADIUS = {"apo25m": 1.5, "lco25m": 0.95}


@dataclass(frozen=True)
class Fields:
    """Fields of a survey: centres (deg), radii (deg), telescope and name of each, all (n,)."""

    ra: np.ndarray
    dec: np.ndarray
    radius: np.ndarray
    telescope: np.ndarray
    name: np.ndarray

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices of the fields, ra and dec (deg) of ``n`` stars spread evenly over the fields."""
        field = rng.integers(0, len(self.ra), n)
        distance = self.radius[field] * np.sqrt(rng.random(n))
        angle = rng.uniform(0, 2 * np.pi, n)
        dec = self.dec[field] + distance * np.sin(angle)
        ra = self.ra[field] + distance * np.cos(angle) / np.cos(np.radians(self.dec[field]))
        return field, ra % 360, dec


def unit_vectors(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Unit vectors (n, 3) of directions in degrees."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def angles(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Longitude in [0, 360) and latitude (deg) of vectors (n, 3)."""
    x, y, z = vectors.T
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))


def galactic(ra: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Galactic l and b (deg) of J2000 ra and dec (deg)."""
    return angles(unit_vectors(ra, dec) @ EQUATORIAL_FROM_GALACTIC)


def equatorial(l: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # noqa: E741
    """J2000 ra and dec (deg) of Galactic l and b (deg)."""
    return angles(unit_vectors(l, b) @ EQUATORIAL_FROM_GALACTIC.T)


def galah_fields(seed: int, n: int) -> Fields:
    """``n`` fields spread evenly over GALAH's sky."""
    rng = generator(seed, "galah fields")
    ra = rng.uniform(0, 360, 8 * n + 64)
    dec = np.degrees(np.arcsin(rng.uniform(-0.98, np.sin(np.radians(9.0)), ra.size)))
    inside = np.abs(galactic(ra, dec)[1]) > 10 + GALAH_RADIUS
    return _fields(ra[inside][:n], dec[inside][:n], np.full(n, "2dF"), GALAH_RADIUS)


def apogee_fields(seed: int, n: int) -> Fields:
    """``n`` fields as APOGEE has them.

    A tenth lies in the bulge, three in ten towards the anticentre, four in ten elsewhere near the
    plane, the rest in the halo.
    """
    rng = generator(seed, "apogee fields")
    kind = np.arange(n) / n
    l = rng.uniform(0, 360, n)  # noqa: E741
    l = np.where(kind < 0.1, rng.uniform(-12, 12, n), l) % 360  # noqa: E741
    l = np.where((kind >= 0.1) & (kind < 0.4), rng.uniform(120, 240, n), l)  # noqa: E741
    side = np.where(np.arange(n) % 2 == 0, 1, -1)
    plane = side * rng.choice([2, 4, 8, 12, 16, 20], n) + rng.normal(0, 0.3, n)
    halo = np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    b = np.where(kind < 0.1, 0.5 * plane, np.where(kind < 0.8, plane, halo))
    return _apogee(*equatorial(l, b), rng, n)


def shared_fields(seed: int, n: int) -> Fields:
    """``n`` APOGEE fields that lie wholly in GALAH's sky: where the surveys meet."""
    rng = generator(seed, "shared fields")
    ra = rng.uniform(0, 360, 16 * n + 64)
    dec = np.degrees(np.arcsin(rng.uniform(-0.95, np.sin(np.radians(8.0)), ra.size)))
    b = galactic(ra, dec)[1]
    inside = (np.abs(b) > 12) & ((np.abs(b) < 35) | (rng.random(ra.size) < 0.4))
    return _apogee(ra[inside], dec[inside], rng, n)


def _apogee(ra: np.ndarray, dec: np.ndarray, rng: np.random.Generator, n: int) -> Fields:
    south = dec < -8 + 20 * (rng.random(dec.size) - 0.5)
    telescope = np.where(south, "lco25m", "apo25m")[:n]
    radius = np.where(south, APOGEE_RADIUS["lco25m"], APOGEE_RADIUS["apo25m"])[:n]
    return _fields(ra[:n], dec[:n], telescope, radius)


def _fields(ra: np.ndarray, dec: np.ndarray, telescope: np.ndarray, radius) -> Fields:
    l, b = galactic(ra, dec)  # noqa: E741
    odd = ("", "_MGA", "-O_TESS", "-C", "_btx", " (N 188)")
    name = [
        f"{x:03.0f}{y:+03.0f}{odd[i % 6] if i % 4 == 0 else ''}"
        for i, (x, y) in enumerate(zip(l, b, strict=True))
    ]
    return Fields(
        ra, dec, np.broadcast_to(radius, ra.shape).astype(float), telescope, np.array(name)
    )
