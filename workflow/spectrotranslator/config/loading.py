"""Run files: found by name, laid over what they extend, checked, with errors that name the line."""

import difflib
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from spectrotranslator.errors import InputError
from spectrotranslator.files import from_yaml, write_text

from .configuration import Configuration

RUNS = Path("config/runs")
#: Keys of earlier releases: the end of their place to the key's name now.
RENAMED = {
    "sources.patience": "retry",
    "training.hide": "input_dropout",
    "montecarlo.colours": "colour_noise",
    "comparison.executions": "replicates",
}


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
        known = ", ".join(sorted(path.stem for path in (root / RUNS).glob("*.yaml")))
        raise InputError(f"run {run!r} does not exist: give one of {known}, or a file's path")
    path = Path(run)
    if not path.is_file():
        raise InputError(f"{run}: no such run configuration")
    return path


def resolve(run: str, root: Path = Path()) -> Configuration:
    """The complete configuration of a run, by its name or its file's path."""
    path = find(run, root)
    return validate(_layered(path), path, path.stem)


def load(path: str | Path) -> Configuration:
    """A resolved configuration (``results/RUN/config.yaml``)."""
    path = Path(path)
    return validate(_layered(path), path)


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
        There is no such file, it is not YAML in UTF-8, or it holds no mapping.
    """
    try:
        value = from_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise InputError(f"{path}: {reason}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: not UTF-8 text; save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise InputError(f"{path}, line {line}: not YAML ({error.problem})") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: a mapping of settings is expected")
    return value


def _layered(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """What the file at ``path`` says, laid over what it extends; ``above`` are laid over it."""
    if path.resolve() in above:
        circle = " -> ".join(file.name for file in (*above, path))
        raise InputError(f"{path}: extends itself ({circle}); take one 'extends' away")
    value = read(path)
    merged: dict[str, Any] = {}
    for layer in _layers(path, value.pop("extends", [])):
        merged = _merge(merged, _layered(path.parent / layer, (*above, path.resolve())))
    return _merge(merged, value)


def _layers(path: Path, below: Any) -> list[str]:
    layers = [below] if isinstance(below, str) else below
    if isinstance(layers, list) and all(isinstance(layer, str) for layer in layers):
        return layers
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
    location = [part for part in told if not str(part).startswith(("function-", "[key]"))]
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
    node = yaml.compose(path.read_text(encoding="utf-8"))
    line = None
    for part in location:
        if not isinstance(node, yaml.MappingNode):
            break
        pair = next((pair for pair in node.value if pair[0].value == str(part)), None)
        if pair is None:
            break
        line, node = pair[0].start_mark.line + 1, pair[1]
    return f", line {line}" if line else ""
