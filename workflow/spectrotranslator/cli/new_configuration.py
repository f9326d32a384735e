"""The text of a run configuration for a user's own tables, with what was seen in its comments."""

import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from .table_findings import FoundColumn


@dataclass(frozen=True)
class Side:
    """One survey of a new configuration."""

    name: str
    path: str
    key: list[str]
    identifier: str | None
    columns: dict[str, FoundColumn]
    seen: list[str]
    repeated_keys: str = "refuse"
    source_id: str | None = None
    position: tuple[str, str] | None = None
    snr: str | None = None


@dataclass(frozen=True)
class Draft:
    """A new configuration: two surveys, how they are matched, and their labels' pairs."""

    sides: tuple[Side, Side]
    match: str
    why_match: str
    inputs: list[str]
    outputs: list[str]


@dataclass(frozen=True)
class Sizes:
    """Networks for a number of stars."""

    width: int
    batch: int
    members: int = 10

    @classmethod
    def of(cls, stars: int) -> "Sizes":
        """Narrower networks and smaller batches for fewer stars."""
        width = 64 if stars >= 3000 else 32 if stars >= 500 else 16
        batch = 512
        while batch > 32 and batch * 25 > stars:
            batch //= 2
        return cls(width, batch)


def configuration_text(name: str, draft: Draft, stars: int, seen: list[str]) -> str:
    """The configuration as YAML.

    Parameters
    ----------
    stars
        Stars of the training sample.
    seen
        What was seen in the matched stars, a line each.
    """
    first, second = draft.sides
    sizes = Sizes.of(stars)
    lines = [
        f"# {first.name} translated to the base of {second.name}; written by ./reproduce new.",
        f"# Run it: ./reproduce {name}.yaml; look before: ./reproduce preflight {name}.yaml.",
        "# Every setting: config/README.md. Paths are seen from this file's folder.",
        f"description: {_yaml(f'{first.name} translated to the base of {second.name}')}",
        "evidence: real",
        "",
        "surveys:",
        *(line for side in draft.sides for line in _survey(side)),
        "",
        *_comments([draft.why_match]),
        f"match: {draft.match}",
        *_selection(draft.sides),
        "",
        *_comments(seen),
        "# Rows of one star stay together. The other way round needs a run of its own: exchange",
        "# from and to, inputs and outputs.",
        "split: {by: star, validation: 0.2, test: 0.0}",
        "directions:",
        f"  {first.name}_to_{second.name}:",
        f"    from: {first.name}",
        f"    to: {second.name}",
        "    networks:",
        "      intrinsic:",
        f"        inputs: {_yaml(draft.inputs)}",
        f"        outputs: {_yaml(draft.outputs)}",
        "        correct: first",
        "",
        f"# Sized to {stars} stars: width {sizes.width}, batches of {sizes.batch}. Stars that are",
        "# far off hardly pull (loss: cauchy), gaps are met in training (input_dropout),",
        "# percentiles are calibrated on stars left out (intervals).",
        "methods:",
        "  robust:",
        f"    network: {{widths: [{sizes.width}], dropout: 0.0, zero_output: true, base: identity,",
        "              mark_missing: true}",
        "    training:",
        "      learning_rates: [0.01, 0.003, 0.001, 0.0001]",
        "      epochs: 200",
        "      patience: 10",
        f"      batch: {sizes.batch}",
        "      best_weights: always",
        "      loss: cauchy",
        "      folds: 5",
        "      input_dropout: 0.02",
        f"    ensemble: {{members: {sizes.members}, trim: 0}}",
        "    montecarlo: {missing: sentinels too, draws: stratified, colour_noise: correlated,",
        "                 intervals: calibrated, joint_support: 0.99}",
        "comparison: {method: robust}",
    ]
    return "\n".join(lines) + "\n"


def _survey(side: Side) -> list[str]:
    lines = [
        *(f"  # {line}" for line in side.seen),
        f"  {side.name}:",
        f"    title: {_yaml(side.name)}",
        f"    path: {_yaml(side.path)}",
        f"    key: {_yaml(side.key)}",
    ]
    if side.repeated_keys != "refuse":
        lines.append(f"    repeated_keys: {side.repeated_keys}")
    if side.identifier:
        lines.append(f"    identifier: {_yaml(side.identifier)}")
    if side.source_id:
        lines.append(f"    source_id: {_yaml(side.source_id)}")
    if side.position:
        lines.append(f"    position: {_yaml(list(side.position))}")
    if side.snr:
        lines.append(f"    snr: {_yaml(side.snr)}")
    lines.append("    features:")
    for column in side.columns.values():
        error = f"error: {_yaml([column.error])}, " if column.error else ""
        without = "" if column.error else "; no errors: taken as exact"
        lines += [
            f"      # {column.extent}{without}",
            f"      {_yaml(column.column)}: {{{error}unit: {_yaml(column.unit)}}}",
        ]
    return lines


def _selection(sides: tuple[Side, Side]) -> list[str]:
    """Cuts that leave out marks of missing values, where there are any."""
    lines = []
    for side in sides:
        cuts = [
            f"        - {{cut: {_yaml(f'`{c.column}` != {mark!r}')}, source: ours}}"
            for c in side.columns.values()
            for mark in c.marks
        ]
        lines += [f"      {side.name}:", *cuts] if cuts else []
    if not lines:
        return []
    head = ["# Values of nines alone stand for missing ones.", "selection: known_values"]
    return ["", *head, "selections:", "  known_values:", "    cuts:", *lines]


def _comments(lines: list[str]) -> list[str]:
    return [f"# {line}" for line in lines]


def _yaml(value: object) -> str:
    """A scalar or a list on one line, fit to stand within brackets."""
    text = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10_000)
    return text.strip().removeprefix("[").removesuffix("]")


def written_path(table: Path, configuration: Path) -> str:
    """The path of a table as a configuration beside it names it."""
    return Path(os.path.relpath(table.resolve(), configuration.absolute().parent)).as_posix()
