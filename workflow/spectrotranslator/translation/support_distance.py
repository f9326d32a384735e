"""Whether a star lies among the training stars in all inputs together, not only in pairs."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from spectrotranslator.network.scaling import Scaling


@dataclass(frozen=True)
class JointSupport:
    """Distance to the ``neighbours``-th nearest training star, in standard deviations."""

    tree: cKDTree
    scaling: Scaling
    neighbours: int
    limit: float

    @classmethod
    def of(
        cls, training: np.ndarray, scaling: Scaling, neighbours: int, quantile: float
    ) -> "JointSupport":
        """From training inputs, shape (stars, inputs).

        The limit is the ``quantile`` of the training stars' own distances to each other.
        """
        standardised = scaling.standardise(training)
        tree = cKDTree(standardised)
        neighbours = min(neighbours, len(training) - 1)
        own, _ = tree.query(standardised, k=[neighbours + 1])
        return cls(tree, scaling, neighbours, float(np.quantile(own, quantile)))

    def distance(self, values: np.ndarray) -> np.ndarray:
        """Distance of every row, shape (rows,); infinite where an input is not finite."""
        result = np.full(len(values), np.inf)
        whole = np.isfinite(values).all(axis=1)
        if whole.any():
            standardised = self.scaling.standardise(values[whole])
            found, _ = self.tree.query(standardised, k=[self.neighbours])
            result[whole] = found[:, 0]
        return result
