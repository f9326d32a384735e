"""The document of the catalogues' columns, from the configuration and the published layouts.

``python -m spectrotranslator.translation.column_documentation`` writes it; a test fails when it
drifts.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from cdstables.layout import layout_from_yaml
from spectrotranslator.config import Configuration, resolve
from spectrotranslator.files import write_text

from .product_columns import Description, catalogue_descriptions, homogenised_descriptions

DOCUMENT = Path("docs/reference/catalogue_columns.md")
RUN, METHOD = "mini", "robust"
INTRODUCTION = f"""# Columns of the catalogues

<!-- Written by `python -m spectrotranslator.translation.column_documentation`. -->

`results/RUN/catalogues/METHOD/` holds each catalogue as FITS, VOTable (`.vot`), Parquet and CDS
table (`.dat`, with a ReadMe). Units are those of the CDS: `[cm/s2]` is a decimal logarithm, `[-]`
is dex. Every file says of itself, in its header or metadata, whether it is `SIMULATED`, and names
run, method, direction, version, commit, configuration digest, inputs, references and licence. `K`
stands for the number of a network. The tables are those of the run `{RUN}` and the method
`{METHOD}`; other methods lack the columns of calibrated intervals (`_predictive_`) and of the
distance to the training stars. The CDS table of a translated catalogue has the published columns
alone. Only Parquet has the whole comments.

**Use the method `robust` for science.** `as-published` repeats the paper's method: on a simulated
sky its 16-84% intervals hold 34 to 52% of the true values, those of `robust` 61 to 75%
([methods](../explanation/networks.md)).

**What an error means.** That of a *measured* value (`X_measured` is true) is what the survey
states: its internal error, not its distance to the truth. That of a *translated* value is half of
`X_high - X_low`: of `robust`, the noise of the inputs, the scatter of the networks and the
residuals of stars left out of training, less the labels' own errors; of `as-published`, the noise
of the inputs and the scatter of the networks alone. The two are not to be averaged as if they were
one kind.

**What a correlation means.** `A_B_correlation` is that of two translated labels of one network
under the noise of its inputs and between its networks. It is estimated from as many realisations
and networks as the run has (ten and ten by default), so a single star's is uncertain by some 0.3.
The correlation of the residuals against the target survey is not in it, nor that between the
labels of different networks.
"""


def document() -> str:
    """The document: one table for each catalogue."""
    configuration = resolve(RUN)
    parts = [INTRODUCTION]
    for name, direction in configuration.directions.items():
        layout = layout_from_yaml(direction.catalogue)
        found = catalogue_descriptions(configuration, METHOD, name, layout)
        parts.append(_table(name, _written(found, configuration)))
    for direction in configuration.directions.values():
        found = homogenised_descriptions(configuration, direction)
        del found["key"]
        parts.append(_table(f"homogenised_{direction.target}", found.items()))
    return "\n".join(parts)


def _written(
    found: dict[str, Description], configuration: Configuration
) -> Iterator[tuple[str, Description]]:
    """The columns that a catalogue with a published layout has, networks under one line."""
    labels = {name for survey in configuration.surveys.values() for name in survey.features}
    for name, description in found.items():
        plain = re.sub(r"_(p[\d.]+|systematic)$", "", name)
        hidden = name != plain and plain in labels  # stands under the layout's own label
        if hidden or name == "comment" or re.search(r"_member_[1-9]", name):
            continue
        text = re.sub(r"network 0\b", "network K", description.text)
        yield (
            name.replace("_member_0", "_member_K"),
            Description(text, description.ucd, description.unit),
        )


def _table(name: str, rows: Iterable[tuple[str, Description]]) -> str:
    lines = [f"## {name}\n", "| column | unit | UCD | what it is |", "|---|---|---|---|"]
    lines += [f"| `{c}` | {d.unit} | {d.ucd} | {d.text} |" for c, d in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_text(DOCUMENT, document())
