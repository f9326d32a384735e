"""A syntax tree turned, node by node, into what evaluates a cut on a table."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from spectrotranslator.errors import InputError
from spectrotranslator.untrusted import printable

from .cut_syntax import LARGEST_EXPONENT, nearest, refuse, shown_text
from .cut_values import (
    NUMBERS,
    Value,
    all_hold,
    any_holds,
    column_value,
    computed,
    constant_value,
    floating,
    is_empty,
    kind_of,
    negated,
    reduced,
    whole_numbers,
)

if TYPE_CHECKING:
    import pandas as pd

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

Evaluator = Callable[["pd.DataFrame"], Value]


class CutCompiler:
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

    def step(self, node: ast.expr) -> Evaluator:
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
        refuse(self.text, start, reason or f"unexpected {shown_text(piece)}")

    def _constant(self, node: ast.Constant) -> Evaluator:
        value = constant_value(node.value)
        if value is None:
            self._refuse(node)
        return lambda table: value

    def _name(self, node: ast.Name) -> Evaluator:
        kind, name = self.quoted.get(node.col_offset, ("column", node.id))
        if kind == "text":
            return lambda table: Value("text", name)
        return self._column(node, name)

    def _column(self, node: ast.expr, name: str) -> Evaluator:
        self.columns.add(name)

        def run(table: pd.DataFrame) -> Value:
            if name not in table.columns:
                near = nearest(name, table.columns)
                where = f"at character {node.col_offset + 1}"
                raise InputError(
                    f"cut {shown_text(self.text)}: unknown column {shown_text(name)} {where}{near}"
                )
            value = column_value(table[name])
            if value is None:
                self._refuse(node, f"column {shown_text(name)} holds neither numbers nor texts")
            return value

        return run

    def _named_bit(self, node: ast.Attribute) -> Evaluator:
        flag, name = node.value, node.attr
        kind, column = self.quoted.get(flag.col_offset, ("column", flag.id))
        known = {name: 0} if self.bits is None else self.bits.get(column, {})
        if kind == "text" or not known or (node.end_col_offset - len(name)) in self.quoted:
            self._refuse(node)
        if name not in known:
            self._refuse(node, f"unknown bit {shown_text(name)}{nearest(name, known)}")
        bit = known[name]
        if type(bit) is not int or not 0 <= bit < 64:
            self._refuse(node, f"bit {shown_text(name)} has no number from 0 to 63")
        read = self._column(flag, column)

        def run(table: pd.DataFrame) -> Value:
            value = whole_numbers(read(table))
            if value is None:
                self._refuse(node, f"column {shown_text(column)} does not hold integers")
            return Value("condition", (value.data >> bit) & 1 == 1, value.missing)

        return run

    def _call(self, node: ast.Call) -> Evaluator:
        name = node.func.id
        if node.func.col_offset in self.quoted or name not in _FUNCTIONS:
            self._refuse(node, f"unexpected {shown_text(self.text[node.func.col_offset :][:40])}")
        argument = self._number(node.args[0])
        function = _FUNCTIONS[name]

        def run(table: pd.DataFrame) -> Value:
            value = argument(table)
            result = function(np.asarray(value.data) if name == "abs" else floating(value.data))
            if name == "isfinite":
                return Value("condition", np.logical_and(result, np.logical_not(value.missing)))
            return Value(value.kind if name == "abs" else "float", result, value.missing)

        return run

    def _logical(self, sign: ast.boolop, parts: list[ast.expr]) -> Evaluator:
        for part in parts:
            self._need_parentheses(part)
        steps = [self._condition(part) for part in parts]
        combine = all_hold if isinstance(sign, ast.And) else any_holds
        return lambda table: reduced(combine, (step(table) for step in steps))

    def _unary(self, node: ast.UnaryOp) -> Evaluator:
        if isinstance(node.op, ast.USub):
            operand = self._number(node.operand)
            return self._arithmetic(node, ast.Sub(), lambda table: Value("integer", 0), operand)
        if isinstance(node.op, ast.Not):
            self._need_parentheses(node.operand)
            operand = self._condition(node.operand)
            return lambda table: negated(operand(table))
        return self._invert(node)

    def _invert(self, node: ast.UnaryOp) -> Evaluator:
        operand = self.step(node.operand)

        def run(table: pd.DataFrame) -> Value:
            value = operand(table)
            if value.kind == "integer":
                return Value("integer", ~value.data, value.missing)
            self._expect(node.operand, value, "condition")
            return negated(value)

        return run

    def _compare(self, node: ast.Compare) -> Evaluator:
        operands = [node.left, *node.comparators]
        pairs = []
        for left, sign, right in zip(operands, node.ops, node.comparators, strict=False):
            if isinstance(sign, ast.In | ast.NotIn):
                pairs.append(self._membership(left, right, isinstance(sign, ast.In)))
            elif type(sign) in _COMPARISONS:
                pairs.append(self._comparison(left, _COMPARISONS[type(sign)], right))
            else:
                self._refuse(node)
        return lambda table: reduced(all_hold, (pair(table) for pair in pairs))

    def _comparison(self, left: ast.expr, compare: Callable, right: ast.expr) -> Evaluator:
        for operand in (left, right):
            self._need_parentheses(operand)
        one, two = self.step(left), self.step(right)
        return lambda table: self._compared(right, compare, one(table), two(table))

    def _membership(self, left: ast.expr, right: ast.expr, inside: bool) -> Evaluator:
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

        def run(table: pd.DataFrame) -> Value:
            value = read(table)
            found = Value("condition", np.zeros(np.shape(value.data), bool), value.missing)
            for item, step in items:
                found = any_holds(found, self._compared(item, operator.eq, value, step(table)))
            return found if inside else negated(found)

        return run

    def _compared(self, node: ast.expr, compare: Callable, one: Value, two: Value) -> Value:
        """The comparison of two values of one kind; truth values count as numbers."""
        if (one.kind == "text") != (two.kind == "text"):
            if not (is_empty(one) or is_empty(two)):
                self._refuse(node, "a text is compared with a number")
            rows = max(np.size(one.data), np.size(two.data))
            return Value("condition", np.zeros(rows, bool), np.ones(rows, bool))
        result = compare(one.data, two.data)
        if np.ndim(result) == 1:
            result = np.asarray(result, dtype=bool)
        return Value("condition", result, one.missing | two.missing)

    def _binary(self, node: ast.BinOp) -> Evaluator:
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

    def _arithmetic(
        self, node: ast.expr, sign: ast.operator, left: Evaluator, right: Evaluator
    ) -> Evaluator:
        compute = _ARITHMETIC[type(sign)]

        def run(table: pd.DataFrame) -> Value:
            one, two = left(table), right(table)
            try:
                result = computed(compute, one, two)
            except (ArithmeticError, TypeError, ValueError) as error:
                self._refuse(node, f"cannot be computed ({printable(error)})")
            return Value(kind_of(result), result, one.missing | two.missing)

        return run

    def _bitwise(self, node: ast.BinOp) -> Evaluator:
        one, two = self.step(node.left), self.step(node.right)
        conjunction = isinstance(node.op, ast.BitAnd)

        def run(table: pd.DataFrame) -> Value:
            left, right = one(table), two(table)
            if left.kind == right.kind == "integer":
                return self._bits(node, left, right)
            self._expect(node.left, left, "condition")
            self._expect(node.right, right, "condition")
            return all_hold(left, right) if conjunction else any_holds(left, right)

        return run

    def _bits(self, node: ast.BinOp, left: Value, right: Value) -> Value:
        try:
            result = _BITWISE[type(node.op)](left.data, right.data)
        except (ArithmeticError, TypeError):
            self._refuse(node, "an integer of more than 64 bits")
        return Value("integer", result, left.missing | right.missing)

    def _number(self, node: ast.expr) -> Evaluator:
        step = self.step(node)
        return lambda table: self._expect(node, step(table), *NUMBERS)

    def _condition(self, node: ast.expr) -> Evaluator:
        step = self.step(node)
        return lambda table: self._expect(node, step(table), "condition")

    def _expect(self, node: ast.expr, value: Value, *kinds: str) -> Value:
        if value.kind not in kinds and is_empty(value):
            rows = len(value.data)
            if "condition" in kinds:
                return Value("condition", np.zeros(rows, bool), np.ones(rows, bool))
            return Value("float", np.full(rows, np.nan))
        if value.kind not in kinds:
            expected = "a condition" if kinds == ("condition",) else "a number"
            self._refuse(node, f"{expected} is expected, not {shown_text(self._piece(node))},")
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
            self._refuse(
                node, f"write parentheses around the parts of {shown_text(self._piece(node))}"
            )
