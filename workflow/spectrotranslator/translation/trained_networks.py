"""The trained networks of one direction, ready to translate stars that are not of the run."""

from collections.abc import Collection
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.resolve_from_fingerprint import resolve_method
from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json, sha256
from spectrotranslator.network.saved_model import load_model
from spectrotranslator.network.training_sample import Sample

from .load_networks import network_parts, of_kinds
from .missing_inputs import comments_of
from .montecarlo import NetworkPart, in_blocks, measurements, translate
from .product_columns import Description, catalogue_descriptions
from .residual_intervals import ResidualIntervals
from .residual_percentiles import FROM_RESIDUALS
from .user_table import ModelInput

ROWS_AT_ONCE = 512


class Trained:
    """The networks of one direction in a run's folder, their weights as they were trained.

    Raises
    ------
    InputError
        No such networks, or a file of theirs is missing, cut short or changed.
    """

    def __init__(self, folder: Path):
        folder = folder.resolve()
        run = folder.parents[2] if len(folder.parents) > 2 else folder
        if not (run / "config.yaml").is_file() or not folder.is_dir():
            raise InputError(
                f"{folder}: not the networks of a direction; give results/RUN/networks/METHOD/"
                "DIRECTION of a run that was made"
            )
        self.method, self.direction = folder.parts[-2:]
        configuration = load(run / "config.yaml")
        self._chosen = self._direction(configuration, folder)
        told = run / "fingerprint" / f"{self.direction}.json"
        configuration = resolve_method(configuration, self.method, told)
        self.settings = configuration.methods[self.method]
        self.survey = configuration.surveys[self._chosen.origin]
        members = range(self.settings.ensemble.members)
        weights = {
            kind: [folder / kind / f"member-{m}" / "weights.safetensors" for m in members]
            for kind in self._chosen.networks
        }
        samples = [run / "sample" / f"{self.direction}-{kind}.parquet" for kind in weights]
        self._samples = dict(zip(weights, samples, strict=True))
        calibrations = of_kinds(sorted(folder.glob("*/calibration.json")))
        files = [path.with_name("training.json") for paths in weights.values() for path in paths]
        _as_recorded(run, [run / "config.yaml", *files, *calibrations.values()])
        torch.set_num_threads(configuration.compute.threads)
        names = self._names = (configuration, self.method, self.direction)
        try:
            self.units = self._checked(weights, samples)
            self.parts = network_parts(*names, samples, weights, calibrations)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            raise InputError(
                f"{folder}: a description of its networks is damaged ({reason}); train them again"
            ) from None
        self.base = configuration.surveys[self._chosen.target].title
        self.inputs = self._inputs()

    def _inputs(self) -> list[ModelInput]:
        """What the networks read, each input once."""
        found = {}
        for part in self.parts:
            names, edges = part.ensemble.inputs, part.input_maps.edges
            typical = part.intervals.typical_errors if self.calibrated else repeat(None)
            for name, (low, *_, high), error in zip(names, edges.tolist(), typical, strict=False):
                flag = self.settings.montecarlo.masked.get(name)
                found[name] = ModelInput(name, self.units[name], low, high, error, flag)
        return list(found.values())

    def _direction(self, configuration: Configuration, folder: Path):
        for name, names in ((self.method, configuration.methods),
                            (self.direction, configuration.directions)):  # fmt: skip
            if name not in names:
                raise InputError(f"{folder}: the run has no {name!r}; it has {', '.join(names)}")
        return configuration.directions[self.direction]

    def _checked(self, weights: dict[str, list[Path]], samples: list[Path]) -> dict[str, str]:
        """Units of the inputs and outputs, once every file is what training left."""
        units: dict[str, str] = {}
        for (kind, paths), sample in zip(weights.items(), samples, strict=True):
            shape = self._chosen.networks[kind]
            if not sample.is_file():
                raise InputError(f"{sample}: the training sample of the networks is not there")
            told = sha256(sample)
            for path in paths:
                facts = load_model(path, check_digest=True).facts
                description = path.with_name("training.json")
                if (facts["inputs"], facts["outputs"]) != (shape.inputs, shape.outputs):
                    raise InputError(f"{description}: other inputs or outputs than the run's")
                if facts["sample_sha256"] != told:
                    raise InputError(f"{sample}: changed since {description} was written")
                units |= dict(zip(facts["inputs"], facts["units"]["inputs"], strict=True))
                units |= dict(zip(facts["outputs"], facts["units"]["outputs"], strict=True))
        return units

    @property
    def calibrated(self) -> bool:
        """Whether the percentiles are calibrated on stars left out."""
        return self.settings.montecarlo.intervals == "calibrated"

    @property
    def marks_sentinels(self) -> bool:
        """Whether the method takes a -9999 as missing."""
        return self.settings.montecarlo.missing == "sentinels too"

    @property
    def masked(self) -> dict[str, str]:
        """Inputs that a flag of the survey masks, to the flag's column."""
        return {one.name: one.flag for one in self.inputs if one.flag}

    def wanted(self) -> dict:
        """What the model reads and gives, for people and scripts."""
        features = self.survey.features
        return {
            "method": self.method,
            "direction": self.direction,
            "missing": "blank, NaN" + (", -9999 and below" if self.marks_sentinels else ""),
            "id": self.survey.key,
            "inputs": [
                {
                    "name": one.name,
                    "unit": one.unit,
                    "least": one.low,
                    "most": one.high,
                    "difference_of": list(features[one.name].difference or ()),
                    "error": f"{one.name}_error",
                    "error_columns": features[one.name].error,
                    "flag": one.flag,
                }
                for one in self.inputs
            ],
            "outputs": [
                {"name": name, "unit": self.units[name]}
                for part in self.parts
                for name in part.ensemble.outputs
            ],
        }

    def translate(self, stars: pd.DataFrame, without_errors: Collection[str] = ()) -> pd.DataFrame:
        """Percentiles, systematic errors, flags and reasons, a line a star, in their order.

        Parameters
        ----------
        stars
            Keys, inputs and errors.
        without_errors
            Inputs whose errors are not known.
        """
        settings = self.settings
        blocks = in_blocks(stars, ROWS_AT_ONCE)
        self.parts = [self._with_width(part, without_errors) for part in self.parts]
        with np.errstate(over="ignore", invalid="ignore"):
            done = translate(blocks, self.parts, settings.ensemble, settings.montecarlo)
            table = pd.concat(done, ignore_index=True)
        table["comment"] = comments_of(self.parts, table, self.missing(stars))
        naming = [name for name in stars if name in table and name not in self.units]
        members = [name for name in table if "_member_" in name]
        return table.drop(columns=[*members, *naming])

    def _with_width(self, part: NetworkPart, without_errors: Collection[str]) -> NetworkPart:
        """The network with percentiles of residuals, where realisations would have no width."""
        if part.intervals or not set(part.ensemble.inputs) <= set(without_errors):
            return part
        shape = self._chosen.networks[part.kind]
        sample = Sample.read(self._samples[part.kind], shape)
        return replace(part, intervals=ResidualIntervals.of(sample, part.ensemble, self.settings))

    def missing(self, stars: pd.DataFrame) -> pd.DataFrame:
        """Whether each input counts as missing, a row a star."""
        names = [one.name for one in self.inputs]
        values, _ = measurements(stars, names, self.settings.montecarlo)
        return pd.DataFrame(np.isnan(values), columns=names)

    @property
    def _from_residuals(self) -> list[str]:
        return [p.kind for p in self.parts if isinstance(p.intervals, ResidualIntervals)]

    @property
    def statements(self) -> list[str]:
        """What the header of a translated file says of its percentiles."""
        return [f"percentiles of {kind} labels: {FROM_RESIDUALS}" for kind in self._from_residuals]

    def descriptions(self) -> dict[str, Description]:
        """Unit, description and UCD of every column that a translation may have."""
        return catalogue_descriptions(*self._names, None, self._from_residuals)


def _as_recorded(run: Path, files: list[Path]) -> None:
    """Refuse a file that is not the one which the finished run recorded."""
    manifest = run / "provenance" / "manifest.json"
    if not manifest.is_file():
        return
    try:
        recorded = read_json(manifest)
        told = {file["path"]: file["sha256"] for file in recorded["files"]}
        name = recorded["run"]
    except (KeyError, TypeError):
        raise InputError(f"{manifest}: damaged; see ./reproduce audit") from None
    for path in files:
        known = told.get(f"results/{name}/{path.relative_to(run).as_posix()}")
        if path.is_file() and known not in (None, sha256(path)):
            raise InputError(f"{path}: changed since the run was made; make it again")
