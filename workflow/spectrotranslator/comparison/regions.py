"""Where in parameter space two catalogues differ: by bins of the labels, and by training range."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from .grading_statistics import is_outlier, outlier_limits, robust_scatter
from .percentile_groups import Group

BINS = 5
BINNED = 3


def regions(
    published: pd.DataFrame,
    regenerated: pd.DataFrame,
    groups: Sequence[Group],
    flags: Sequence[str],
) -> list[dict]:
    """Bias and robust scatter of every median column in each region, a line each.

    Regions are fifths of the stars by the published medians of the first three quantities (Teff,
    logg and metallicity), and the two states of each flag. Run-aways are left out.
    """
    lines = []
    places = list(_places(published, groups, flags))
    for group in groups:
        p, r = (side[group.centre].to_numpy(np.float64) for side in (published, regenerated))
        limits = outlier_limits(p)
        tame = ~(is_outlier(p, limits) | is_outlier(r, limits))
        for region, inside in places:
            difference = (r - p)[inside & tame]
            if len(difference):
                lines.append(
                    {
                        "column": group.centre,
                        **region,
                        "stars": len(difference),
                        "bias": float(np.median(difference)),
                        "robust_scatter": robust_scatter(difference),
                    }
                )
    return lines


def _places(
    published: pd.DataFrame, groups: Sequence[Group], flags: Sequence[str]
) -> Iterator[tuple[dict, np.ndarray]]:
    for group in groups[:BINNED]:
        values = published[group.centre].to_numpy(np.float64)
        known = values[np.isfinite(values)]
        if not len(known):
            continue
        edges = np.quantile(known, np.linspace(0, 1, BINS + 1))
        number = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, BINS - 1)
        for i in range(BINS):
            bounds = {"from": float(edges[i]), "to": float(edges[i + 1])}
            yield {"by": group.centre, **bounds}, number == i
    for label in flags:
        truth = published[label].to_numpy(bool)
        for state in (True, False):
            yield {"by": label, "is": state}, truth == state
