"""The one model of the configuration: schema, documentation and defaults come from here.

Every number of the method carries its source; ``section.py`` says how.
"""

import functools
import itertools
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from spectrotranslator.errors import InputError
from spectrotranslator.expressions import check_syntax

from .method_settings import (
    FINGERPRINT,
    EnsembleSettings,
    Method,
    MonteCarloSettings,
    NetworkSettings,
    TrainingSettings,
)
from .setting import PLAIN, Label, Name, Place, Section, Source, number, plain
from .validation import check

__all__ = [
    "FINGERPRINT",
    "EnsembleSettings",
    "Method",
    "MonteCarloSettings",
    "NetworkSettings",
    "TrainingSettings",
]


#: Units of most configurations.
COMMON_UNITS = ("", "K", "dex(cm/s2)", "dex", "km/s", "mag")
#: Where tolerances come from that are no file.
BY_RUN = "run"
#: Named bits of a survey: column to the name of each bit and its number, 0 the lowest.
Bits = Mapping[str, Mapping[str, int]]


def _cut(text: str) -> str:
    """``text`` itself, a cut of the language of cuts.

    Raises
    ------
    ValueError
        It is not; the message points at the character.
    """
    try:
        check_syntax(text)
    except InputError as error:
        raise ValueError(str(error)) from None
    return text


def _unit(text: str) -> str:
    """``text`` itself, a unit that astropy knows.

    Raises
    ------
    ValueError
        It does not know it.
    """
    if text not in COMMON_UNITS:
        from astropy.units import Unit  # 0.1 s that most configurations need not wait for

        try:
            Unit(text)
        except (ValueError, TypeError):
            raise ValueError(
                f"{text[:50]!r} is no unit that astropy knows, such as "
                f"{', '.join(filter(None, COMMON_UNITS))}"
            ) from None
    return text


class Feature(Section):
    """One measured quantity of a survey, with its catalogue error."""

    column: str | None = Field(None, description="Column of the survey's table; the name itself.")
    difference: tuple[str, str] | None = Field(
        None, description="Two columns whose difference this is, for a colour."
    )
    error: list[str] = Field(
        [], description="Columns whose quadratic sum is the error; none: taken as exact."
    )
    unit: Annotated[str, AfterValidator(_unit)] = Field(
        "", description="Unit, as astropy writes it."
    )
    comment: Label | None = Field(None, description="Name in the quality comments.")
    description: str = Field(
        "",
        description="What it is, in words of the catalogues' column descriptions.",
        max_length=200,
    )
    ucd: str = Field(
        "phys", description="Unified content descriptor (IVOA UCD1+).", pattern=r"^[\w.;-]{1,100}$"
    )


class VizierTable(Section):
    """The survey's copy at VizieR, read by TAP."""

    source: str = Field("vizier", description="The service, by its name in the table of sources.")
    table: str = Field(description="Its table.")
    columns: dict[str, str] = Field(description="The survey's own column names to VizieR's labels.")
    page: int = Field(50000, description="Records asked for at once.", ge=1)


class Survey(Section):
    """One survey: how its files are read and what of them is used."""

    title: str = Field(description="Name for people.")
    reader: Literal["galah", "apogee", "table"] = Field(
        "table", description="Which reader brings its files to one table of stars."
    )
    path: Place | None = Field(
        None,
        description="The user's own table, for the reader `table`: CSV, Parquet, FITS, VOTable "
        "or ECSV.",
    )
    vizier: VizierTable | None = Field(None, description="Its copy at VizieR.")
    key: list[str] = Field(
        description="Columns that together name a row; none: the number of the row."
    )
    repeated_keys: Literal["refuse", "best row"] = Field(
        "refuse",
        description="Rows that share a key: an error, or all but the one of the highest S/N (the "
        "first, where no S/N is given) are left out.",
    )
    identifier: str | None = Field(
        None, description="Column with the survey's own name of the star; none: the key."
    )
    source_id: str | None = Field(None, description="Column with the Gaia source id.")
    position: tuple[str, str] | None = Field(None, description="Columns of RA and Dec, deg.")
    motion: tuple[str, str] | None = Field(
        None, description="Columns of the proper motion (RA with cos Dec, Dec), mas/yr."
    )
    epoch: float = Field(2016.0, description="Epoch of the position, Julian year.")
    distance: str | None = Field(None, description="Column of the distance, pc.")
    distance_interval: tuple[str, str] | None = Field(
        None, description="Columns of its 16th and 84th percentiles, pc; none: taken as exact."
    )
    snr: str | None = Field(None, description="Column of the signal to noise; the best row wins.")
    keep: list[str] = Field([], description="Further columns the cuts and figures use.")
    bits: dict[str, dict[str, Annotated[int, Field(ge=0, le=62)]]] = Field(
        {},
        description="Named bits for the cuts: column to the name of a bit and its number, 0 the "
        "lowest; `COLUMN.NAME` holds where the bit is set.",
    )
    features: dict[Label, Feature] = Field(description="Quantities a network can read or predict.")

    def states_errors(self, features: list[str]) -> bool:
        """Whether an error is stated of any of the ``features``."""
        return any(self.features[name].error for name in features)


class Cut(Section):
    """One named cut of a selection."""

    cut: Annotated[str, AfterValidator(_cut)] = Field(
        description="Condition on a survey's columns; rows that fulfil it stay. It may use "
        "comparisons, `and`, `or`, `not`, `in`, arithmetic, `abs`, `isfinite`, `sqrt`, `log10` "
        "and the survey's named bits; a name that is no identifier stands in backticks."
    )
    source: Source = Field(description="Where the cut comes from.")


class Selection(Section):
    """Cuts that make a training sample: on each survey, on the pairs, and for one network."""

    cuts: dict[str, list[Cut]] = Field({}, description="Survey to its cuts, in order.")
    pairs: list[Cut] = Field(
        [],
        description="Cuts on the matched pairs. A column that only one of the two surveys has goes "
        "by its name, any column by `SURVEY:NAME` in backticks.",
    )
    networks: dict[Name, list[Cut]] = Field(
        {},
        description="Network kind to further cuts on its pairs. They hold for the kinds after it "
        "as well, whose samples are parts of it.",
    )

    @property
    def conditions(self) -> frozenset[tuple[str, str]]:
        """What the selection asks, whatever the order: place and text of every cut."""
        places = [(f"survey {name}", cuts) for name, cuts in self.cuts.items()]
        places += [(f"network {kind}", cuts) for kind, cuts in self.networks.items()]
        places.append(("pairs", self.pairs))
        return frozenset((place, cut.cut) for place, cuts in places for cut in cuts)

    def with_option(self, option: "Selection") -> "Selection":
        """The cuts of this selection and then those of ``option``."""
        surveys = [*self.cuts, *(name for name in option.cuts if name not in self.cuts)]
        kinds = [*self.networks, *(name for name in option.networks if name not in self.networks)]
        return Selection(
            cuts={name: self.cuts.get(name, []) + option.cuts.get(name, []) for name in surveys},
            pairs=self.pairs + option.pairs,
            networks={
                kind: self.networks.get(kind, []) + option.networks.get(kind, []) for kind in kinds
            },
        )


class Crossmatch(Section):
    """How rows of two surveys become pairs of one star."""

    repeats: Literal["highest S/N", "first"] = number(
        "highest S/N", "Which row stands for a star that has several.", "ours", unknown=True
    )
    radius_arcsec: float = number(1.0, "Farthest pair of a positional match.", "ours", gt=0)
    fallback: Literal["none", "position"] = number(
        "none", "How rows without a Gaia id are matched.", "ours", unknown=True
    )
    order: Literal["first key", "first row", "second key", "second row", "source_id"] = number(
        "first key",
        "What the pairs are sorted by, which decides the split: the key of the survey configured "
        "first or second, its row in the file, or the Gaia id.",
        "ours",
        unknown=True,
    )


class PhotometryMirror(Section):
    """Another TAP service with the same release, under its own names."""

    source: str = Field(description="Its name in the table of sources.")
    table: str = Field(description="Its table.")
    columns: list[str] = Field(description="Its columns, in the order of `photometry.columns`.")
    flux_over_error: dict[str, float] = Field(
        {},
        description="Errors (our names) that it gives as flux over error: zero point error, mag.",
    )


class Photometry(Section):
    """Gaia magnitudes and their errors, by TAP."""

    table: str = Field(description="TAP table, as VizieR names it.")
    columns: list[str] = Field(description="Columns asked for; the first is the source id.")
    chunk: int = Field(20000, description="Source ids uploaded at once.", ge=1)
    answer_s: float = Field(300, description="Seconds a query may take to answer.", gt=0)
    absent: float = number(0.05, "Share of source ids that may have no row.", "ours", ge=0, le=1)
    mirrors: list[PhotometryMirror] = Field([], description="Further services of one release.")


class Authors(Section):
    """The authors' own training samples, where they are at hand."""

    folder: Place | None = Field(
        None, description="Folder the files were laid in; none: fetched from their registered url."
    )
    files: dict[str, str] = Field(description="Network kind to the name in the table of sources.")
    columns: dict[str, dict[str, str]] = Field(
        description="Survey to its features, each with the column of their files."
    )


class RetryPolicy(Section):
    """How long archives are waited for, and how often they are asked again."""

    connect_s: float = Field(15, description="Seconds without a connection.", gt=0)
    stall_s: float = Field(60, description="Seconds without a byte.", gt=0)
    attempts: int = Field(6, description="Attempts in a row that bring nothing new.", ge=1)
    wait_s: float = Field(0.5, description="First wait between attempts; it doubles.", ge=0)
    longest_wait_s: float = Field(120, description="Longest wait, Retry-After included.", ge=0)
    per_host: int = Field(2, description="Connections to one host at a time.", ge=1)


class Sources(Section):
    """What is fetched, by name in `config/sources.csv`."""

    registry: Place = Field("config/sources.csv", description="The table of sources.")
    columns: Place = Field("config/columns.csv", description="What the needed columns should be.")
    folder: Place | None = Field(None, description="Shared download folder; none: in the run.")
    lock: Place | None = Field(
        "config/sources.lock.json",
        description="What each file was when first fetched; a later difference stops the run.",
    )
    retry: RetryPolicy = RetryPolicy()
    authors: Authors | None = Field(None, description="The authors' own training samples.")
    surveys: dict[str, list[str]] = Field({}, description="Survey to the files it needs.")
    route: Literal["files", "vizier", "both"] = Field(
        "files",
        description="The surveys' own files, or their copies at VizieR; both: the files, and how "
        "the copies differ goes to the ledger.",
    )
    readme: str | None = Field(None, description="The published catalogue's ReadMe.")
    photometry: Photometry | None = Field(None, description="Gaia magnitudes with errors.")


class Split(Section):
    """How a training sample is parted."""

    by: Literal["row", "star"] = number(
        "row",
        "Whether rows of one star (`source_id`) may come to lie in two parts.",
        "authors' code",
    )
    validation: float = number(0.2, "Share for early stopping.", "authors' code", gt=0, lt=1)
    test: float = number(0.0, "Share no network sees at all.", "ours", ge=0, lt=1)
    seed: int = number(42, "Seed of the permutation.", "authors' code")

    @model_validator(mode="after")
    def _some_left_to_train(self):
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation {self.validation:g} and test {self.test:g} leave no star to train "
                "on: their sum must be less than 1"
            )
        return self


class NetworkKind(Section):
    """Inputs and outputs of one network."""

    inputs: list[str] = Field(
        description="Features of the survey translated from, in order.", min_length=1
    )
    outputs: list[str] = Field(
        description="Features of the survey translated to, in order.", min_length=1
    )
    correct: Literal["first", "last"] = Field(
        description="Which inputs the correction is added to: the first or the last ones."
    )

    @property
    def corrected(self) -> slice:
        """The inputs that the outputs correct, one each and in their order."""
        count = len(self.outputs)
        return slice(0, count) if self.correct == "first" else slice(-count, None)

    @model_validator(mode="after")
    def _inputs_once(self):
        _once(self.inputs, "inputs")
        return self


class PublishedDifferences(Section):
    """What was published of the labels' differences over the validation rows, to the last digit."""

    source: Source = Field(description="Where the figures come from.")
    decimals: int = Field(3, description="Decimals that were printed.", ge=0, le=10)
    labels: dict[str, tuple[float, float]] = Field(
        description="Output to the mean and the standard deviation, over the validation rows, of "
        "the input that it corrects minus the output, in its unit."
    )


class Direction(Section):
    """A translation of one survey onto another's base."""

    origin: str = Field(alias="from", description="Survey that is translated.")
    target: str = Field(alias="to", description="Survey whose base is the aim.")
    networks: dict[Name, NetworkKind] = Field(description="Kind to its network.", min_length=1)
    rows: list[Cut] = Field([], description="Which rows of the survey the catalogue holds.")
    catalogue: Place | None = Field(None, description="Column layout of the CDS table.")
    published: Name | None = Field(None, description="Published table to be held against.")
    published_counts: dict[str, tuple[int, int]] = Field(
        {}, description="Published rows and training stars of each kind: least and most."
    )
    published_differences: PublishedDifferences | None = Field(
        None, description="Published differences of the labels over the validation rows."
    )

    @model_validator(mode="after")
    def _outputs_once(self):
        _once([n for network in self.networks.values() for n in network.outputs], "outputs")
        return self


class Importance(Section):
    """Exact Shapley values of the inputs."""

    stars: int = number(100, "Validation stars explained.", "authors' code", ge=1)
    background: int = number(100, "Background stars.", "authors' code", ge=1)


class Evaluation(Section):
    """How methods and baselines are judged on stars that none of them saw."""

    folds: int = number(
        5, "Parts by star; a part is judged by what the others trained.", "ours", ge=2
    )
    splits: int = number(1, "How many of the parts are judged in turn.", "ours", ge=1)

    @model_validator(mode="after")
    def _parts_enough(self):
        if self.splits > self.folds:
            raise ValueError(f"splits: {self.splits} of only {self.folds} folds")
        return self


class Validation(Section):
    """Stars whose values are known to agree, to validate the translation with."""

    clusters: Place | None = Field(
        None,
        description="Members of clusters: a table with the columns `cluster` and `source_id`, a "
        "star once.",
    )
    benchmarks: Place | None = Field(
        None,
        description="Benchmark stars: a table with `source_id` and, for labels of the bases, "
        "`LABEL` and `LABEL_error`.",
    )


class Comparison(Section):
    """How the regenerated catalogues are held against the published ones."""

    method: str = Field("as-published", description="The method that is compared.")
    tolerances: Place | None = Field(
        None,
        description="Scatter between replicates: a file made by `./reproduce calibrate`, or `run`: "
        "the run makes its own from a pool of further networks (`results/RUN/tolerances.json`).",
    )
    choices: dict[Name, dict[str, Any]] = number(
        {},
        "Alternatives to the method's unknown settings (name to `SECTION.KEY: VALUE`), over which "
        "`./reproduce calibrate RUN --choices` measures the spread for the grade `consistent`.",
        "ours",
    )
    replicates: int = number(20, "Replicate runs of a calibration.", "ours", ge=3)
    pool: int = number(
        40,
        "Networks of each kind, the run's own among them, that replicates are drawn from where "
        "`tolerances` is `run`; two ensembles must fit into them.",
        "ours",
        ge=2,
        le=10_000,
    )
    calibration_rows: int = number(
        50_000, "Rows of a catalogue, drawn once, that replicates translate.", "ours", ge=1
    )

    def trains(self, choice: str, trained: int) -> bool:
        """Whether an alternative of ``choices`` needs networks of its own beside ``trained``."""
        changes = self.choices[choice]
        more = isinstance(changes.get("ensemble.members"), int)
        more = more and changes["ensemble.members"] > trained
        return more or any(name.startswith(("network.", "training.")) for name in changes)

    @property
    def by_run(self) -> bool:
        """Whether the run makes its own tolerances."""
        return self.tolerances == BY_RUN


class Compute(Section):
    """Where and with how much the run computes."""

    threads: int = number(1, "Threads of one training or shard; bits depend on it.", "ours", ge=1)
    processes: int = number(
        2,
        "Members trained side by side by a job that trains an ensemble to judge it, each with as "
        "many threads; no bit depends on it.",
        "ours",
        ge=1,
    )
    members_per_job: int | None = number(
        None,
        "Members of an ensemble that one job trains, one after another; none: all. No bit depends "
        "on it. On a GPU always all, in one program.",
        "ours",
        ge=1,
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = number("cpu", "Device of torch.", "ours")
    instruction_set: Literal["AVX2", "AVX512", "DEFAULT"] | None = number(
        None,
        "What torch must find on a node, for nodes of several kinds; none: what it finds, and a job"
        " that reads weights trained with another says so.",
        "ours",
    )
    gres: str = number(
        "gpu:1",
        "The GPU a job asks Slurm for where the device is cuda; typed: `gpu:a100:1`.",
        "ours",
        pattern=r"^gpu(:[A-Za-z0-9_.]+)?:1$",
    )
    shards: int = number(1, "Parts a catalogue is computed in.", "ours", ge=1)
    memory_mb: int = number(2000, "Memory of a job without a figure of its own.", "ours", ge=100)
    runtime_min: int = number(60, "Time of a job without a figure of its own.", "ours", ge=1)


class Configuration(Section):
    """A run, whole."""

    run: Annotated[str, Field(pattern=PLAIN), AfterValidator(plain)] = Field(
        description="Name of the run: the file's name."
    )
    description: str = Field("", description="What the run is for, in a line.")
    sky: dict[str, Any] | None = Field(
        None, description="A simulated sky (config/skies/README.md); none: the real archives."
    )
    evidence: Literal["real", "simulated"] = Field(
        "real", description="What the user's own tables hold; with a sky it is always simulated."
    )
    sources: Sources = Sources()
    surveys: dict[Name, Survey] = Field(description="Name to survey.")
    selections: dict[Name, Selection] = Field({}, description="Named candidate selections.")
    selection_grid: dict[Name, dict[Name, Selection]] = Field(
        {},
        description="Further candidates: each axis names its options, and every combination of one "
        "option an axis is a candidate, named `OPTION+OPTION+...`.",
    )
    selection: str | None = Field(
        None,
        description="The selection the training samples use. `fingerprint`: in each direction the "
        "one that the published catalogue tells.",
    )
    selection_fallback: str | None = Field(
        None,
        description="The selection where it is `fingerprint` and the published catalogue does not "
        "tell; none: the run stops.",
    )
    training_sample: Literal["ours", "authors"] = number(
        "ours", "Whose training sample: ours, or that of `sources.authors`.", "ours"
    )
    row_candidates: dict[str, dict[Name, list[Cut]]] = Field(
        {}, description="Survey to named guesses at the catalogue's rows, counted in the ledger."
    )
    match: Literal["source_id", "key", "position"] = number(
        "source_id", "What rows of two surveys are matched on.", "ours"
    )
    crossmatch: Crossmatch = Crossmatch()
    split: Split = Split()
    directions: dict[Name, Direction] = Field(description="Name to direction.")
    methods: dict[Name, Method] = Field({"as-published": Method()}, description="Name to method.")
    importance: Importance = Importance()
    evaluation: Evaluation = Evaluation()
    validation: Validation | None = Field(
        None,
        description="Validation by repeats, clusters and benchmark stars; `{}`: by repeats alone; "
        "none: the run has no such section.",
    )
    comparison: Comparison = Comparison()
    compute: Compute = Compute()

    @cached_property
    def candidate_selections(self) -> dict[str, Selection]:
        """Every candidate by name: the named ones, then combinations of the grid that differ."""
        named = dict(self.selections)
        known = {selection.conditions for selection in named.values()}
        for options in itertools.product(*(axis.items() for axis in self.selection_grid.values())):
            parts = [selection for _, selection in options]
            combined = functools.reduce(Selection.with_option, parts, Selection())
            if options and combined.conditions not in known:
                named["+".join(name for name, _ in options)] = combined
        return named

    @property
    def chosen_selection(self) -> Selection:
        """The selection that makes the training samples; without one no row is cut."""
        return self.candidate_selections[self.selection] if self.selection else Selection()

    @model_validator(mode="before")
    @classmethod
    def _a_sky_is_simulated(cls, given: dict) -> dict:
        return {**given, "evidence": "simulated"} if given.get("sky") else given

    @model_validator(mode="after")
    def _parts_agree(self):
        check(self)
        return self


def _once(names: list[str], what: str) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"{what} name {twice[0]!r} twice; each may stand there once")
