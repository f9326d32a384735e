"""Which configuration a run folder was made from."""

from pathlib import Path

from spectrotranslator.config import Configuration
from spectrotranslator.config.loading import read, text
from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json, write_json
from spectrotranslator.untrusted import parse_yaml

from .run_lock import RESULTS


def record_config_path(configuration: Configuration, path: Path) -> None:
    """Note that the run's folder belongs to the configuration at ``path``.

    The same file may change between calls; what hangs on the change is made again.

    Raises
    ------
    InputError
        The folder was made from another file of the same name that says something else, or the
        configuration kept in it cannot be read.
    """
    note = RESULTS / ".locks" / f"{configuration.run}.origin.json"
    made = RESULTS / configuration.run / "config.yaml"
    here = str(path.resolve())
    if note.is_file() and made.is_file():
        before = _noted(note)
        differences = _differences(
            _kept(made), parse_yaml(text(configuration), "the configuration")
        )
        if before not in (None, here) and differences:
            raise InputError(
                f"results/{configuration.run} was made from {before}, not from {path}: "
                f"{differences[0]}{_more(differences)}; "
                f"rename the file or ./reproduce remove {configuration.run}"
            )
    write_json(note, {"path": here})


def _noted(note: Path) -> str | None:
    """The path that the note holds; none where the note is damaged and is written anew."""
    try:
        noted = read_json(note)
    except InputError:
        return None
    path = noted.get("path") if isinstance(noted, dict) else None
    return path if isinstance(path, str) else None


def _kept(made: Path) -> dict:
    try:
        return read(made)
    except InputError as error:
        raise InputError(f"{error}; delete that file, it will be written again") from None


def _more(differences: list[str]) -> str:
    return f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""


def _differences(before, now, place: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for key in {**before, **now}
            for line in _differences(before.get(key), now.get(key), f"{place}.{key}".lstrip("."))
        ]
    return [] if before == now else [f"{place} is {before} there, {now} here"]
