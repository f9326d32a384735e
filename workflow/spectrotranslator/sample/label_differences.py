"""Labels' differences between the surveys in a training sample, beside the published ones.

The authors' notebooks print mean and standard deviation of the differences over the validation
rows of their split. The split is a permutation with a known seed, so these figures test which stars
the sample holds, in which order, and which of them are validation stars, all at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import (
    Configuration,
    Direction,
    PublishedDifferences,
    Split,
)

from .split import VALIDATION, split

#: Orders of the rows that are tried, each with the column of the sample that it sorts by.
ORDERS = {"as configured": None, "from key": "from:key", "to key": "to:key"}
SOURCE_ID = "from:source_id"


def label_differences(sample: pd.DataFrame, direction: Direction, kind: str) -> pd.DataFrame:
    """Every output's difference, the input that it corrects minus the output, a star a row.

    Parameters
    ----------
    sample : pandas.DataFrame
        Training sample, inputs as ``from:NAME`` and outputs as ``to:NAME``.
    direction : Direction
        The translation.
    kind : str
        Which of its networks.

    Returns
    -------
    pandas.DataFrame
        A column an output, in its unit, shape (stars, outputs).
    """
    network = direction.networks[kind]
    inputs = network.inputs[network.corrected]
    return pd.DataFrame(
        {
            output: sample[f"from:{name}"] - sample[f"to:{output}"]
            for name, output in zip(inputs, network.outputs, strict=True)
        }
    )


def describe_candidate(
    sample: pd.DataFrame, configuration: Configuration, direction: Direction, kind: str
) -> dict:
    """How many stars a candidate's sample holds, and its differences beside the published ones.

    Parameters
    ----------
    sample : pandas.DataFrame
        The candidate's training sample, before it is split.
    configuration, direction : Configuration, Direction
        The split, and what was published.
    kind : str
        Which of the direction's networks.

    Returns
    -------
    dict
        ``stars``; where differences of the kind's outputs were published also ``differences`` by
        output, ``chi_square`` and ``exact_orders``.
    """
    described: dict = {"stars": len(sample)}
    published = direction.published_differences
    outputs = direction.networks[kind].outputs
    if published is None or not set(outputs) & set(published.labels) or len(sample) < 2:
        return described
    differences = label_differences(sample, direction, kind)
    known = {name: published.labels[name] for name in outputs if name in published.labels}
    described["differences"] = {
        name: _beside(differences[name].to_numpy(), known[name], configuration.split)
        for name in known
    }
    described["chi_square"] = sum(
        deviation**2
        for label in described["differences"].values()
        for deviation in label["deviations"]
    )
    described["exact_orders"] = exact_orders(sample, differences, published, configuration.split)
    return described


def _beside(values: np.ndarray, published: tuple[float, float], settings: Split) -> dict:
    """Mean and standard deviation of all stars, and how far the published ones are, in errors.

    The validation rows are drawn from the sample without replacement, so the errors shrink with
    the share that is drawn.
    """
    stars = len(values)
    mean, deviation = float(values.mean()), float(values.std())
    drawn = math.ceil(stars * settings.validation)
    share = math.sqrt(max(1 / drawn - 1 / stars, 1e-12))
    fourth = float(((values - mean) ** 4).mean())
    error_of_mean = deviation * share
    error_of_deviation = math.sqrt(max(fourth - deviation**4, 0)) / (2 * deviation or 1) * share
    return {
        "mean": mean,
        "standard_deviation": deviation,
        "published": list(published),
        "deviations": [
            (mean - published[0]) / (error_of_mean or 1),
            (deviation - published[1]) / (error_of_deviation or 1),
        ],
    }


def exact_orders(
    sample: pd.DataFrame,
    differences: pd.DataFrame,
    published: PublishedDifferences,
    settings: Split,
) -> list[str]:
    """Orders of the rows whose validation part gives every published figure to its last digit.

    Parameters
    ----------
    sample, differences : pandas.DataFrame
        The sample and its labels' differences, row by row.
    published : PublishedDifferences
        The figures and their decimals.
    settings : Split
        How the sample is parted.

    Returns
    -------
    list of str
        Of ``as configured``, ``from key``, ``to key`` and ``source_id`` those that do; empty where
        none does. Standard deviations with and without Bessel's correction are accepted.
    """
    named = {**ORDERS, "source_id": SOURCE_ID} if SOURCE_ID in sample else ORDERS
    return [
        name
        for name, column in named.items()
        if _exact(_validation(sample, differences, column, settings), published)
    ]


def _validation(
    sample: pd.DataFrame, differences: pd.DataFrame, column: str | None, settings: Split
) -> pd.DataFrame:
    order = np.arange(len(sample)) if column is None else np.argsort(sample[column], kind="stable")
    chosen = split(sample.iloc[order].reset_index(drop=True), settings) == VALIDATION
    return differences.iloc[order][chosen]


def _exact(differences: pd.DataFrame, published: PublishedDifferences) -> bool:
    half = 0.5000001 * 10.0**-published.decimals
    figures: Mapping[str, tuple[float, float]] = published.labels
    for name in differences.columns.intersection(list(figures)):
        mean, deviation = figures[name]
        values = differences[name].to_numpy()
        spreads = [abs(values.std(ddof=ddof) - deviation) for ddof in (0, 1)]
        if abs(values.mean() - mean) > half or min(spreads) > half:
            return False
    return True
