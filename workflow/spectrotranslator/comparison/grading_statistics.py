"""What is measured of a column in two catalogues, star by star and as one number each."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from spectrotranslator.evaluation.residual_statistics import robust_scatter

from .percentile_groups import Group

QUANTILES = (0.001, 0.01, 0.05, 0.16, 0.5, 0.84, 0.95, 0.99, 0.999)
RUNAWAY_WIDTHS = 30.0


def outlier_limits(reference: np.ndarray) -> tuple[float, float]:
    """From 30 of the reference's 16-84% widths below its median to as many above."""
    known = reference[np.isfinite(reference)]
    if not len(known):
        return -np.inf, np.inf
    low, middle, high = np.percentile(known, [16, 50, 84])
    reach = RUNAWAY_WIDTHS * max(high - low, 1e-300)
    return float(middle - reach), float(middle + reach)


def is_outlier(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Which values lie outside the limits or are no numbers."""
    return ~((values >= limits[0]) & (values <= limits[1]))


def describe(published: np.ndarray, regenerated: np.ndarray, names: Sequence) -> dict:
    """Differences (regenerated minus published) of matched stars; run-aways counted apart.

    Where neither side has a number they are equal; one that is lacking on one side alone is
    counted.
    """
    limits = outlier_limits(published)
    wild_p, wild_r = (is_outlier(side, limits) for side in (published, regenerated))
    tame = ~(wild_p | wild_r)
    difference = (regenerated - published)[tame]
    nothing = np.isnan(published), np.isnan(regenerated)
    figures = {
        "matched": len(published),
        "equal": int(((published == regenerated) | (nothing[0] & nothing[1])).sum()),
        "lacking_published": int((nothing[0] & ~nothing[1]).sum()),
        "lacking_regenerated": int((nothing[1] & ~nothing[0]).sum()),
        "runaway_published": int(wild_p.sum()),
        "runaway_regenerated": int(wild_r.sum()),
        "runaway_both": int((wild_p & wild_r).sum()),
    }
    if not len(difference):
        return figures
    quantiles = np.quantile(difference, QUANTILES)
    return figures | {
        "bias": float(np.median(difference)),
        "mean": float(difference.mean()),
        "std": float(difference.std()),
        "robust_scatter": robust_scatter(difference),
        "quantiles": dict(zip(map(str, QUANTILES), map(float, quantiles), strict=True)),
        "largest": float(np.abs(difference).max()),
        "worst": _worst(difference, np.asarray(names)[tame], published[tame], regenerated[tame]),
    }


def _worst(difference, names, published, regenerated) -> list[dict]:
    size = np.abs(difference)
    least = np.partition(size, -20)[-20] if len(size) > 20 else 0.0
    rows = np.flatnonzero(size >= least)
    rows = rows[np.argsort(-size[rows], kind="stable")][:20]
    return [
        {
            "identifier": str(names[row]),
            "published": float(published[row]),
            "regenerated": float(regenerated[row]),
        }
        for row in rows
    ]


def pulls(difference: np.ndarray, unit: np.ndarray) -> dict:
    """Median and robust scatter of ``difference`` in units of a positive ``unit``, star by star."""
    good = np.isfinite(unit) & (unit > 0) & np.isfinite(difference)
    values = difference[good] / unit[good]
    if not len(values):
        return {"stars": 0}
    return {
        "stars": len(values),
        "median": float(np.median(values)),
        "robust_scatter": robust_scatter(values),
        "outside_3": float((np.abs(values) > 3).mean()),
    }


def grading_statistics(
    published: pd.DataFrame, regenerated: pd.DataFrame, groups: Sequence[Group]
) -> dict[str, dict[str, float]]:
    """The numbers a grade rests on, by column, for matched rows.

    Percentiles: ``bias`` (median difference) and ``scatter`` (logarithm of the robust scatter of
    differences), in the column's unit, and ``lag``, the bias less the median bias of the group's
    other percentiles, which move together. Those beside the median also have ``offset``, by which
    the logarithm of the median distance to the median column changed, and ``shape``, the same
    less its mean over the percentiles of the group: how wide an interval is hangs on the
    networks, but hardly how its percentiles stand to each other. Systematic errors: ``bias`` and
    ``scatter`` of the logarithm's differences.
    """
    found = {}
    for group in groups:
        offsets = _offsets(published, regenerated, group)
        common = np.mean(list(offsets.values())) if offsets else 0.0
        for label in group.percentiles.values():
            found[label] = _location(published[label].to_numpy(), regenerated[label].to_numpy())
            if label in offsets:
                change = offsets[label]
                found[label] |= {"offset": change, "shape": float(change - common)}
        biases = {label: found[label]["bias"] for label in group.percentiles.values()}
        if len(biases) > 2:
            for label, bias in biases.items():
                others = [other for name, other in biases.items() if name != label]
                found[label]["lag"] = bias - float(np.median(others))
        if group.systematic:
            p, r = (_log(side[group.systematic].to_numpy()) for side in (published, regenerated))
            found[group.systematic] = _location(p, r)
    return found


def _offsets(published: pd.DataFrame, regenerated: pd.DataFrame, group: Group) -> dict[str, float]:
    return {
        label: _log_ratio(
            *(_median_distance(side, label, group) for side in (regenerated, published))
        )
        for number, label in group.percentiles.items()
        if number != 50
    }


def _median_distance(side: pd.DataFrame, label: str, group: Group) -> float:
    return _median(np.abs(side[label] - side[group.centre]).to_numpy())


def _location(published: np.ndarray, regenerated: np.ndarray) -> dict[str, float]:
    limits = outlier_limits(published)
    tame = ~(is_outlier(published, limits) | is_outlier(regenerated, limits))
    difference = (regenerated - published)[tame]
    return {
        "bias": _median(difference),
        "scatter": float(_log(np.array([robust_scatter(difference)]))[0]),
    }


def _median(values: np.ndarray) -> float:
    """Median of what is a number; 0 where nothing is, as nothing differs there."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else 0.0


def _log(values: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(values, 1e-300))


def _log_ratio(above: float, below: float) -> float:
    return float(_log(np.array([above]))[0] - _log(np.array([below]))[0])
