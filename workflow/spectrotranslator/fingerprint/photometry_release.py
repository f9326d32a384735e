"""Which release's magnitudes the colours came from, where the caller has more than one.

EDR3 and DR3 differ in G for the sources with six-parameter solutions, by some thousandths of a
magnitude, and so in both colours. Stars near the edge of a cell then pass with one release and fail
with the other, and the training sample's maps differ: each release is scored as a selection is.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import Survey

from .answer import Answer, unknown
from .selection_ranking import ODDS


def read_release(wrong: Mapping[str, np.ndarray], different: int) -> Answer:
    """Rank releases by the stars that contradict the best selection made with their colours.

    Parameters
    ----------
    wrong
        Release to whether each row contradicts it.
    different
        Stars whose colours differ between the releases.
    """
    counts = {name: int(rows.sum()) for name, rows in wrong.items()}
    evidence = {"contradicted_by": counts, "different_colours": different}
    if len(wrong) < 2:
        return unknown("magnitudes of only one release are at hand", **evidence)
    if not different:
        return unknown("the releases give every star the same colours", **evidence)
    stars = len(next(iter(wrong.values())))
    best = min(counts, key=counts.__getitem__)
    rate = (counts[best] + 0.5) / (stars + 1)
    cost = np.log((1 - rate) / rate)
    left = [name for name, count in counts.items() if (count - counts[best]) * cost < ODDS]
    if len(left) > 1:
        return unknown("no star's flags tell the releases apart", **evidence)
    return Answer(estimate=best, interval=left, evidence=evidence)


def recoloured(stars: pd.DataFrame, survey: Survey, photometry: pd.DataFrame) -> pd.DataFrame:
    """The survey's ``stars`` with the colours that other magnitudes give.

    ``photometry`` holds the source id in its first column and magnitudes under the names that the
    survey's colours are made of. A star that it lacks has no colour.
    """
    key = photometry.columns[0]
    found = photometry.drop_duplicates(key).set_index(key).reindex(stars["source_id"].to_numpy())
    changed = {
        name: found[feature.difference[0]].to_numpy(np.float64)
        - found[feature.difference[1]].to_numpy(np.float64)
        for name, feature in survey.features.items()
        if feature.difference
    }
    return stars.assign(**changed)
