"""Write the run's own tolerances from the replicates of every compared catalogue."""

from spectrotranslator.comparison.choices import joined_ranges
from spectrotranslator.config import load
from spectrotranslator.files import read_json, write_json
from spectrotranslator.step import Step

from .tolerance_file import catalogue_tolerances, tolerance_file

MODULE = "spectrotranslator.tolerance.collect_tolerances"


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    comparison = configuration.comparison
    catalogues = {}
    for path in arguments.flags:
        direction = path.parent.name
        made = [read_json(one) for one in arguments.statistics if one.parent.name == direction]
        ranges = [*(one["choices"] for one in made), read_json(path)["columns"]]
        pairs = [pair for one in made for pair in one["pairs"]]
        freedom = min(comparison.replicates, comparison.pool)
        rows = made[0]["rows"]
        catalogues[direction] = catalogue_tolerances(pairs, joined_ranges(ranges), freedom, rows)
    command = f"./reproduce {configuration.run}"
    write_json(arguments.tolerances, tolerance_file(configuration, command, MODULE, catalogues))


step = Step(__doc__)
step.input("config", "resolved configuration")
step.input("statistics", "grading statistics of pairs of replicates, JSON", many=True)
step.input("flags", "spread of the flags over selections, JSON", many=True)
step.output("tolerances", "tolerances of every compared catalogue, JSON")
step.setting("run")
step.setting("comparison.replicates")
step.setting("comparison.pool")
step.setting("comparison.method")
step.setting("methods.{compared_method}")
