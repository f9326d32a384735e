"""Make a miniature sky's published catalogues, or lay down those that are stored.

An independent execution of the as-published method: own networks, own crossmatch, own text.
"""

import json
import shutil
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, digest, read_json, sha256, write_text
from spectrotranslator.step import Step

from .published_catalogue import Catalogue, Direction, translate
from .published_data import (
    APOGEE_NAMES,
    COLOURS,
    GALAH_NAMES,
    Side,
    apogee_side,
    apply_cuts,
    galah_side,
    match,
    read_surveys,
    with_velocities,
)
from .published_network import train_ensemble
from .published_text import readme, records, write_gzip
from .settings import PublishedSettings, SkySettings
from .simulate_sky import read_settings

G2A = Direction("g2a", (*GALAH_NAMES, *COLOURS, "rv_galah"), APOGEE_NAMES)
A2G = Direction("a2g", (*APOGEE_NAMES, *COLOURS, "VHELIO_AVG_APOGEE"), GALAH_NAMES)
STORED = ("ReadMe", "g2a.dat.gz", "a2g.dat.gz", "digest.json")
# Modules that no byte of a published file depends on.
APART = {
    "mock_archive.py", "request_handler.py", "tap.py", "tap_tables.py", "adql.py", "votable.py",
    "faults.py", "serve.py", "authors_samples.py", "compare_errors.py",
}  # fmt: skip


def code_digest() -> str:
    """Digest of the modules and layouts that decide the bytes of the published files."""
    here = Path(__file__).parent
    files = [*here.glob("*.py"), *here.glob("layouts/*.csv")]
    makers = sorted(path for path in files if path.name not in APART | {"settings.py"})
    return digest({path.name: sha256(path) for path in makers})


def settings_digest(settings: SkySettings) -> str:
    """Digest of every setting that decides the bytes of the published files."""
    values = settings.model_dump(mode="json", exclude={"name": True, "wide": True})
    values["published"].pop("stored")
    return digest(values)


def execute(
    settings: PublishedSettings, direction: Direction, sample: pd.DataFrame, rows: pd.DataFrame
) -> tuple[Catalogue, dict[str, list[float]]]:
    """Train both ensembles of a direction on ``sample`` and translate ``rows``."""
    sides = (galah_side, apogee_side) if direction is G2A else (apogee_side, galah_side)
    moving = with_velocities(settings, sample)
    start, end = sides[0](sample), sides[1](sample)
    intrinsic = train_ensemble(
        settings, f"{direction.name} intrinsic", start.inputs[:, :6], end.labels[:, :4]
    )
    start, end = sides[0](moving), sides[1](moving)
    extrinsic = train_ensemble(
        settings, f"{direction.name} extrinsic", start.inputs, end.labels[:, 4:]
    )
    side: Side = sides[0](rows, settings.masks)
    catalogue = translate(
        direction, intrinsic, extrinsic, side.inputs, side.input_errors,
        settings.realisations, settings.seed,
    )  # fmt: skip
    return catalogue, {"intrinsic": intrinsic.losses, "extrinsic": extrinsic.losses}


def publish(
    settings: SkySettings, inputs: dict[str, Path], outputs: dict[str, Path], report: bool = False
) -> None:
    """Make the published files ``readme``, ``g2a``, ``a2g`` and their ``digest``.

    Parameters
    ----------
    inputs
        Paths of ``galah``, ``apogee`` and ``gaia``.
    outputs
        Paths of ``readme``, ``g2a``, ``a2g`` (both gzip) and ``digest`` (JSON).
    report
        Print the validation losses of the members.
    """
    torch.set_num_threads(1)
    published = settings.published
    galah, apogee = read_surveys(inputs["galah"], inputs["apogee"], inputs["gaia"])
    sample = match(published, galah, apogee)
    if len(sample) < 50:
        raise InputError(f"{len(sample)} stars pass the published cuts; raise sky.n_common")
    counts = {}
    for direction, table, cuts, identifier, source in (
        (G2A, galah, published.galah_rows, "sobject_id", "dr3_source_id"),
        (A2G, apogee, published.apogee_rows, "APOGEE_ID", "GAIAEDR3_SOURCE_ID"),
    ):
        rows = apply_cuts(table, cuts)
        catalogue, losses = execute(published, direction, sample, rows)
        if report:
            print(f"{direction.name}: {len(sample)} stars, validation losses {losses}")
        lines = records(
            direction.name, rows[identifier].astype(str).tolist(), rows[source].tolist(), catalogue
        )
        write_gzip(outputs[direction.name], lines)
        counts[direction.name] = len(rows)
    write_text(outputs["readme"], readme(counts))
    write_text(outputs["digest"], json.dumps(_digests(settings, outputs), indent=1) + "\n")


def _digests(settings: SkySettings, outputs: dict[str, Path]) -> dict:
    return {
        "settings": settings_digest(settings),
        "code": code_digest(),
        "torch": torch.__version__.split("+")[0],
        "numpy": np.__version__,
        "files": {name: sha256(outputs[name]) for name in ("readme", "g2a", "a2g")},
    }


def copy_stored(settings: SkySettings, outputs: dict[str, Path]) -> None:
    """Copy the stored files of a sky to ``outputs``.

    Raises
    ------
    InputError
        They are not there, were made from other settings, or are not what their digest says.
    """
    folder = Path(settings.published.stored)
    made = read_json(folder / "digest.json")
    if made["settings"] != settings_digest(settings):
        raise InputError(
            f"{folder}: the stored published files belong to other sky settings;"
            " make them anew (docs/explanation/minisky.md) or set sky.published.stored to null"
        )
    for name, key in zip(STORED, ("readme", "g2a", "a2g", "digest"), strict=True):
        if key != "digest" and sha256(folder / name) != made["files"][key]:
            raise InputError(f"{folder / name}: not the file that digest.json records")
        with atomic(outputs[key]) as temporary:
            shutil.copyfile(folder / name, temporary)


def main(arguments: Namespace) -> None:
    """Make the published files, or copy the stored ones."""
    settings = read_settings(arguments.config)
    if settings.published is None:
        raise InputError(f"{arguments.config}: sky.published is null, so there is nothing to make")
    outputs = {key: getattr(arguments, key) for key in ("readme", "g2a", "a2g", "digest")}
    if settings.published.stored and not arguments.anew:
        copy_stored(settings, outputs)
        return
    inputs = {key: getattr(arguments, key) for key in ("galah", "apogee", "gaia")}
    publish(settings, inputs, outputs, report=arguments.anew)


step = Step(__doc__)
step.input("config", "run configuration with a sky: mapping")
step.input("galah", "GALAH_DR3_main_allstar_v2.fits")
step.input("vac", "GALAH_DR3_VAC_GaiaEDR3_v2.fits (its EDR3 photometry is not used)")
step.input("apogee", "allStarLite-dr17-synspec_rev1.fits")
step.input("gaia", "gaia.parquet")
step.output("readme", "ReadMe")
step.output("g2a", "g2a.dat.gz")
step.output("a2g", "a2g.dat.gz")
step.output("digest", "JSON with the digests of the settings, the code and the files")
step.option("anew", "make the files though stored ones are configured", action="store_true")
step.setting("sky")
