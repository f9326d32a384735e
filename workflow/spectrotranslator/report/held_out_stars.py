"""Stars that no method saw, as every method translated them: what the quality figures show."""

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import Direction, Feature
from spectrotranslator.evaluation.residual_statistics import robust_scatter

WHOSE = "stars that no network saw, each method trained anew without them"


def columns_of(direction: Direction) -> list[str]:
    """The columns of the judged stars that the figures read."""
    labels = [label for kind in direction.networks.values() for label in kind.outputs]
    return ["key"] + [
        f"{label}_{what}" for label in labels for what in ("p16", "p50", "p84", "systematic")
    ]


def held_out(
    direction: Direction,
    samples: dict[str, pd.DataFrame],
    judged: pd.DataFrame,
    target: pd.DataFrame,
) -> pd.DataFrame:
    """One line a star and label of one method.

    ``target`` as the survey aimed at measured it, with its ``error``; ``before`` as the survey
    translated measured it; ``after`` the translation, with its interval ``low`` to ``high`` and the
    scatter of its members, ``systematic``. All in the label's unit.

    Parameters
    ----------
    samples
        Kind to its training sample.
    judged
        The method's translation of the judged stars.
    target
        ``key`` and ``X_error`` of the survey aimed at.
    """
    parts = []
    for kind, network in direction.networks.items():
        sample = samples[kind]
        place = pd.Index(sample["from:key"].astype(str)).get_indexer(judged["key"].astype(str))
        stars = judged[place >= 0]
        pairs = sample.iloc[place[place >= 0]]
        aimed = pd.Index(target["key"].astype(str)).get_indexer(pairs["to:key"].astype(str))
        parts += [
            pd.DataFrame(
                {
                    "label": label,
                    "target": pairs[f"to:{label}"].to_numpy(np.float64),
                    "error": target[f"{label}_error"].to_numpy(np.float64)[aimed],
                    "before": pairs[f"from:{own}"].to_numpy(np.float64),
                    "after": stars[f"{label}_p50"].to_numpy(np.float64),
                    "low": stars[f"{label}_p16"].to_numpy(np.float64),
                    "high": stars[f"{label}_p84"].to_numpy(np.float64),
                    "systematic": stars[f"{label}_systematic"].to_numpy(np.float64),
                }
            )
            for label, own in zip(network.outputs, network.inputs[network.corrected], strict=True)
        ]
    return pd.concat(parts, ignore_index=True)


def figures_of(stars: pd.DataFrame, features: dict[str, Feature]) -> list[dict]:
    """Mean, standard deviation and robust scatter of every label, before and after."""
    lines = []
    for label, table in stars.groupby("label", sort=False):
        line = {"label": label, "unit": features[label].unit, "stars": len(table)}
        for when in ("before", "after"):
            difference = (table[when] - table["target"]).to_numpy()
            line |= {
                f"mean_{when}": float(difference.mean()),
                f"std_{when}": float(difference.std()),
                f"robust_{when}": robust_scatter(difference),
            }
        lines.append(line)
    return lines
