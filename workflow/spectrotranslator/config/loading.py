"""Run files: found by name, laid over what they extend, checked, with errors that name the line."""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from spectrotranslator.errors import InputError
from spectrotranslator.files import read_yaml, write_text
from spectrotranslator.untrusted import YAML_BYTES, read_text, yaml_line

from .configuration import BY_RUN, Configuration

RUNS = Path("config/runs")
DEEPEST_LAYERS = 20
MOST_LAYERS = 100
#: Keys of earlier releases: the end of their place to the key's name now.
RENAMED = {
    "sources.patience": "retry",
    "training.hide": "input_dropout",
    "montecarlo.colours": "colour_noise",
    "comparison.executions": "replicates",
}
#: Where paths stand in a configuration; ``*`` is any key.
PLACES = (
    ("sources", "registry"),
    ("sources", "columns"),
    ("sources", "folder"),
    ("sources", "lock"),
    ("sources", "authors", "folder"),
    ("surveys", "*", "path"),
    ("directions", "*", "catalogue"),
    ("validation", "clusters"),
    ("validation", "benchmarks"),
    ("comparison", "tolerances"),
)


def find(run: str, root: Path = Path()) -> Path:
    """The configuration file of ``run``: a name in ``config/runs`` or a path.

    Raises
    ------
    InputError
        There is none; the runs that exist are named.
    """
    named = root / RUNS / f"{run}.yaml"
    if "/" not in run and not run.endswith((".yaml", ".yml")):
        if named.is_file():
            return named
        known = sorted(path.stem for path in (root / RUNS).glob("*.yaml"))
        near = difflib.get_close_matches(run, known, n=1)
        advice = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"run {run!r} does not exist: {advice}give one of {', '.join(known)}, or a file's path"
        )
    path = Path(run)
    if not path.is_file():
        raise InputError(f"{run}: no such run configuration")
    return path


def resolve(run: str, root: Path = Path()) -> Configuration:
    """The complete configuration of a run, by its name or its file's path."""
    path = find(run, root)
    return validate(layered(path), path, path.stem)


def require_tables(configuration: Configuration) -> None:
    """Refuse a run whose own tables are not there.

    Raises
    ------
    InputError
        One is not; the setting that names it is told.
    """
    places = {f"surveys.{name}.path": one.path for name, one in configuration.surveys.items()}
    if validation := configuration.validation:
        places |= {f"validation.{name}": path for name, path in validation}
    for setting, path in places.items():
        if path and not Path(path).is_file():
            raise InputError(
                f"{path}: no such file ({setting} of run {configuration.run}), "
                "seen from the configuration's folder or the repository"
            )


def load(path: str | Path) -> Configuration:
    """A resolved configuration (``results/RUN/config.yaml``)."""
    path = Path(path)
    return validate(read(path), path)


def dump(configuration: Configuration, path: str | Path) -> None:
    """Write the resolved configuration, unless the file says just that already."""
    path = Path(path)
    if not path.is_file() or path.read_bytes() != text(configuration).encode():
        write_text(path, text(configuration))


def text(configuration: Configuration) -> str:
    """The resolved configuration as YAML."""
    value = configuration.model_dump(mode="json", by_alias=True, exclude_none=True)
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def validate(value: dict[str, Any], path: Path, run: str | None = None) -> Configuration:
    """Check ``value``, read from ``path``; the first fault becomes an ``InputError``."""
    if run is not None:
        value = {**value, "run": run}
    try:
        return Configuration.model_validate(value)
    except ValidationError as error:
        raise InputError(_explain(error, path)) from None


def read(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises
    ------
    InputError
        There is no such regular file, it is not YAML in UTF-8, or it holds no mapping.
    """
    value = read_yaml(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: a mapping of settings is expected")
    return value


def layered(path: Path) -> dict[str, Any]:
    """What a run's configuration file says, laid over all that it extends."""
    return _LayerReader().merged(path)


def layers(path: Path) -> list[Path]:
    """A run's configuration file and all it extends, each once.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of Path
        The file first, then what it extends, directly or not, in order.

    Raises
    ------
    InputError
        A file cannot be read, one extends itself, or there are too many.
    """
    reader = _LayerReader()
    reader.merged(path)
    return list(reader.files.values())


class _LayerReader:
    """Lays a file over what it extends; reads each file once, and not too many."""

    def __init__(self) -> None:
        self.files: dict[Path, Path] = {}
        self._merged: dict[Path, dict[str, Any]] = {}

    def merged(self, path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
        """What the file says, laid over what it extends; ``above`` are laid over it."""
        place = Path(os.path.realpath(path))
        if place in above:
            circle = " -> ".join(file.name for file in (*above, path))
            raise InputError(f"{path}: extends itself ({circle}); take one 'extends' away")
        if len(above) >= DEEPEST_LAYERS or len(self.files) >= MOST_LAYERS:
            raise InputError(
                f"{path}: more than {DEEPEST_LAYERS} levels or {MOST_LAYERS} files of 'extends'"
            )
        if place not in self._merged:
            self.files[place] = path
            self._merged[place] = self._read(path, (*above, place))
        return self._merged[place]

    def _read(self, path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
        value = read(path)
        below: dict[str, Any] = {}
        for layer in _layers(path, value.pop("extends", [])):
            below = _merge(below, self.merged(path.parent / layer, above))
        return _merge(below, _seen_from(value, path.parent))


def _seen_from(value: Any, folder: Path, places: Sequence[tuple[str, ...]] = PLACES) -> Any:
    """What a file says, its paths seen from its folder where they lead to something there.

    Others are seen from the repository. A path within the working folder stays relative.
    """
    if isinstance(value, str) and () in places:
        return value if value == BY_RUN else _found(value, folder)
    if not isinstance(value, dict):
        return value

    def below(key: str) -> list[tuple[str, ...]]:
        return [place[1:] for place in places if place and place[0] in ("*", key)]

    return {key: _seen_from(inner, folder, below(key)) for key, inner in value.items()}


def _found(text: str, folder: Path) -> str:
    path = Path(os.path.normpath(folder.absolute() / text))
    try:
        there = path.exists()
    except (OSError, ValueError):
        return text
    if not there or Path(text).is_absolute():
        return text
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _layers(path: Path, below: Any) -> list[str]:
    listed = [below] if isinstance(below, str) else below
    if isinstance(listed, list) and all(isinstance(layer, str) for layer in listed):
        if len(listed) <= MOST_LAYERS:
            return listed
        raise InputError(f"{path}: extends names more than {MOST_LAYERS} files")
    spot = f"{path}{_line(path, ['extends'])}"
    raise InputError(f"{spot}: extends: the path of a file or a list of paths is expected")


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """``above`` laid over ``below``: mappings merge, null takes a key away, the rest replaces."""
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
            continue
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            value = _merge(below[key], value)
        merged[key] = value
    return merged


def _explain(error: ValidationError, path: Path) -> str:
    first = error.errors()[0]
    told = first.get("ctx", {}).get("location", first["loc"])
    inner = ("function-", "[key]", "constrained-")
    location = [part for part in told if not str(part).startswith(inner)]
    where = ".".join(map(str, location)) or "the configuration"
    spot = f"{path}{_line(path, location)}"
    if first["type"] == "extra_forbidden":
        if renamed := _new_name(where):
            return f"{spot}: {where!r} is now called {renamed!r}; rename the key"
        near = difflib.get_close_matches(str(location[-1]), _siblings(location[:-1]), n=1, cutoff=0)
        return f"{spot}: unknown key {where!r}; the nearest known one is {near[0]!r}"
    message = first["msg"].removeprefix("Value error, ")
    return (
        f"{spot}: {message}" if message.startswith(f"{where}: ") else f"{spot}: {where}: {message}"
    )


def _new_name(place: str) -> str | None:
    """What a key of an earlier release is called now."""
    return next((new for old, new in RENAMED.items() if f".{place}".endswith(f".{old}")), None)


def _siblings(location: list[Any]) -> list[str]:
    """Names of the keys that may stand at ``location``."""
    place: Any = Configuration
    for part in location:
        fields = _fields(place)
        place = _without_none(fields[part] if fields else get_args(place)[-1])
    return list(_fields(place))


def _fields(place: Any) -> dict[str, Any]:
    """Keys of a model to what they hold; empty for a mapping of any names or a list."""
    if not (isinstance(place, type) and issubclass(place, BaseModel)):
        return {}
    fields = place.model_fields.items()
    return {(field.alias or name): _without_none(field.annotation) for name, field in fields}


def _without_none(annotation: Any) -> Any:
    if type(None) in get_args(annotation):
        return next(a for a in get_args(annotation) if a is not type(None))
    return annotation


def _line(path: Path, location: list[Any]) -> str:
    """Where ``location`` stands in the file, as ``, line N``; empty if a lower layer holds it."""
    line = yaml_line(read_text(path, YAML_BYTES, links=True), location, str(path))
    return f", line {line}" if line else ""
