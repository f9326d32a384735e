"""Stated errors of both surveys: log-linear formulas fitted to rows of the real catalogues.

The constants of evolved stars are least-squares fits to 1,158 rows of GALAH DR3 and 1,600 rows of
APOGEE DR17, all giants ([Fe/H] -1.6 to -0.4, log g 0.9 to 2.7); ``minisky.compare_errors`` prints
both sides. No dwarf is among those rows: the medians of dwarfs are ours, that of GALAH's log g is
the 16th percentile of the rows of log g above 2.5. The rows of APOGEE have no S/N. Their errors
depend on one further quantity, the same for all labels, which is taken to be S/N up to 200.
"""

from dataclasses import dataclass

import numpy as np

from .galaxy import DWARF, Stars


@dataclass(frozen=True)
class ErrorModel:
    """How the stated error of one label depends on the star and its spectrum.

    Attributes
    ----------
    giant, dwarf : float
        Median error (K, dex or km/s) of evolved stars at the reference, and of dwarfs.
    spectrum : float
        Slope of the logarithm with the survey's measure of noise.
    teff, logg, fe_h : float
        Slopes of the logarithm, evolved stars: per 1000 K, per dex.
    shared, own : float
        Standard deviation of the logarithm, common to the labels of a spectrum and the label's own.
    """

    giant: float
    dwarf: float
    spectrum: float = 0.0
    teff: float = 0.0
    logg: float = 0.0
    fe_h: float = 0.0
    shared: float = 0.0
    own: float = 0.0


# Fits to 1,158 rows of GALAH DR3; the measure of noise is ln(S/N / 58.5), S/N that of camera 3.
GALAH = (
    ErrorModel(93.7, 68.0, -0.29, 0.11, 0.0, -0.06, 0.04, 0.03),
    ErrorModel(0.315, 0.2, -0.11, 0.0, -0.34, -0.07, 0.0, 0.21),
    ErrorModel(0.0733, 0.056, -0.52, 0.06, 0.0, -0.15, 0.07, 0.03),
    ErrorModel(0.0727, 0.045, -0.95, -0.17, 0.0, 0.05, 0.15, 0.08),
)
GALAH_VELOCITY = ErrorModel(0.0928, 0.0928, own=0.28, fe_h=-0.49)
# What GALAH states over what the scatter between the surveys leaves room for: log g of the overlap
# scatters by 0.119 dex (VizieR J/A+A/690/A54), its velocities by 0.464 km/s.
GALAH_LOGG_OVER_TRUE = 3.3
GALAH_VELOCITY_OVER_TRUE = 0.26
GALAH_REFERENCE = {"teff": 4514.0, "logg": 1.72, "fe_h": -0.82, "snr": 58.5}
# Fits to 1,600 rows of APOGEE DR17; the measure of noise is (S/N - 140) / 100 with S/N up to 200.
APOGEE = (
    ErrorModel(11.3, 15.0, -0.39, 0.80, 0.0, -0.12),
    ErrorModel(0.0386, 0.028, -0.28, 0.14, 0.0, -0.36),
    ErrorModel(0.0109, 0.0125, -0.35, -0.05, 0.0, -0.29),
    ErrorModel(0.0212, 0.0185, -0.33, 0.135, 0.0, -0.44),
)
APOGEE_REFERENCE = {"teff": 4620.0, "logg": 1.76, "fe_h": -1.0, "snr": 140.0}
# Beyond these distances from the reference the formulas stay at their last value.
FARTHEST = {"teff": 900.0, "logg": 1.5, "fe_h": 1.2}


def galah_noise(snr: np.ndarray) -> np.ndarray:
    """GALAH's measure of noise, ln(S/N / 58.5), S/N between 15 and 250."""
    return np.log(np.clip(snr, 15, 250) / GALAH_REFERENCE["snr"])


def apogee_noise(snr: np.ndarray) -> np.ndarray:
    """APOGEE's measure of noise, (S/N - 140) / 100, S/N up to 200."""
    return (np.clip(snr, 0, 200) - APOGEE_REFERENCE["snr"]) / 100


def draw_errors(
    rng: np.random.Generator,
    models: tuple[ErrorModel, ...],
    reference: dict[str, float],
    noise: np.ndarray,
    stars: Stars,
) -> np.ndarray:
    """Stated errors, one column a model.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the scatter about the formulas comes from.
    models : tuple of ErrorModel
        One per label.
    reference : dict
        Teff (K), log g, [Fe/H] and S/N at which the medians hold.
    noise : ndarray, shape (n,)
        The survey's measure of noise.
    stars : dict of ndarray
        True stars of the rows, each (n,): teff (K), logg, fe_h (dex), stage.

    Returns
    -------
    ndarray, shape (n, models)
        In the unit of each label.
    """
    far = {name: np.clip(stars[name] - reference[name], -w, w) for name, w in FARTHEST.items()}
    evolved = stars["stage"] != DWARF
    shared, own = rng.normal(size=noise.size), rng.normal(size=(noise.size, len(models)))
    columns = []
    for k, model in enumerate(models):
        slope = model.teff * far["teff"] / 1000 + model.logg * far["logg"]
        slope = slope + model.fe_h * far["fe_h"]
        scatter = model.shared * shared + model.own * own[:, k]
        logarithm = model.spectrum * noise + scatter + np.where(evolved, slope, 0.0)
        columns.append(np.where(evolved, model.giant, model.dwarf) * np.exp(logarithm))
    return np.stack(columns, axis=1)
