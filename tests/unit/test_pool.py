"""Executions drawn from a pool lie nearer than independent ones, and the tolerances undo it."""

from itertools import combinations

import numpy as np
import pytest

from spectrotranslator.compare.tolerances import _spread

MEMBERS, POOL, EXECUTIONS, TRIALS = 5, 20, 8, 400


def differences(executions: np.ndarray) -> np.ndarray:
    return np.array([b - a for a, b in combinations(executions, 2)])


def test_the_scatter_between_draws_becomes_that_between_independent_executions():
    chance = np.random.default_rng(6)
    drawn, independent = [], []
    for _ in range(TRIALS):
        pool = chance.normal(size=POOL)
        means = [chance.permutation(pool)[:MEMBERS].mean() for _ in range(EXECUTIONS)]
        nearer = np.sqrt(1 - MEMBERS / POOL)
        drawn.append(_spread("bias", differences(np.array(means)), nearer)["std"] ** 2)
        means = chance.normal(size=(EXECUTIONS, MEMBERS)).mean(axis=1)
        independent.append(_spread("bias", differences(means), 1.0)["std"] ** 2)
    assert np.mean(drawn) == pytest.approx(np.mean(independent), rel=0.1)
