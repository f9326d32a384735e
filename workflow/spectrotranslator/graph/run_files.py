"""Where the files of one run lie that join its rules, and what its rules depend on."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from shlex import quote

from spectrotranslator.config import Configuration, dump, resolve
from spectrotranslator.config.method_settings import FINGERPRINT
from spectrotranslator.download.registry import Source, read_registry
from spectrotranslator.files import digest, sha256
from spectrotranslator.provenance.workflow_files import workflow_files
from spectrotranslator.report.figure_names import compared, figure_names, section
from spectrotranslator.resources.resource_requests import ResourceRequests
from spectrotranslator.source_code import SOURCE, code_digest
from spectrotranslator.step_interface import StepInterface
from spectrotranslator.user_paths import refuse_braces

from .calibration_jobs import members_of_part, pair_parts, pool_parts
from .member_batches import RULE, Batch, batches

FIGURE_SUFFIXES = ("svg", "pdf", "csv")
#: Files of a member of an ensemble, below its folder.
MEMBER_FILES = ("weights.safetensors", "training.json", "history.csv")
#: Keys that only people read: changing one of them remakes no result.
DESCRIPTIVE = ("title", "description", "ucd")
#: What an archive serves of a simulated sky.
SKY_FILES = (
    "GALAH_DR3_main_allstar_v2.fits",
    "GALAH_DR3_VAC_GaiaEDR3_v2.fits",
    "allStarLite-dr17-synspec_rev1.fits",
    "gaia.parquet",
)


class RunFiles:
    """Paths and rule parameters of one run.

    Parameters
    ----------
    run : str
        Name of a run in ``config/runs`` or the path of a run configuration.

    Raises
    ------
    InputError
        The configuration or the table of sources cannot be used.
    """

    def __init__(self, run: str):
        refuse_braces(Path.cwd())
        self.given = run
        self.configuration: Configuration = resolve(run)
        self.registry: dict[str, Source] = read_registry(self.configuration.sources.registry)
        self.requests = ResourceRequests.of(self.configuration)
        self.name = self.configuration.run
        self.folder = f"results/{self.name}"
        self.resolved = f"{self.folder}/config.yaml"
        self.sky = f"{self.folder}/sky"
        self._settings = self.configuration.model_dump(mode="json", by_alias=True)

    # Names ------------------------------------------------------------------------------------

    @cached_property
    def methods(self) -> list[str]:
        """Names of the methods."""
        return list(self.configuration.methods)

    @cached_property
    def compared(self) -> list[str]:
        """Directions that are compared with a published catalogue."""
        return compared(self.configuration)

    @cached_property
    def calibrated(self) -> list[str]:
        """Methods whose percentiles are calibrated on stars that members left out."""
        methods = self.configuration.methods.items()
        return [name for name, method in methods if method.montecarlo.intervals == "calibrated"]

    @cached_property
    def layouts(self) -> dict[str, str]:
        """Direction to the layout of its CDS table, where it has one."""
        directions = self.configuration.directions.items()
        return {name: one.catalogue for name, one in directions if one.catalogue}

    @cached_property
    def direction_to(self) -> dict[str, str]:
        """Survey whose base is a target, to the direction that leads there."""
        return {one.target: name for name, one in self.configuration.directions.items()}

    @cached_property
    def shards(self) -> list[str]:
        """Names of the shards of a catalogue."""
        count = self.configuration.compute.shards
        return [f"{number}-of-{count}" for number in range(1, count + 1)]

    @cached_property
    def networks(self) -> list[dict[str, str]]:
        """Method, direction and kind of every network."""
        return [
            {"method": method, "direction": name, "kind": kind}
            for method in self.methods
            for name, direction in self.configuration.directions.items()
            for kind in direction.networks
        ]

    @cached_property
    def domains(self) -> list[list[dict[str, str]]]:
        """Independent groups of wildcards with all their values."""
        return [
            self.networks,
            [{"survey": name} for name in self.configuration.surveys],
            [{"base": name} for name in self.direction_to],
            [{"shard": shard} for shard in self.shards],
            [{"file": file} for file in self.registered_files],
            [{"part": part} for part in self.pool_parts],
            [{"pairs": pairs} for pairs in self.pair_parts],
            [{"choice": choice} for choice in self.configuration.comparison.choices],
        ]

    def any_of(self, names: list[str]) -> str:
        """Constraint of a wildcard to ``names``; to nothing where there are none."""
        return "|".join(map(re.escape, names)) or "(?!)"

    def members(self, method: str) -> int:
        """Number of networks in an ensemble of ``method``."""
        return self.configuration.methods[method].ensemble.trained

    # Rule parameters --------------------------------------------------------------------------

    def step(self, module: str, **options: str | Callable) -> dict[str, object]:
        """Parameters of the rule that runs the step ``module``.

        ``command`` is what the job runs, ``settings`` and ``code`` are digests of all that it
        depends on besides its input files. ``options`` give the step's options that are no
        wildcards.
        """
        interface = StepInterface.of(module)
        given = {name.replace("_", "-"): value for name, value in options.items()}

        def command(wildcards, input, output):
            return interface.command(given, self.resolved, wildcards, input, output)

        def settings(wildcards):
            values = {"compared_method": self.configuration.comparison.method}
            values |= dict(wildcards.items())
            values |= {name: v(wildcards) for name, v in options.items() if callable(v)}
            return self.settings_digest(*(place.format(**values) for place in interface.settings))

        return {"command": command, "settings": settings, "code": code_digest(module)}

    def settings_digest(self, *places: str) -> str:
        """Digest of the settings at ``places``, their order included.

        What only people read is left out, unless the place names it.
        """
        return digest([json.dumps(self._setting(place)) for place in places])

    def _setting(self, place: str) -> object:
        return self._settings if place == "everything" else _pick(self._settings, place.split("."))

    def resources(self, rule: str) -> dict[str, object]:
        """Memory (MB), time (minutes) and disk (MB) that a job of ``rule`` asks for.

        A job that is submitted again asks for as much again.
        """
        threads_of_one = self.configuration.compute.threads

        def memory(wildcards, threads, attempt):
            return attempt * self.requests.memory(rule, threads // threads_of_one)

        def minutes(wildcards, attempt):
            return attempt * self.requests.minutes(rule)

        return {"mem_mb": memory, "runtime": minutes, "disk_mb": self.requests.disk(rule)}

    @cached_property
    def stacked(self) -> bool:
        """Whether one job trains all members of an ensemble together, as a GPU does best."""
        return self.configuration.compute.device == "cuda"

    @cached_property
    def gres(self) -> str | None:
        """The GPU that a job asks Slurm for; none where the configuration names no GPU."""
        return self.configuration.compute.gres if self.stacked else None

    def processes(self, method: str) -> int:
        """Members that one cross-validation job trains side by side."""
        limit = self.configuration.compute.processes
        return 1 if self.stacked else min(self.members(method), limit)

    def processes_of_choice(self, choice: str) -> int:
        """Members that the job of one alternative trains side by side."""
        comparison = self.configuration.comparison
        trains = comparison.trains(choice, self.members(comparison.method))
        return self.processes(comparison.method) if trains else 1

    @cached_property
    def retry(self) -> str:
        """How archives are waited for, as the steps that fetch take it."""
        given = self._settings["sources"]["retry"]
        return ",".join(f"{name}={value}" for name, value in given.items())

    # Sources ----------------------------------------------------------------------------------

    @cached_property
    def registered_files(self) -> list[str]:
        """Names of the files that are fetched as they are registered; no answers to queries."""
        return [*self._survey_file_names, *self.published_files, *self._authors_file_names]

    @cached_property
    def file_sources(self) -> dict[str, Source]:
        """Sources that are fetched as files, by name."""
        return {source.file: source for source in self.registry.values() if source.file}

    def fetched(self, source: str) -> str:
        """Path of a fetched source within the run."""
        return f"{self.folder}/sources/{self.registry[source].file}"

    def source_entry(self, *names: str) -> str:
        """What the table of sources says of ``names``: the jobs that ask them depend on it."""
        return repr([self.registry.get(name) for name in names])

    @cached_property
    def photometry_services(self) -> list[str]:
        """Names of the services that give Gaia's magnitudes, the first choice first."""
        photometry = self.configuration.sources.photometry
        return ["gaia", *(mirror.source for mirror in photometry.mirrors)] if photometry else []

    def vizier_copy(self, survey: str) -> str:
        """Path of a survey's copy at VizieR."""
        return f"{self.folder}/sources/{survey}.vizier.parquet"

    @cached_property
    def copied(self) -> list[str]:
        """Surveys whose copy at VizieR is fetched."""
        if self.configuration.sources.route == "files":
            return []
        return [name for name, survey in self.configuration.surveys.items() if survey.vizier]

    @cached_property
    def copied_and_read(self) -> list[str]:
        """Surveys that are fetched both as files and as copies at VizieR."""
        return self.copied if self.configuration.sources.route == "both" else []

    def survey_files(self, wildcards) -> list[str]:
        """Files that a survey is read from."""
        survey, name = self.configuration.surveys[wildcards.survey], wildcards.survey
        if survey.path:
            return [survey.path]
        if self.configuration.sources.route == "vizier" and survey.vizier:
            return [self.vizier_copy(name)]
        return [self.fetched(source) for source in self.configuration.sources.surveys[name]]

    def layouts_of_survey(self, wildcards) -> list[str]:
        """Layouts of the catalogues that are made of a survey's rows."""
        directions = self.configuration.directions.values()
        return [d.catalogue for d in directions if d.origin == wildcards.survey and d.catalogue]

    def authors_file(self, wildcards) -> list[str]:
        """The authors' own training sample of one kind, where it is at hand."""
        authors = self.configuration.sources.authors
        if authors is None or wildcards.kind not in authors.files:
            return []
        source = self.registry[authors.files[wildcards.kind]]
        if authors.folder:
            return [f"{authors.folder}/{source.file}"]
        return [self.fetched(source.name)] if source.urls else []

    @cached_property
    def published_files(self) -> list[str]:
        """Names of the published files that the run compares with, the ReadMe first."""
        directions = self.configuration.directions
        sources = [directions[name].published for name in self.compared]
        readme = [self.configuration.sources.readme] if self.compared else []
        return [self.registry[source].file for source in [*readme, *sources]]

    @cached_property
    def fetched_files(self) -> list[str]:
        """Names of all fetched files, Gaia's answer last."""
        return [
            *self.registered_files,
            *(f"{survey}.vizier.parquet" for survey in self.copied),
            *(["gaia.parquet"] if self.photometry_services else []),
        ]

    @property
    def _survey_file_names(self) -> Iterator[str]:
        sources = self.configuration.sources
        for survey in self.configuration.surveys:
            if sources.route == "vizier" and survey in self.copied:
                continue
            yield from (self.registry[name].file for name in sources.surveys.get(survey, []))

    @property
    def _authors_file_names(self) -> list[str]:
        authors = self.configuration.sources.authors
        if authors is None or authors.folder:
            return []
        sources = [self.registry[name] for name in authors.files.values()]
        return [source.file for source in sources if source.urls]

    @cached_property
    def receipts(self) -> list[str]:
        """Receipts of everything that is fetched."""
        return [f"{self.folder}/sources/receipts/{file}.json" for file in self.fetched_files]

    # The simulated sky ------------------------------------------------------------------------

    @cached_property
    def stored_catalogues(self) -> str | None:
        """Folder of a simulated sky's stored published catalogues, if it has such."""
        sky = self.configuration.sky or {}
        return (sky.get("published") or {}).get("stored")

    @cached_property
    def sky_files(self) -> list[str]:
        """Files that a simulated archive serves; none for the real archives."""
        return [f"{self.sky}/{file}" for file in SKY_FILES] if self.configuration.sky else []

    def files_behind(self, wildcards) -> list[str]:
        """Files that must be there before a simulated archive can serve ``wildcards.file``."""
        published = wildcards.file in self.published_files and self.configuration.sky
        folder = self.stored_catalogues or f"{self.sky}/published"
        return self.sky_files + ([f"{folder}/{wildcards.file}"] if published else [])

    @cached_property
    def beside_archive(self) -> str:
        """Prefix of a command that runs beside the simulated archive; empty for the real ones."""
        if not self.configuration.sky:
            return ""
        published = self.stored_catalogues or f"{self.sky}/published"
        return f"python -m minisky.serve --sky {quote(self.sky)} --published {quote(published)} --"

    @cached_property
    def download_places(self) -> dict[str, str]:
        """Options of a download: shared folder and checksum lock.

        The files of a simulated sky change with its settings, so they have no lock.
        """
        sources = self.configuration.sources
        places = {"folder": sources.folder, "lock": sources.lock}
        if self.configuration.sky:
            del places["lock"]
        return {name: place for name, place in places.items() if place}

    # Stars and samples ------------------------------------------------------------------------

    def stars(self, side: str) -> Callable:
        """Stars of a direction's ``origin`` or ``target``."""

        def path(wildcards) -> str:
            direction = self.configuration.directions[wildcards.direction]
            return f"{self.folder}/sample/{getattr(direction, side)}.parquet"

        return path

    def published_rows(self, wildcards) -> list[str]:
        """Published catalogues by which rows of a survey are selected."""
        return [self.fetched(one.published) for one in self._selecting(wildcards.survey)]

    def published_layouts(self, wildcards) -> list[str]:
        """Layouts of the published tables whose rows select those of a survey."""
        return [one.catalogue for one in self._selecting(wildcards.survey)]

    def _selecting(self, survey: str) -> list:
        """The direction whose rows are those of the published file, if the survey has one."""
        return [
            direction
            for direction in self.configuration.directions.values()
            if direction.origin == survey
            and direction.published
            and direction.catalogue
            and any(re.search(r"\bpublished\b", cut.cut) for cut in direction.rows)
        ][:1]

    def samples(self, wildcards) -> list[str]:
        """Training samples of a direction, by kind."""
        kinds = self.configuration.directions[wildcards.direction].networks
        return [f"{self.folder}/sample/{wildcards.direction}-{kind}.parquet" for kind in kinds]

    @cached_property
    def ledgers(self) -> list[str]:
        """Ledgers of the training samples."""
        return [f"{self.folder}/sample/ledger/{name}.json" for name in self._sample_names]

    @cached_property
    def training_samples(self) -> list[str]:
        """Training samples of a direction's networks."""
        return [f"{self.folder}/sample/{name}.parquet" for name in self._sample_names]

    @property
    def _sample_names(self) -> list[str]:
        return list(dict.fromkeys(f"{one['direction']}-{one['kind']}" for one in self.networks))

    # Networks ---------------------------------------------------------------------------------

    def member_files(self, method: str, direction: str, kind: str, name: str) -> list[str]:
        """The file ``name`` of every member of one ensemble."""
        folder = f"{self.folder}/networks/{method}/{direction}/{kind}"
        return [f"{folder}/member-{member}/{name}" for member in range(self.members(method))]

    @cached_property
    def batches(self) -> list[Batch]:
        """Batches of members that one job trains."""
        return batches(self.configuration)

    def training_rule(self, batch: Batch) -> str:
        """Name of the rule that trains a batch."""
        return RULE if len(self.batches) == 1 else f"{RULE}_{batch.label}"

    def training_job(self, batch: Batch) -> str:
        """Pattern of the names of a batch's jobs, one an ensemble."""
        ensemble = f"{RULE}-{{method}}-{{direction}}-{{kind}}"
        return ensemble if len(self.batches) == 1 else f"{ensemble}-{batch.first}-{batch.last}"

    def of_members(self, batch: Batch, name: str) -> list[str]:
        """Pattern of file ``name`` of every member of a batch."""
        folder = f"{self.folder}/networks/{{method}}/{{direction}}/{{kind}}"
        return [f"{folder}/member-{member}/{name}" for member in batch.members]

    def of_kind(self, name: str) -> Callable:
        """File ``name`` of every member of one network."""
        return lambda w: self.member_files(w.method, w.direction, w.kind, name)

    def of_direction(self, name: str) -> Callable:
        """File ``name`` of every member of all networks of one direction."""

        def paths(w) -> list[str]:
            kinds = self.configuration.directions[w.direction].networks
            return [
                path
                for kind in kinds
                for path in self.member_files(w.method, w.direction, kind, name)
            ]

        return paths

    def all_member_files(self, name: str) -> list[str]:
        """The file ``name`` of every member of every ensemble."""
        return [path for one in self.networks for path in self.member_files(**one, name=name)]

    def calibrations(self, wildcards) -> list[str]:
        """Calibrations of the intervals of one method and direction."""
        method, direction = wildcards.method, wildcards.direction
        kinds = self.configuration.directions[direction].networks
        folder = f"{self.folder}/networks/{method}/{direction}"
        calibrated = method in self.calibrated
        return [f"{folder}/{kind}/calibration.json" for kind in kinds if calibrated]

    def scores(self, method: str) -> list[str]:
        """Validation losses of every ensemble of ``method``."""
        return [
            f"{self.folder}/networks/{method}/{one['direction']}/{one['kind']}/scores.json"
            for one in self.networks
            if one["method"] == method
        ]

    def fingerprint_used(self, wildcards) -> list[str]:
        """The fingerprint, for a method that takes settings from it."""
        waits = self.configuration.methods[wildcards.method].waiting
        return [f"{self.folder}/fingerprint/{wildcards.direction}.json"] if waits else []

    def selection_told(self, wildcards) -> list[str]:
        """The fingerprint, where the training sample's selection is taken from it."""
        waits = self.configuration.selection == FINGERPRINT
        return [f"{self.folder}/fingerprint/{wildcards.direction}.json"] if waits else []

    def selection_told_of_base(self, wildcards) -> list[str]:
        """The same, of the direction that leads to a base."""
        waits = self.configuration.selection == FINGERPRINT
        direction = self.direction_to[wildcards.base]
        return [f"{self.folder}/fingerprint/{direction}.json"] if waits else []

    # Tolerances -------------------------------------------------------------------------------

    @cached_property
    def tolerances(self) -> list[str]:
        """The file of tolerances that catalogues are compared with, if there is one."""
        if self.configuration.comparison.by_run:
            return [f"{self.folder}/tolerances.json"]
        path = self.configuration.comparison.tolerances
        return [path] if path else []

    @cached_property
    def pool_parts(self) -> list[str]:
        """Parts of a network's pool, a job each."""
        return pool_parts(self.configuration)

    @cached_property
    def pair_parts(self) -> list[str]:
        """Pairs of replicates that one job compares: the first and the last, from 1."""
        return pair_parts(self.configuration)

    def of_part(self, name: str) -> list[str]:
        """Pattern of file ``name`` for every member of one part of a pool, all as large."""
        members = members_of_part(self.configuration)
        folder = f"{self.folder}/calibration/{{direction}}/{{kind}}/{{part}}"
        return [f"{folder}/member-{member}/{name}" for member in range(members)]

    def of_pool(self, name: str) -> Callable:
        """File ``name`` of every further member of the pools of one direction."""

        def paths(w) -> list[str]:
            kinds = self.configuration.directions[w.direction].networks
            return [
                pattern.format(direction=w.direction, kind=kind, part=part)
                for kind in kinds
                for part in self.pool_parts
                for pattern in self.of_part(name)
            ]

        return paths

    def of_compared(self, name: str) -> Callable:
        """File ``name`` of the compared method's own members of one direction."""
        method = self.configuration.comparison.method

        def paths(w) -> list[str]:
            kinds = self.configuration.directions[w.direction].networks
            every = (self.member_files(method, w.direction, kind, name) for kind in kinds)
            return [path for files in every for path in files]

        return paths

    def choice_tables(self, wildcards) -> list[str]:
        """Catalogues of one direction with each of the stated alternatives."""
        folder = f"{self.folder}/calibration/{wildcards.direction}"
        choices = self.configuration.comparison.choices
        return [f"{folder}/choice-{choice}.parquet" for choice in choices]

    def weights_of_choice(self, wildcards) -> list[str]:
        """The run's own weights, where an alternative does not train networks of its own."""
        comparison, direction = self.configuration.comparison, wildcards.direction
        if comparison.trains(wildcards.choice, self.members(comparison.method)):
            return []
        kinds = self.configuration.directions[direction].networks
        names = (comparison.method, direction)
        return [p for k in kinds for p in self.member_files(*names, k, "weights.safetensors")]

    def fingerprint_of_compared(self, wildcards) -> list[str]:
        """The fingerprint, where the compared method takes settings from it."""
        waits = self.configuration.methods[self.configuration.comparison.method].waiting
        return [f"{self.folder}/fingerprint/{wildcards.direction}.json"] if waits else []

    # Validation -------------------------------------------------------------------------------

    @cached_property
    def validation_tables(self) -> dict[str, str]:
        """The user's tables of a validation, by the name of their setting."""
        given = self.configuration.validation
        return {name: path for name, path in given or () if path}

    @cached_property
    def validation(self) -> list[str]:
        """What the validation found, where the run has one."""
        there = self.configuration.validation is not None
        return [f"{self.folder}/evaluation/validation.json"] if there else []

    @cached_property
    def selections_told(self) -> list[str]:
        """The fingerprints that selections are taken from, one a direction."""
        waits = self.configuration.selection == FINGERPRINT
        names = self.configuration.directions
        return [f"{self.folder}/fingerprint/{name}.json" for name in names if waits]

    # Figures ----------------------------------------------------------------------------------

    @cached_property
    def figures(self) -> list[str]:
        """Paths of all figures."""
        return [
            f"{self.folder}/figures/{name}.{suffix}"
            for name in figure_names(self.configuration)
            for suffix in FIGURE_SUFFIXES
        ]

    def report_labels(self, path: str) -> dict[str, object]:
        """Arguments of Snakemake's ``report`` for one figure."""
        stem = Path(path).stem
        figure, *names = stem.split("-", 1)
        of = names[0].replace("-", " ") if names else self.name
        return {
            "caption": f"../report/{figure}.rst",
            "category": section(stem),
            "labels": {"figure": figure, "of": of},
        }

    @cached_property
    def page_templates(self) -> list[str]:
        """Templates, style and script of the page."""
        folder = SOURCE / "spectrotranslator" / "report" / "templates"
        root = SOURCE.parent
        return sorted(f.relative_to(root).as_posix() for f in folder.iterdir() if f.is_file())

    # Provenance -------------------------------------------------------------------------------

    @cached_property
    def workflow_files(self) -> list[str]:
        """Snakefiles, rules, configuration and lock that the run is made of."""
        return workflow_files(self.given, self.configuration.sources.registry)

    @cached_property
    def workflow_digest(self) -> str:
        """Digest of Snakefiles, rules and configuration files."""
        return digest([sha256(file) for file in self.workflow_files])

    def copied_digest(self, *names: str) -> str:
        """Digest of files of the package that the crate holds copies of."""
        folder = SOURCE / "spectrotranslator" / "provenance"
        return digest([sha256(folder / name) for name in names])

    def write_configuration(self) -> None:
        """Write the resolved configuration where the steps read it."""
        dump(self.configuration, self.resolved)


def _pick(value: object, place: list[str]) -> object:
    """What stands at ``place``; ``*`` stands for any key."""
    if not place:
        return _without_descriptive(value)
    key, *rest = place
    if key == "*" and isinstance(value, dict):
        return {name: _pick(inner, rest) for name, inner in value.items()}
    inner = (value or {}).get(key)
    return inner if not rest and key in DESCRIPTIVE else _pick(inner, rest)


def _without_descriptive(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without_descriptive(v) for k, v in value.items() if k not in DESCRIPTIVE}
    return value
