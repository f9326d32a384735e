"""Conditions on the columns of a table, in a small language that cannot act.

A cut comes from a configuration, and a configuration may come from somebody else. A cut is
therefore parsed with :mod:`ast` and translated node by node; nothing is executed, and whatever
the language does not have is refused.

==================  ============================================================================
columns             ``teff``, in backticks where the name is not an identifier: `` `BP-G` ``
values              ``30``, ``1e-3``, ``'apo25m'``, ``True``, ``False``
comparisons         ``== != < <= > >=``, chained too; ``in`` and ``not in`` a literal list
conditions          ``and or not``, or ``& | ~`` around conditions in parentheses
arithmetic          ``+ - * / // % **``; the exponent is a number from -10 to 10
bits of integers    ``(STARFLAG & 16) == 0``
named bits          ``ASPCAPFLAG.STAR_BAD`` holds where the bit of that name is set
functions           ``abs(x)``, ``isfinite(x)``, ``sqrt(x)``, ``log10(x)``
==================  ============================================================================

A floating-point NaN behaves as in NumPy: every comparison with it is false, except ``!=``. A
missing integer, truth value or text is unknown: what is asked of it is unknown too, and where a
cut is unknown it does not hold. Integers are computed with 64 bits; an overflow is an error.
"""

from .cut_expression import CutExpression, check_syntax, compile_cut

__all__ = ["CutExpression", "check_syntax", "compile_cut"]
