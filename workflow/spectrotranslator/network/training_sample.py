"""A training sample as the networks read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from pyarrow import parquet

from spectrotranslator.config.configuration import Method, NetworkKind
from spectrotranslator.errors import InputError
from spectrotranslator.sample.split import TEST, TRAIN, VALIDATION, folds_of, stars_of

from .saved_model import tensor
from .scaling import Scaling, on_own_scale
from .training_loop import Stars
from .translator import measured

if TYPE_CHECKING:
    import pandas as pd

FEWEST_STARS = 32


@dataclass(frozen=True)
class Scalings:
    """Scaling of inputs and outputs over the training stars: one for all members.

    ``unit`` is the correction's, shape (outputs,); none where it is standardised as the outputs.
    """

    input: Scaling
    output: Scaling
    unit: torch.Tensor | None = None


@dataclass(frozen=True)
class Sample:
    """Inputs and outputs in their own units, shape (stars, columns), and each star's part.

    ``star`` names the star: rows that share it are of one star.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    part: np.ndarray
    star: np.ndarray

    @classmethod
    def read(cls, path: Path, kind: NetworkKind) -> Sample:
        """From a Parquet file of the crossmatch."""
        with parquet.ParquetFile(path) as file:  # ``read_table`` loads Arrow's datasets for 0.4 s
            table = file.read()
        return cls.of_table({name: table[name].to_numpy() for name in table.column_names}, kind)

    @classmethod
    def of_table(cls, table: pd.DataFrame | Mapping[str, np.ndarray], kind: NetworkKind) -> Sample:
        """From the crossmatch's columns: ``from:X``, ``to:Y``, ``part`` and the star's names."""
        return cls(
            _columns(table, [f"from:{name}" for name in kind.inputs]),
            _columns(table, [f"to:{name}" for name in kind.outputs]),
            np.asarray(table["part"]),
            stars_of(table),
        )

    def of(self, part: str) -> Sample:
        """Only the stars of one part."""
        return self.rows(self.part == part)

    def rows(self, chosen: np.ndarray) -> Sample:
        """Only the ``chosen`` rows."""
        return Sample(
            self.inputs[chosen], self.outputs[chosen], self.part[chosen], self.star[chosen]
        )

    def for_member(self, member: int, folds: int) -> Sample:
        """The sample with the parts of one member: of the ``folds`` it leaves one out in its turn.

        No folds: the sample's own split. A test star stays one.
        """
        if not folds:
            return self
        left_out = folds_of(self.star, folds) == member % folds
        part = np.where(left_out, VALIDATION, TRAIN).astype(object)
        return replace(self, part=np.where(self.part == TEST, TEST, part))

    def trained_on(self, folds: int) -> Sample:
        """The stars that train some member."""
        return self.rows(self.part != TEST) if folds else self.of(TRAIN)

    def scalings(self, kind: NetworkKind, method: Method) -> Scalings:
        """Over the stars some member trains on.

        Raises
        ------
        InputError
            Fewer than 32 stars to train on, a value that is not finite, a constant column.
        """
        known = self.trained_on(method.training.folds)
        if len(known.part) < FEWEST_STARS:
            raise InputError(
                f"{len(known.part)} stars to train on, at least {FEWEST_STARS} are needed; "
                "loosen the cuts, or lower split.validation and split.test"
            )
        scaling = Scaling.of(known.inputs, kind.inputs)
        plain = Scaling.of(known.outputs, kind.outputs)
        if method.network.base == "moment matching":
            return Scalings(scaling, plain)
        corrected = Scaling(scaling.mean[kind.corrected], scaling.std[kind.corrected])
        output, unit = on_own_scale(known.inputs[:, kind.corrected], known.outputs, corrected)
        return Scalings(scaling, output, tensor(unit))

    def standardised(self, part: str, scalings: Scalings) -> Stars:
        """Stars of one part, ready for a network."""
        stars = self.of(part)
        return Stars(
            tensor(measured(scalings.input.standardise(stars.inputs))),
            tensor(scalings.output.standardise(stars.outputs)),
        )


def _columns(table: pd.DataFrame | Mapping[str, np.ndarray], names: list[str]) -> np.ndarray:
    """Shape (rows, columns), float64."""
    return np.stack([np.asarray(table[name], np.float64) for name in names]).T


__all__ = ["TEST", "TRAIN", "VALIDATION", "Sample", "Scalings"]
