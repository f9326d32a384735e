# Shared by all rules: the run, names of records and logs, and which values a wildcard may take.

from spectrotranslator.errors import InputError
from spectrotranslator.graph.run_files import RunFiles
from spectrotranslator.graph.targets import files_of_rules

try:
    RUN = RunFiles(config["run"])
except InputError as error:
    raise WorkflowError(str(error))

CONFIGURATION = RUN.configuration
RESULTS = RUN.folder
SKY = RUN.sky
COMPARED = CONFIGURATION.comparison.method


onstart:
    # Not a rule: Snakemake does not ask a job below a pending one whether its own parameters
    # changed. A dry run, an unlocking or a report leaves the file of a finished run alone.
    RUN.write_configuration()


wildcard_constraints:
    method=RUN.any_of(RUN.methods),
    direction=RUN.any_of(CONFIGURATION.directions),
    survey=RUN.any_of(CONFIGURATION.surveys),
    kind=RUN.any_of(sorted({network["kind"] for network in RUN.networks})),
    base=RUN.any_of(RUN.direction_to),
    shard=RUN.any_of(RUN.shards),
    file=RUN.any_of(RUN.registered_files),


def record_of(job):
    return f"{RESULTS}/provenance/jobs/{job}.json"


def log_of(job):
    return f"{RESULTS}/logs/{job}.log"


def benchmark_of(job):
    return f"{RESULTS}/benchmarks/{job}.tsv"


def in_report(path):
    """A figure as Snakemake's own report shows it; only the SVG goes there."""
    return report(path, **RUN.report_labels(path)) if path.endswith(".svg") else path


def files_of_run(*skipped):
    """Every output, log and benchmark of the run, but those of the ``skipped`` rules."""
    return lambda wildcards: files_of_rules(workflow.rules, RUN.domains, skipped)


def records_before(*skipped):
    """Provenance records of all jobs, but those of the ``skipped`` rules."""
    folder = record_of("*").removesuffix("*.json")
    files = files_of_run(*skipped)
    return lambda wildcards: [f for f in files(wildcards) if f.startswith(folder)]
