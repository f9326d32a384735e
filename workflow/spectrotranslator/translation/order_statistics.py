"""Percentiles of one star over ``n`` realisations of which the first has no noise: simulated.

A percentile interpolates between two order statistics. Those of n - 1 normal draws come from
uniform ones, whose gaps are gamma distributed (David & Nagaraja 2003, Order Statistics, 2.5), so
the time does not grow with n. The unperturbed realisation, which is 0, is then put among them.
"""

import numpy as np
from scipy.special import ndtri

FRACTIONS = np.array([0.05, 0.16, 0.50, 0.84, 0.95])


def simulate(n: int, stars: int, rng: np.random.Generator) -> np.ndarray:
    """The five percentiles, shape (stars, 5), in units of the noise; numpy's linear rule."""
    place = FRACTIONS * (n - 1)
    below = np.floor(place + 1e-9).astype(int)
    drawn = _order_statistics(np.unique(below[:, None] + [-1, 0, 1]), n - 1, stars, rng)
    low, high = (
        np.stack([np.maximum(drawn[k - 1], np.minimum(drawn[k], 0.0)) for k in below + step])
        for step in (0, 1)
    )
    share = np.clip(place - below, 0, 1)[:, None]
    # A percentile that is an order statistic has no part in the next one, which may not exist.
    return np.where(share > 1e-9, low + share * np.where(share > 1e-9, high - low, 0), low).T


def _order_statistics(
    ranks: np.ndarray, n: int, stars: int, rng: np.random.Generator
) -> dict[int, np.ndarray]:
    """Rank (from 0) to the order statistics of ``n`` normal draws; without end outside of them."""
    inside = ranks[(ranks >= 0) & (ranks < n)]
    total = np.zeros(stars)
    sums = {}
    for rank, gap in zip(inside, np.diff(inside, prepend=-1), strict=True):
        total = total + rng.standard_gamma(gap, stars)
        sums[int(rank)] = total
    whole = total + rng.standard_gamma(n - inside[-1], stars) if len(inside) else total
    found = {int(rank): np.full(stars, -np.inf if rank < 0 else np.inf) for rank in ranks}
    return found | {rank: ndtri(part / whole) for rank, part in sums.items()}


def trimmed_spread(members: int, draws: int = 40_000) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of the trimmed spread of normal members.

    The lowest and the highest are left out, ddof is 0, the members' own width is 1.
    """
    drawn = np.sort(np.random.default_rng(members).normal(size=(draws, members)), axis=1)
    spread = np.log(drawn[:, 1:-1].std(axis=1))
    return float(spread.mean()), float(spread.std())
