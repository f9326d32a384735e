"""Translate a user's own table of stars with a trained direction."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from astropy.table import Table

from spectrotranslator import user_paths
from spectrotranslator.config import Configuration, load
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, read_json, sha256
from spectrotranslator.network.saved_model import load_model
from spectrotranslator.translation.load_networks import network_parts, of_kinds
from spectrotranslator.translation.montecarlo import in_blocks, translate
from spectrotranslator.translation.resolve_from_fingerprint import resolve_method
from spectrotranslator.translation.user_table import (
    SUFFIXES,
    features,
    flags,
    keys,
    read_table,
    renamed,
    write_table,
)

ROWS_AT_ONCE = 512


def main(arguments: list[str]) -> int:
    """``./reproduce translate MODEL TABLE OUT``."""
    given = _parser().parse_args(arguments)
    if given.out.suffix not in (*SUFFIXES, ".parquet"):
        known = ", ".join([*SUFFIXES, ".parquet"])
        raise InputError(f"{given.out}: the suffix is of no known table; give one of {known}")
    if given.out.exists() and given.out.samefile(given.table):
        raise InputError(f"{given.out}: the table of stars itself; give another file to write to")
    from .open_model import open_model

    trained = open_model(given.model)
    table = read_table(given.table)
    result, units = translate_table(trained, given.table, table, given.map, given.id)
    with atomic(given.out) as temporary:
        write_table(temporary, result, units, given.out.suffix)
    print(_summary(given.out, result, trained))
    return 0


def translate_table(
    trained: "Trained", path: Path, own: Table, names: Mapping[str, str], id: str | None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Translated stars of a user's table, and the unit of every column that has one.

    Parameters
    ----------
    trained
        The networks.
    path
        What messages call the table.
    own
        The table; columns may be added to it.
    names
        Input to the column that holds it under another name.
    id
        Column that names the stars; by default the key of the survey, else the row.
    """
    table = renamed(path, own, names)
    found, exact = features(path, table, trained.survey, trained.inputs, trained.units)
    masks = flags(path, table, trained.masked)
    named = keys(path, table, trained.survey, id)
    stars = pd.concat([named, found, masks], axis=1)
    if exact:
        print(f"{path}: no errors of {', '.join(exact)}: taken as exact", file=sys.stderr)
    result = trained.translate(stars)
    return result, trained.units_of(result)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "./reproduce translate",
        description=f"{__doc__} The table and its translation are held in memory.",
        epilog="example: ./reproduce translate results/mini/networks/robust/g2a my_stars.fits "
        "translated.fits",
    )
    parser.add_argument(
        "model",
        type=user_paths.resolve_input,
        help="folder of a direction, networks/METHOD/DIRECTION, or a file of export",
    )
    parser.add_argument(
        "table", type=user_paths.resolve_input, help="stars: FITS, CSV, Parquet, VOTable or ECSV"
    )
    parser.add_argument(
        "out", type=user_paths.resolve_output, help="where the translated stars go, by its suffix"
    )
    parser.add_argument(
        "--id",
        metavar="COLUMN",
        help="column that names the stars; by default the key of the survey, else the row",
    )
    parser.add_argument(
        "--map",
        type=_names,
        default={},
        metavar="OURS=THEIRS,...",
        help="columns of the table that hold inputs under other names: teff=Teff,logg=LOGG",
    )
    return parser


def _names(text: str) -> dict[str, str]:
    pairs = [[name.strip() for name in pair.partition("=")[::2]] for pair in text.split(",")]
    ours = [pair[0] for pair in pairs]
    if not all(all(pair) for pair in pairs) or len(set(ours)) != len(ours):
        raise argparse.ArgumentTypeError(f"{text!r} is not OURS=THEIRS,... with each name once")
    return dict(pairs)


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
        calibrations = of_kinds(sorted(folder.glob("*/calibration.json")))
        files = [path.with_name("training.json") for paths in weights.values() for path in paths]
        _as_recorded(run, [run / "config.yaml", *files, *calibrations.values()])
        torch.set_num_threads(configuration.compute.threads)
        names = (configuration, self.method, self.direction)
        try:
            self.units = self._checked(weights, samples)
            self.parts = network_parts(*names, samples, weights, calibrations)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            raise InputError(
                f"{folder}: a description of its networks is damaged ({reason}); train them again"
            ) from None
        self.inputs = list(
            dict.fromkeys(n for k in self._chosen.networks.values() for n in k.inputs)
        )

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
    def masked(self) -> dict[str, str]:
        """Inputs that a flag of the survey masks, to the flag's column."""
        given = self.settings.montecarlo.masked
        return {name: flag for name, flag in given.items() if name in self.inputs}

    def translate(self, stars: pd.DataFrame) -> pd.DataFrame:
        """Percentiles, systematic errors, flags and reasons, a line a star, in their order."""
        settings = self.settings
        blocks = in_blocks(stars, ROWS_AT_ONCE)
        with np.errstate(over="ignore", invalid="ignore"):
            done = translate(blocks, self.parts, settings.ensemble, settings.montecarlo)
            table = pd.concat(done, ignore_index=True)
        members = [name for name in table if "_member_" in name]
        return table.drop(columns=[*members, "key"])

    def units_of(self, table: pd.DataFrame) -> dict[str, str]:
        """Unit of every column that has one."""
        outputs = [name for part in self.parts for name in part.ensemble.outputs]
        return {
            column: self.units[name]
            for name in outputs
            for column in table
            if column.startswith((f"{name}_p", f"{name}_systematic")) and self.units[name]
        }


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


def _summary(out: Path, table: pd.DataFrame, trained: Trained) -> str:
    good = np.ones(len(table), bool)
    for part in trained.parts:
        good &= table[f"input_{part.kind}"] & table[f"output_{part.kind}"]
    return (
        f"{out}: {len(table)} stars translated ({trained.direction}, {trained.method}), "
        f"{int(good.sum())} within the training range"
    )
