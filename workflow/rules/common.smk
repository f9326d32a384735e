# What the rules share: the run's configuration, what its jobs are called and what they ask for.

import json
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


onstart:
    # Not a rule: Snakemake asks no job below a pending one whether its own parameters changed. Not
    # before jobs begin: the finished run of a dry run, an unlocking or a report keeps its own.
    dump(CONFIGURATION, RESOLVED)


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
    """Digest of the settings a rule reads, so that changing one reruns it; so does their order,
    as that of the surveys is the order of the matched stars."""

    def pick(place):
        value = SETTINGS
        for part in place.split("."):
            value = (value or {}).get(part)
        return value

    return digest([json.dumps(pick(place)) for place in places])


def settings_for(*places):
    """The same where a place holds a wildcard."""
    return lambda wildcards: settings(*(place.format(**wildcards) for place in places))


def quoted(paths):
    return " ".join(quote(str(path)) for path in paths)
