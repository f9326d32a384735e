"""One self-contained page about a run, with the graph of its rules and an account of its jobs."""

from argparse import Namespace
from pathlib import Path
from shlex import quote

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import FINGERPRINT
from spectrotranslator.config.documentation import unknowns
from spectrotranslator.files import read_json, write_json, write_text
from spectrotranslator.fingerprint.summary import summary_lines
from spectrotranslator.step import Step

from . import plot_provenance
from .figure_names import compared, mapped
from .html_template import embedded, environment, look, written_label, written_unit
from .plot_differences import medians

WORST = 20


def main(arguments: Namespace) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    verdict = read_json(arguments.verdict)
    facts = read_json(arguments.facts)
    records = [read_json(path) for path in arguments.records]
    account = plot_provenance.account(records)
    graph = plot_provenance.draw(records)
    graph.save(arguments.graph[0].parent)
    write_json(arguments.run, account)
    told = facts["figures"] | {graph.name: {"title": graph.title, "caption": graph.caption}}
    drawn = [path for path in (*arguments.figures, *arguments.graph) if path.suffix == ".svg"]
    top = top_figures(configuration)
    folder = arguments.page.parent.parent
    templates = arguments.templates[0].parent
    page = environment(templates).get_template("page.html")
    write_text(
        arguments.page,
        page.render(
            run=configuration,
            command_run=quote(configuration.run),
            verdict=verdict,
            account=account,
            warnings=warnings(configuration, verdict),
            ledger=read_json(arguments.ledger),
            facts=facts,
            figures=[embedded(path, told[path.stem], path.stem in top) for path in drawn],
            evaluations=[
                judged(read_json(path)) | {"path": _within(path, folder)}
                for path in arguments.evaluations
            ],
            validation=read_json(arguments.validation) if arguments.validation else None,
            diffs=[
                {
                    "path": _within(path, folder),
                    "name": path.parent.name,
                    "worst": worst(configuration.run, path.parent.name, read_json(path)),
                }
                for path in arguments.diffs
            ],
            fingerprints=[
                {"path": _within(path, folder), "table": one["table"], "lines": summary_lines(one)}
                for path, one in ((path, read_json(path)) for path in arguments.fingerprints)
            ],
            **look(templates),
        ),
    )


def top_figures(configuration: Configuration) -> set[str]:
    """The figures that matter most: grades, residuals of the compared method, the Galaxy."""
    method, direction = configuration.comparison.method, next(iter(configuration.directions))
    names = {f"quality-{method}-{direction}"}
    names |= {f"grades-{name}" for name in compared(configuration)[:1]}
    maps = [base for name, base in mapped(configuration) if name == method]
    return names | {f"asymmetry-{method}-{base}" for base in maps[:1]}


def warnings(configuration: Configuration, verdict: dict) -> list[str]:
    """What a reader must know before believing a number."""
    found = [f"Bad member: {member}." for member in verdict["bad_members"]]
    if verdict["evidence"] == "simulated":
        what = " and the published catalogues" if compared(configuration) else ""
        found.append(
            f"The surveys{what} of this run are simulated. It shows that the workflow works, not "
            "what the real catalogues say."
        )
    if configuration.selection not in (None, FINGERPRINT) and len(configuration.selections) > 1:
        others = ", ".join(n for n in configuration.selections if n != configuration.selection)
        others += " and the combinations of selection_grid" if configuration.selection_grid else ""
        found.append(
            f"The training sample's cuts are unknown: the candidate selection taken is "
            f"{configuration.selection}; others are {others}."
        )
    if compared(configuration) and not configuration.comparison.tolerances:
        found.append(
            "No tolerances were measured for this run: without ./reproduce calibrate no column "
            "can be called equivalent."
        )
    if compared(configuration) and unknowns(configuration):
        found.append(
            "Length of training, members, realisations and more are stated neither in the "
            "authors' code nor in the catalogue's ReadMe; the paper's text was not consulted here. "
            "What was taken, and what the published files say of it, is listed below."
        )
    if configuration.compute.device != "cpu":
        found.append(
            f"The device was {configuration.compute.device}: on another one the bits differ."
        )
    return found + [f"{note}." for note in verdict["notes"]]


def judged(evaluation: dict) -> dict:
    """An evaluation with its methods in order and, for each label, the one that scatters least."""
    labels = {
        name: line | {"least": min(line["errors"], key=lambda m: line["errors"][m]["std"]["value"])}
        for name, line in evaluation["labels"].items()
    }
    methods = list(dict.fromkeys(method for line in labels.values() for method in line["errors"]))
    written = [(written_label(label), written_unit(line["unit"])) for label, line in labels.items()]
    heads = ["Method", *(f"{label} ({unit})" if unit else label for label, unit in written)]
    return evaluation | {"labels": labels, "methods": methods, "heads": heads}


def worst(run: str, direction: str, diff: dict) -> list[dict]:
    """The stars that differ most in each median, with the command that explains them."""
    return [
        star
        | {
            "column": label,
            "command": f"./reproduce why {quote(run)} {quote(direction)} "
            f"{quote(star['identifier'])} {quote(label)}",
        }
        for label in medians(diff)
        for star in diff["columns"][label].get("worst", [])[:WORST]
    ]


def _within(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


step = Step(__doc__)
step.input("config", "resolved configuration")
step.input("templates", "the page's templates, style and script", many=True)
step.input("verdict", "the verdict, JSON")
step.input("ledger", "the ledger, JSON")
step.input("facts", "captions and numbers of the figures, JSON")
step.input("evaluations", "methods judged on stars none of them saw, JSON", many=True)
step.input("validation", "repeats, clusters and benchmark stars, JSON", required=False)
step.input("diffs", "comparisons, JSON", many=True, required=False)
step.input("fingerprints", "what published tables say, JSON", many=True, required=False)
step.input("figures", "every figure, SVG", many=True)
step.input("records", "records of all jobs before", many=True)
step.output("page", "the page, HTML")
step.output("run", "when, where and with what the run was made, and what it cost, JSON")
step.output("graph", "graph of the rules as SVG, PDF and CSV", many=True)
step.setting("everything")
