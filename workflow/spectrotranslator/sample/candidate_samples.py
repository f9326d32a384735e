"""Training samples of many candidate selections, without matching the surveys anew for each.

Only rows whose star both surveys have can become pairs. They are sorted once, the row that stands
for its star first, so that a candidate costs a few array operations. The samples equal those of
``crossmatch.select_training``.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import (
    Configuration,
    Crossmatch,
    Cut,
    Direction,
    Selection,
)
from spectrotranslator.expressions import compile_cut
from spectrotranslator.surveys.prepare_stars import missing

from .match_rows import ORDERS
from .pair_cuts import SIDES, bits_of_pairs, columns_of_cut, cuts_for
from .sample_columns import needed_columns, network_columns


class CandidateSamples:
    """Training samples of one direction by selection and network.

    Parameters
    ----------
    configuration, direction
        How stars are matched, and which of them are translated to which.
    tables
        Survey to its stars, as the workflow prepares them.
    """

    def __init__(
        self,
        configuration: Configuration,
        direction: Direction,
        tables: dict[str, pd.DataFrame],
    ):
        self._configuration, self._direction = configuration, direction
        ends = (direction.origin, direction.target)
        names = [name for name in configuration.surveys if name in ends]
        on, settings = configuration.match, configuration.crossmatch
        known = [tables[name].loc[_known(tables[name], on), on] for name in names]
        shared = np.intersect1d(*(values.to_numpy() for values in known))
        sides = {
            name: _Side.of(tables[name], configuration.surveys[name].bits, on, shared, settings)
            for name in names
        }
        self._sides = {side: sides[name] for side, name in zip(SIDES, ends, strict=True)}
        column = ORDERS[settings.order]
        first = "from" if names[0] == direction.origin else "to"
        self._ordered_by = first if column.endswith("_1") else SIDES[first == "from"]
        order = self._sides[self._ordered_by].table[column[:-2]]
        self._rank = order.argsort(kind="stable").argsort().to_numpy()
        self._whole: dict[str, dict[str, np.ndarray]] = {
            kind: self._complete(kind) for kind in direction.networks
        }

    def sample(self, selection: Selection, kind: str) -> pd.DataFrame:
        """The training sample of one network, in the workflow's order, before it is split.

        Parameters
        ----------
        selection : Selection
            The candidate's cuts.
        kind : str
            Which of the direction's networks.

        Returns
        -------
        pandas.DataFrame
            ``from:key``, ``to:key``, ``from:source_id`` where there is one, inputs as ``from:NAME``
            and outputs as ``to:NAME``.
        """
        rows = self._matched(selection)
        for cut in [*selection.pairs, *cuts_for(selection, self._direction, kind)]:
            rows = self._passing(rows, cut)
        whole = self._whole[kind]
        kept = whole["from"][rows["from"]] & whole["to"][rows["to"]]
        names = ["from:key", "to:key"]
        names += ["from:source_id"] if "source_id" in self._sides["from"].table else []
        names += network_columns([self._direction.networks[kind]])
        return self._columns(names, {side: place[kept] for side, place in rows.items()})

    def _matched(self, selection: Selection) -> dict[str, np.ndarray]:
        """Places of the pairs' rows on each side, in the configured order."""
        ends = {"from": self._direction.origin, "to": self._direction.target}
        best = {
            side: table.standing(selection.cuts.get(ends[side], []))
            for side, table in self._sides.items()
        }
        both = (best["from"] >= 0) & (best["to"] >= 0)
        rows = {side: places[both] for side, places in best.items()}
        order = np.argsort(self._rank[rows[self._ordered_by]], kind="stable")
        return {side: places[order] for side, places in rows.items()}

    def _passing(self, rows: dict[str, np.ndarray], cut: Cut) -> dict[str, np.ndarray]:
        expression = compile_cut(cut.cut, bits_of_pairs(self._configuration, self._direction))
        there = [f"{side}:{name}" for side in SIDES for name in self._sides[side].table]
        named = columns_of_cut(expression, self._direction, there)
        columns = self._columns(list(named.values()), rows)
        columns.columns = list(named)
        kept = expression.evaluate(columns)
        return {side: places[kept] for side, places in rows.items()}

    def _columns(self, names: list[str], rows: dict[str, np.ndarray]) -> pd.DataFrame:
        columns = {}
        for name in names:
            side, _, column = name.partition(":")
            columns[name] = self._sides[side].table[column].array.take(rows[side])
        return pd.DataFrame(columns, index=pd.RangeIndex(len(rows["from"])))

    def _complete(self, kind: str) -> dict[str, np.ndarray]:
        """Which rows of each side have every value and error that the network's sample needs."""
        needed = needed_columns(self._direction, kind)
        found = {}
        for side in SIDES:
            names = [name.partition(":")[2] for name in needed if name.startswith(f"{side}:")]
            values = self._sides[side].table[names].to_numpy(np.float64)
            found[side] = ~missing(values).any(axis=1)
        return found


@dataclass(frozen=True)
class _Side:
    """One survey's rows of shared stars, the one that stands for its star before the others.

    ``star`` is the number of each row's star, of ``stars`` that the surveys share.
    """

    table: pd.DataFrame
    star: np.ndarray
    stars: int
    bits: dict
    _passed: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(
        cls, table: pd.DataFrame, bits: dict, on: str, shared: np.ndarray, settings: Crossmatch
    ) -> "_Side":
        kept = table[_known(table, on) & table[on].isin(shared)]
        kept = kept.sort_values("row", kind="stable")
        if settings.repeats == "highest S/N" and "snr" in kept:
            kept = kept.sort_values("snr", ascending=False, kind="stable", na_position="last")
        star = np.searchsorted(shared, kept[on].to_numpy())
        return cls(kept.reset_index(drop=True), star, len(shared), bits)

    def standing(self, cuts: list[Cut]) -> np.ndarray:
        """Place of the row that stands for each star after the cuts, -1 where none passes."""
        passing = np.ones(len(self.table), bool)
        for cut in cuts:
            passing &= self._holds(cut.cut)
        places = np.flatnonzero(passing)[::-1]
        best = np.full(self.stars, -1)
        best[self.star[places]] = places  # of a star's rows the first one is written last
        return best

    def _holds(self, cut: str) -> np.ndarray:
        if cut not in self._passed:
            self._passed[cut] = compile_cut(cut, self.bits).evaluate(self.table)
        return self._passed[cut]


def _known(table: pd.DataFrame, on: str) -> pd.Series:
    return table[on] > 0 if on == "source_id" else table[on].notna()
