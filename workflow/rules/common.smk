# What the rules share: the run's configuration, where its files lie, what its jobs are called.

import re
from itertools import product
from pathlib import Path
from shlex import quote

from spectrotranslator.archive.registry import read_registry
from spectrotranslator.configuration import dump, resolve
from spectrotranslator.configuration.model import FINGERPRINT
from spectrotranslator.door.asks import Asks
from spectrotranslator.errors import InputError
from spectrotranslator.figures.names import RULES as RULES_FIGURE
from spectrotranslator.figures.names import compared, figure_names, section
from spectrotranslator.files import digest, sha256
from spectrotranslator.provenance.code import PACKAGE, code_digest
from spectrotranslator.provenance.sources import workflow_files

try:
    CONFIGURATION = resolve(config["run"])
    REGISTRY = read_registry(CONFIGURATION.sources.registry)
    ASKS = Asks.of(CONFIGURATION)
except InputError as error:
    raise WorkflowError(str(error))

RUN = CONFIGURATION.run
RESULTS = f"results/{RUN}"
RESOLVED = f"{RESULTS}/config.yaml"
if not workflow.dryrun:
    # Not a rule: Snakemake asks no job below a pending one whether its own parameters changed.
    dump(CONFIGURATION, RESOLVED)
SETTINGS = CONFIGURATION.model_dump(mode="json", by_alias=True)
SHARDS = CONFIGURATION.compute.shards
# On a GPU all members of an ensemble are trained by one job.
TOGETHER = CONFIGURATION.compute.device == "cuda"
# One GPU a job, and only where the configuration names it; no resource at all elsewhere.
GRES = CONFIGURATION.compute.gres if TOGETHER else None
METHODS = list(CONFIGURATION.methods)
DIRECTIONS = CONFIGURATION.directions
COMPARED = compared(CONFIGURATION)
COMPARED_METHOD = CONFIGURATION.comparison.method
TO_BASE = {direction.target: name for name, direction in DIRECTIONS.items()}
SURVEYS = CONFIGURATION.surveys
PHOTOMETRY = CONFIGURATION.sources.photometry

FILES = {source.file: source for source in REGISTRY.values()}
WORKFLOW_FILES = workflow_files(config["run"], CONFIGURATION.sources.registry)
MEMBER = f"{RESULTS}/networks/{{method}}/{{direction}}/{{kind}}/member-{{member}}"
PAGE_TEMPLATES = sorted(
    path.as_posix()
    for path in Path("workflow/spectrotranslator/figures/page").iterdir()
    if path.is_file()
)
FIGURE_SUFFIXES = ("svg", "pdf", "csv")
SKY = f"{RESULTS}/sky"
SKY_FILES = [
    f"{SKY}/{file}"
    for file in (
        "GALAH_DR3_main_allstar_v2.fits",
        "GALAH_DR3_VAC_GaiaEDR3_v2.fits",
        "allStarLite-dr17-synspec_rev1.fits",
        "gaia.parquet",
    )
]
STORED = CONFIGURATION.sky and CONFIGURATION.sky.published.stored
PUBLISHED = STORED or f"{SKY}/published"
AROUND = ""
if CONFIGURATION.sky:
    AROUND = (
        f"python -m spectrotranslator.minisky.serve --sky {quote(SKY)}"
        f" --published {quote(PUBLISHED)} --"
    )

shell.prefix(f"export PYTHONPATH={quote(str(PACKAGE.parent))}; ")


scattergather:
    shards=SHARDS,


wildcard_constraints:
    method="|".join(METHODS),
    direction="|".join(DIRECTIONS),
    survey="|".join(SURVEYS),
    kind="|".join(sorted({kind for d in DIRECTIONS.values() for kind in d.networks})),
    base="|".join(TO_BASE),
    member=r"\d+",
    file="|".join(re.escape(file) for file in FILES if file != "gaia.parquet"),


def record_of(job):
    return f"{RESULTS}/provenance/jobs/{job}.json"


def log_of(job):
    return f"{RESULTS}/logs/{job}.log"


def benchmark_of(job):
    return f"{RESULTS}/benchmarks/{job}.tsv"


def memory_of(rule):
    def ask(wildcards, threads, attempt):
        return attempt * ASKS.memory(rule, threads // CONFIGURATION.compute.threads)

    return ask


def minutes_of(rule):
    return lambda wildcards, attempt: attempt * ASKS.minutes(rule)


def disk_of(rule):
    return ASKS.disk(rule)


def settings(*places):
    """Digest of the settings a rule reads, so that changing one reruns it."""

    def pick(place):
        value = SETTINGS
        for part in place.split("."):
            value = (value or {}).get(part)
        return value

    return digest([pick(place) for place in places])


def settings_for(*places):
    """The same where a place holds a wildcard."""
    return lambda wildcards: settings(*(place.format(**wildcards) for place in places))


def fetched(source):
    return f"{RESULTS}/sources/{REGISTRY[source].file}"


def vizier_copy(survey):
    return f"{RESULTS}/sources/{survey}.vizier.parquet"


def copied():
    """Surveys whose copy at VizieR is fetched."""
    if CONFIGURATION.sources.route == "files":
        return []
    return [name for name, survey in SURVEYS.items() if survey.vizier]


def beside_vizier():
    return copied() if CONFIGURATION.sources.route == "both" else []


def quoted(paths):
    return " ".join(quote(str(path)) for path in paths)


def survey_files(wildcards):
    survey = SURVEYS[wildcards.survey]
    if survey.path:
        return [survey.path]
    if CONFIGURATION.sources.route == "vizier" and survey.vizier:
        return [vizier_copy(wildcards.survey)]
    return [
        fetched(source) for source in CONFIGURATION.sources.surveys[wildcards.survey]
    ]


def authors_file(kind):
    """The authors' own sample of one kind, where it is at hand."""
    authors = CONFIGURATION.sources.authors
    if authors is None or kind not in authors.files:
        return []
    source = REGISTRY[authors.files[kind]]
    if authors.folder:
        return [f"{authors.folder}/{source.file}"]
    return [fetched(source.name)] if source.urls else []


def fetched_files():
    """Names of all fetched files, Gaia's answer last."""
    surveys = [
        s
        for name in SURVEYS
        for s in CONFIGURATION.sources.surveys.get(name, [])
        if CONFIGURATION.sources.route != "vizier" or name not in copied()
    ]
    published = [DIRECTIONS[name].published for name in COMPARED]
    readme = [CONFIGURATION.sources.readme] if COMPARED else []
    files = [REGISTRY[source].file for source in [*surveys, *readme, *published]]
    authors = CONFIGURATION.sources.authors
    if authors and not authors.folder:
        given = [REGISTRY[source] for source in authors.files.values()]
        files += [source.file for source in given if source.urls]
    files += [f"{survey}.vizier.parquet" for survey in copied()]
    return files + (["gaia.parquet"] if PHOTOMETRY else [])


def sky_of_surveys():
    """The files a simulated archive serves; none for the real ones."""
    return SKY_FILES if CONFIGURATION.sky else []


def sky_behind(wildcards):
    """What must be there before a simulated archive can serve one file."""
    if not CONFIGURATION.sky:
        return []
    published = FILES[wildcards.file].name in (
        CONFIGURATION.sources.readme,
        *(DIRECTIONS[name].published for name in COMPARED),
    )
    return SKY_FILES + ([f"{PUBLISHED}/{wildcards.file}"] if published else [])


def shared_folder():
    folder = CONFIGURATION.sources.folder
    return f"--folder {quote(folder)}" if folder else ""


def lock_of_sources():
    """What a simulated sky serves changes with its settings: nothing to trust for ever."""
    lock = CONFIGURATION.sources.lock
    return f"--lock {quote(lock)}" if lock and not CONFIGURATION.sky else ""


def patience():
    """A resource, not a parameter: what is fetched does not hang on it."""
    given = SETTINGS["sources"]["patience"]
    return ",".join(f"{name}={value}" for name, value in given.items())


def marked_in(survey):
    """The direction whose rows are those of the published file, if the survey has one."""
    return [
        direction
        for direction in DIRECTIONS.values()
        if direction.origin == survey
        and direction.published
        and direction.catalogue
        and any(re.search(r"\bpublished\b", cut.cut) for cut in direction.rows)
    ][:1]


def stars_of(side):
    return lambda wildcards: (
        f"{RESULTS}/sample/{getattr(DIRECTIONS[wildcards.direction], side)}.parquet"
    )


def samples_of(wildcards):
    return [
        f"{RESULTS}/sample/{wildcards.direction}-{kind}.parquet"
        for kind in DIRECTIONS[wildcards.direction].networks
    ]


def members_of(method, direction, kind):
    folder = f"{RESULTS}/networks/{method}/{direction}/{kind}"
    members = range(CONFIGURATION.methods[method].ensemble.members)
    return [f"{folder}/member-{member}/weights.safetensors" for member in members]


def of_every_member(path):
    """The paths of all members; methods trained on a GPU have equally many."""
    members = next(iter(CONFIGURATION.methods.values())).ensemble.members
    return expand(path, member=range(members), allow_missing=True)


def apart(method):
    """How many members are trained at once where a method is judged."""
    members = CONFIGURATION.methods[method].ensemble.members
    return 1 if TOGETHER else min(members, CONFIGURATION.compute.processes)


def weights_of_kind(wildcards):
    return members_of(wildcards.method, wildcards.direction, wildcards.kind)


def weights_of_direction(wildcards):
    kinds = DIRECTIONS[wildcards.direction].networks
    return [
        path
        for kind in kinds
        for path in members_of(wildcards.method, wildcards.direction, kind)
    ]


def calibrated(method):
    """Whether a method's percentiles are calibrated on stars its members left out."""
    return CONFIGURATION.methods[method].montecarlo.intervals == "calibrated"


def calibrations_of(method, direction):
    kinds = DIRECTIONS[direction].networks if calibrated(method) else ()
    return [
        f"{RESULTS}/networks/{method}/{direction}/{kind}/calibration.json"
        for kind in kinds
    ]


def calibrations_of_direction(wildcards):
    return calibrations_of(wildcards.method, wildcards.direction)


def networks():
    """Every method, direction and kind."""
    return [
        (method, direction, kind)
        for method, direction in product(METHODS, DIRECTIONS)
        for kind in DIRECTIONS[direction].networks
    ]


def scores_of(method):
    return [
        f"{RESULTS}/networks/{m}/{direction}/{kind}/scores.json"
        for m, direction, kind in networks()
        if m == method
    ]


def catalogue_of(method, direction, suffix):
    return f"{RESULTS}/catalogues/{method}/{direction}.{suffix}"


def homogenised_catalogues():
    return [
        f"{RESULTS}/catalogues/{method}/homogenised_{base}.parquet"
        for method, base in product(METHODS, TO_BASE)
    ]


def descriptions_of(weights):
    """What lies beside the weights and is read with them."""
    return lambda wildcards: [
        path.replace("weights.safetensors", "training.json")
        for path in weights(wildcards)
    ]


def files_of_members(method, direction, kind):
    """Weights, description and history of every member of one network."""
    folders = [Path(path).parent for path in members_of(method, direction, kind)]
    names = ("weights.safetensors", "training.json", "history.csv")
    return [str(folder / name) for folder in folders for name in names]


def histories():
    files = [file for network in networks() for file in files_of_members(*network)]
    return [file for file in files if file.endswith("history.csv")]


def training_samples():
    return [f"{RESULTS}/sample/{Path(ledger).stem}.parquet" for ledger in ledgers()]


def importances():
    return [
        f"{RESULTS}/importance/{method}/{direction}-{kind}.json"
        for method, direction, kind in networks()
    ]


def evaluations():
    """Judged stars of every method, and the judgement of every direction."""
    stars = [
        f"{RESULTS}/evaluation/{method}/{direction}.parquet"
        for method, direction in product(METHODS, DIRECTIONS)
    ]
    return stars + [
        f"{RESULTS}/evaluation/{direction}.json" for direction in DIRECTIONS
    ]


def figure_files():
    return [
        f"{RESULTS}/figures/{name}.{suffix}"
        for name in figure_names(CONFIGURATION)
        for suffix in FIGURE_SUFFIXES
    ]


def graph_of_rules():
    """The figure that the page's own stage draws, from the records of all jobs before it."""
    return [f"{RESULTS}/figures/{RULES_FIGURE}.{suffix}" for suffix in FIGURE_SUFFIXES]


def in_report(path):
    """A figure as Snakemake's own report shows it; only the SVG goes there."""
    stem = Path(path).stem
    if not path.endswith(".svg"):
        return path
    what, *names = stem.split("-", 1)
    return report(
        path,
        caption=f"../report/{what}.rst",
        category=section(stem),
        labels={"figure": what, "of": names[0].replace("-", " ") if names else RUN},
    )


def translated_parts():
    """Translated rows of every method and direction, shard by shard."""
    return [
        f"{RESULTS}/catalogues/{method}/parts/{direction}-{i}-of-{SHARDS}.parquet"
        for method, direction in product(METHODS, DIRECTIONS)
        for i in range(1, SHARDS + 1)
    ]


def ledgers():
    return [
        f"{RESULTS}/sample/ledger/{direction}-{kind}.json"
        for direction, d in DIRECTIONS.items()
        for kind in d.networks
    ]


def fingerprint_of(direction):
    return f"{RESULTS}/fingerprint/{direction}.json"


def fingerprint_used(wildcards):
    """What a method waits for that takes its realisations from the published catalogue."""
    montecarlo = CONFIGURATION.methods[wildcards.method].montecarlo
    waits = montecarlo.realisations == FINGERPRINT
    return [fingerprint_of(wildcards.direction)] if waits else []


def tolerance_files():
    path = CONFIGURATION.comparison.tolerances
    return [path] if path else []


def layout_of(wildcards):
    path = DIRECTIONS[wildcards.direction].catalogue
    return [path] if path else []


def layouts():
    return {name: d.catalogue for name, d in DIRECTIONS.items() if d.catalogue}


def jobs_before_the_manifest():
    """Names of all jobs whose records the manifest gathers."""
    jobs = [f"fetch-{file}" for file in fetched_files()]
    jobs += ["simulate-sky"] if CONFIGURATION.sky else []
    jobs += ["publish-sky"] if CONFIGURATION.sky and not STORED else []
    jobs += ["list-sources"] if jobs else []
    jobs += [f"{verb}-{survey}" for verb in ("read", "prepare") for survey in SURVEYS]
    jobs += [f"crossmatch-{Path(ledger).stem}" for ledger in ledgers()] + ["ledger"]
    for method, direction, kind in networks():
        name = f"{method}-{direction}-{kind}"
        members = len(members_of(method, direction, kind))
        alone = [f"train-{name}-{member}" for member in range(members)]
        jobs += [f"train-{name}"] if TOGETHER else alone
        jobs += [f"score-{name}", f"importance-{name}"]
        jobs += [f"widths-{name}"] if calibrated(method) else []
    for method, direction in product(METHODS, DIRECTIONS):
        name = f"{method}-{direction}"
        jobs += [f"translate-{name}-{i}-of-{SHARDS}" for i in range(1, SHARDS + 1)]
        jobs += [f"predict-{name}", f"assemble-{name}"] + (
            [f"write-{name}"] if direction in layouts() else []
        )
    jobs += [
        f"homogenise-{method}-{base}" for method, base in product(METHODS, TO_BASE)
    ]
    jobs += [f"describe-{method}" for method in METHODS if layouts()]
    jobs += [f"evaluate-{direction}" for direction in DIRECTIONS]
    jobs += [f"{verb}-{d}" for verb in ("fingerprint", "compare") for d in COMPARED]
    return [*jobs, "judge", "draw", "page"]


def files_about(jobs):
    """Record, log and benchmark of every job."""
    return [place(job) for job in jobs for place in (record_of, log_of, benchmark_of)]


def crate_files():
    names = (
        "ro-crate-metadata.json",
        "verify.py",
        "README.md",
        "Snakefile",
        "code.tar",
    )
    return [f"{RESULTS}/provenance/{name}" for name in names]


def tree_of_the_run():
    """Every file the configuration asks for; what is not named here is not made again."""
    jobs = [*jobs_before_the_manifest(), "crate"]
    sky = [*SKY_FILES, f"{SKY}/truth/truth.parquet"] if CONFIGURATION.sky else []
    receipts = [f"receipts/{file}.json" for file in fetched_files()]
    listed = [*fetched_files(), *receipts, "manifest.json"] if receipts else []
    stars = [
        f"{survey}{suffix}"
        for survey in SURVEYS
        for suffix in (".rows.parquet", ".parquet")
    ]
    parts = [
        f"parts/{d}-{i}-of-{SHARDS}.parquet"
        for d in DIRECTIONS
        for i in range(1, SHARDS + 1)
    ]
    tables = [f"{d}.{suffix}" for d in DIRECTIONS for suffix in ("parquet", "fits")]
    tables += [f"{d}.dat" for d in layouts()] + (["ReadMe"] if layouts() else [])
    return [
        *sky,
        *(f"{RESULTS}/sources/{file}" for file in listed),
        *(f"{RESULTS}/sample/{name}" for name in [*stars, "ledger.json"]),
        *ledgers(),
        *training_samples(),
        *(file for network in networks() for file in files_of_members(*network)),
        *(path for method in METHODS for path in scores_of(method)),
        *(path for m in METHODS for d in DIRECTIONS for path in calibrations_of(m, d)),
        *importances(),
        *evaluations(),
        *(
            f"{RESULTS}/catalogues/{m}/{file}"
            for m in METHODS
            for file in [*parts, *tables]
        ),
        *homogenised_catalogues(),
        *(fingerprint_of(direction) for direction in COMPARED),
        *(
            f"{RESULTS}/diff/{d}/{name}"
            for d in COMPARED
            for name in ("diff.json", "rows.parquet", "peculiar.parquet")
        ),
        f"{RESULTS}/verdict.json",
        f"{RESULTS}/figures/facts.json",
        *figure_files(),
        *graph_of_rules(),
        f"{RESULTS}/report/index.html",
        f"{RESULTS}/report/run.json",
        *crate_files(),
        f"{RESULTS}/provenance/manifest.json",
        log_of("manifest"),
        *files_about(jobs),
    ]
