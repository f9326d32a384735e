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

from __future__ import annotations

import ast
import difflib
import keyword
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .errors import InputError
from .untrusted import printable

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 2_000
DEEPEST = 50
MOST_NODES = 500
MOST_DIGITS = 20
LARGEST_EXPONENT = 10

ALLOWED = (
    "a cut may use columns, numbers, texts, comparisons, and, or, not, in, arithmetic, "
    "abs, isfinite, sqrt, log10 and named bits"
)
WORDS = frozenset({"and", "or", "not", "in", "True", "False"})

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<column>`[^`\n]+`)
    |(?P<text>'[^'\\\n]*'|"[^"\\\n]*")
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<sign>\*\*|//|<=|>=|==|!=|[-+*/%<>&|~(),.\[\]])""",
    re.VERBOSE,
)
_OPENING, _CLOSING = "([", ")]"

_ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_BITWISE = {ast.BitAnd: operator.and_, ast.BitOr: operator.or_}
_FUNCTIONS = {"abs": np.abs, "sqrt": np.sqrt, "log10": np.log10, "isfinite": np.isfinite}
_NUMBERS = ("integer", "float")


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
    _run: _Step = field(repr=False, compare=False)

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
            raise InputError(f"cut {_shown(self.text)}: a condition on columns is expected")
        return np.logical_and(result.data, np.logical_not(result.missing))


@dataclass(frozen=True)
class _Value:
    """A column or a constant while a cut is evaluated.

    ``kind`` is "condition", "integer", "float" or "text"; ``missing`` is True where the value
    is unknown, whatever ``data`` holds there.
    """

    kind: str
    data: Any
    missing: Any = False


_Step = Callable[["pd.DataFrame"], _Value]


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
        raise InputError(f"cut {_shown(text)}: a text is expected")
    if len(text) > LONGEST:
        raise InputError(f"cut {_shown(text)}: longer than {LONGEST} characters")
    plain, quoted = _plain(text)
    compiler = _Compiler(text, plain, quoted, bits)
    run = compiler.step(_parse(text, plain))
    if not compiler.columns:
        raise InputError(f"cut {_shown(text)}: a condition on columns is expected")
    return CutExpression(text, frozenset(compiler.columns), run)


def _shown(text: Any) -> str:
    shown = printable(text)
    quote = '"' if "'" in shown and '"' not in shown else "'"
    return f"{quote}{shown}{quote}"


def _refuse(text: str, position: int, reason: str) -> NoReturn:
    """Raise the error that points at the character at ``position``, counted from 0."""
    raise InputError(f"cut {_shown(text)}: {reason} at character {position + 1}; {ALLOWED}")


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Every token of ``text``; a character that begins none is refused."""
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            _refuse(text, position, f"unexpected {_shown(text[position])}")
        yield token
        position = token.end()


def _plain(text: str) -> tuple[str, dict[int, tuple[str, str]]]:
    """``text`` in ASCII on one line, and what stood in quotes or backticks, by its position.

    Each quoted token is replaced by underscores of the same length, so that positions stay.
    """
    pieces: list[str] = []
    quoted: dict[int, tuple[str, str]] = {}
    before = ""
    depth = 0
    for token in _tokens(text):
        kind, piece, start = token.lastgroup or "", token.group(), token.start()
        if kind in ("name", "number", "text", "column") and before in ("name", "number", "quoted"):
            _refuse(text, start, f"unexpected {_shown(piece)}")
        if kind == "name" and (
            piece.startswith("__") or (keyword.iskeyword(piece) and piece not in WORDS)
        ):
            _refuse(text, start, f"unexpected {_shown(piece)}")
        if kind == "number":
            _check_number(text, start, piece)
        if kind in ("text", "column"):
            quoted[start] = (kind, piece[1:-1])
            kind, piece = "quoted", "_" * len(piece)
        depth += (piece in _OPENING) - (piece in _CLOSING)
        if depth > DEEPEST:
            _refuse(text, start, f"nested deeper than {DEEPEST} levels")
        pieces.append(" " * len(piece) if kind == "space" else piece)
        before = kind
    return "".join(pieces), quoted


def _check_number(text: str, start: int, piece: str) -> None:
    if piece.isdigit() and len(piece) > MOST_DIGITS:
        _refuse(text, start, f"an integer of more than {MOST_DIGITS} digits")
    if not piece.isdigit() and not math.isfinite(float(piece)):
        _refuse(text, start, "a number that is not finite")


def _parse(text: str, plain: str) -> ast.expr:
    """The syntax tree of ``plain``, bounded in size and depth."""
    indent = len(plain) - len(plain.lstrip())
    if indent == len(plain):
        raise InputError(f"cut {_shown(text)}: a condition on columns is expected")
    try:
        # The spaces in front would count as an indentation: parse without, then shift.
        tree = ast.parse(plain.strip(), mode="eval").body
    except SyntaxError as error:
        ended = (error.lineno or 1) > 1 or not error.offset
        _refuse_syntax(text, plain, len(plain) if ended else indent + error.offset - 1)
    except (RecursionError, MemoryError, ValueError):
        _refuse(text, indent, f"nested deeper than {DEEPEST} levels")
    _check_size(text, tree, indent)
    return tree


def _refuse_syntax(text: str, plain: str, position: int) -> NoReturn:
    rest = plain[position:].strip()
    if not rest:
        _refuse(text, len(plain.rstrip()), "unexpected end")
    position += len(plain[position:]) - len(plain[position:].lstrip())
    token = _TOKEN.match(text, position)
    _refuse(text, position, f"unexpected {_shown(token.group() if token else text[position])}")


def _check_size(text: str, tree: ast.expr, indent: int) -> None:
    """Refuse a tree too large or too deep, and shift its positions by ``indent``."""
    nodes = 0
    below: list[tuple[ast.AST, int]] = [(tree, 1)]
    while below:
        node, depth = below.pop()
        nodes += 1
        if isinstance(node, ast.expr):
            node.col_offset += indent
            node.end_col_offset = (node.end_col_offset or 0) + indent
        if depth > DEEPEST:
            _refuse(text, tree.col_offset, f"nested deeper than {DEEPEST} levels")
        if nodes > MOST_NODES:
            _refuse(text, tree.col_offset, f"more than {MOST_NODES} terms")
        children = (n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.expr_context))
        below.extend((child, depth + isinstance(child, ast.expr)) for child in children)


def _nearest(name: str, names: Iterable[str]) -> str:
    """``; the nearest is 'NAME'``, or nothing where there are no names."""
    folded = {str(other).lower(): str(other) for other in names}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0)
    return f"; the nearest is {_shown(folded[close[0]])}" if close else ""


class _Compiler:
    """Turns the nodes of one cut into steps that compute on a table."""

    def __init__(
        self,
        text: str,
        plain: str,
        quoted: Mapping[int, tuple[str, str]],
        bits: Mapping[str, Mapping[str, int]] | None,
    ):
        self.text, self.plain, self.quoted, self.bits = text, plain, quoted, bits
        self.columns: set[str] = set()

    def step(self, node: ast.expr) -> _Step:
        """The step that computes ``node``; a node that the language does not have is refused."""
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._name(node)
            case ast.Attribute(value=ast.Name()):
                return self._named_bit(node)
            case ast.Call(func=ast.Name(), args=[_], keywords=[]):
                return self._call(node)
            case ast.BoolOp(op=sign, values=parts):
                return self._logical(sign, parts)
            case ast.UnaryOp(op=ast.Not() | ast.Invert() | ast.USub()):
                return self._unary(node)
            case ast.Compare():
                return self._compare(node)
            case ast.BinOp():
                return self._binary(node)
        return self._refuse(node)

    def _refuse(self, node: ast.expr, reason: str = "") -> NoReturn:
        start = node.col_offset
        piece = self.text[start : node.end_col_offset]
        _refuse(self.text, start, reason or f"unexpected {_shown(piece)}")

    def _constant(self, node: ast.Constant) -> _Step:
        value = _constant(node.value)
        if value is None:
            self._refuse(node)
        return lambda table: value

    def _name(self, node: ast.Name) -> _Step:
        kind, name = self.quoted.get(node.col_offset, ("column", node.id))
        if kind == "text":
            return lambda table: _Value("text", name)
        return self._column(node, name)

    def _column(self, node: ast.expr, name: str) -> _Step:
        self.columns.add(name)

        def run(table: pd.DataFrame) -> _Value:
            if name not in table.columns:
                near = _nearest(name, table.columns)
                where = f"at character {node.col_offset + 1}"
                raise InputError(
                    f"cut {_shown(self.text)}: unknown column {_shown(name)} {where}{near}"
                )
            value = _column(table[name])
            if value is None:
                self._refuse(node, f"column {_shown(name)} holds neither numbers nor texts")
            return value

        return run

    def _named_bit(self, node: ast.Attribute) -> _Step:
        flag, name = node.value, node.attr
        kind, column = self.quoted.get(flag.col_offset, ("column", flag.id))
        known = {name: 0} if self.bits is None else self.bits.get(column, {})
        if kind == "text" or not known or (node.end_col_offset - len(name)) in self.quoted:
            self._refuse(node)
        if name not in known:
            self._refuse(node, f"unknown bit {_shown(name)}{_nearest(name, known)}")
        bit = known[name]
        if type(bit) is not int or not 0 <= bit < 64:
            self._refuse(node, f"bit {_shown(name)} has no number from 0 to 63")
        read = self._column(flag, column)

        def run(table: pd.DataFrame) -> _Value:
            value = _whole(read(table))
            if value is None:
                self._refuse(node, f"column {_shown(column)} does not hold integers")
            return _Value("condition", (value.data >> bit) & 1 == 1, value.missing)

        return run

    def _call(self, node: ast.Call) -> _Step:
        name = node.func.id
        if node.func.col_offset in self.quoted or name not in _FUNCTIONS:
            self._refuse(node, f"unexpected {_shown(self.text[node.func.col_offset :][:40])}")
        argument = self._number(node.args[0])
        function = _FUNCTIONS[name]

        def run(table: pd.DataFrame) -> _Value:
            value = argument(table)
            result = function(np.asarray(value.data) if name == "abs" else _floating(value.data))
            if name == "isfinite":
                return _Value("condition", np.logical_and(result, np.logical_not(value.missing)))
            return _Value(value.kind if name == "abs" else "float", result, value.missing)

        return run

    def _logical(self, sign: ast.boolop, parts: list[ast.expr]) -> _Step:
        for part in parts:
            self._need_parentheses(part)
        steps = [self._condition(part) for part in parts]
        combine = _and if isinstance(sign, ast.And) else _or
        return lambda table: _reduce(combine, (step(table) for step in steps))

    def _unary(self, node: ast.UnaryOp) -> _Step:
        if isinstance(node.op, ast.USub):
            operand = self._number(node.operand)
            return self._arithmetic(node, ast.Sub(), lambda table: _Value("integer", 0), operand)
        if isinstance(node.op, ast.Not):
            self._need_parentheses(node.operand)
            operand = self._condition(node.operand)
            return lambda table: _not(operand(table))
        return self._invert(node)

    def _invert(self, node: ast.UnaryOp) -> _Step:
        operand = self.step(node.operand)

        def run(table: pd.DataFrame) -> _Value:
            value = operand(table)
            if value.kind == "integer":
                return _Value("integer", ~value.data, value.missing)
            self._expect(node.operand, value, "condition")
            return _not(value)

        return run

    def _compare(self, node: ast.Compare) -> _Step:
        operands = [node.left, *node.comparators]
        pairs = []
        for left, sign, right in zip(operands, node.ops, node.comparators, strict=False):
            if isinstance(sign, ast.In | ast.NotIn):
                pairs.append(self._membership(left, right, isinstance(sign, ast.In)))
            elif type(sign) in _COMPARISONS:
                pairs.append(self._comparison(left, _COMPARISONS[type(sign)], right))
            else:
                self._refuse(node)
        return lambda table: _reduce(_and, (pair(table) for pair in pairs))

    def _comparison(self, left: ast.expr, compare: Callable, right: ast.expr) -> _Step:
        for operand in (left, right):
            self._need_parentheses(operand)
        one, two = self.step(left), self.step(right)
        return lambda table: self._compared(right, compare, one(table), two(table))

    def _membership(self, left: ast.expr, right: ast.expr, inside: bool) -> _Step:
        self._need_parentheses(left)
        if not isinstance(right, ast.List | ast.Tuple):
            self._refuse(right, "a list of values is expected")
        for item in right.elts:
            value = item.operand if isinstance(item, ast.UnaryOp) else item
            text = self.quoted.get(value.col_offset, ("", ""))[0] == "text"
            if not isinstance(value, ast.Constant) and not text:
                self._refuse(item)
        read = self.step(left)
        items = [(item, self.step(item)) for item in right.elts]

        def run(table: pd.DataFrame) -> _Value:
            value = read(table)
            found = _Value("condition", np.zeros(np.shape(value.data), bool), value.missing)
            for item, step in items:
                found = _or(found, self._compared(item, operator.eq, value, step(table)))
            return found if inside else _not(found)

        return run

    def _compared(self, node: ast.expr, compare: Callable, one: _Value, two: _Value) -> _Value:
        """The comparison of two values of one kind; truth values count as numbers."""
        if (one.kind == "text") != (two.kind == "text"):
            if not (_is_empty(one) or _is_empty(two)):
                self._refuse(node, "a text is compared with a number")
            rows = max(np.size(one.data), np.size(two.data))
            return _Value("condition", np.zeros(rows, bool), np.ones(rows, bool))
        result = compare(one.data, two.data)
        if np.ndim(result) == 1:
            result = np.asarray(result, dtype=bool)
        return _Value("condition", result, one.missing | two.missing)

    def _binary(self, node: ast.BinOp) -> _Step:
        if type(node.op) in _BITWISE:
            return self._bitwise(node)
        if type(node.op) not in _ARITHMETIC:
            self._refuse(node)
        if isinstance(node.op, ast.Pow):
            self._check_exponent(node.right)
        return self._arithmetic(node, node.op, self._number(node.left), self._number(node.right))

    def _check_exponent(self, node: ast.expr) -> None:
        value = node.operand if isinstance(node, ast.UnaryOp) else node
        number = isinstance(value, ast.Constant) and type(value.value) in (int, float)
        if not number or value.value > LARGEST_EXPONENT:
            limit = LARGEST_EXPONENT
            self._refuse(node, f"the exponent is not a number from -{limit} to {limit}")

    def _arithmetic(self, node: ast.expr, sign: ast.operator, left: _Step, right: _Step) -> _Step:
        compute = _ARITHMETIC[type(sign)]

        def run(table: pd.DataFrame) -> _Value:
            one, two = left(table), right(table)
            try:
                result = _computed(compute, one, two)
            except (ArithmeticError, TypeError, ValueError) as error:
                self._refuse(node, f"cannot be computed ({printable(error)})")
            return _Value(_kind(result), result, one.missing | two.missing)

        return run

    def _bitwise(self, node: ast.BinOp) -> _Step:
        one, two = self.step(node.left), self.step(node.right)
        conjunction = isinstance(node.op, ast.BitAnd)

        def run(table: pd.DataFrame) -> _Value:
            left, right = one(table), two(table)
            if left.kind == right.kind == "integer":
                return self._bits(node, left, right)
            self._expect(node.left, left, "condition")
            self._expect(node.right, right, "condition")
            return _and(left, right) if conjunction else _or(left, right)

        return run

    def _bits(self, node: ast.BinOp, left: _Value, right: _Value) -> _Value:
        try:
            result = _BITWISE[type(node.op)](left.data, right.data)
        except (ArithmeticError, TypeError):
            self._refuse(node, "an integer of more than 64 bits")
        return _Value("integer", result, left.missing | right.missing)

    def _number(self, node: ast.expr) -> _Step:
        step = self.step(node)
        return lambda table: self._expect(node, step(table), *_NUMBERS)

    def _condition(self, node: ast.expr) -> _Step:
        step = self.step(node)
        return lambda table: self._expect(node, step(table), "condition")

    def _expect(self, node: ast.expr, value: _Value, *kinds: str) -> _Value:
        if value.kind not in kinds and _is_empty(value):
            rows = len(value.data)
            if "condition" in kinds:
                return _Value("condition", np.zeros(rows, bool), np.ones(rows, bool))
            return _Value("float", np.full(rows, np.nan))
        if value.kind not in kinds:
            expected = "a condition" if kinds == ("condition",) else "a number"
            self._refuse(node, f"{expected} is expected, not {_shown(self._piece(node))},")
        return value

    def _piece(self, node: ast.expr) -> str:
        return self.text[node.col_offset : node.end_col_offset]

    def _need_parentheses(self, node: ast.expr) -> None:
        """Refuse a bare ``&`` or ``|`` beside a comparison, where readers disagree on its rank."""
        if not (isinstance(node, ast.BinOp) and type(node.op) in _BITWISE):
            return
        before = self.plain[: node.col_offset].rstrip()
        after = self.plain[node.end_col_offset :].lstrip()
        if not (before.endswith("(") and after.startswith(")")):
            self._refuse(node, f"write parentheses around the parts of {_shown(self._piece(node))}")


def _constant(value: Any) -> _Value | None:
    if type(value) is bool:
        return _Value("condition", value)
    if type(value) in (int, float):
        return _Value("integer" if type(value) is int else "float", value)
    return None


def _column(column: Any) -> _Value | None:
    """The values of a table's column; None where they are neither numbers nor texts."""
    # Reading a configuration compiles its cuts and needs no pandas: it is imported here.
    import pandas as pd
    from pandas.api import types

    if not isinstance(column, pd.Series):
        return None
    dtype = column.dtype
    if types.is_bool_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
        return _filled(column, "condition", np.dtype(bool))
    if types.is_integer_dtype(dtype):
        unsigned = types.is_unsigned_integer_dtype(dtype)
        return _filled(column, "integer", np.dtype(np.uint64 if unsigned else np.int64))
    if types.is_float_dtype(dtype):
        single = str(dtype).lower() in ("float32", "float16")
        return _filled(column, "float", np.dtype(np.float32 if single else np.float64))
    if types.is_object_dtype(dtype) or isinstance(dtype, pd.CategoricalDtype | pd.StringDtype):
        return _objects(column.to_numpy(object))
    return _objects(column.to_numpy(object)) if types.is_string_dtype(dtype) else None


def _filled(column: pd.Series, kind: str, dtype: np.dtype) -> _Value:
    if isinstance(column.dtype, np.dtype):
        return _Value(kind, column.to_numpy().astype(dtype))
    missing = column.isna().to_numpy()
    return _Value(kind, column.to_numpy(dtype=dtype, na_value=dtype.type(0)), missing)


def _objects(cells: np.ndarray) -> _Value | None:
    """Texts, or truth values, with gaps."""
    import pandas as pd

    missing = pd.isna(cells)
    found = {type(cell) for cell in cells[~missing]}
    if all(issubclass(kind, str) for kind in found):
        return _Value("text", np.where(missing, "", cells), missing)
    if found <= {bool, np.bool_}:
        return _Value("condition", np.where(missing, False, cells).astype(bool), missing)
    return None


def _whole(value: _Value) -> _Value | None:
    """Integers, also where gaps made a column floating-point; None where they are not whole."""
    if value.kind == "integer":
        return value
    if value.kind != "float":
        return None
    missing = np.isnan(value.data)
    data = np.where(missing, 0, value.data)
    if not np.all((np.abs(data) <= 2**53) & (data == np.floor(data))):
        return None
    return _Value("integer", data.astype(np.int64), missing | value.missing)


def _is_empty(value: _Value) -> bool:
    """Whether it is a column without a single value, whose kind then says nothing."""
    if np.ndim(value.data) == 0:
        return False
    nan = np.isnan(value.data) if value.kind == "float" else False
    return bool(np.all(value.missing | np.broadcast_to(nan, np.shape(value.data))))


def _floating(data: Any) -> Any:
    return data if np.asarray(data).dtype.kind == "f" else np.asarray(data, np.float64)


def _kind(data: Any) -> str:
    return "float" if np.asarray(data).dtype.kind == "f" or isinstance(data, float) else "integer"


def _computed(compute: Callable, one: _Value, two: _Value) -> Any:
    """The result of an arithmetic operation; integers that overflow are an error."""
    left, right = one.data, two.data
    if one.kind == two.kind == "integer":
        if np.ndim(left) or np.ndim(right):
            return _computed_integers(compute, left, right)
        result = compute(left, right)
        if isinstance(result, int) and abs(result) >= 10**MOST_DIGITS:
            raise OverflowError(f"an integer of more than {MOST_DIGITS} digits")
        return result
    result = compute(left, right)
    if isinstance(result, complex):
        raise ValueError("a complex number")
    return result


def _computed_integers(compute: Callable, left: Any, right: Any) -> np.ndarray:
    """Columns of integers: a division by 0 or a negative power is done in floating point."""
    left_real, right_real = np.asarray(left, np.float64), np.asarray(right, np.float64)
    by_zero = compute in (operator.floordiv, operator.mod) and np.any(right_real == 0)
    if by_zero or (compute is operator.pow and np.any(right_real < 0)):
        return compute(left_real, right_real)
    result = compute(left, right)
    if result.dtype.kind in "iu":
        limits = np.iinfo(result.dtype)
        estimate = compute(left_real, right_real)
        if np.any(estimate < limits.min - 0.5) or np.any(estimate >= float(limits.max)):
            raise OverflowError("integers of more than 64 bits")
    return result


def _and(one: _Value, two: _Value) -> _Value:
    """False where either is false, unknown where one is unknown and the other not false."""
    return _not(_or(_not(one), _not(two)))


def _or(one: _Value, two: _Value) -> _Value:
    """True where either is true, unknown where one is unknown and the other not true."""
    true = np.logical_or(_holds(one), _holds(two))
    missing = np.logical_and(np.logical_or(one.missing, two.missing), np.logical_not(true))
    return _Value("condition", true, missing)


def _holds(value: _Value) -> Any:
    return np.logical_and(value.data, np.logical_not(value.missing))


def _not(value: _Value) -> _Value:
    return _Value("condition", np.logical_not(value.data), value.missing)


def _reduce(combine: Callable[[_Value, _Value], _Value], values: Iterable[_Value]) -> _Value:
    values = iter(values)
    result = next(values)
    for value in values:
        result = combine(result, value)
    return result
