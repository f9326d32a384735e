"""Predictive intervals from residuals alone, for stars whose inputs have no errors.

Without errors all realisations of a star are one, and percentiles over them have no width. The
quantiles of (label - prediction) over training stars that were left out say what a new
measurement of the target survey would be, its measurement error included.

References
----------
Lei et al. 2018, JASA 113, 1094 (split conformal prediction).
"""

from dataclasses import dataclass

import numpy as np

from spectrotranslator.config.configuration import Method
from spectrotranslator.network.training_sample import Sample

from .ensemble_inference import Ensemble
from .montecarlo import trimmed
from .out_of_fold import unseen_by_member


@dataclass(frozen=True)
class ResidualIntervals:
    """Sorted residuals of stars left out, shape (stars, outputs), in the outputs' units."""

    residuals: np.ndarray

    @classmethod
    def of(cls, sample: Sample, ensemble: Ensemble, method: Method) -> "ResidualIntervals":
        """From the stars of a training sample that members did not train on."""
        folds = method.training.folds
        unseen = unseen_by_member(sample, ensemble.members, folds)
        rows = unseen.any(axis=0)
        predicted = ensemble.predict(sample.inputs[rows])
        if folds:
            weight = unseen[:, rows, None]
            centre = (predicted * weight).sum(axis=0) / weight.sum(axis=0)
        else:
            centre, _ = trimmed(predicted, method.ensemble.trim)
        return cls(sample.outputs[rows] - centre)

    def percentiles(
        self, centre: np.ndarray, members: np.ndarray, errors: np.ndarray, wanted: list[float]
    ) -> tuple[np.ndarray, None]:
        """Percentiles of new measurements around the unperturbed prediction.

        Parameters are those of `Intervals.percentiles`; the median is the prediction itself.

        Returns
        -------
        predictive : ndarray
            Shape (percentiles, rows, outputs), in the outputs' units.
        None
            There is no second interval.
        """
        quantiles = np.quantile(self.residuals, np.array(wanted) / 100, axis=0, method="weibull")
        quantiles[np.array(wanted) == 50] = 0.0
        return centre[None, :, 0] + quantiles[:, None, :], None
