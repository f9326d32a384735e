"""Read the fingerprint of one published catalogue."""

from pathlib import Path

import pandas as pd

from ..archive.relatives import refuse_lacking
from ..cds.layout import Table, layout_from_yaml
from ..cds.readme import load_readme
from ..compare.tables import read_catalogue
from ..configuration import Configuration, load
from ..configuration.model import Direction
from ..errors import InputError
from ..files import write_json
from ..stage import Stage
from .answer import Answer
from .read import Executions, Question, fingerprint


def read_published(
    path: Path, readme: Path | None, configuration: Configuration, name: str
) -> tuple[pd.DataFrame, Table]:
    """The catalogue's columns, and the layout that says what fills them.

    Raises
    ------
    InputError
        The file is not of that layout, or the ReadMe describes other columns.
    """
    layout = layout_of(configuration, name)
    table = load_readme(readme).table(path) if readme else layout
    lacking = {column.label for column in layout.columns} - {c.label for c in table.columns}
    if lacking:
        raise InputError(f"{readme}: {table.name} has no column {min(lacking)!r} of {layout.name}")
    return read_catalogue(path, table).columns, layout


def layout_of(configuration: Configuration, name: str) -> Table:
    """The layout of a direction's catalogue."""
    path = configuration.directions[name].catalogue
    if path is None:
        raise InputError(f"direction {name} has no catalogue layout, so none to read")
    return layout_from_yaml(path)


def read_fingerprint(
    path: Path,
    readme: Path | None,
    configuration: Configuration,
    name: str,
    stars: dict[str, Path],
    photometry: dict[str, pd.DataFrame] | None = None,
    executions: Executions | None = None,
) -> dict:
    """All answers of the catalogue at ``path``, for JSON.

    ``name`` is the direction; ``stars`` holds the stars of both its surveys, as the workflow
    prepares them.

    Raises
    ------
    InputError
        The catalogue or a table of stars is not there or is not what it should be.
    """
    columns, layout = read_published(path, readme, configuration, name)
    direction = configuration.directions[name]
    needed = columns_of(direction)
    tables = {survey: read_stars(stars[survey], needed[survey]) for survey in needed}
    question = Question(configuration, direction, tables)
    answers = fingerprint(columns, layout, question, photometry, executions)
    return as_json(layout.name, name, answers)


def as_json(table: str, direction: str, answers: dict[str, Answer]) -> dict:
    """What ``results/RUN/fingerprint/DIRECTION.json`` holds."""
    return {
        "schema_version": 1,
        "table": table,
        "direction": direction,
        "answers": {name: answer.as_dict() for name, answer in answers.items()},
    }


def columns_of(direction: Direction) -> dict[str, list[str]]:
    """Survey to the columns of its prepared stars that the questions need."""
    inputs = [name for network in direction.networks.values() for name in network.inputs]
    outputs = [name for network in direction.networks.values() for name in network.outputs]
    named = ["row", "key", "identifier", "source_id"]
    errors = [f"{name}_error" for name in inputs]
    return {
        direction.origin: list(dict.fromkeys([*named, *inputs, *errors])),
        direction.target: list(dict.fromkeys([*named, *outputs])),
    }


def read_stars(path: Path, columns: list[str]) -> pd.DataFrame:
    """A survey's stars as the workflow prepares them.

    Raises
    ------
    InputError
        There is no such file, it is no Parquet table, or it lacks one of ``columns``.
    """
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such table of stars; make the run, or give one with --stars"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a Parquet table of stars ({error})") from None
    refuse_lacking(path, columns, table)
    return table


def main(arguments) -> None:
    configuration = load(arguments.config)
    direction = configuration.directions[arguments.direction]
    stars = {direction.origin: arguments.origin, direction.target: arguments.target}
    found = read_fingerprint(
        arguments.published, arguments.readme, configuration, arguments.direction, stars
    )
    write_json(arguments.fingerprint, found)


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.option("direction", "name of the direction", required=True)
stage.input("readme", "the published ReadMe")
stage.input("published", "the published table")
stage.input("origin", "stars of the survey translated from, Parquet")
stage.input("target", "stars of the survey translated to, Parquet")
stage.output("fingerprint", "all answers, JSON")

if __name__ == "__main__":
    stage.run(main)
