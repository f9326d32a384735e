"""What a miniature sky is made of; every number here is ours unless its description says so."""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from spectrotranslator.errors import InputError

from .stated_errors import GALAH_LOGG_OVER_TRUE, GALAH_VELOCITY_OVER_TRUE


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SystematicsSettings(_Settings):
    """How differently the two surveys measure the same star."""

    seed: int = Field(
        7,
        description="seed of the shapes of the systematics; another seed, another pair of surveys",
    )
    strength: float = Field(
        1.0,
        ge=0,
        description="factor on the smooth systematics; 1 gives the published scatter",
    )
    galah_share: float = Field(
        0.6,
        ge=0,
        le=1,
        description="share of the smooth difference put on the GALAH side, the rest on APOGEE's",
    )
    offset: bool = Field(
        True,
        description="whether the overlap has the published mean differences (else they are zero)",
    )
    redshift: bool = Field(
        True,
        description="whether APOGEE's velocities keep the gravitational redshift",
    )


class StatedErrorSettings(_Settings):
    """Stated errors of a survey over the true ones; 1 where what is stated is true."""

    teff: float = Field(1.0, gt=0, description="of Teff")
    logg: float = Field(1.0, gt=0, description="of log g")
    fe_h: float = Field(1.0, gt=0, description="of [Fe/H]")
    mg_fe: float = Field(1.0, gt=0, description="of [Mg/Fe]")
    velocity: float = Field(1.0, gt=0, description="of the velocity")

    def of_labels(self, errors: np.ndarray) -> list[np.ndarray]:
        """Stated errors of Teff, log g, [Fe/H] and [Mg/Fe], each (n,), from true ones (n, 4)."""
        factors = (self.teff, self.logg, self.fe_h, self.mg_fe)
        return [factor * true for factor, true in zip(factors, errors.T, strict=True)]


class GalahStatedErrors(StatedErrorSettings):
    """As above; the defaults give the errors that GALAH DR3 states and the published scatter."""

    logg: float = Field(
        GALAH_LOGG_OVER_TRUE, gt=0, description="of log g: stated 0.3 dex of real giants"
    )
    velocity: float = Field(
        GALAH_VELOCITY_OVER_TRUE,
        gt=0,
        description="of the velocity: stated 0.093 km/s of real giants",
    )


class DefectSettings(_Settings):
    """Shares of what real catalogues do, each as a fraction of the rows of a survey."""

    gross: float = Field(
        0.02, ge=0, le=0.5, description="rows whose parameters failed grossly (all are flagged)"
    )
    flagged: float = Field(
        0.08, ge=0, le=0.5, description="further rows with quality bits set; every bit is in use"
    )
    missing: float = Field(
        0.015, ge=0, le=0.5, description="rows that lack one parameter or more (NaN)"
    )
    sentinel: float = Field(
        0.003, ge=0, le=0.5, description="rows with -9999 in place of a parameter"
    )
    missing_error: float = Field(
        0.006, ge=0, le=0.5, description="rows with a parameter but not its error"
    )
    repeats_galah: float = Field(0.006, ge=0, le=0.5, description="GALAH rows that repeat a star")
    repeats_apogee: float = Field(0.10, ge=0, le=0.5, description="APOGEE rows that repeat a star")
    no_gaia_id_galah: float = Field(
        0.004, ge=0, le=0.5, description="GALAH rows without a Gaia DR3 id"
    )
    no_gaia_id_apogee: float = Field(
        0.012, ge=0, le=0.5, description="APOGEE rows without a Gaia EDR3 id"
    )
    no_photometry: float = Field(
        0.006, ge=0, le=0.5, description="stars without Gaia BP and RP, or absent from Gaia"
    )
    exotic: float = Field(0.012, ge=0, le=0.5, description="stars far outside any training sample")


class ClusterSettings(_Settings):
    """One star cluster, all of whose members both surveys observe."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,13}$", description="name of the cluster")
    stars: int = Field(ge=1, le=5000, description="members")
    ra: float = Field(ge=0, lt=360, description="right ascension of the centre (deg)")
    dec: float = Field(ge=-85, le=85, description="declination of the centre (deg)")
    radius: float = Field(0.3, gt=0, le=2, description="radius on the sky (deg)")
    distance: float = Field(gt=0, le=40, description="distance (kpc)")
    velocity: float = Field(description="line-of-sight velocity (km/s)")
    fe_h: float = Field(ge=-2.6, le=0.5, description="[Fe/H] of the members (dex)")
    mg_fe: float = Field(ge=-1, le=1, description="[Mg/Fe] of the members (dex)")
    dispersion_velocity: float = Field(0.0, ge=0, description="true dispersion (km/s)")
    dispersion_fe_h: float = Field(0.0, ge=0, description="true dispersion (dex)")
    dispersion_mg_fe: float = Field(0.0, ge=0, description="true dispersion (dex)")


class CutSettings(_Settings):
    """One named cut: rows are kept where the expression is true."""

    name: str = Field(description="name of the cut")
    expression: str = Field(
        description="pandas expression over the survey's own columns; NaN compares false"
    )


GALAH_SAMPLE = (
    CutSettings(name="spectrum-unflagged", expression="flag_sp == 0"),
    CutSettings(name="iron-unflagged", expression="flag_fe_h == 0"),
    CutSettings(name="magnesium-unflagged", expression="flag_Mg_fe == 0"),
    CutSettings(name="signal-to-noise", expression="snr_c3_iraf > 30"),
)
APOGEE_SAMPLE = (
    CutSettings(name="not-star-bad", expression="(ASPCAPFLAG // 8388608) % 2 == 0"),
    CutSettings(name="spectrum-unflagged", expression="STARFLAG == 0"),
    CutSettings(name="not-a-duplicate", expression="(EXTRATARG // 16) % 2 == 0"),
    CutSettings(name="magnesium-unflagged", expression="MG_FE_FLAG == 0"),
    CutSettings(name="signal-to-noise", expression="SNR > 70"),
)
GALAH_ROWS = (CutSettings(name="has-gaia-id", expression="dr3_source_id > 0"),)
APOGEE_ROWS = (
    CutSettings(name="has-gaia-id", expression="GAIAEDR3_SOURCE_ID > 0"),
    CutSettings(
        name="has-a-parameter-or-not-star-bad",
        expression="(ASPCAPFLAG // 8388608) % 2 == 0 or TEFF == TEFF or LOGG == LOGG"
        " or M_H == M_H or MG_FE == MG_FE",
    ),
)


class PublishedSettings(_Settings):
    """How the sky's own "published" catalogues were made: one execution, apart from the engine."""

    seed: int = Field(2024, description="seed of the published execution's networks and noise")
    members: int = Field(
        5, ge=5, description="networks of an ensemble; fewer than 5 cannot be trimmed"
    )
    realisations: int = Field(
        10, ge=2, description="Monte Carlo realisations, the unperturbed one included"
    )
    widths: tuple[int, ...] = Field(
        (16, 32, 64),
        min_length=1,
        description="widths of the network on the way up, each twice the one before",
    )
    dropout_from_width: int = Field(
        256, ge=1, description="blocks of at least this width drop half their units"
    )
    batch: int = Field(256, ge=1, description="stars in a training batch")
    epochs: int = Field(
        60, ge=1, description="epochs shared by the phases (see the method's shared budget)"
    )
    patience: int = Field(
        10, ge=1, description="epochs without a better validation loss before a phase stops"
    )
    learning_rates: tuple[float, ...] = Field(
        (3e-3, 1e-3, 1e-4), min_length=1, description="one per phase"
    )
    galah_sample: tuple[CutSettings, ...] = Field(
        GALAH_SAMPLE, description="cuts of the training sample, GALAH"
    )
    apogee_sample: tuple[CutSettings, ...] = Field(
        APOGEE_SAMPLE, description="cuts of the training sample, APOGEE"
    )
    pair_sample: tuple[CutSettings, ...] = Field(
        (), description="cuts of the training sample on matched pairs, columns of both surveys"
    )
    velocity_sample: tuple[CutSettings, ...] = Field(
        (), description="further cuts on the pairs that train the network of velocities"
    )
    galah_rows: tuple[CutSettings, ...] = Field(
        GALAH_ROWS, description="GALAH rows that are published"
    )
    apogee_rows: tuple[CutSettings, ...] = Field(
        APOGEE_ROWS, description="APOGEE rows that are published"
    )
    masks: Literal["none", "sentinel", "flagged"] = Field(
        "none",
        description="made missing before application: nothing; -9999; -9999 and flagged [Mg/Fe]",
    )
    stored: str | None = Field(
        None,
        description="folder of files made once by the documented command; none: made by every run",
    )

    @model_validator(mode="after")
    def _widths_double(self):
        for narrow, wide in zip(self.widths, self.widths[1:], strict=False):
            if wide != 2 * narrow:
                raise ValueError(f"widths: {wide} is not twice {narrow}")
        return self


class SkySettings(_Settings):
    """A miniature sky: its stars, how the surveys differ, what is wrong with them."""

    name: str = Field(description="name of the sky, written nowhere in the data")
    seed: int = Field(1, ge=0, description="seed of the sky's stars and of the surveys' errors")
    n_galah: int = Field(6000, ge=50, description="rows of the GALAH table")
    n_apogee: int = Field(7000, ge=50, description="rows of the APOGEE table")
    n_common: int = Field(3700, ge=0, description="stars that both surveys observed")
    clusters: tuple[ClusterSettings, ...] = Field(
        (), description="star clusters; their members are among the stars in common"
    )
    asymmetry: float = Field(
        0.1,
        ge=-0.1,
        le=0.1,
        description="median [Fe/H], north less south, at large radii (dex); 0 = off."
        " [Mg/Fe] has minus half of it",
    )
    systematics: SystematicsSettings = Field(
        default_factory=SystematicsSettings, description="how the surveys differ on one star"
    )
    stated_errors_galah: GalahStatedErrors = Field(
        default_factory=GalahStatedErrors,
        description="factors on GALAH's stated errors; Gaia's velocities among them keep theirs",
    )
    stated_errors_apogee: StatedErrorSettings = Field(
        default_factory=StatedErrorSettings, description="factors on APOGEE's stated errors"
    )
    defects: DefectSettings = Field(
        default_factory=DefectSettings, description="what is wrong with the catalogues"
    )
    wide: bool = Field(
        False,
        description="whether the files hold all columns of the real ones, or only those in use",
    )
    published: PublishedSettings | None = Field(
        default_factory=PublishedSettings,
        description="how the published files were made; none: there are none",
    )

    @model_validator(mode="after")
    def _common_stars_fit(self):
        stars_galah = self.n_galah - round(self.defects.repeats_galah * self.n_galah)
        stars_apogee = self.n_apogee - round(self.defects.repeats_apogee * self.n_apogee)
        if self.n_common > min(stars_galah, stars_apogee):
            raise ValueError(
                f"n_common: {self.n_common} stars cannot be in both surveys"
                f" of {stars_galah} and {stars_apogee} stars"
            )
        members = sum(cluster.stars for cluster in self.clusters)
        if members > self.n_common:
            raise ValueError(f"clusters: {members} members are more than {self.n_common} n_common")
        names = [cluster.name for cluster in self.clusters]
        if len(set(names)) < len(names):
            raise ValueError("clusters: two have the same name")
        return self


def parse_sky(value: object, where: str = "sky") -> SkySettings:
    """Settings of a sky from the ``sky`` section of a configuration.

    Parameters
    ----------
    value : object
        The section as it was read.
    where : str
        How errors name it.

    Raises
    ------
    InputError
        A key is unknown or a value is refused.
    """
    try:
        return SkySettings.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, (where, *first["loc"])))
        if first["loc"] == ("dirt",):
            raise InputError(f"{place!r} is now called 'defects'; rename the key") from None
        raise InputError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None
