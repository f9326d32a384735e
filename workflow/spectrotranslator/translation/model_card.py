"""The card of an exported model: what it was trained on, its ranges, residuals and limits."""

from collections.abc import Iterator

import numpy as np

from spectrotranslator.config import Configuration
from spectrotranslator.errors import InputError
from spectrotranslator.network.training_sample import Sample

from .product_metadata import SIMULATED, as_texts

LIMITS = """\
- It translates stars like those it was trained on. Where an input lies outside the ranges below, or
  among them where no training star lies, the flags of the translation say so; the values there are
  not to be used.
- It corrects one survey's values to the base of another. It makes neither base true.
- Where the inputs are noisy, translated values lie closer to the mean of the training stars than
  the truth does.
- Magnitudes are not corrected for extinction, so the colours of reddened stars are outside what it
  knows."""
HELD = """\
The archive holds the labels and identifiers of these stars (`sample/`), from which its flags
follow; pass it on only where the surveys' terms allow that."""
JUDGED = """\
On stars that no network saw, each method trained anew without them: mean ± standard deviation about
the labels, whose own errors are in it, and the share of labels within the 16-84% interval."""


def model_card(
    configuration: Configuration,
    method: str,
    direction: str,
    metadata: dict[str, str | bool],
    samples: dict[str, Sample],
    evaluation: dict | None,
) -> str:
    """The card, Markdown.

    Parameters
    ----------
    configuration : Configuration
        The run's.
    method, direction : str
        What is exported.
    metadata : dict
        What products of it say of themselves.
    samples : dict of str to Sample
        Kind of network to the stars that it was trained on.
    evaluation : dict or None
        What ``evaluation/DIRECTION.json`` of the run holds; None where there is none.
    """
    chosen = configuration.directions[direction]
    origin, target = (configuration.surveys[s].title for s in (chosen.origin, chosen.target))
    lines = [f"# {origin} to {target}, method {method}", ""]
    if metadata["SIMULATED"]:
        lines += [f"**Trained on simulated stars. {SIMULATED}**", ""]
    lines += [
        f"Translates labels of {origin} to the base of {target} with ensembles of neural networks.",
        "",
        "```python",
        "from spectrotranslator import Translation",
        'translation = Translation.load("FILE")',
        "translated = translation.translate(table)",
        "```",
        "",
        "## Trained on",
        "",
        *_stars(samples),
        "",
        HELD,
        "",
        "## Inputs",
        "",
        "| network | input | unit | least | most |",
        "|---|---|---|---|---|",
        *_ranges(configuration, direction, samples, "inputs"),
        "",
        "## Outputs",
        "",
        "| network | output | unit | least | most |",
        "|---|---|---|---|---|",
        *_ranges(configuration, direction, samples, "outputs"),
        "",
        "## Residuals",
        "",
        *_residuals(method, evaluation),
        "",
        "## Limits",
        "",
        LIMITS,
        "",
        "## Origin",
        "",
        *(f"- {name}: {value}" for name, value in as_texts(metadata).items()),
    ]
    return "\n".join(lines) + "\n"


def _stars(samples: dict[str, Sample]) -> Iterator[str]:
    for kind, sample in samples.items():
        yield f"- network {kind}: {len(sample.part)} stars"


def _ranges(
    configuration: Configuration, direction: str, samples: dict[str, Sample], side: str
) -> Iterator[str]:
    chosen = configuration.directions[direction]
    survey = configuration.surveys[chosen.origin if side == "inputs" else chosen.target]
    for kind, network in chosen.networks.items():
        values = getattr(samples[kind], side)
        for name, column in zip(getattr(network, side), values.T, strict=True):
            extent = f"{np.nanmin(column):.5g} | {np.nanmax(column):.5g}"
            yield f"| {kind} | {name} | {survey.features[name].unit or '---'} | {extent} |"


def _residuals(method: str, evaluation: dict | None) -> list[str]:
    if evaluation is None:
        return ["The run was not evaluated, so none are stated."]
    try:
        return [
            JUDGED,
            "",
            "| label | before | after | unit | in the interval |",
            "|---|---|---|---|---|",
            *(_residual(name, told, method) for name, told in evaluation["labels"].items()),
        ]
    except (KeyError, TypeError, AttributeError, ValueError):
        raise InputError("evaluation of the run: damaged; make the run again") from None


def _residual(name: str, told: dict, method: str) -> str:
    before, after = (told["errors"][which] for which in ("none", method))
    figures = [f"{e['mean']['value']:.3g} ± {e['std']['value']:.3g}" for e in (before, after)]
    share = told["intervals"][method]["coverage"]["16-84"]["label"]
    return f"| {name} | {figures[0]} | {figures[1]} | {told['unit']} | {share:.2f} |"
