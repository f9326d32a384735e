"""A training sample as the networks read it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..configuration.model import NetworkKind
from ..sample.split import TEST, TRAIN, VALIDATION
from .model import tensor
from .scaling import Scaling
from .training import Stars


@dataclass(frozen=True)
class Sample:
    """Inputs and outputs in their own units, shape (stars, columns), and each star's part."""

    inputs: np.ndarray
    outputs: np.ndarray
    part: np.ndarray

    @classmethod
    def read(cls, path: Path, kind: NetworkKind) -> "Sample":
        """From a Parquet file of the crossmatch."""
        table = pd.read_parquet(path)
        return cls(
            table[[f"from:{name}" for name in kind.inputs]].to_numpy(np.float64),
            table[[f"to:{name}" for name in kind.outputs]].to_numpy(np.float64),
            table["part"].to_numpy(),
        )

    def of(self, part: str) -> "Sample":
        """Only the stars of one part."""
        rows = self.part == part
        return Sample(self.inputs[rows], self.outputs[rows], self.part[rows])

    def scalings(self, kind: NetworkKind) -> dict[str, Scaling]:
        """Scaling of inputs and outputs over the training stars: one for all members."""
        training = self.of(TRAIN)
        return {
            "input": Scaling.of(training.inputs, kind.inputs),
            "output": Scaling.of(training.outputs, kind.outputs),
        }

    def standardised(self, part: str, scalings: dict[str, Scaling]) -> Stars:
        """Stars of one part, ready for a network."""
        stars = self.of(part)
        return Stars(
            tensor(scalings["input"].standardise(stars.inputs)),
            tensor(scalings["output"].standardise(stars.outputs)),
        )


__all__ = ["TEST", "TRAIN", "VALIDATION", "Sample"]
