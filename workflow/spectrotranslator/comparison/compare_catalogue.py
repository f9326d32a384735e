"""Compare one regenerated catalogue with the published one."""

from dataclasses import replace

from cdstables.layout import Table, layout_from_yaml
from cdstables.readme import load_readme
from spectrotranslator.comparison.tolerances import read_tolerances
from spectrotranslator.config import Configuration, load
from spectrotranslator.config.resolve_from_fingerprint import (
    adopted_settings,
    resolve_selection,
    resolve_settings,
)
from spectrotranslator.files import read_json
from spectrotranslator.step import Step

from .catalogue_diff import compare
from .explain_differences import differing_settings, explain, overview
from .read_catalogues import read_catalogue


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    layout = layout_from_yaml(configuration.directions[arguments.direction].catalogue)
    # How comments are written no ReadMe says.
    theirs = replace(
        load_readme(arguments.readme).table(arguments.published), comment=layout.comment
    )
    ours = load_readme(arguments.own_readme).table(arguments.regenerated)
    path = arguments.tolerances
    difference = compare(
        read_catalogue(arguments.published, theirs),
        read_catalogue(arguments.regenerated, ours),
        read_tolerances(path, arguments.direction) if path else None,
    )
    adopted = {"adopted": adopted_settings(configuration, arguments.fingerprint)}
    explanation = _explanation(configuration, arguments, layout, difference.summary["columns"])
    explained = replace(difference, summary=difference.summary | adopted | explanation)
    explained.write(arguments.diff, arguments.rows, arguments.unmatched)


def _explanation(configuration: Configuration, arguments, layout: Table, columns: dict) -> dict:
    """By column and over all: which settings the published catalogue says were others."""
    fingerprint = read_json(arguments.fingerprint)
    configuration = resolve_selection(configuration, arguments.fingerprint)
    method = configuration.methods[configuration.comparison.method]
    method = resolve_settings(method, arguments.fingerprint)
    differing = differing_settings(fingerprint, configuration, method)
    explained = explain(columns, layout, differing)
    return {"explain": {"settings": overview(explained), "columns": explained}}


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("direction", "name of the direction", required=True)
step.input("readme", "the published ReadMe")
step.input("published", "the published table")
step.input("own-readme", "the ReadMe of the regenerated table")
step.input("regenerated", "the regenerated table")
step.input(
    "tolerances",
    "the tolerances: of the configuration, or the run's own",
    required=False,
)
step.input("fingerprint", "what the published table says of its settings, JSON")
step.output("diff", "all figures and grades, JSON")
step.output("rows", "one line a star, Parquet")
step.output("unmatched", "rows without a partner, repeated or moved, Parquet")
step.setting("comparison")
step.setting("selection")
step.setting("selection_fallback")
step.setting("training_sample")
step.setting("methods.{compared_method}")
