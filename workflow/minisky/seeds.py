"""Random numbers whose seeds come from names, so that one part never disturbs another."""

import hashlib

import numpy as np


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A generator that depends on ``seed`` and on the names of what it is for."""
    return np.random.default_rng(named_seed(seed, *names))


def named_seed(seed: int, *names: str | int) -> int:
    """A whole number of 63 bits from ``seed`` and names."""
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
