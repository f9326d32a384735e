"""Where stars lie in the Galaxy: Galactocentric places from sky positions and distances."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from astropy import units
from astropy.coordinates import Galactocentric, SkyCoord, galactocentric_frame_defaults

FRAME = "v4.0"


@dataclass(frozen=True)
class Places:
    """Lines of sight of stars, along which their distances put them.

    ``sun`` is the Sun's place, shape (3,), and ``sight`` the unit vectors to the stars, shape
    (3, stars), both in the axes of astropy's Galactocentric frame (kpc; the Sun at negative x).
    ``distance`` is the median (kpc) and ``spread`` half the 16-84% interval of its logarithm, 0
    where no interval is known; both shape (stars,).
    """

    sun: np.ndarray
    sight: np.ndarray
    distance: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, stars: pd.DataFrame) -> "Places":
        """From ``ra``, ``dec`` (deg), ``distance`` and, where known, its bounds (pc)."""
        any_way = pd.DataFrame({"ra": [0.0], "dec": [0.0]})
        return cls(
            (2 * _at(any_way, 1.0) - _at(any_way, 2.0))[:, 0],
            _at(stars, 2.0) - _at(stars, 1.0),
            stars["distance"].to_numpy(np.float64) / 1000,
            _spread(stars),
        )

    def cylindrical(self, distance: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
        """Galactocentric R and Z (kpc) and azimuth (deg, 0 towards the Sun), each (stars,)."""
        along = self.distance if distance is None else distance
        x, y, z = self.sun[:, None] + along * self.sight
        return np.hypot(x, y), z, np.degrees(np.arctan2(y, -x))

    def drawn(self, chance: np.random.Generator) -> np.ndarray:
        """Distances (kpc) with their errors once more, lognormal."""
        return self.distance * np.exp(self.spread * chance.standard_normal(len(self.distance)))

    def fields(self, side: float) -> np.ndarray:
        """Number of the patch of sky, ``side`` degrees wide, that each star lies in."""
        latitude = np.degrees(np.arcsin(np.clip(self.sight[2], -1, 1)))
        band = np.floor(latitude / side)
        width = side / np.cos(np.radians((band + 0.5) * side))
        longitude = np.degrees(np.arctan2(self.sight[1], self.sight[0])) % 360
        patch = band * 1000 + np.floor(longitude / width)
        return np.unique(patch, return_inverse=True)[1]

    def rows(self, chosen: np.ndarray) -> "Places":
        """Only the ``chosen`` stars."""
        return Places(self.sun, self.sight[:, chosen], self.distance[chosen], self.spread[chosen])


def frame() -> dict[str, float | str]:
    """The frame's own values: the Sun's distance from the centre (kpc), height (pc), reference."""
    with galactocentric_frame_defaults.set(FRAME):
        one = Galactocentric()
        return {
            "name": f"astropy Galactocentric {FRAME}",
            "sun_radius_kpc": float(one.galcen_distance.to_value(units.kpc)),
            "sun_height_pc": float(one.z_sun.to_value(units.pc)),
        }


def _at(stars: pd.DataFrame, kpc: float) -> np.ndarray:
    with galactocentric_frame_defaults.set(FRAME):
        place = SkyCoord(
            ra=stars["ra"].to_numpy() * units.deg,
            dec=stars["dec"].to_numpy() * units.deg,
            distance=np.full(len(stars), kpc) * units.kpc,
        ).transform_to(Galactocentric())
    return place.cartesian.xyz.to_value(units.kpc)


def _spread(stars: pd.DataFrame) -> np.ndarray:
    if "distance_low" not in stars:
        return np.zeros(len(stars))
    low, high = (stars[name].to_numpy(np.float64) for name in ("distance_low", "distance_high"))
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.log(high / low) / 2
    return np.where(np.isfinite(spread) & (spread > 0), spread, 0.0)
