"""A parsed cut, and what parses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from spectrotranslator.errors import InputError

from .cut_compiler import CutCompiler, Evaluator
from .cut_syntax import LONGEST, parse, plain_text, shown_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CutExpression:
    """A cut that was parsed and may be evaluated on any number of tables.

    Parameters
    ----------
    text : str
        The cut as it was written.
    columns : frozenset of str
        Names of the columns that it uses.
    """

    text: str
    columns: frozenset[str]
    _run: Evaluator = field(repr=False, compare=False)

    def evaluate(self, table: pd.DataFrame) -> np.ndarray:
        """Where the cut holds.

        Parameters
        ----------
        table : pandas.DataFrame
            Stars, one a row, with at least the columns that the cut uses.

        Returns
        -------
        numpy.ndarray of bool, shape (rows,)
            True where the cut holds; false where it does not or is unknown.

        Raises
        ------
        InputError
            A column is absent, a value is of a kind that the operation does not take, integers
            overflow, or the result is not a condition on columns.
        """
        with np.errstate(all="ignore"):
            result = self._run(table)
        if result.kind != "condition" or np.ndim(result.data) != 1:
            raise InputError(f"cut {shown_text(self.text)}: a condition on columns is expected")
        return np.logical_and(result.data, np.logical_not(result.missing))


def compile_cut(text: str, bits: Mapping[str, Mapping[str, int]] | None = None) -> CutExpression:
    """Parse a cut without executing any of it.

    Parameters
    ----------
    text : str
        The cut, of at most 2,000 characters.
    bits : mapping of str to mapping of str to int, optional
        Column to the names of its bits, each with the number of its bit (0 is the lowest).

    Returns
    -------
    CutExpression
        The parsed cut.

    Raises
    ------
    InputError
        The text is not a cut of the language; the message points at the character.

    Examples
    --------
    >>> table = pd.DataFrame({"teff": [4000.0, 5000.0, np.nan]})
    >>> compile_cut("teff > 4500").evaluate(table)
    array([False,  True, False])
    """
    return _compile(text, bits or {})


def check_syntax(text: str) -> None:
    """Refuse what is no cut, whatever named bits there are.

    Parameters
    ----------
    text : str
        The cut.

    Raises
    ------
    InputError
        The text is not a cut of the language; the message points at the character.
    """
    _compile(text, None)


def _compile(text: str, bits: Mapping[str, Mapping[str, int]] | None) -> CutExpression:
    if not isinstance(text, str):
        raise InputError(f"cut {shown_text(text)}: a text is expected")
    if len(text) > LONGEST:
        raise InputError(f"cut {shown_text(text)}: longer than {LONGEST} characters")
    plain, quoted = plain_text(text)
    compiler = CutCompiler(text, plain, quoted, bits)
    run = compiler.step(parse(text, plain))
    if not compiler.columns:
        raise InputError(f"cut {shown_text(text)}: a condition on columns is expected")
    return CutExpression(text, frozenset(compiler.columns), run)
