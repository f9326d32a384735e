"""The columns of a published catalogue beside the survey's rows that they were made from."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cdstables.layout import Table
from spectrotranslator.comparison.flag_agreement import Style
from spectrotranslator.config.configuration import Configuration, Direction
from spectrotranslator.errors import InputError

from .pair_states import Group, read_reasons

PERCENTILES = (5, 16, 50, 84, 95)
NAMES = ["identifier", "source_id"]


@dataclass(frozen=True)
class Traces:
    """One published catalogue: numbers, flags and reasons, a row a star, and the star itself.

    ``percentiles`` holds shape (rows, 5) by output; ``missing`` a
    boolean column by network, ``good`` one by side and network, ``states`` by side and network the
    state of every pair, shape (rows, pairs); ``stars`` the survey's rows, in the same order.
    """

    percentiles: dict[str, np.ndarray]
    systematic: dict[str, np.ndarray]
    missing: dict[str, np.ndarray]
    good: dict[tuple[str, str], np.ndarray]
    states: dict[tuple[str, str], np.ndarray]
    stars: pd.DataFrame
    counts: dict[str, int]

    def with_stars(self, stars: pd.DataFrame) -> "Traces":
        """The same with other values of the same stars."""
        return replace(self, stars=stars)

    def of_rows(self, rows: np.ndarray) -> "Traces":
        """Only these rows, given by their places."""
        columns = ("percentiles", "systematic", "missing", "good", "states")
        chosen = {
            name: {key: values[rows] for key, values in getattr(self, name).items()}
            for name in columns
        }
        return replace(self, stars=self.stars.iloc[rows].reset_index(drop=True), **chosen)

    def of_network(self, kind: str) -> "Traces":
        """Only the states of one network's pairs."""
        return replace(self, states={key: s for key, s in self.states.items() if key[1] == kind})


def read_traces(
    columns: pd.DataFrame,
    layout: Table,
    direction: Direction,
    configuration: Configuration,
    stars: pd.DataFrame,
) -> Traces:
    """Sort a catalogue's ``columns`` by what the ``layout`` says fills them.

    Raises
    ------
    InputError
        No row of the catalogue is one of ``stars``, or the layout does not say what a column is.
    """
    filled = {_what(column.value or {}): column.label for column in layout.columns}
    labels = [filled[("identifier", name)] for name in _identifiers(filled)]
    published, rows = paired(columns[labels].set_axis(NAMES, axis=1), stars)
    if not len(published):
        raise InputError(f"{layout.name}: none of its rows is a star of the survey that was given")
    columns = columns.iloc[published]
    outputs = [name for network in direction.networks.values() for name in network.outputs]
    kinds = list(direction.networks)
    good = {
        (side, kind): columns[filled[("flag", f"{side.lower()}_{kind}")]].to_numpy(bool)
        for kind in kinds
        for side in ("Input", "Output")
    }
    groups = groups_of(configuration, direction)
    comments = columns[filled[("comment", "True")]]
    passed = [good[g.side, g.kind] for g in groups]
    states, strange = read_reasons(comments, groups, passed, Style.of(layout))
    return Traces(
        percentiles={
            name: columns[[filled[(name, f"p{p}")] for p in PERCENTILES]].to_numpy(np.float64)
            for name in outputs
        },
        systematic={
            name: columns[filled[(name, "systematic")]].to_numpy(np.float64) for name in outputs
        },
        missing={kind: columns[filled["flag", f"missing_{kind}"]].to_numpy(bool) for kind in kinds},
        good=good,
        states=dict(zip([(g.side, g.kind) for g in groups], states, strict=True)),
        stars=stars.iloc[rows].reset_index(drop=True),
        counts={"rows": len(published), "strange_comments": strange},
    )


def _what(value: dict) -> tuple[str, str]:
    if "label" in value:
        return value["label"], value["statistic"]
    name, given = next(iter(value.items()), ("", ""))
    return name, str(given)


def _identifiers(filled: dict) -> list[str]:
    named = [name for what, name in filled if what == "identifier"]
    others = [name for name in named if name != "source_id"]
    if "source_id" not in named or len(others) != 1:
        raise InputError("the layout must say which columns are the identifier and the source id")
    return [others[0], "source_id"]


def groups_of(configuration: Configuration, direction: Direction) -> list[Group]:
    """Inputs and outputs of every network, in the order in which comments name them."""
    sides = (("Input", direction.origin, "inputs"), ("Output", direction.target, "outputs"))
    return [
        Group(
            side,
            kind,
            tuple(
                configuration.surveys[survey].features[name].comment or name
                for name in getattr(network, names)
            ),
        )
        for kind, network in direction.networks.items()
        for side, survey, names in sides
    ]


def paired(published: pd.DataFrame, stars: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the catalogue and of the survey that are one row, by identifier and Gaia id.

    Rows that share both are paired in their order where they come in equal number, and left out
    where they do not: which is which cannot be told.
    """
    sides = []
    for table in (published, stars):
        names = table[NAMES].reset_index(drop=True)
        names = names.assign(
            identifier=names["identifier"].astype(str).str.strip(),
            source_id=names["source_id"].fillna(0).astype(np.int64),
        )
        group = names.groupby(NAMES, sort=False)["identifier"]
        sides.append(
            names.assign(repeat=group.cumcount(), of=group.transform("size"), row=names.index)
        )
    both = sides[0].merge(sides[1], on=[*NAMES, "repeat", "of"], suffixes=("_p", "_s"))
    both = both.sort_values("row_p")
    return both["row_p"].to_numpy(), both["row_s"].to_numpy()
