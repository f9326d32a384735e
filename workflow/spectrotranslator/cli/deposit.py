"""A finished run as a folder ready for a data repository such as Zenodo."""

import argparse
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from spectrotranslator import user_paths
from spectrotranslator.config import Configuration
from spectrotranslator.download.registry import Source, read_registry
from spectrotranslator.errors import InputError
from spectrotranslator.files import write_json, write_text
from spectrotranslator.provenance.finished_run import AFTERWARDS, Run, read_run
from spectrotranslator.provenance.integrity import require_sound
from spectrotranslator.untrusted import hash_regular

from .deposit_texts import Held, LeftOut, readme, zenodo
from .export import export
from .run_lock import RESULTS

#: What of a run is passed on; `catalogues/METHOD/parts` are the same rows once more.
TAKEN = (
    "catalogues/*/*", "figures/*", "report/index.html", "evaluation/*.json", "provenance/*",
    "provenance/jobs/*", "provenance/configurations/*", "sample/ledger.json", "config.yaml",
    "verdict.json", "ro-crate-metadata.json", "README.md",
)  # fmt: skip
SUMS, README, ZENODO = "SHA256SUMS", "ReadMe", ".zenodo.json"
ALLOWED = "yes"


def main(arguments: list[str]) -> int:
    """``./reproduce deposit RUN [--out DIR]``."""
    given = _parser().parse_args(arguments)
    run = read_run(given.run)
    require_sound(run)
    out = given.out or RESULTS / "deposits" / run.name
    if out.exists():
        raise InputError(f"{out}: is there already; remove it, or give another folder by --out")
    held = deposit(run, out)
    total = sum(one.bytes for one in held)
    print(f"{out}: {len(held)} files, {total / 1e6:.1f} MB; {README} says what they are")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "./reproduce deposit",
        description=f"{__doc__}: catalogues, exported networks, figures, report, crate, ReadMe, "
        "Zenodo's metadata and checksums. Survey files are left out; the ReadMe says where to get "
        "them.",
        epilog="example: ./reproduce deposit mini --out mini_deposit",
    )
    parser.add_argument("run", type=user_paths.resolve_run, help="name of a finished run")
    parser.add_argument(
        "--out",
        type=user_paths.resolve_output,
        metavar="DIR",
        help="a new folder; results/deposits/RUN by default",
    )
    return parser


def deposit(run: Run, out: Path) -> list[Held]:
    """Fill the new folder ``out``, which is there whole or not at all.

    Parameters
    ----------
    run : Run
        A finished run.
    out : Path
        The folder.

    Returns
    -------
    list of Held
        Its files.

    Raises
    ------
    InputError
        A file of the run is gone, or is not the one that its manifest records.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        held = _filled(run, part)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return held


def _filled(run: Run, folder: Path) -> list[Held]:
    configuration = run.configuration
    if configuration is None:
        raise InputError(f"{run.folder / 'config.yaml'}: gone or damaged; make the run again")
    for name, told in _chosen(run):
        _copy(run, name, told, folder / name)
    registry = read_registry(Path(configuration.sources.registry))
    refused = _refused(configuration, registry)
    if not refused:
        _export_models(run, configuration, folder / "models")
    held = list(_listed(folder))
    left_out = [*_sources(run, registry), *_models_left_out(refused)]
    write_text(folder / README, readme(configuration, held, left_out))
    write_json(folder / ZENODO, zenodo(configuration, registry))
    held = list(_listed(folder))
    sums = "".join(f"{one.sha256}  {one.name}\n" for one in held)
    write_text(folder / SUMS, sums)
    return held


def _chosen(run: Run) -> Iterator[tuple[str, str | None]]:
    """Files to copy: name within the run, and the digest that its manifest tells, if it does."""
    for file in run.manifest["files"]:
        name = run.relative(file["path"])
        if name and _taken(PurePosixPath(name)):
            yield name, file["sha256"]
    for name in AFTERWARDS:
        if name.startswith("provenance/") and (run.folder / name).is_file():
            yield name, None


def _taken(name: PurePosixPath) -> bool:
    return any(name.match(one) and len(name.parts) == one.count("/") + 1 for one in TAKEN)


def _copy(run: Run, name: str, told: str | None, place: Path) -> None:
    source = run.place(f"{run.prefix}{name}")
    if not source.is_file():
        raise InputError(f"{source} is gone; make the run again")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    if told and hash_regular(place, place.stat().st_size) != told:
        raise InputError(f"{source}: changed since the run was made; see ./reproduce audit")


def _refused(configuration: Configuration, registry: dict[str, Source]) -> list[Source]:
    """Sources whose values the networks' files hold and that may not be passed on."""
    names = [name for files in configuration.sources.surveys.values() for name in files]
    if configuration.training_sample == "authors" and configuration.sources.authors:
        names += configuration.sources.authors.files.values()
    return [registry[n] for n in names if not registry[n].redistribution.startswith(ALLOWED)]


def _export_models(run: Run, configuration: Configuration, folder: Path) -> None:
    folder.mkdir()
    for method in configuration.methods:
        for direction in configuration.directions:
            export(
                run.folder / "networks" / method / direction, folder / f"{method}-{direction}.zip"
            )


def _listed(folder: Path) -> Iterator[Held]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            told = hashlib.file_digest(stream, "sha256").hexdigest()
        yield Held(path.relative_to(folder).as_posix(), path.stat().st_size, told)


def _sources(run: Run, registry: dict[str, Source]) -> Iterator[LeftOut]:
    known = {source.file: source for source in registry.values() if source.file}
    for file in run.manifest["files"]:
        name = run.relative(file["path"]) or ""
        source = known.get(name.removeprefix("sources/"))
        if name.startswith("sources/") and source:
            why = f"{source.dataset} {source.release}; {source.licence or 'terms not stated'}"
            yield LeftOut(name, file["bytes"], why, next(iter(source.urls), ""))


def _models_left_out(refused: list[Source]) -> Iterator[LeftOut]:
    for source in refused:
        why = f"hold labels of {source.dataset} {source.release}, whose terms do not allow it"
        yield LeftOut("models", None, why, "")
