"""The shortest text of a double that a Fortran read takes back to the same double.

The notation is that of Java's ``Double.toString``: plain from 1e-3 up to 1e7, otherwise one digit
before the point and an exponent. There is always a point, since a Fortran read of ``Fw.d`` or
``Ew.d`` shifts digits that have none by ``d`` places.
"""

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7
# Powers of ten below those that JSON's writer still writes with all zeros after the point.
_ZEROS_POWERS = (-4, -5)


def float_texts(
    values: np.ndarray, kind: str, width: int
) -> tuple[pa.Array, np.ndarray, np.ndarray, pa.Array]:
    """Texts of finite doubles for a field, in two parts: the many, and the few to put over them.

    Parameters
    ----------
    values : array of float64, shape (rows,)
    kind
        ``F`` prefers plain notation at every size; ``E`` and ``D`` follow the thresholds.
    width
        Bytes of the field. A longer text is cut to as many correctly rounded digits as fit.

    Returns
    -------
    Texts of all rows, none longer than the field; the values that the final texts stand for (NaN
    where nothing fits); the rows whose text is another; and their texts, null where nothing fits.
    """
    size = np.abs(values)
    special = ((size < _PLAIN_FROM) & (size > 0)) | (size >= _PLAIN_BELOW)
    common = np.where(special, 1.5, values) if special.any() else values
    texts = _json_texts(common)
    lengths = pc.binary_length(texts)
    if (pc.max(lengths).as_py() or 0) > width:
        long = lengths.to_numpy() > width
        texts = pc.if_else(pa.array(long), pa.scalar(""), texts)
        special |= long
    rows = np.flatnonzero(special)
    quick = np.empty(0, np.intp)
    small = pa.array([], pa.string())
    if kind != "F":
        quick = rows[(size[rows] > 0) & (size[rows] < _PLAIN_FROM)]
        small = _scientific(values[quick])
        fits = pc.less_equal(pc.binary_length(small), width)
        quick, small = quick[fits.to_numpy(zero_copy_only=False)], small.filter(fits)
        rows = np.setdiff1d(rows, quick, assume_unique=True)
    over, written = _one_by_one(values, rows, kind, width)
    return texts, written, np.concatenate([quick, rows]), pa.concat_arrays([small, over])


def widened(values: np.ndarray) -> np.ndarray:
    """Doubles of finite floats, a narrow one as its own shortest text: 4337.42, not 4337.41992."""
    if values.dtype == np.float64:
        return values
    return pc.cast(_json_texts(values), pa.float64()).to_numpy()


def _json_texts(values: np.ndarray) -> pa.Array:
    """Shortest texts of finite floats, in plain notation and with a point from 1e-5 to 1e16."""
    if not len(values):
        return pa.array([], pa.string())
    joined = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    commas = np.flatnonzero(np.frombuffer(joined, np.uint8) == ord(","))
    ends = np.append(commas, len(joined) - 1) - np.arange(1, len(values) + 1)
    places = np.append(0, ends).astype(np.int32)
    texts = joined[1:-1].replace(b",", b"")
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(places), pa.py_buffer(texts))


def _scientific(values: np.ndarray) -> pa.Array:
    """Texts with one digit before the point and a power of ten, of doubles below 1e-3."""
    texts = _json_texts(values)
    for power in _ZEROS_POWERS:
        digits = rf"^(-?)0\.{'0' * (-power - 1)}([1-9])([0-9]*)$"
        texts = pc.replace_substring_regex(texts, digits, rf"\1\2.\3e{power}")
    texts = pc.replace_substring_regex(texts, r"^(-?[0-9])\.?e", r"\1.0e")
    return pc.utf8_upper(texts)


def _one_by_one(
    values: np.ndarray, rows: np.ndarray, kind: str, width: int
) -> tuple[pa.Array, np.ndarray]:
    """Texts of some rows, null where nothing fits, and all values as they are then written."""
    if not len(rows):
        return pa.array([], pa.string()), values
    bits, places = np.unique(values[rows].view(np.int64), return_inverse=True)
    made = [fitted_text(value, kind, width) for value in bits.view(np.float64).tolist()]
    read_back = np.array([np.nan if text is None else float(text) for text in made])
    written = values.copy()
    written[rows] = read_back[places]
    return pa.array(made, pa.string()).take(pa.array(places)), written


def fitted_text(value: float, kind: str, width: int) -> str | None:
    """Text of one finite double in at most ``width`` bytes, or None where nothing fits."""
    plain_first = kind == "F" or value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW
    sign, digits, exponent = _decompose(repr(value))
    text = _first_that_fits(sign, digits, exponent, plain_first, width)
    # A digit less makes a text one byte shorter, a carry (0.096 to 0.1) up to two more.
    shortest = min(len(sign + _bare(form)) for form in _forms(digits, exponent, True, width))
    carry = 2 if digits[0] == "9" else 0
    hopeful = max(1, len(digits) + width - shortest + carry)
    for count in range(min(len(digits) - 1, hopeful), 0, -1):
        if text is not None:
            return text
        rounded = _decompose(f"{value:.{count - 1}e}")
        text = _first_that_fits(*rounded, plain_first, width)
    return text or _fixed(value, width)


def _decompose(text: str) -> tuple[str, str, int]:
    """Sign, digits without zeros at the ends, and the power of ten of the first digit."""
    sign = "-" if text[0] == "-" else ""
    mantissa, _, power = text.lstrip("-").partition("e")
    front, _, back = mantissa.partition(".")
    digits = front + back
    lead = len(digits) - len(digits.lstrip("0"))
    digits = digits.strip("0")
    if not digits:
        return sign, "0", 0
    return sign, digits, int(power or 0) + len(front) - 1 - lead


def _first_that_fits(
    sign: str, digits: str, exponent: int, plain_first: bool, width: int
) -> str | None:
    forms = _forms(digits, exponent, plain_first, width)
    for form in forms:
        if len(sign + form) <= width:
            return sign + form
    for form in forms:
        if len(sign + _bare(form)) <= width:
            return sign + _bare(form)
    return None


def _forms(digits: str, exponent: int, plain_first: bool, width: int) -> list[str]:
    """The notations of a number, the preferred one first; no plain one that could never fit."""
    scientific = f"{digits[0]}.{digits[1:] or '0'}E{exponent}"
    if not -width <= exponent <= width:
        return [scientific]
    plain = _plain(digits, exponent)
    return [plain, scientific] if plain_first else [scientific, plain]


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return f"0.{'0' * (-exponent - 1)}{digits}"
    front = digits[: exponent + 1].ljust(exponent + 1, "0")
    return f"{front}.{digits[exponent + 1 :] or '0'}"


def _bare(form: str) -> str:
    """Without the zero before or behind the point that no digit needs."""
    mantissa, mark, power = form.partition("E")
    front, back = mantissa.split(".")
    if back == "0" and front != "0":
        back = ""
    elif front == "0" and back:
        front = ""
    return f"{front}.{back}{mark}{power}"


def _fixed(value: float, width: int) -> str | None:
    """A number too small for any of its digits, rounded to zero."""
    if abs(value) >= 1:
        return None
    sign = "-" if np.signbit(value) else ""
    room = width - len(sign) - 1
    if room < 1:
        return None
    text = f"{abs(value):.{room}f}".removeprefix("0")
    return sign + text if text.startswith(".") and not text.strip(".0") else None
