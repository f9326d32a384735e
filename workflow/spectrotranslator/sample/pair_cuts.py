"""Cuts on matched pairs, whose columns are those of both surveys."""

from collections.abc import Mapping, Sequence

import pandas as pd

from spectrotranslator.config.configuration import Configuration, Cut, Direction, Selection
from spectrotranslator.errors import InputError
from spectrotranslator.expressions import CutExpression, compile_cut

from .match_rows import entry

SIDES = ("from", "to")


def apply_pair_cuts(
    pairs: pd.DataFrame,
    cuts: Sequence[Cut],
    configuration: Configuration,
    direction: Direction,
    entries: list[dict],
) -> pd.DataFrame:
    """Pairs that fulfil every cut; ``entries`` gets a line of the ledger for each cut in turn.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Matched pairs, columns ``from:NAME`` and ``to:NAME``.
    cuts : sequence of Cut
        The cuts, in order.
    configuration, direction
        The surveys' named bits, and which survey is ``from`` and which ``to``.
    entries : list of dict
        Lines of the ledger so far.

    Returns
    -------
    pandas.DataFrame
        The pairs left.

    Raises
    ------
    InputError
        A cut names a column that neither survey has or that both have.
    """
    for cut in cuts:
        expression = compile_cut(cut.cut, bits_of_pairs(configuration, direction))
        used = {
            name: pairs[column]
            for name, column in columns_of_cut(expression, direction, pairs).items()
        }
        kept = pairs[expression.evaluate(pd.DataFrame(used, index=pairs.index))]
        entries.append(entry(cut.cut, cut.source, len(pairs), len(kept)))
        pairs = kept
    return pairs


def bits_of_pairs(configuration: Configuration, direction: Direction) -> Mapping:
    """Named bits of both surveys of a direction, by column."""
    surveys = (configuration.surveys[name] for name in (direction.origin, direction.target))
    return {column: bits for survey in surveys for column, bits in survey.bits.items()}


def columns_of_cut(
    expression: CutExpression, direction: Direction, there: Sequence[str] | pd.DataFrame
) -> dict[str, str]:
    """Name in the cut to the column of the pairs, for the names that are there.

    Raises
    ------
    InputError
        A name is a column of both surveys.
    """
    found = {}
    surveys = dict(zip(SIDES, (direction.origin, direction.target), strict=True))
    for name in expression.columns:
        survey, _, column = name.partition(":")
        named = [f"{side}:{column}" for side in SIDES if surveys[side] == survey and column]
        plain = [f"{side}:{name}" for side in SIDES]
        matching = [column for column in named or plain if column in there]
        if len(matching) == 2:
            written = " or ".join(f"`{surveys[side]}:{name}`" for side in SIDES)
            raise InputError(f"cut {expression.text!r}: both surveys have {name}; write {written}")
        if matching:
            found[name] = matching[0]
    return found


def cuts_for(selection: Selection, direction: Direction, kind: str) -> list[Cut]:
    """Cuts of a selection on the pairs of one network: its own and those of the kinds before."""
    kinds = list(direction.networks)
    before = kinds[: kinds.index(kind) + 1]
    return [cut for name in before for cut in selection.networks.get(name, [])]
