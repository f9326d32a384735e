"""The verbs of ``./reproduce``; each is a module with ``main(arguments) -> exit status``."""

import difflib
import os
import sys
from importlib import import_module

from spectrotranslator import surroundings, user_paths
from spectrotranslator.errors import InputError
from spectrotranslator.source_code import SOURCE

TRACEBACK = "SPECTROTRANSLATOR_TRACEBACK"
LONGEST = 3_000

VERBS = {
    "test": ("cli.test", "run the whole test suite"),
    "preflight": ("cli.preflight", "before a run: are its sources as known, is there room"),
    "plan": ("cli.plan", "the jobs of a run with predicted time, memory and disk"),
    "list": ("cli.list_runs", "what runs there are, their grade, age and size"),
    "remove": ("cli.remove", "remove a run, never the shared downloads"),
    "calibrate": ("cli.calibrate", "how far independent replicates of a run lie apart"),
    "why": ("cli.why", "where a row or a cell of a catalogue came from"),
    "compare": ("cli.compare", "two runs: the first difference and its cause"),
    "certificate": ("cli.certificate", "draft the reproduction certificate, sign the run"),
    "audit": ("cli.audit", "re-verify everything the run recorded"),
    "fingerprint": ("cli.fingerprint", "what the published files say about how they were made"),
    "diff": ("cli.diff", "compare any two catalogues of one layout"),
    "check": ("cli.check", "is a file what its ReadMe says, line by line"),
    "new": ("cli.new", "write a run configuration for your own tables"),
    "translate": ("cli.translate", "translate your own table of stars with trained networks"),
    "export": ("cli.export", "a trained direction as one portable file with its model card"),
    "deposit": ("cli.deposit", "a run as a folder ready for a data repository"),
    "convert": ("cli.convert", "CDS table to FITS, Parquet, VOTable or ECSV, and back"),
}

USAGE = """usage: ./reproduce [RUN | VERB ...] [-- SNAKEMAKE ARGUMENTS]

  RUN is a name in config/runs (mini, full, ...; none: mini) or the path of a run configuration:
  the whole workflow of that run. What follows -- goes to Snakemake unchanged.

{verbs}

./reproduce --version prints version and commit, ./reproduce VERB --help the verb's arguments with
an example; neither needs an installation. Paths are seen from the folder you call from;
results/... also from the repository.
Exit status: 0 fine, 1 it ran and the answer is bad, 2 it could not run (one line says why)."""


def usage() -> str:
    """What ``./reproduce --help`` prints."""
    lines = [f"  {verb:<11} {what}" for verb, (_, what) in VERBS.items()]
    return USAGE.format(verbs="\n".join(lines))


def version() -> str:
    """What ``./reproduce --version`` prints: the version and the commit."""
    from spectrotranslator import __version__
    from spectrotranslator.repository import repository

    return f"spectrotranslator {__version__}, commit {repository()['commit']}"


def require_known(word: str) -> None:
    """Refuse a word that is neither a verb nor a run, with the nearest that is.

    Parameters
    ----------
    word : str
        First word of the command line; a path is not looked at.

    Raises
    ------
    InputError
        There is no such verb or run.
    """
    runs = [path.stem for path in (SOURCE.parent / "config" / "runs").glob("*.yaml")]
    if "/" in word or word.endswith((".yaml", ".yml")) or word in runs:
        return
    near = difflib.get_close_matches(word, [*VERBS, *runs], n=1)
    advice = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(
        f"{word!r} is neither a verb nor a run: {advice}./reproduce --help lists the verbs, "
        f"the runs are {', '.join(sorted(runs))}"
    )


def main(arguments: list[str]) -> int:
    """Run one verb; a user's error becomes one line and status 2."""
    verb, *rest = arguments or ["mini"]
    try:
        if verb in ("-h", "--help", "help"):
            print(usage())
            return 0
        if verb == "--version":
            print(version())
            return 0
        if verb in VERBS:
            return import_module(f"spectrotranslator.{VERBS[verb][0]}").main(rest)
        from .run import main as run

        named = user_paths.resolve_run(verb)
        require_known(named)
        return run([named, *rest])
    except InputError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename or verb}: {error.strerror or error}")
    except KeyboardInterrupt:
        return _refuse("interrupted; call again to go on")
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        kind = type(error).__name__
        return _refuse(f"{verb}: {kind}: {error}; a fault of ours: {TRACEBACK}=1 shows where")


def _refuse(message: str) -> int:
    from spectrotranslator.untrusted import printable

    print(f"error: {printable(message, LONGEST)}", file=sys.stderr)
    return 2


def run() -> None:
    """Console script: run the verb that the command line names and exit with its status."""
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        sys.exit(_refuse("the working folder is gone; change to another one"))
    surroundings.settle()
    status = main(sys.argv[1:])
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        sys.stdout.give_up()
        status = _refuse(f"standard output: {error.strerror or error}")
    sys.exit(status)
