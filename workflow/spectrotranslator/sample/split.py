"""Part a training sample into training, validation and test stars."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spectrotranslator.config.configuration import Split
from spectrotranslator.errors import InputError
from spectrotranslator.seeds import seed

if TYPE_CHECKING:
    import pandas as pd

TRAIN, VALIDATION, TEST = "train", "validation", "test"


def split(sample: pd.DataFrame, settings: Split) -> np.ndarray:
    """Part of each row of ``sample``; with ``by: star`` all rows of a star in one part."""
    if settings.by == "row":
        return assign_split(len(sample), settings)
    stars, place = np.unique(stars_of(sample), return_inverse=True)
    return assign_split(len(stars), settings)[place]


def stars_of(sample: pd.DataFrame | Mapping[str, np.ndarray]) -> np.ndarray:
    """What names the star of each row: its Gaia id, and where there is none its survey's key."""
    key = np.asarray(sample["from:key"]).astype(str).astype(object)
    if "from:source_id" not in sample:
        return key
    source_id = np.asarray(sample["from:source_id"])
    return np.where(source_id > 0, source_id.astype(str).astype(object), key)


def survey_rows(sample: pd.DataFrame, stars: pd.DataFrame, side: str) -> pd.DataFrame:
    """The survey's stars of a training sample, row by row; ``side`` is ``from`` or ``to``."""
    known = stars.set_index(stars["key"].astype(str)).index
    place = known.get_indexer(sample[f"{side}:key"].astype(str))
    if (place < 0).any():
        raise InputError(
            f"the training sample holds stars that are not among those {side} which it was made"
        )
    return stars.iloc[place].reset_index(drop=True)


def held_out_fold_mask(
    sample: pd.DataFrame, first: pd.DataFrame, folds: int, number: int
) -> np.ndarray:
    """Which rows of a sample split ``number`` judges; those of one star all or none.

    ``first`` is the sample of the direction's first network, whose folds are those of all its
    networks: a star that one judges must have trained none of them.
    """
    stars = stars_of(first)
    judged = stars[folds_of(stars, folds) == number]
    return np.isin(stars_of(sample), judged)


def folds_of(stars: np.ndarray, folds: int) -> np.ndarray:
    """Fold of each row, from 0: all rows of a star in one, evenly many stars in each.

    It depends on the stars alone, not on their order.
    """
    names, place = np.unique(stars, return_inverse=True)
    order = np.argsort([seed("fold", name) for name in names], kind="stable")
    fold = np.empty(len(names), np.int64)
    fold[order] = np.arange(len(names)) % folds
    return fold[place]


def assign_split(stars: int, settings: Split) -> np.ndarray:
    """Part of each of ``stars`` by one permutation: test, then validation, then train.

    With no test share this is scikit-learn's ``train_test_split`` of the authors' notebooks, which
    rounds the validation share up and shuffles with numpy's legacy generator.
    """
    order = np.random.RandomState(settings.seed).permutation(stars)
    test = math.ceil(stars * settings.test)
    validation = math.ceil(stars * settings.validation)
    parts = np.full(stars, TRAIN, dtype=object)
    parts[order[:test]] = TEST
    parts[order[test : test + validation]] = VALIDATION
    return parts
