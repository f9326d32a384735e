"""A trained direction as one portable file with its model card."""

import argparse
from pathlib import Path

from spectrotranslator import user_paths
from spectrotranslator.config import Configuration, load
from spectrotranslator.config.loading import text, validate
from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json
from spectrotranslator.network.training_sample import Sample
from spectrotranslator.repository import ROOT
from spectrotranslator.translation.model_card import model_card
from spectrotranslator.translation.portable_model import MOST_BYTES, write_model
from spectrotranslator.translation.product_metadata import as_texts, product_metadata
from spectrotranslator.translation.trained_networks import Trained
from spectrotranslator.untrusted import read_bytes

SUFFIX = ".zip"


def main(arguments: list[str]) -> int:
    """``./reproduce export MODEL FILE``."""
    given = _parser().parse_args(arguments)
    if given.file.suffix != SUFFIX:
        raise InputError(f"{given.file}: an exported model is a zip archive; end its name in .zip")
    export(given.model, given.file)
    print(f"{given.file}: {given.file.stat().st_size} bytes")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "./reproduce export",
        description=f"{__doc__} It holds weights, descriptions, calibration, the labels of the "
        "training stars (from which flags follow), configuration, licence and digests.",
        epilog="example: ./reproduce export results/mini/networks/robust/g2a g2a.zip",
    )
    parser.add_argument(
        "model",
        type=user_paths.resolve_input,
        help="folder of a direction: networks/METHOD/DIRECTION",
    )
    parser.add_argument("file", type=user_paths.resolve_output, help="where it goes, a .zip")
    return parser


def export(model: Path, file: Path) -> None:
    """Write the trained direction in the folder ``model`` to ``file``.

    Raises
    ------
    InputError
        The folder holds no trained direction, or a file of it is missing, damaged or changed.
    """
    trained = Trained(model)
    folder = model.resolve()
    run = folder.parents[2]
    configuration = load(run / "config.yaml")
    names = (trained.method, trained.direction)
    metadata = product_metadata(configuration, *names, Path(configuration.sources.registry))
    kinds = configuration.directions[trained.direction].networks
    paths = {kind: run / "sample" / f"{trained.direction}-{kind}.parquet" for kind in kinds}
    samples = {
        kind: Sample.read(path, kinds[kind]).trained_on(trained.settings.training.folds)
        for kind, path in paths.items()
    }
    judged = run / "evaluation" / f"{trained.direction}.json"
    evaluation = read_json(judged) if judged.is_file() else None
    card = model_card(configuration, *names, metadata, samples, evaluation)
    files = [*paths.values(), *_network_files(folder, kinds, trained.settings.ensemble.members)]
    members = {path.relative_to(run).as_posix(): read_bytes(path, MOST_BYTES) for path in files}
    members["config.yaml"] = text(_needed(configuration, trained)).encode()
    members["README.md"] = card.encode()
    members["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    about = {"method": trained.method, "direction": trained.direction, **as_texts(metadata)}
    write_model(file, members, about)


def _network_files(folder: Path, kinds, members: int) -> list[Path]:
    found = []
    for kind in kinds:
        calibration = folder / kind / "calibration.json"
        found += [calibration] if calibration.is_file() else []
        for member in range(members):
            place = folder / kind / f"member-{member}"
            found += [place / "weights.safetensors", place / "training.json"]
    return found


def _needed(configuration: Configuration, trained: Trained) -> Configuration:
    """What of the configuration a translation reads; no path of this machine is in it."""
    settings = configuration.model_dump(mode="json", by_alias=True, exclude_none=True)
    chosen = settings["directions"][trained.direction]
    surveys = {name: settings["surveys"][name] for name in (chosen["from"], chosen["to"])}
    for survey in surveys.values():
        survey.pop("path", None)
        survey.pop("vizier", None)
    kept = {name: settings[name] for name in ("run", "description", "evidence", "match")}
    method = trained.settings.model_dump(mode="json", by_alias=True, exclude_none=True)
    needed = kept | {
        "surveys": surveys,
        "directions": {
            trained.direction: {name: chosen[name] for name in ("from", "to", "networks")}
        },
        "methods": {trained.method: method},
        "comparison": {"method": trained.method},
        "compute": {"threads": settings["compute"]["threads"]},
    }
    return validate(needed, Path("config.yaml"))
