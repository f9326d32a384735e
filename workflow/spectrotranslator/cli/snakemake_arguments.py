"""What Snakemake's arguments after ``--`` ask for, as Snakemake's own parser understands them."""

import io
from argparse import ArgumentParser, Namespace
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from spectrotranslator.errors import InputError
from spectrotranslator.untrusted import printable

#: Arguments that replace what the front door itself gives, and what to do instead.
REFUSED = {
    "config": "write the setting into a configuration that extends this run's",
    "configfile": "write a run configuration that extends this one",
    "replace_workflow_config": "write a run configuration that extends this one",
    "directory": "call ./reproduce of the clone that is meant",
    "snakefile": "call snakemake itself for another workflow",
}
#: Arguments with which Snakemake answers or tidies up, and makes no result.
NO_RUN = (
    "dryrun", "dag", "rulegraph", "filegraph", "d3dag", "summary", "detailed_summary", "lint",
    "list_rules", "list_target_rules", "list_changes", "list_input_changes",
    "list_params_changes", "list_untracked", "list_conda_envs", "print_compilation", "export_cwl",
    "unlock", "cleanup_metadata", "cleanup_shadow", "archive", "containerize",
    "generate_unit_tests", "delete_all_output", "delete_temp_output", "report", "touch",
    "conda_create_envs_only", "conda_cleanup_envs", "container_cleanup_images",
)  # fmt: skip
CORES = ("cores", "jobs", "profile")
#: Arguments that choose how much a dry run prints; without them counts of jobs and reasons.
WORDINESS = ("quiet", "printshellcmds", "verbose")


@dataclass(frozen=True)
class SnakemakeArguments:
    """Arguments for Snakemake.

    Parameters
    ----------
    words : tuple of str
        As they were given.
    makes_results : bool
        Whether Snakemake makes the run, rather than answering a question.
    chooses_cores : bool
        Whether they name cores, jobs or a profile.
    """

    words: tuple[str, ...] = ()
    makes_results: bool = True
    chooses_cores: bool = False


def understand(words: list[str]) -> SnakemakeArguments:
    """What ``words`` ask of Snakemake.

    Parameters
    ----------
    words : list of str
        What follows ``--`` on the command line.

    Returns
    -------
    SnakemakeArguments
        The words with what they mean.

    Raises
    ------
    InputError
        Snakemake does not understand them, or they undo what the front door sets.
    """
    if not words:
        return SnakemakeArguments()
    given = _parsed(words)
    if given is None:
        return SnakemakeArguments(tuple(words), makes_results=False, chooses_cores=True)
    for name, instead in REFUSED.items():
        if getattr(given, name, None):
            option = name.replace("_", "-")
            raise InputError(f"--{option} after -- would make another run: {instead}")
    brief = given.dryrun and not any(_asked(given, name) for name in WORDINESS)
    return SnakemakeArguments(
        (*words, *(("--quiet", "rules", "host") if brief else ())),
        makes_results=not any(_asked(given, name) for name in NO_RUN),
        chooses_cores=any(getattr(given, name, None) is not None for name in CORES),
    )


def _asked(given: Namespace, name: str) -> bool:
    value = getattr(given, name, None)
    return value is not None and value is not False and value != []


def _parsed(words: list[str]) -> Namespace | None:
    """The arguments; none where they ask for Snakemake's help or version."""
    from snakemake.cli import get_argument_parser

    parser: ArgumentParser = get_argument_parser()
    said = io.StringIO()
    try:
        with redirect_stderr(said), redirect_stdout(said):
            return parser.parse_args(words)
    except SystemExit as end:
        if not end.code:
            return None
        lines = said.getvalue().strip().splitlines()
        reason = lines[-1].partition("error: ")[2] if lines else ""
        shown = printable(" ".join(words))
        raise InputError(f"Snakemake does not take {shown}: {printable(reason)}") from None
