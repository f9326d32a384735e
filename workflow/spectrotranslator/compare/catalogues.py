"""Compare one regenerated catalogue with the published one."""

from dataclasses import replace
from pathlib import Path

from ..catalogue.settled import settled
from ..cds.layout import Table, layout_from_yaml
from ..cds.readme import load_readme
from ..configuration import Configuration, load
from ..files import read_json
from ..stage import Stage
from .diff import compare
from .explain import differing_settings, explain, overview
from .tables import read_catalogue
from .tolerances import read_tolerances


def main(arguments) -> None:
    configuration = load(arguments.config)
    layout = layout_from_yaml(configuration.directions[arguments.direction].catalogue)
    # How comments are written no ReadMe says.
    theirs = replace(
        load_readme(arguments.readme).table(arguments.published), comment=layout.comment
    )
    ours = load_readme(arguments.own_readme).table(arguments.regenerated)
    path = configuration.comparison.tolerances
    difference = compare(
        read_catalogue(arguments.published, theirs),
        read_catalogue(arguments.regenerated, ours),
        read_tolerances(Path(path), arguments.direction) if path else None,
    )
    explanation = _explanation(configuration, arguments, layout, difference.summary["columns"])
    explained = replace(difference, summary=difference.summary | explanation)
    explained.write(arguments.diff, arguments.rows, arguments.peculiar)


def _explanation(configuration: Configuration, arguments, layout: Table, columns: dict) -> dict:
    """By column and over all: which settings the published catalogue says were others."""
    fingerprint = read_json(arguments.fingerprint)
    method = configuration.methods[configuration.comparison.method]
    method = settled(method, arguments.fingerprint)
    differing = differing_settings(fingerprint, configuration, method)
    explained = explain(columns, layout, differing)
    return {"explain": {"settings": overview(explained), "columns": explained}}


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.option("direction", "name of the direction", required=True)
stage.input("readme", "the published ReadMe")
stage.input("published", "the published table")
stage.input("own-readme", "the ReadMe of the regenerated table")
stage.input("regenerated", "the regenerated table")
stage.input("tolerances", "the tolerances that the configuration names", required=False)
stage.input("fingerprint", "what the published table says of its settings, JSON")
stage.output("diff", "all figures and grades, JSON")
stage.output("rows", "one line a star, Parquet")
stage.output("peculiar", "rows without a partner, repeated or moved, Parquet")

if __name__ == "__main__":
    stage.run(main)
