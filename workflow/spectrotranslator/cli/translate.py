"""Translate a user's own table of stars with a trained direction."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from spectrotranslator import user_paths
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic
from spectrotranslator.translation.trained_networks import Trained
from spectrotranslator.translation.translated_table import translate_table
from spectrotranslator.translation.user_table import read_table
from spectrotranslator.translation.user_units import known_unit
from spectrotranslator.translation.write_user_table import CLASH, FORMATS, write_table


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
