"""How each survey bends the truth: smooth, bounded, non-linear, and calibrated on the overlap.

The shapes come from their own seed; their size follows from the wish that the clean overlap of
the two surveys shows the published differences (GALAH less APOGEE, on the authors' validation
rows) once the catalogue errors are added.
"""

from dataclasses import dataclass

import numpy as np

from .galaxy import Stars
from .seeds import generator
from .settings import SystematicsSettings

LABELS = ("teff", "logg", "fe_h", "mg_fe")
# Published: mean and standard deviation of GALAH - APOGEE before translation.
MEAN = {"teff": 2.423, "logg": -0.017, "fe_h": -0.015, "mg_fe": -0.001, "velocity": -0.309}
SCATTER = {"teff": 104.477, "logg": 0.119, "fe_h": 0.098, "mg_fe": 0.104, "velocity": 0.464}
_CENTRE = np.array([5200.0, 3.3, -0.25, 0.08])
_WIDTH = np.array([700.0, 1.2, 0.45, 0.14])
_WAVES = 3


@dataclass(frozen=True)
class Systematics:
    """Shifts of both surveys from the truth, per label; velocities have a zero point."""

    seed: int
    share: float
    amplitude: np.ndarray
    centre: np.ndarray
    offset: np.ndarray
    velocity_zero: float
    velocity_error_scale: float
    redshift: bool

    def galah(self, stars: Stars) -> np.ndarray:
        """GALAH's shift (n, 4) in K and dex."""
        shape = self.share * _shape(self.seed, "galah", stars) - self.centre
        return self.amplitude * shape + self.offset

    def apogee(self, stars: Stars) -> np.ndarray:
        """APOGEE's shift (n, 4) in K and dex."""
        return self.amplitude * (1 - self.share) * _shape(self.seed, "apogee", stars)

    def apogee_velocity(self, stars: Stars) -> np.ndarray:
        """APOGEE's velocity (km/s) before noise: with gravitational redshift and a zero point."""
        shift = stars["redshift"] if self.redshift else 0.0
        return stars["vlos"] + shift + self.velocity_zero

    def galah_velocity(self, stars: Stars, from_gaia: np.ndarray) -> np.ndarray:
        """GALAH's velocity (km/s) before noise: only those it took from Gaia keep the redshift."""
        return stars["vlos"] + np.where(from_gaia & self.redshift, stars["redshift"], 0.0)


def calibrate(
    settings: SystematicsSettings,
    stars: Stars,
    variance: np.ndarray,
    from_gaia: np.ndarray,
    velocity_variance: tuple[np.ndarray, np.ndarray],
) -> Systematics:
    """Systematics that give the clean overlap the published means and scatters.

    Parameters
    ----------
    stars
        The clean overlap, columns (n,).
    variance
        Variance of both surveys' errors together, (n, 4), in K^2 and dex^2.
    from_gaia
        Whether GALAH's velocity comes from Gaia, (n,).
    velocity_variance
        Variances (n,) of the velocities that stay as they are, and those of GALAH's own
        velocities, which are scaled.
    """
    share = settings.galah_share
    both = share * _shape(settings.seed, "galah", stars)
    both -= (1 - share) * _shape(settings.seed, "apogee", stars)
    target = np.array([SCATTER[label] for label in LABELS])
    smooth = np.sqrt(np.clip(target**2 - variance.mean(axis=0), 0, None))
    redshift = stars["redshift"] * ~from_gaia * settings.redshift
    fixed, scaled = velocity_variance
    left = SCATTER["velocity"] ** 2 - redshift.var() - fixed.mean()
    mean = np.array([MEAN[label] for label in LABELS])
    velocity_mean = MEAN["velocity"] if settings.offset else 0.0
    return Systematics(
        seed=settings.seed,
        share=share,
        amplitude=settings.strength * smooth / both.std(axis=0),
        centre=both.mean(axis=0),
        offset=mean if settings.offset else np.zeros(len(LABELS)),
        velocity_zero=float(-redshift.mean() - velocity_mean),
        velocity_error_scale=float(np.sqrt(max(left, 0.01) / scaled.mean())),
        redshift=settings.redshift,
    )


def _shape(seed: int, survey: str, stars: Stars) -> np.ndarray:
    """Smooth functions (n, 4) of the true labels, bounded however far out a star lies."""
    truth = np.stack([stars[label] for label in LABELS], axis=1)
    place = np.tanh((truth - _CENTRE) / (1.5 * _WIDTH))
    result = np.empty_like(place)
    for column, label in enumerate(LABELS):
        rng = generator(seed, "systematics", survey, label)
        direction = rng.normal(0, 1.5, (len(LABELS), _WAVES))
        phase = rng.uniform(0, 2 * np.pi, _WAVES)
        weight = np.array([1.0, 0.7, 0.5]) * rng.choice([-1, 1], _WAVES)
        result[:, column] = np.sin(place @ direction + phase) @ weight
    return result
