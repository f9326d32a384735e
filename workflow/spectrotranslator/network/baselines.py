"""What a translator has to beat: plain ways from inputs to outputs, least squares and trees.

All but moment matching predict what is to be added to the corrected input.
"""

from collections.abc import Callable

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from spectrotranslator.config.configuration import NetworkKind

NEIGHBOURS = 30
RIDGE = 1.0

REGRESSORS: dict[str, Callable] = {
    "linear": lambda: _polynomial(1),
    "cubic": lambda: _polynomial(3),
    "nearest neighbours": lambda: make_pipeline(
        StandardScaler(), KNeighborsRegressor(NEIGHBOURS, weights="distance")
    ),
    "boosted trees": lambda: HistGradientBoostingRegressor(random_state=0),
}
BASELINES = ("none", "constant offset", "moment matching", *REGRESSORS)


def predict(
    name: str, kind: NetworkKind, inputs: np.ndarray, outputs: np.ndarray, stars: np.ndarray
) -> np.ndarray:
    """Outputs of ``stars``, shape (stars, outputs), by a baseline fitted to training stars.

    Parameters
    ----------
    name
        One of ``BASELINES``.
    inputs, outputs
        Training stars, in their units, all finite.
    stars
        Inputs of the stars to translate, all finite.
    """
    known, own = inputs[:, kind.corrected], stars[:, kind.corrected]
    difference = outputs - known
    if name == "none":
        return own.copy()
    if name == "constant offset":
        return own + difference.mean(axis=0)
    if name == "moment matching":
        slope = outputs.std(axis=0) / known.std(axis=0)
        return outputs.mean(axis=0) + slope * (own - known.mean(axis=0))
    columns = [REGRESSORS[name]().fit(inputs, column).predict(stars) for column in difference.T]
    return own + np.stack(columns, axis=1)


def _polynomial(degree: int):
    return make_pipeline(
        StandardScaler(), PolynomialFeatures(degree), StandardScaler(), Ridge(RIDGE)
    )
