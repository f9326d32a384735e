"""Translate a user's own table of stars with a trained direction."""

import argparse
import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from astropy.table import Table
from astropy.units import UnitBase

from spectrotranslator import user_paths
from spectrotranslator.config import Configuration, load
from spectrotranslator.config.resolve_from_fingerprint import resolve_method
from spectrotranslator.download.require_columns import require_columns
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, read_json, sha256
from spectrotranslator.network.saved_model import load_model
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.translation.load_networks import network_parts, of_kinds
from spectrotranslator.translation.missing_inputs import comments_of
from spectrotranslator.translation.montecarlo import NetworkPart, in_blocks, measurements, translate
from spectrotranslator.translation.product_columns import Description, catalogue_descriptions
from spectrotranslator.translation.residual_intervals import ResidualIntervals
from spectrotranslator.translation.residual_percentiles import FROM_RESIDUALS
from spectrotranslator.translation.user_table import (
    ModelInput,
    features,
    flags,
    keys,
    read_table,
    renamed,
)
from spectrotranslator.translation.user_units import known_unit
from spectrotranslator.translation.write_user_table import (
    CLASH,
    FORMATS,
    with_translation,
    write_table,
)

ROWS_AT_ONCE = 512


def main(arguments: list[str]) -> int:
    """``./reproduce translate MODEL TABLE OUT``, ``./reproduce translate MODEL --inputs``."""
    parser = _parser()
    given = parser.parse_args(arguments)
    from .open_model import open_model

    if given.inputs:
        trained = open_model(given.model)
        print(json.dumps(trained.wanted(), indent=1) if given.json else inputs_text(trained))
        return 0
    if given.out is None:
        parser.error("TABLE and OUT are needed, or --inputs")
    if given.out.suffix not in FORMATS:
        known = ", ".join(FORMATS)
        raise InputError(f"{given.out}: the suffix is of no known table; give one of {known}")
    if given.out.exists() and given.out.samefile(given.table):
        raise InputError(f"{given.out}: the table of stars itself; give another file to write to")
    trained = open_model(given.model)
    units = {name: known_unit(text) for name, text in given.unit.items()}
    own = read_table(given.table)
    made = translate_table(trained, given.table, own, given.map, given.id, units)
    with atomic(given.out) as temporary:
        write_table(temporary, made.table, given.out.suffix, trained.statements)
    for note in made.notes:
        print(f"{given.table}: {note}", file=sys.stderr)
    print(_summary(given.out, made.added, trained, made.missing))
    return 0


@dataclass(frozen=True)
class Translated:
    """A user's table with its translation.

    Attributes
    ----------
    table
        All columns of the user's table, then the translated ones with units and descriptions.
    added
        The translated columns alone, under the networks' names.
    names
        Translated columns that have another name in ``table``, to that name.
    notes
        What the user should know, in lines.
    missing
        Whether each input is missing, shape (stars, inputs).
    """

    table: Table
    added: pd.DataFrame
    names: dict[str, str]
    notes: list[str]
    missing: pd.DataFrame


def translate_table(
    trained: "Trained",
    path: Path,
    own: Table,
    names: Mapping[str, str],
    id: str | None,
    units: Mapping[str, UnitBase],
) -> Translated:
    """Translate the stars of a user's table.

    Parameters
    ----------
    trained
        The networks.
    path
        What messages call the table.
    own
        The table.
    names
        Input to the column that holds it under another name.
    id
        Column that names the stars; by default the key of the survey, else the row.
    units
        Input to its unit, where the table states none or a wrong one.

    Raises
    ------
    InputError
        A column is missing, is no number, or is in a unit that the networks do not read.
    """
    table = renamed(path, own, dict(names))
    require_columns(path, units, table.colnames)
    sentinels = "missing" if trained.marks_sentinels else f"a number by {trained.method}"
    found = features(path, table, trained.survey, trained.inputs, dict(units), sentinels)
    masks = flags(path, table, trained.masked)
    named = keys(path, table, trained.survey, id)
    stars = pd.concat([named, found.table, masks], axis=1)
    result = trained.translate(stars, found.without_errors)
    whole, other = with_translation(path, own, result, trained.descriptions())
    notes = [*_about_errors(trained, found.without_errors), *found.notes]
    notes += [
        f"{name} is there already: the translated one is {new}" for name, new in other.items()
    ]
    return Translated(whole, result, other, notes, trained.missing(stars))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "./reproduce translate",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"""{__doc__}

Of every input X that --inputs lists the table needs a column X, or --map says which column it is;
its error is X_error, where there is one. Columns are converted to the units of the model where the
file states units or --unit does. A blank, NaN, -9999 or the like is missing.

OUT holds all columns of the table in their order, then for every label Y of the model Y_p5 to
Y_p95 (percentiles; Y_p50 is the translation), Y_systematic (scatter of the networks), flags and a
comment. FITS, VOTable, ECSV and Parquet describe each with unit and UCD. A name that the table has
already ends in {CLASH}. The table and its translation are held in memory.""",
        epilog="""examples:
  ./reproduce translate results/mini/networks/robust/g2a --inputs
  ./reproduce translate results/mini/networks/robust/g2a my_stars.fits translated.fits
  ./reproduce translate results/mini/networks/robust/g2a my_stars.csv translated.csv \\
      --map teff=Teff,teff_error=e_Teff,logg=log_g --unit teff=kK --id Name""",
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=user_paths.resolve_input,
        help="folder of a direction, networks/METHOD/DIRECTION, or a file of export",
    )
    parser.add_argument(
        "table",
        metavar="TABLE",
        nargs="?",
        type=user_paths.resolve_input,
        help="stars: FITS, CSV, Parquet, VOTable or ECSV",
    )
    parser.add_argument(
        "out",
        metavar="OUT",
        nargs="?",
        type=user_paths.resolve_output,
        help=f"where the translated stars go, by its suffix: {', '.join(FORMATS)}",
    )
    parser.add_argument(
        "--inputs",
        action="store_true",
        help="print what MODEL reads: names, units, ranges of the training stars, what is missing",
    )
    parser.add_argument("--json", action="store_true", help="the same for scripts")
    parser.add_argument(
        "--id",
        metavar="COLUMN",
        help="column that names the stars; by default the key of the survey, else the row",
    )
    parser.add_argument(
        "--map",
        type=_names,
        default={},
        metavar="INPUT=COLUMN,...",
        help="columns of TABLE that hold inputs, or their errors, under other names",
    )
    parser.add_argument(
        "--unit",
        type=_names,
        default={},
        metavar="INPUT=UNIT,...",
        help="units of inputs, where the file states none or a wrong one; their errors are in it "
        "too unless the file says otherwise",
    )
    return parser


def _names(text: str) -> dict[str, str]:
    pairs = [[name.strip() for name in pair.partition("=")[::2]] for pair in text.split(",")]
    ours = [pair[0] for pair in pairs]
    if not all(all(pair) for pair in pairs) or len(set(ours)) != len(ours):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE,... with each name once")
    return dict(pairs)


def _about_errors(trained: "Trained", lacking: list[str]) -> list[str]:
    """What the percentiles are for inputs of which the table has no errors."""
    if not lacking:
        return []
    told = f"no errors of {', '.join(lacking)}: "
    if trained.calibrated:
        return [told + "the typical ones of the training stars are taken"]
    if trained.statements:
        return [f"{told}percentiles are {FROM_RESIDUALS}"]
    return [told + "taken as exact"]


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


def inputs_text(trained: Trained) -> str:
    """What a model reads, a line an input."""
    told = trained.wanted()
    lines = [
        f"{told['direction']}, {told['method']} reads (missing: {told['missing']}):",
        f"  {'input':<12} {'unit':<12} {'training range':<22} error",
    ]
    for one in told["inputs"]:
        extent = f"{one['least']:.4g} to {one['most']:.4g}"
        errors = " and ".join(one["error_columns"])
        error = one["error"] + (f", or of {errors}" if errors else "")
        lines.append(f"  {one['name']:<12} {one['unit']:<12} {extent:<22} {error}")
    pairs = [one for one in told["inputs"] if one["difference_of"]]
    lines += [f"  {one['name']} may be {' - '.join(one['difference_of'])}" for one in pairs]
    lines += [
        f"  {one['name']} is not used where {one['flag']} is not 0"
        for one in told["inputs"]
        if one["flag"]
    ]
    gives = ", ".join(f"{o['name']} [{o['unit']}]" for o in told["outputs"])
    return "\n".join([*lines, f"and gives {gives} on the base of {trained.base}"])


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


def _summary(out: Path, table: pd.DataFrame, trained: Trained, missing: pd.DataFrame) -> str:
    good = np.ones(len(table), bool)
    for part in trained.parts:
        good &= table[f"input_{part.kind}"] & table[f"output_{part.kind}"]
    lacking = missing.any(axis=1).to_numpy()
    outside = int((~good & ~lacking).sum())
    told = (
        f"{out}: {len(table)} stars translated ({trained.direction}, {trained.method}): "
        f"{int((good & ~lacking).sum())} within the training range, {outside} outside it"
    )
    if not lacking.any():
        return told
    each = ", ".join(f"{name} {count}" for name, count in missing.sum().items() if count)
    return f"{told}, {int(lacking.sum())} lack an input ({each})"
