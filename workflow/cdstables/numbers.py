"""Text of a field to values: exact, and the same as a Fortran read where that takes the text.

The fast way is Arrow's parser, which rounds correctly; what it does not take (a plus sign, a
``D`` exponent, an exponent without a letter) is brought into a form that it takes.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .layout import Column

_NAN = r"[-+]?(?i:nan|inf|infinity)"
_FLOAT = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eEdDqQ][-+]?[0-9]+|[-+][0-9]+)?"
_INTEGER = r"[-+]?[0-9]+"


@dataclass(frozen=True)
class Fields:
    """The values of one column in a stretch of records.

    ``data`` has nulls where ``null`` (blank or the null code) or ``bad`` says so; ``bad`` maps a
    row of the stretch to the reason why its text is no value. ``blank`` and ``null`` are None
    where no row is such.
    """

    texts: pa.Array
    data: pa.Array
    blank: np.ndarray | None
    null: np.ndarray | None
    bad: dict[int, str]


def texts_of(cells: np.ndarray, column: Column) -> tuple[pa.Array, dict[int, str]]:
    """The trimmed texts of a column, and the rows whose bytes are no UTF-8.

    Parameters
    ----------
    cells : array of uint8, shape (records, width of the record)
    """
    field = np.ascontiguousarray(cells[:, column.start - 1 : column.end])
    count, width = field.shape
    bad: dict[int, str] = {}
    if (field > 127).any():
        field, bad = _valid_utf8(field)
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    raw = pa.Array.from_buffers(
        pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(field)]
    )
    return pc.ascii_trim(raw, characters=" "), bad


def parse(cells: np.ndarray, column: Column) -> Fields:
    """The values of a column; nothing is raised for a text that is no value."""
    texts, bad = texts_of(cells, column)
    blank = _where(pc.equal(pc.binary_length(texts), 0))
    null = blank
    if column.null:
        null = _either(blank, _where(_is_code(texts, column.null)))
    if column.kind == "A":
        if column.null is None:
            null = None
        return Fields(texts, _without(texts, null, bad), blank, null, bad)
    kept = _without(texts, null, bad)
    integer = column.kind == "I"
    values, unread = _integers(kept) if integer else _floats(kept)
    if column.null and (code := null_number(column)) is not None:
        null = _either(null, _where(pc.fill_null(pc.equal(values, code), False)))
        values = _without(values, null, {})
    return Fields(texts, values, blank, null, bad | unread)


def _valid_utf8(field: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    field = field.copy()
    bad = {}
    for row in np.flatnonzero((field > 127).any(axis=1)):
        try:
            field[row].tobytes().decode("utf-8")
        except UnicodeDecodeError:
            bad[int(row)] = "its bytes are no UTF-8 text"
            field[row] = 32
    return field, bad


def _where(mask: pa.Array) -> np.ndarray | None:
    if not pc.any(mask).as_py():
        return None
    return mask.to_numpy(zero_copy_only=False)


def _either(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    if one is None or other is None:
        return other if one is None else one
    return one | other


def _without(values: pa.Array, null: np.ndarray | None, bad: dict[int, str]) -> pa.Array:
    if null is None and not bad:
        return values
    mask = np.zeros(len(values), dtype=bool) if null is None else null.copy()
    mask[list(bad)] = True
    return pc.if_else(pa.array(mask), pa.scalar(None, values.type), values)


def _is_code(texts: pa.Array, code: str) -> pa.Array:
    """Whether a text is the null code; a code of dashes stands for one to four of them."""
    if set(code) == {"-"}:
        return pc.match_substring_regex(texts, r"^-{1,4}$")
    return pc.equal(texts, code)


def null_number(column: Column) -> int | float | None:
    """The null code of a column as a number of its kind, or None where it is no such number."""
    try:
        code = float(column.null.lower().replace("d", "e"))
        if column.kind != "I":
            return code
        return int(column.null) if -(2**63) <= int(column.null) < 2**63 else None
    except ValueError:
        return None


def _floats(texts: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    try:
        values = texts.cast(pa.float64())
        if pc.all(pc.is_finite(values)).as_py() is not False:
            return values, {}
    except pa.ArrowInvalid:
        pass
    kept, bad = _matching(texts, f"{_FLOAT}|{_NAN}", "no number")
    for pattern, form in (
        (r"^\+", ""),
        ("[dDqQ]", "e"),
        (r"([0-9.])([-+][0-9]+)$", r"\1e\2"),
    ):
        kept = pc.replace_substring_regex(kept, pattern, form)
    values = _upright(kept).cast(pa.float64())
    huge = pc.and_(pc.is_inf(values), pc.match_substring_regex(kept, "[0-9]"))
    for row in _rows(huge):
        bad[row] = "beyond the range of a double"
    return _without(values, None, bad), bad


def _upright(texts: pa.Array) -> pa.Array:
    """Undo what the change of ``D`` to ``e`` cannot touch: words are spelt in small letters."""
    return pc.ascii_lower(texts)


def _integers(texts: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    if not pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py():
        try:
            return texts.cast(pa.int64()), {}
        except pa.ArrowInvalid:
            pass
    kept, bad = _matching(texts, _INTEGER, "no integer")
    kept = pc.replace_substring_regex(kept, r"^\+", "")
    try:
        return kept.cast(pa.int64()), bad
    except pa.ArrowInvalid:
        values = kept.to_pylist()
    for row, text in enumerate(values):
        if text is not None and not -(2**63) <= int(text) < 2**63:
            bad[row] = "beyond the range of a 64-bit integer"
            values[row] = None
    return pa.array([None if v is None else int(v) for v in values], pa.int64()), bad


def _matching(texts: pa.Array, pattern: str, reason: str) -> tuple[pa.Array, dict[int, str]]:
    fits = pc.fill_null(pc.match_substring_regex(texts, f"^(?:{pattern})$"), True)
    bad = dict.fromkeys(_rows(pc.invert(fits)), reason)
    return _without(texts, None, bad), bad


def _rows(mask: pa.Array) -> list[int]:
    return np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False)).tolist()
