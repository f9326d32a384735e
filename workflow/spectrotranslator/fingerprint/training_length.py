"""Replicates of known length on a training sample, for the length of the published training.

The intrinsic network alone is trained, with the members the catalogue has (at most five: more
change nothing that is measured), and its medians are taken over as many realisations (at most 15).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spectrotranslator.config.configuration import Configuration
from spectrotranslator.network.fit_ensemble import fit_ensemble
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.sample.split import TRAIN, split
from spectrotranslator.seeds import seed
from spectrotranslator.translation.ensemble_inference import Ensemble
from spectrotranslator.translation.montecarlo import trimmed

from .catalogue_traces import Traces
from .ensemble_size import length_statistics
from .selection_ranking import Candidate

MOST_MEMBERS, MOST_REALISATIONS, STARS = 5, 15, 4000


@dataclass(frozen=True)
class Lengths:
    """Makes replicates of the compared method with each of ``epochs``."""

    configuration: Configuration
    direction: str
    epochs: Sequence[int]
    runs: int = 2

    def __call__(
        self, candidate: Candidate, traces: Traces, members: int, realisations: int
    ) -> tuple[np.ndarray, dict[int, list[np.ndarray]]]:
        """Statistics of the catalogue, and of every replicate by its length."""
        kind, network = next(iter(self.configuration.directions[self.direction].networks.items()))
        table = candidate.samples[kind]
        table = table.assign(part=split(table, self.configuration.split))
        sample = Sample.of_table(table, network)
        inputs, outputs, part = sample.inputs, sample.outputs, sample.part
        rows, stars = _common(traces.stars["key"].astype(str), table["from:key"].astype(str))
        errors = traces.stars[[f"{name}_error" for name in network.inputs]]
        errors = errors.to_numpy(np.float64)[rows]
        parts = [part[stars] == TRAIN, part[stars] != TRAIN]

        def statistics(medians: np.ndarray, spread: np.ndarray, m: int) -> np.ndarray:
            return np.concatenate(
                [length_statistics(medians[p], spread[p], outputs[stars][p], m) for p in parts]
            )

        names = network.outputs
        published = statistics(
            np.stack([traces.percentiles[name][rows, 2] for name in names], axis=1),
            np.stack([traces.systematic[name][rows] for name in names], axis=1),
            members,
        )
        made: dict[int, list[np.ndarray]] = {}
        fewer = min(members, MOST_MEMBERS)
        for epochs in self.epochs:
            for run in range(self.runs):
                models = fit_ensemble(
                    self._like(fewer, epochs, run), self._method, self.direction, kind, sample
                )
                medians, spread = _apply(
                    Ensemble(models), inputs[stars], errors, min(realisations, MOST_REALISATIONS)
                )
                made.setdefault(epochs, []).append(statistics(medians, spread, fewer))
        return published, made

    @property
    def _method(self) -> str:
        return self.configuration.comparison.method

    def _like(self, members: int, epochs: int, run: int) -> Configuration:
        """The configuration with one length, one number of members and seeds of its own."""
        method = self.configuration.methods[self._method]
        training = method.training.model_copy(
            update={
                "epochs": epochs,
                "seed": seed(method.training.seed, "fingerprint", epochs, run),
            }
        )
        ensemble = method.ensemble.model_copy(update={"members": members})
        changed = method.model_copy(update={"training": training, "ensemble": ensemble})
        methods = {**self.configuration.methods, self._method: changed}
        return self.configuration.model_copy(update={"methods": methods})


def _common(catalogue, sample) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the catalogue and of the sample that are one star."""
    place = {key: row for row, key in enumerate(sample)}
    both = [(row, place[key]) for row, key in enumerate(catalogue) if key in place][:STARS]
    rows, stars = np.array(both, int).reshape(-1, 2).T
    return rows, stars


def _apply(
    ensemble: Ensemble, inputs: np.ndarray, errors: np.ndarray, realisations: int
) -> tuple[np.ndarray, np.ndarray]:
    """Medians over realisations and the unperturbed spread, shape (stars, outputs)."""
    rng = np.random.default_rng(seed("fingerprint", "noise"))
    centre, spread = trimmed(ensemble.predict(inputs), 1)
    centres = [centre]
    for _ in range(1, realisations):
        noise = rng.normal(size=inputs.shape) * errors
        centres.append(trimmed(ensemble.predict(inputs + noise), 1)[0])
    return np.median(centres, axis=0), spread
