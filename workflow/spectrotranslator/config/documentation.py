"""The configuration's schema and its documentation, both from the model.

``python -m spectrotranslator.config.documentation`` writes them; a test fails when they drift.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from spectrotranslator.files import write_text

from .loading import Configuration

SCHEMA = Path("workflow/schemas/configuration.schema.yaml")
README = Path("config/README.md")
PAGE = Path("docs/reference/configuration.md")

INTRODUCTION = """# Configuration

<!-- Written by `python -m spectrotranslator.config.documentation`; edit the model instead. -->

A run is one YAML file in `config/runs/`, named after the run. `extends:` names the file, or the
files in order, that it is laid over (the paper itself is `config/paper.yaml`), as seen from where
it stands; every other path is seen from the repository's root. A mapping is merged, null takes a
key away, anything else is replaced.
`config/config.yaml` says which run plain `snakemake` makes. What follows is every key there is;
any other is refused with the nearest one named. Numbers of the method say where they come from:
the catalogue's ReadMe, the authors' code, the paper, a survey's advice, or ours. *Unknown* marks
what is stated neither in the authors' code nor in the catalogue's ReadMe; the paper's text was not
consulted here.
"""


def schema() -> str:
    """JSON schema of a resolved configuration, as YAML."""
    return yaml.safe_dump(Configuration.model_json_schema(), sort_keys=False, width=100)


def readme() -> str:
    """The documentation: a section a model, a line a key."""
    parts = [INTRODUCTION]
    for place, model in sections(Configuration, ""):
        title = f"`{place}`" if place else "A run"
        parts.append(f"## {title}\n\n{(model.__doc__ or '').strip().splitlines()[0]}\n")
        rows = [
            f"| `{field.alias or name}` | {_default(field)} | {_source(field)} | "
            f"{_meaning(field)} |"
            for name, field in model.model_fields.items()
        ]
        parts.append("| key | default | source | meaning |\n|---|---|---|---|")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def sections(model: type[BaseModel], place: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every model of the configuration with the place of its keys; ``NAME`` is any name."""
    yield place, model
    for name, field in model.model_fields.items():
        inner, many = _inner(field.annotation)
        if inner is not None:
            key = f"{place}.{field.alias or name}".lstrip(".")
            yield from sections(inner, f"{key}.NAME" if many is dict else key)


def _inner(annotation: Any) -> tuple[type[BaseModel] | None, Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, None
    origin = get_origin(annotation)
    for argument in reversed(get_args(annotation)):
        found, many = _inner(argument)
        if found is not None:
            return found, origin if origin in (dict, list, tuple) else many
    return None, None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or (
        isinstance(value, dict | tuple) and any(isinstance(v, BaseModel) for v in _values(value))
    ):
        return "see below"
    return f"`{value}`" if value not in (None, "", [], {}) else "none"


def _meaning(field: FieldInfo) -> str:
    choices = [f"`{choice}`" for choice in _choices(field.annotation)]
    known = f" One of {', '.join(choices)}." if len(choices) > 1 else ""
    return f"{field.description or ''}{known}".strip()


def _choices(annotation: Any) -> list[str]:
    """The words a key may hold, of all it may be."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        return [str(argument) for argument in arguments]
    return [choice for argument in arguments for choice in _choices(argument)]


def _values(value: dict | tuple) -> Any:
    return value.values() if isinstance(value, dict) else value


def _source(field: FieldInfo) -> str:
    extra = field.json_schema_extra or {}
    unknown = ", *unknown*" if extra.get("unknown") else ""
    return f"{extra.get('source', '')}{unknown}"


def unknowns(configuration: Configuration) -> list[dict[str, str]]:
    """Settings that are unknown, with the values this run takes and who says so.

    Those of every method first, then those that all methods share (``every``).
    """
    found = [
        {"method": method, **line}
        for method, settings in configuration.methods.items()
        for line in _unknown(settings, "")
    ]
    shared = _unknown(configuration, "", without=("methods",))
    return found + [{"method": "every", **line} for line in shared]


def _unknown(part: BaseModel, place: str, without: tuple[str, ...] = ()) -> Iterator[dict]:
    """Settings within ``part`` that are marked unknown; a value other than the default is ours."""
    for name, field in type(part).model_fields.items():
        value, extra = getattr(part, name), field.json_schema_extra or {}
        if name in without:
            continue
        if isinstance(value, BaseModel):
            yield from _unknown(value, f"{place}{name}.")
        elif extra.get("unknown"):
            usual = value == field.get_default(call_default_factory=True)
            source = extra["source"] if usual else "ours"
            yield {"setting": f"{place}{name}", "value": str(value), "source": source}


def main() -> None:
    """Write the schema and the documentation into the repository."""
    write_text(SCHEMA, schema())
    write_text(README, readme())
    write_text(PAGE, readme())


if __name__ == "__main__":
    main()
