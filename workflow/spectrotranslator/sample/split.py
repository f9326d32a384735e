"""Part a training sample into training, validation and test stars."""

import math

import numpy as np

from ..configuration.model import Split

TRAIN, VALIDATION, TEST = "train", "validation", "test"


def split(stars: int, settings: Split) -> np.ndarray:
    """Part of each of ``stars`` rows, by one permutation: test, then validation, then train.

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
