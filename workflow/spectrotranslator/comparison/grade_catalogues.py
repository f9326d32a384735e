"""One verdict from the comparisons of all catalogues and the scores of all members."""

from spectrotranslator.config import Configuration, load
from spectrotranslator.files import read_json, write_json
from spectrotranslator.step import Step
from spectrotranslator.translation.residual_percentiles import FROM_RESIDUALS, kinds_from_residuals

from .explain_differences import causes
from .grades import DEVIATES, worst

FIGURES = ("bias", "robust_scatter", "agreement", "other_reasons", "differing", "matched")
LIMITS = ("smallest_detectable", "smallest_detectable_in_catalogue")
NOT_COMPARED = "not compared"


def column_line(column: dict) -> dict:
    """What the verdict keeps of a column of diff.json."""
    kept = {name: column[name] for name in ("grade", "reason", "class", "unit")}
    kept |= {name: column[name] for name in FIGURES if name in column}
    kept |= {name: column[name] for name in LIMITS if name in column}
    if "pull_systematic" in column:
        kept["pull"] = column["pull_systematic"].get("robust_scatter")
    return kept


def bad_members(scores: dict[str, dict]) -> list[str]:
    """Members whose loss is not the one their training recorded, by name."""
    return [
        f"{network} {member['member']}: validation loss {member['found']}, "
        f"{member['recorded']:.6g} when trained"
        for network, score in scores.items()
        for member in score["members"]
        if not member["agrees"]
    ]


def notes(configuration: Configuration) -> list[str]:
    """What a reader of the grades must know of the inputs: which of them carry no error.

    Where none does, percentiles over realisations would have no width and are those of residuals.
    """
    found = {}
    for name, direction in configuration.directions.items():
        survey = configuration.surveys[direction.origin]
        inputs = {name for network in direction.networks.values() for name in network.inputs}
        bare = [n for n, f in survey.features.items() if n in inputs and not f.error]
        if bare:
            told = f"{survey.title}: {', '.join(bare)} without errors: no realisation perturbs them"
            methods = [m for m in configuration.methods
                       if kinds_from_residuals(configuration, m, name)]  # fmt: skip
            if methods:
                told += f", percentiles of {', '.join(methods)} are {FROM_RESIDUALS}"
            found[survey.title] = told
    return list(found.values())


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    diffs = [read_json(path) for path in arguments.diffs]
    scores = {"/".join(path.parts[-4:-1]): read_json(path) for path in arguments.scores}
    bad = bad_members(scores)
    grades = [diff["grade"] for diff in diffs] + ([DEVIATES] if bad else [])
    write_json(
        arguments.verdict,
        {
            "schema_version": 3,
            "answer": [line for diff in diffs for line in diff["agreement"]["sentences"]],
            "agreement": {diff["table"]: diff["agreement"] for diff in diffs},
            "adopted": {diff["table"]: diff["adopted"] for diff in diffs},
            "run": configuration.run,
            "evidence": configuration.evidence,
            "method": configuration.comparison.method,
            "grade": worst(grades) if grades else NOT_COMPARED,
            "bad_members": bad,
            "notes": notes(configuration),
            "catalogues": {
                diff["table"]: {
                    "grade": diff["grade"],
                    "by_chance": diff["by_chance"],
                    "too_far_for_chance": diff["too_far_for_chance"],
                    "by_chance_means": diff["by_chance_means"],
                    "rows": diff["rows"],
                    "causes": causes(diff),
                    "explain": diff["explain"]["settings"],
                    "columns": {n: column_line(c) for n, c in diff["columns"].items()},
                }
                for diff in diffs
            },
        },
    )


step = Step(__doc__)
step.input("config", "resolved configuration")
step.input("diffs", "comparisons, JSON", many=True, required=False)
step.input("scores", "scores of the members, JSON", many=True)
step.output("verdict", "the verdict, JSON")
step.setting("run")
step.setting("sky")
step.setting("evidence")
step.setting("comparison.method")
step.setting("surveys.*.title")
step.setting("surveys")
step.setting("directions")
