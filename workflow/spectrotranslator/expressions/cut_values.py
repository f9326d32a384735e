"""Columns and constants while a cut is evaluated, and what is unknown in them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .cut_syntax import MOST_DIGITS

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("integer", "float")


@dataclass(frozen=True)
class Value:
    """A column or a constant while a cut is evaluated.

    ``kind`` is "condition", "integer", "float" or "text"; ``missing`` is True where the value
    is unknown, whatever ``data`` holds there.
    """

    kind: str
    data: Any
    missing: Any = False


def constant_value(value: Any) -> Value | None:
    """A constant of the language; none of any other."""
    if type(value) is bool:
        return Value("condition", value)
    if type(value) in (int, float):
        return Value("integer" if type(value) is int else "float", value)
    return None


def column_value(column: Any) -> Value | None:
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


def _filled(column: pd.Series, kind: str, dtype: np.dtype) -> Value:
    if isinstance(column.dtype, np.dtype):
        return Value(kind, column.to_numpy().astype(dtype))
    missing = column.isna().to_numpy()
    return Value(kind, column.to_numpy(dtype=dtype, na_value=dtype.type(0)), missing)


def _objects(cells: np.ndarray) -> Value | None:
    """Texts, or truth values, with gaps."""
    import pandas as pd

    missing = pd.isna(cells)
    found = {type(cell) for cell in cells[~missing]}
    if all(issubclass(kind, str) for kind in found):
        return Value("text", np.where(missing, "", cells), missing)
    if found <= {bool, np.bool_}:
        return Value("condition", np.where(missing, False, cells).astype(bool), missing)
    return None


def whole_numbers(value: Value) -> Value | None:
    """Integers, also where gaps made a column floating-point; None where they are not whole."""
    if value.kind == "integer":
        return value
    if value.kind != "float":
        return None
    missing = np.isnan(value.data)
    data = np.where(missing, 0, value.data)
    if not np.all((np.abs(data) <= 2**53) & (data == np.floor(data))):
        return None
    return Value("integer", data.astype(np.int64), missing | value.missing)


def is_empty(value: Value) -> bool:
    """Whether it is a column without a single value, whose kind then says nothing."""
    if np.ndim(value.data) == 0:
        return False
    nan = np.isnan(value.data) if value.kind == "float" else False
    return bool(np.all(value.missing | np.broadcast_to(nan, np.shape(value.data))))


def floating(data: Any) -> Any:
    """Data as doubles."""
    return data if np.asarray(data).dtype.kind == "f" else np.asarray(data, np.float64)


def kind_of(data: Any) -> str:
    """Which kind numeric data are of."""
    return "float" if np.asarray(data).dtype.kind == "f" or isinstance(data, float) else "integer"


def computed(compute: Callable, one: Value, two: Value) -> Any:
    """The result of an arithmetic operation; integers that overflow are an error."""
    left, right = one.data, two.data
    if one.kind == two.kind == "integer":
        if np.ndim(left) or np.ndim(right):
            return computed_integers(compute, left, right)
        result = compute(left, right)
        if isinstance(result, int) and abs(result) >= 10**MOST_DIGITS:
            raise OverflowError(f"an integer of more than {MOST_DIGITS} digits")
        return result
    result = compute(left, right)
    if isinstance(result, complex):
        raise ValueError("a complex number")
    return result


def computed_integers(compute: Callable, left: Any, right: Any) -> np.ndarray:
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


def all_hold(one: Value, two: Value) -> Value:
    """False where either is false, unknown where one is unknown and the other not false."""
    return negated(any_holds(negated(one), negated(two)))


def any_holds(one: Value, two: Value) -> Value:
    """True where either is true, unknown where one is unknown and the other not true."""
    true = np.logical_or(holds(one), holds(two))
    missing = np.logical_and(np.logical_or(one.missing, two.missing), np.logical_not(true))
    return Value("condition", true, missing)


def holds(value: Value) -> Any:
    """Where a condition is known to hold."""
    return np.logical_and(value.data, np.logical_not(value.missing))


def negated(value: Value) -> Value:
    """The condition that holds where another does not; unknown stays unknown."""
    return Value("condition", np.logical_not(value.data), value.missing)


def reduced(combine: Callable[[Value, Value], Value], values: Iterable[Value]) -> Value:
    """Values combined one after another."""
    values = iter(values)
    result = next(values)
    for value in values:
        result = combine(result, value)
    return result
