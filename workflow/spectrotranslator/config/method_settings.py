"""The settings of a method: its network, training, ensemble and Monte Carlo."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .setting import Section, number

FINGERPRINT = "fingerprint"


class NetworkSettings(Section):
    """Shape of the translator."""

    widths: list[Annotated[int, Field(ge=1, le=16_384)]] = number(
        [64, 128, 256, 512],
        "Widths from the first layer to the middle.",
        "authors' code",
        min_length=1,
        max_length=20,
    )
    dropout: float = number(0.5, "Dropout inside residual blocks.", "authors' code", ge=0, lt=1)
    dropout_from_width: int = number(256, "Narrowest block with dropout.", "authors' code", ge=1)
    zero_output: bool = number(
        False, "Start the last layer at zero, so that training starts from no correction.", "ours"
    )
    base: Literal["moment matching", "identity"] = number(
        "moment matching",
        "What no correction means: mean and deviation of the target's, or the input itself plus "
        "the median offset, the correction then measured on the difference's own scale.",
        "authors' code",
    )
    mark_missing: bool = number(
        False, "Tell the network which inputs are missing, beside their stand-in.", "ours"
    )


class TrainingSettings(Section):
    """One network's training."""

    learning_rates: list[Annotated[float, Field(gt=0)]] = number(
        [1e-3, 1e-4, 1e-5], "Learning rate of each phase.", "authors' code", min_length=1
    )
    epochs: int = number(
        400, "Epochs, one budget shared by the phases.", "ours", unknown=True, ge=1
    )
    patience: int = number(
        20, "Epochs without improvement that end a phase.", "ours", unknown=True, ge=1
    )
    batch: int = number(4096, "Stars in a batch.", "authors' code", ge=1)
    epsilon: float = number(1e-7, "Adam's epsilon.", "authors' code", gt=0)
    loss: Literal["absolute", "cauchy"] = number(
        "absolute",
        "Mean absolute error, or squared within a correction's scale and logarithmic far beyond.",
        "authors' code",
    )
    folds: int = number(
        0,
        "Parts by star of which each member leaves out one to know when to stop; 0: all members "
        "share the sample's own split.",
        "ours",
        ge=0,
    )
    input_dropout: float = number(
        0.0,
        "Share of the inputs not corrected that are hidden at random in every batch, as missing "
        "ones are in application.",
        "ours",
        ge=0,
        lt=1,
    )
    precision: Literal["fp32", "tf32", "bf16"] = number(
        "fp32", "Arithmetic of the matrix products.", "ours"
    )
    best_weights: Literal["when stopped early", "always", "never"] = number(
        "when stopped early", "When the best weights come back.", "authors' code"
    )
    seed: int = number(1, "Seed of the run's trainings.", "ours")

    @model_validator(mode="after")
    def _folds_leave_something(self):
        if self.folds == 1:
            raise ValueError("folds: 1 would leave every star out; give 0, or 2 and more")
        return self


class EnsembleSettings(Section):
    """How members are combined."""

    members: Annotated[int, Field(ge=1, le=10_000)] | Literal["fingerprint"] = number(
        10,
        "Networks of an ensemble; fingerprint: `most_members` are trained, and as many of them "
        "translate as the published catalogue says.",
        "ours",
        unknown=True,
    )
    members_fallback: int | None = number(
        None,
        "Networks that translate where `members` is `fingerprint` and the published catalogue "
        "does not tell; none: the run stops.",
        "ours",
        ge=1,
        le=10_000,
    )
    most_members: int = number(
        20,
        "Networks trained where `members` is `fingerprint`; where the published catalogue tells "
        "more, all of them translate.",
        "ours",
        ge=1,
        le=10_000,
    )
    trim: int = number(1, "Predictions dropped at each end before the mean.", "authors' code", ge=0)

    @model_validator(mode="after")
    def _enough_left(self):
        fewest = self.trained
        if self.members == FINGERPRINT and self.members_fallback is not None:
            fewest = min(fewest, self.members_fallback)
            if self.members_fallback > self.most_members:
                raise ValueError(
                    f"members_fallback: {self.members_fallback} is more than most_members: "
                    f"{self.most_members}, which are trained"
                )
        if self.trim and fewest < 2 * self.trim + 3:
            raise ValueError(
                f"{fewest} members trimmed by {self.trim} at each end leave fewer than 3: "
                f"their spread says nothing; give at least {2 * self.trim + 3} or trim: 0"
            )
        return self

    @property
    def trained(self) -> int:
        """How many networks are trained."""
        return self.most_members if self.members == FINGERPRINT else self.members

    @property
    def expected(self) -> int:
        """How many networks translate, as far as that is known before the fingerprint is read."""
        if self.members != FINGERPRINT:
            return self.members
        return self.members_fallback or self.most_members


class MonteCarloSettings(Section):
    """How a catalogue's percentiles come about."""

    realisations: Annotated[int, Field(ge=1, le=100_000)] | Literal["fingerprint"] = number(
        10,
        "Realisations, the first one unperturbed; fingerprint: as the published catalogue says.",
        "authors' code",
        unknown=True,
    )
    realisations_fallback: int | None = number(
        None,
        "Realisations where they are `fingerprint` and the published catalogue does not tell; "
        "none: the run stops.",
        "ours",
        ge=1,
        le=100_000,
    )
    shared_draws: bool = number(
        True,
        "Whether both networks of a star are fed the same perturbed inputs, or each its own.",
        "ours",
        unknown=True,
    )
    draws: Literal["independent", "stratified"] = number(
        "independent", "How the draws of a row hang together.", "authors' code"
    )
    percentiles: list[Annotated[float, Field(ge=0, le=100)]] = number(
        [5, 16, 50, 84, 95], "Percentiles written.", "readme"
    )
    missing: Literal["not finite", "sentinels too", "fingerprint"] = number(
        "not finite",
        "Which inputs count as missing: only what is not finite, or -9999 and the like as well; "
        "fingerprint: as the published catalogue says, `not finite` where it does not.",
        "authors' code",
        unknown=True,
    )
    masked: dict[str, str] | Literal["fingerprint"] = number(
        {},
        "Inputs that count as missing where a flag of the survey is not 0: input to flag column; "
        "fingerprint: as the published catalogue says, none where it does not.",
        "ours",
        unknown=True,
    )
    map_bins: int = number(30, "Cells a side of a pairwise map.", "authors' code", ge=2, le=10_000)
    map_precision: Literal["float32", "float64"] = number(
        "float64",
        "Floating-point type of the training table's columns, to which values are rounded before "
        "pairwise maps are made and looked up.",
        "ours",
        unknown=True,
    )
    colour_noise: Literal["independent", "correlated"] = number(
        "independent",
        "Whether the noise of colours that share a magnitude is drawn independently or shared.",
        "authors' code",
    )
    intervals: Literal["realisations", "calibrated"] = number(
        "realisations",
        "Percentiles over the realisations alone, or around the unperturbed prediction with "
        "input noise, network scatter and residual width, calibrated on stars left out.",
        "readme",
        unknown=True,
    )
    joint_support: float = number(
        0.0,
        "Quantile of the training stars' own distances beyond which a star lies outside them in "
        "all inputs together; 0: only pairs are looked at.",
        "ours",
        ge=0,
        lt=1,
    )
    neighbours: int = number(
        5, "Which nearest training star the distance of joint support is to.", "ours", ge=1
    )
    block_rows: int = number(512, "Rows computed at once; bits depend on it.", "ours", ge=1)
    seed: int = number(1, "Seed of the draws.", "ours")


class Method(Section):
    """A complete way of making the catalogues."""

    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()
    ensemble: EnsembleSettings = EnsembleSettings()
    montecarlo: MonteCarloSettings = MonteCarloSettings()

    @model_validator(mode="after")
    def _enough_to_tell(self):
        lacking = {5, 16, 50, 84, 95} - set(self.montecarlo.percentiles)
        if lacking:
            raise ValueError(
                f"montecarlo.percentiles lack {min(lacking):g}; catalogue and evaluation need "
                "5, 16, 50, 84 and 95"
            )
        if len(set(self.montecarlo.percentiles)) < len(self.montecarlo.percentiles):
            raise ValueError("montecarlo.percentiles name one twice; each may stand there once")
        if self.montecarlo.intervals == "calibrated" and self.montecarlo.realisations == 1:
            raise ValueError("montecarlo.intervals: calibrated needs realisations of 2 or more")
        return self

    @model_validator(mode="after")
    def _something_left_out(self):
        if self.montecarlo.intervals == "calibrated" and not self.training.folds:
            raise ValueError("montecarlo.intervals: calibrated needs training.folds of 2 or more")
        if self.montecarlo.intervals == "calibrated" and self.montecarlo.masked:
            raise ValueError("montecarlo.intervals: calibrated goes with nothing masked")
        if self.training.folds > self.ensemble.trained:
            raise ValueError(
                f"training.folds: {self.training.folds} folds need as many members, "
                f"there are {self.ensemble.trained}"
            )
        if self.training.folds and self.ensemble.members == FINGERPRINT:
            raise ValueError("training.folds goes with a number of members, not fingerprint")
        return self

    @property
    def waiting(self) -> list[str]:
        """Settings, as ``SECTION.KEY``, that are taken from the fingerprint."""
        values = {
            "ensemble.members": self.ensemble.members,
            "montecarlo.realisations": self.montecarlo.realisations,
            "montecarlo.missing": self.montecarlo.missing,
            "montecarlo.masked": self.montecarlo.masked,
        }
        return [setting for setting, value in values.items() if value == FINGERPRINT]


def changed_method(method: Method, changes: Mapping[str, object]) -> Method:
    """``method`` with other values of some settings.

    Parameters
    ----------
    method : Method
        The method.
    changes : mapping
        Setting, as ``SECTION.KEY``, to its value.

    Raises
    ------
    ValueError
        A method has no such setting, or refuses the value.
    """
    value = method.model_dump(mode="json")
    for setting, chosen in changes.items():
        section, _, key = setting.partition(".")
        if key not in value.get(section, {}):
            raise ValueError(f"a method has no setting {setting!r}")
        value[section][key] = chosen
    return Method.model_validate(value)
