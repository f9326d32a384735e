"""From stars to percentiles, systematic errors and flags, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spectrotranslator.config.configuration import EnsembleSettings, MonteCarloSettings
from spectrotranslator.surveys.derived_columns import SENTINEL

from .ensemble_inference import Ensemble
from .gaussian_draws import key_hashes, normal
from .intervals import Intervals
from .quality_flags import PairMaps, bit_mask, comments, reasons
from .support_distance import JointSupport

if TYPE_CHECKING:
    from .residual_intervals import ResidualIntervals


@dataclass(frozen=True)
class NetworkPart:
    """One network of a direction, ready for stars.

    ``intervals`` is that of a method that calibrates its percentiles, or of inputs without errors;
    ``joint`` that of a method that looks at all inputs together; ``colours`` names the two
    magnitudes of every input that shares the noise of its magnitudes with other inputs.
    """

    kind: str
    ensemble: Ensemble
    input_maps: PairMaps
    output_maps: PairMaps
    input_names: list[str]
    output_names: list[str]
    intervals: Intervals | ResidualIntervals | None = None
    joint: JointSupport | None = None
    colours: dict[str, tuple[str, str]] = field(default_factory=dict)

    def percentiles(
        self, centre: np.ndarray, members: np.ndarray, errors: np.ndarray, wanted: list[float]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Percentiles, the 50th, and the percentiles of new measurements.

        Parameters
        ----------
        centre : ndarray
            Combined prediction, shape (rows, realisations, outputs), the first unperturbed.
        members : ndarray
            Unperturbed prediction of each member, shape (members, rows, outputs).
        errors : ndarray
            Stated errors of the inputs, shape (rows, inputs).
        wanted : list of float
            Percentiles.

        Returns
        -------
        percentiles, middle, predictive : ndarray
            Shapes (percentiles, rows, outputs), (rows, outputs) and as the first, in the outputs'
            units; the last is None for a method that is not calibrated.
        """
        if self.intervals:
            value, predictive = self.intervals.percentiles(centre, members, errors, wanted)
            return value, centre[:, 0], predictive
        return np.percentile(centre, wanted, axis=1), np.percentile(centre, 50, axis=1), None


def translate(
    blocks: Iterable[pd.DataFrame],
    parts: list[NetworkPart],
    ensemble: EnsembleSettings,
    settings: MonteCarloSettings,
) -> Iterator[pd.DataFrame]:
    """Translated blocks, in order; bits depend on how many rows a block has.

    One block is ahead, so that a GPU predicts it while the one before is finished.
    """
    begun = None
    for block in blocks:
        ahead = _begin(block.reset_index(drop=True), parts, ensemble, settings)
        if begun:
            yield begun()
        begun = ahead
    if begun:
        yield begun()


def in_blocks(stars: pd.DataFrame, rows: int) -> Iterator[pd.DataFrame]:
    """A table in blocks of ``rows`` rows, the last one shorter."""
    for first in range(0, len(stars), rows):
        yield stars.iloc[first : first + rows]


def translate_block(
    block: pd.DataFrame,
    parts: list[NetworkPart],
    ensemble: EnsembleSettings,
    settings: MonteCarloSettings,
) -> pd.DataFrame:
    """All columns of one block: percentiles, systematic error, members, flags, reasons.

    For output ``X``: ``X_p5`` ..., with calibrated intervals ``X_predictive_p5`` ... for a new
    measurement, ``X_systematic``, ``X_member_0`` ..., and ``X_Y_correlation`` for two outputs of
    one network. For a network ``K``:
    ``missing_K``, ``input_K``, ``output_K`` (true: good) and ``reasons_input_K``,
    ``reasons_output_K`` (bit a failing pair); with joint support ``distance_K`` and ``joint_K``.
    """
    return _begin(block, parts, ensemble, settings)()


def _begin(
    block: pd.DataFrame,
    parts: list[NetworkPart],
    ensemble: EnsembleSettings,
    settings: MonteCarloSettings,
) -> Callable[[], pd.DataFrame]:
    """Begin to predict a block; the result, when called, gives its columns."""
    names = list(dict.fromkeys(name for part in parts for name in part.ensemble.inputs))
    values, errors = measurements(block, names, settings)
    noise = None
    own = []
    for part in parts:
        if noise is None or not settings.shared_draws:
            noise = perturbations(block, names, errors, settings, parts, part.kind)
        chosen = [names.index(name) for name in part.ensemble.inputs]
        mine = values[:, chosen]
        own.append(
            (part, mine, errors[:, chosen], _predict(part.ensemble, mine, noise[:, :, chosen]))
        )

    def finish() -> pd.DataFrame:
        kept = ("row", "key", "identifier", "source_id", "ra", "dec")
        columns = {name: block[name] for name in kept if name in block}
        texts = []
        for part, mine, stated, predicted in own:
            found, text = _network(part, mine, stated, predicted(), ensemble, settings)
            columns |= found
            texts.append(text)
        columns["comment"] = comments(texts)
        return pd.DataFrame(columns)

    return finish


def measurements(
    block: pd.DataFrame, names: list[str], settings: MonteCarloSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Values and errors, shape (rows, features); what counts as missing is NaN."""
    values = _cleaned(block[names], settings)
    errors = _errors(block[[f"{name}_error" for name in names]], settings)
    for name, flag in settings.masked.items():
        if name in names:
            values[block[flag].to_numpy() != 0, names.index(name)] = np.nan
    return values, errors


def _cleaned(columns: pd.DataFrame | pd.Series, settings: MonteCarloSettings) -> np.ndarray:
    """As float64; what counts as missing is NaN."""
    values = columns.to_numpy(np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    if settings.missing == "sentinels too":
        values = np.where(values <= SENTINEL, np.nan, values)
    return values


def _errors(columns: pd.DataFrame | pd.Series, settings: MonteCarloSettings) -> np.ndarray:
    """The same of errors, where a -9999 may also have been squared."""
    errors = _cleaned(columns, settings)
    if settings.missing == "sentinels too":
        errors = np.where(errors >= -SENTINEL, np.nan, errors)
    return errors


def perturbations(
    block: pd.DataFrame,
    names: list[str],
    errors: np.ndarray,
    settings: MonteCarloSettings,
    parts: list[NetworkPart],
    kind: str,
) -> np.ndarray:
    """Noise to add, shape (rows, realisations, features); zero in the first realisation.

    A missing error makes its value missing in every realisation but the first. Colours that
    share a magnitude share its noise where ``parts`` say so and its error is at hand. Networks of
    another ``kind`` have other noise where their draws are not shared.
    """
    hashes = key_hashes(block["key"])
    colours = {name: pair for part in parts for name, pair in part.colours.items()}

    def drawn(name: str, error: np.ndarray) -> np.ndarray:
        stream = name if settings.shared_draws else f"{kind} {name}"
        draws = normal(settings.seed, hashes, stream, settings.realisations, settings.draws)
        return draws * error[:, None]

    columns = []
    for name, error in zip(names, errors.T, strict=True):
        magnitudes = [f"{magnitude}_error" for magnitude in colours.get(name, ())]
        if magnitudes and all(column in block for column in magnitudes):
            first, second = (drawn(c, _errors(block[c], settings)) for c in magnitudes)
            columns.append(first - second)
        else:
            columns.append(drawn(name, error))
    noise = np.stack(columns, axis=2)
    noise[:, 0, :] = 0.0
    return noise


def _predict(ensemble: Ensemble, values: np.ndarray, noise: np.ndarray) -> Callable[[], np.ndarray]:
    """Begin to predict; the result gives shape (members, rows, realisations, outputs)."""
    rows, realisations, features = noise.shape
    predicted = ensemble.begin((values[:, None, :] + noise).reshape(rows * realisations, features))
    return lambda: predicted().reshape(ensemble.members, rows, realisations, len(ensemble.outputs))


def _network(
    part: NetworkPart,
    values: np.ndarray,
    errors: np.ndarray,
    members: np.ndarray,
    ensemble: EnsembleSettings,
    settings: MonteCarloSettings,
) -> tuple[dict[str, np.ndarray], list[str]]:
    centre, spread = trimmed(members, ensemble.trim)
    percentiles, middle, predictive = part.percentiles(
        centre, members[:, :, 0], errors, settings.percentiles
    )
    columns: dict[str, np.ndarray] = {}
    for i, output in enumerate(part.ensemble.outputs):
        for percentile, column in zip(settings.percentiles, percentiles[..., i], strict=True):
            columns[f"{output}_p{percentile:g}"] = column
        if predictive is not None:
            for p, column in zip(settings.percentiles, predictive[..., i], strict=True):
                columns[f"{output}_predictive_p{p:g}"] = column
        columns[f"{output}_systematic"] = spread[:, 0, i]
        for member, column in enumerate(members[:, :, 0, i]):
            columns[f"{output}_member_{member}"] = column
    columns |= _correlations(part.ensemble.outputs, centre, members[:, :, 0])
    outside_input = part.input_maps.outside(values)
    outside_output = part.output_maps.outside(middle)
    masks = bit_mask(outside_input), bit_mask(outside_output)
    columns |= {
        f"missing_{part.kind}": np.isnan(values).any(axis=1),
        f"input_{part.kind}": ~outside_input.any(axis=1),
        f"output_{part.kind}": ~outside_output.any(axis=1),
        f"reasons_input_{part.kind}": masks[0],
        f"reasons_output_{part.kind}": masks[1],
    }
    if part.joint:
        distance = part.joint.distance(values)
        columns[f"distance_{part.kind}"] = distance
        columns[f"joint_{part.kind}"] = distance <= part.joint.limit
    text = zip(
        reasons("Input", part.input_names, masks[0]),
        reasons("Output", part.output_names, masks[1]),
        strict=True,
    )
    return columns, ["".join(pair) for pair in text]


def _correlations(
    outputs: list[str], centre: np.ndarray, members: np.ndarray
) -> dict[str, np.ndarray]:
    """Correlation of every pair of outputs in each row: input noise and networks together.

    ``centre`` has the shape (rows, realisations, outputs), ``members`` (members, rows, outputs).
    A pair that does not vary has none, which is NaN.
    """
    deviations = [centre.swapaxes(0, 1) - centre.mean(axis=1), members - members.mean(axis=0)]

    def covariance(i: int, j: int) -> np.ndarray:
        return sum((one[..., i] * one[..., j]).mean(axis=0) for one in deviations)

    variances = [covariance(i, i) for i in range(len(outputs))]
    columns = {}
    for i, j in combinations(range(len(outputs)), 2):
        scale = np.sqrt(variances[i] * variances[j])
        known = np.divide(covariance(i, j), scale, np.full_like(scale, np.nan), where=scale > 0)
        columns[f"{outputs[i]}_{outputs[j]}_correlation"] = known
    return columns


def trimmed(members: np.ndarray, trim: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (ddof 0) over members, the extremes dropped.

    ``members`` has the members first; ``trim`` predictions are dropped at each end, value by
    value.
    """
    kept = np.sort(members, axis=0)[trim : len(members) - trim]
    return kept.mean(axis=0), kept.std(axis=0)
