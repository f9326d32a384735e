"""Comments of a user's stars, in which a missing input is missing and not outside a range."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from .montecarlo import NetworkPart
from .quality_flags import bit_mask, comments, reasons


def comments_of(
    parts: Sequence[NetworkPart], translated: pd.DataFrame, missing: pd.DataFrame
) -> list[str]:
    """One comment a row: the inputs that are missing, then the pairs of the others outside.

    Parameters
    ----------
    translated
        A translation with ``reasons_input_K`` and ``reasons_output_K`` of every network ``K``.
    missing
        Whether each input is missing, by its name, a row a star.
    """
    texts = []
    for part in parts:
        absent = missing[part.ensemble.inputs].to_numpy(bool)
        pairs = combinations(absent.T, 2)
        with_absent = np.array([one | other for one, other in pairs]).T.reshape(len(absent), -1)
        outside = translated[f"reasons_input_{part.kind}"].to_numpy() & ~bit_mask(with_absent)
        after = translated[f"reasons_output_{part.kind}"].to_numpy()
        texts.append(
            [
                "".join(each)
                for each in zip(
                    _named(part.input_names, absent),
                    reasons("Input", part.input_names, outside),
                    reasons("Output", part.output_names, after),
                    strict=True,
                )
            ]
        )
    return comments(texts)


def _named(names: Sequence[str], absent: np.ndarray) -> list[str]:
    return [
        "".join(f"| Input {name} missing" for name, gap in zip(names, row, strict=True) if gap)
        for row in absent
    ]
