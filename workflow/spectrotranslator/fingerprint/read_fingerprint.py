"""Read the fingerprint of one published catalogue."""

from pathlib import Path

import pandas as pd

from cdstables.layout import Table, layout_from_yaml
from cdstables.readme import load_readme
from spectrotranslator.comparison.read_catalogues import read_catalogue
from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import Direction
from spectrotranslator.download.require_columns import require_columns
from spectrotranslator.errors import InputError
from spectrotranslator.files import write_json
from spectrotranslator.step import Step

from .answer import Answer
from .questions import Question, Replicates, fingerprint


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
    replicates: Replicates | None = None,
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
    answers = fingerprint(columns, layout, question, photometry, replicates)
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
    require_columns(path, columns, table)
    return table


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    direction = configuration.directions[arguments.direction]
    stars = {direction.origin: arguments.origin, direction.target: arguments.target}
    found = read_fingerprint(
        arguments.published, arguments.readme, configuration, arguments.direction, stars
    )
    write_json(arguments.fingerprint, found)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("direction", "name of the direction", required=True)
step.input("readme", "the published ReadMe")
step.input("published", "the published table")
step.input("origin", "stars of the survey translated from, Parquet")
step.input("target", "stars of the survey translated to, Parquet")
step.output("fingerprint", "all answers, JSON")
step.setting("surveys")
step.setting("selections")
step.setting("selection_grid")
step.setting("match")
step.setting("crossmatch")
step.setting("split")
step.setting("directions.{direction}")
step.setting("methods.{compared_method}.montecarlo.map_bins")
step.setting("methods.{compared_method}.montecarlo.map_precision")
