"""Which files of the repository say what a run is, besides the package."""

from pathlib import Path

from spectrotranslator.config.loading import find, layers
from spectrotranslator.repository import LOCK


def workflow_files(run: str, registry: str | Path) -> list[str]:
    """Snakefiles, rules, the run's configuration, the table of sources, the environment's lock.

    Paths are relative to the repository's root, which is the working folder.
    """
    here = Path.cwd()
    configuration = [file.resolve() for file in layers(find(run))]
    inside = [f.relative_to(here) if f.is_relative_to(here) else f for f in configuration]
    rules = sorted(Path("workflow/rules").glob("*.smk"))
    files = [Path("Snakefile"), Path("workflow/Snakefile"), *rules, *inside, Path(registry)]
    return sorted({str(file) for file in [*files, Path(LOCK)] if file.is_file()})
