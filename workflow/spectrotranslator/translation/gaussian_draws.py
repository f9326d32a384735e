"""Gaussian draws by name: the same wherever, whenever and in whatever order they are made.

A draw depends on the seed, the row's key, the parameter and the realisation alone. Only integer
arithmetic and correctly rounded operations are used, so every instruction set gives the same bits.
"""

from collections.abc import Sequence

import numpy as np

from spectrotranslator.seeds import seed

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def key_hashes(keys: Sequence[str]) -> np.ndarray:
    """A 64-bit number for each row key, shape (rows,)."""
    return np.array([seed(key) for key in keys], dtype=np.uint64)


def normal(
    number: int, keys: np.ndarray, parameter: str, realisations: int, kind: str = "independent"
) -> np.ndarray:
    """Standard normal draws of one parameter, shape (rows, realisations), float64.

    Column 0 belongs to the unperturbed realisation and is zero. ``kind`` says how the others
    hang together: ``independent``, or ``stratified``, where each of n equally probable intervals
    holds one of the n draws, in an order of its own for every row and parameter (a Latin
    hypercube; McKay, Beckman & Conover 1979, Technometrics 21, 239).
    """
    stream = np.uint64(seed(number, parameter))
    steps = np.arange(realisations, dtype=np.uint64) * _GOLDEN
    bits = _mix(_mix(keys[:, None] ^ stream) + steps[None, :])
    uniform = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53 + 2.0**-54
    if kind == "stratified" and realisations > 1:
        order = _mix(bits[:, 1:] ^ _GOLDEN).argsort(axis=1, kind="stable").argsort(axis=1)
        uniform[:, 1:] = (order + uniform[:, 1:]) / (realisations - 1)
    draws = inverse_normal(uniform)
    draws[:, 0] = 0.0
    return draws


def _mix(z: np.ndarray) -> np.ndarray:
    """The splitmix64 finaliser (Steele, Lea & Flood 2014), wrapping modulo 2^64."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


# Rational approximations of AS 241, PPND16 (Wichura 1988, Applied Statistics 37, 477): numerator
# and denominator, highest power first, for the centre, the tails and the far tails.
_CENTRE = (
    (
        2509.0809287301226727, 33430.575583588128105, 67265.770927008700853,
        45921.953931549871457, 13731.693765509461125, 1971.5909503065514427,
        133.14166789178437745, 3.387132872796366608,
    ),
    (
        5226.495278852854561, 28729.085735721942674, 39307.89580009271061,
        21213.794301586595867, 5394.1960214247511077, 687.1870074920579083,
        42.313330701600911252, 1.0,
    ),
)  # fmt: skip
_TAIL = (
    (
        7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
        1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055,
        4.6303378461565452959, 1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
        0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494,
        2.05319162663775882187, 1.0,
    ),
)  # fmt: skip
_FAR = (
    (
        2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
        0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358,
        5.4637849111641143699, 6.6579046435011037772,
    ),
    (
        2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
        7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
        0.59983220655588793769, 1.0,
    ),
)  # fmt: skip


def inverse_normal(p: np.ndarray) -> np.ndarray:
    """Quantile of the standard normal at ``p`` in (0, 1), to about 1e-15 relative."""
    q = p - 0.5
    result = np.empty_like(q)
    centre = np.abs(q) <= 0.425
    inner = q[centre]
    result[centre] = inner * _ratio(_CENTRE, 0.180625 - inner * inner)
    outer = q[~centre]
    r = np.sqrt(-_log(np.minimum(p[~centre], 1.0 - p[~centre])))
    tail = np.where(r <= 5.0, _ratio(_TAIL, r - 1.6), _ratio(_FAR, r - 5.0))
    result[~centre] = np.where(outer < 0, -tail, tail)
    return result


def _ratio(coefficients, x: np.ndarray) -> np.ndarray:
    above, below = (_horner(powers, x) for powers in coefficients)
    return above / below


def _horner(powers, x: np.ndarray) -> np.ndarray:
    total = np.full_like(x, powers[0])
    for power in powers[1:]:
        total = total * x + power
    return total


def _log(x: np.ndarray) -> np.ndarray:
    """Natural logarithm from its inverse hyperbolic tangent series: no library's rounding."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < np.sqrt(0.5)
    mantissa = np.where(small, 2.0 * mantissa, mantissa)
    exponent = np.where(small, exponent - 1, exponent)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    series = _horner([1.0 / n for n in range(25, 0, -2)], s * s)
    return 2.0 * s * series + exponent * np.log(2.0)
