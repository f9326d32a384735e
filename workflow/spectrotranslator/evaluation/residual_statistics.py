"""Bias, scatter and coverage, with bootstrap intervals over stars."""

import numpy as np
from scipy.special import ndtri

from spectrotranslator.seeds import seed

SIGMA_PER_MAD = 1.4826022185056018
DRAWS = 500
LEVEL = (2.5, 97.5)
INTERVALS = ((16, 84), (5, 95))


def robust_scatter(values: np.ndarray) -> float:
    """Standard deviation from the median absolute deviation (normal distribution)."""
    if not len(values):
        return 0.0
    return float(SIGMA_PER_MAD * np.median(np.abs(values - np.median(values))))


def weights_of_draws(stars: np.ndarray, draws: int = DRAWS) -> np.ndarray:
    """How often each row is drawn in each bootstrap sample of the stars, shape (draws, rows)."""
    names, place = np.unique(stars, return_inverse=True)
    chance = np.random.default_rng(seed("bootstrap", len(names)))
    counts = chance.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return counts[:, place].astype(np.float64)


def moments(error: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Mean, standard deviation and mean absolute value in every draw, shape (draws,)."""
    total = weights.sum(axis=1)
    mean = weights @ error / total
    square = weights @ error**2 / total
    return {
        "mean": mean,
        "std": np.sqrt(np.maximum(square - mean**2, 0)),
        "absolute": weights @ np.abs(error) / total,
    }


def errors_of(error: np.ndarray, weights: np.ndarray) -> dict[str, dict]:
    """Figures of (prediction - label), each with its 95% interval."""
    plain = moments(error, np.ones((1, len(error))))
    drawn = moments(error, weights)
    result = {
        name: {"value": float(plain[name][0]), "interval": interval(drawn[name])} for name in plain
    }
    result["robust"] = {"value": robust_scatter(error), "interval": _robust(error, weights)}
    return result


def interval(values: np.ndarray) -> list[float]:
    """The 95% interval of a figure over its draws."""
    return [float(v) for v in np.percentile(values, LEVEL)]


def _robust(error: np.ndarray, weights: np.ndarray) -> list[float]:
    middle = _weighted_median(error, weights)
    spread = [
        _weighted_median(np.abs(error - m), w[None, :])[0]
        for m, w in zip(middle, weights, strict=True)
    ]
    return interval(np.array(spread) / ndtri(0.75))


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = np.argsort(values)
    heights = np.cumsum(weights[:, order], axis=1)
    place = (heights < heights[:, -1:] / 2).sum(axis=1)
    return values[order][place]


def ratio(one: np.ndarray, other: np.ndarray, weights: np.ndarray) -> dict:
    """Standard deviation of one error over another's, star by star in the same draws.

    ``verdict``: better or worse where the 95% interval lies on one side of 1, else equal.
    """
    drawn = moments(one, weights)["std"] / moments(other, weights)["std"]
    low, high = interval(drawn)
    verdict = "better" if high < 1 else "worse" if low > 1 else "equal"
    return {"value": float(one.std() / other.std()), "interval": [low, high], "verdict": verdict}


def coverage(table: dict[int, np.ndarray], label: np.ndarray) -> dict:
    """Share of labels, whose own errors add to what is to be covered, within the percentiles.

    Parameters
    ----------
    table
        Percentile to its values, shape (stars,): 5, 16, 50, 84 and 95.
    label
        The target's value, shape (stars,).
    """
    return {
        f"{low}-{high}": {
            "expected": (high - low) / 100,
            "label": float(((label >= table[low]) & (label <= table[high])).mean()),
        }
        for low, high in INTERVALS
    }


def pulls(table: dict[int, np.ndarray], label: np.ndarray, error: np.ndarray) -> dict:
    """Mean, standard deviation and robust scatter of (label - median) over its whole error."""
    half = (table[84] - table[16]) / 2
    pull = (label - table[50]) / np.hypot(half, error)
    pull = pull[np.isfinite(pull)]
    return {"mean": float(pull.mean()), "std": float(pull.std()), "robust": robust_scatter(pull)}
