"""One self-contained page about a run."""

import base64
from pathlib import Path

import jinja2

from ..configuration import load
from ..configuration.document import unknowns
from ..files import read_json, write_text
from ..fingerprint.words import in_words
from ..stage import Stage

CAPTIONS = {
    "quality": "Residuals before (orange) and after (blue) translation. The black line is the "
    "running median, the band holds 16 to 84% of the stars. A good translation lies on zero.",
    "importance": "Share of each input in the prediction and in the correction alone, from exact "
    "Shapley values. The velocity's own value takes nearly all of its prediction.",
    "training": "Loss of every member: thin lines training stars, thick lines validation stars.",
    "diff": "Regenerated minus published medians. Two executions of one method differ by the "
    "scatter of their trainings, so the width matters less than the shift.",
    "galaxy": "Medians over Galactocentric radius and height, both surveys on one base, "
    "recommended stars only, with the number of stars in each cell.",
}


def main(arguments) -> None:
    configuration = load(arguments.config)
    verdict = read_json(arguments.verdict)
    facts = read_json(arguments.facts)
    page = _environment().from_string(arguments.template.read_text("utf-8"))
    write_text(
        arguments.page,
        page.render(
            run=configuration,
            verdict=verdict,
            ledger=read_json(arguments.ledger),
            qualities=facts,
            figures=[_figure(path) for path in arguments.figures if path.suffix == ".png"],
            unknowns=unknowns(configuration),
            evaluations=[_judged(read_json(path)) for path in arguments.evaluations],
            fingerprints={
                told["table"]: in_words(told) for told in map(read_json, arguments.fingerprints)
            },
        ),
    )


def _judged(evaluation: dict) -> dict:
    """An evaluation with its methods in order and, for each label, the one that scatters least."""
    labels = {
        name: line | {"least": min(line["errors"], key=lambda m: line["errors"][m]["std"]["value"])}
        for name, line in evaluation["labels"].items()
    }
    methods = list(dict.fromkeys(method for line in labels.values() for method in line["errors"]))
    return evaluation | {"labels": labels, "methods": methods}


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["figure"] = lambda value: f"{value:.4g}"
    return environment


def _figure(path: Path) -> dict[str, str]:
    image = base64.b64encode(path.read_bytes()).decode()
    what, _, rest = path.stem.partition("-")
    return {
        "name": path.stem,
        "what": what,
        "title": f"{what.capitalize()}: {rest.replace('-', ' ')}",
        "caption": CAPTIONS[what],
        "image": f"data:image/png;base64,{image}",
    }


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.input("template", "the page's template")
stage.input("verdict", "the verdict, JSON")
stage.input("ledger", "the ledger, JSON")
stage.input("facts", "numbers of the figures, JSON")
stage.input("evaluations", "methods judged on stars none of them saw, JSON", many=True)
stage.input("fingerprints", "what published tables say, JSON", many=True, required=False)
stage.input("figures", "every figure as PNG, PDF and CSV", many=True)
stage.output("page", "the page, HTML")

if __name__ == "__main__":
    stage.run(main)
