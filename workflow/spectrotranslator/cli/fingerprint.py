"""What published catalogues say about how they were made."""

import argparse
import json
from pathlib import Path

import pandas as pd

from spectrotranslator import user_paths
from spectrotranslator.config import Configuration, resolve
from spectrotranslator.errors import InputError
from spectrotranslator.fingerprint.read_fingerprint import read_fingerprint
from spectrotranslator.fingerprint.summary import summary_lines
from spectrotranslator.fingerprint.training_length import Lengths


def main(arguments: list[str]) -> int:
    """``./reproduce fingerprint PUBLISHED... [--readme README] [--run RUN]``."""
    given = _parser().parse_args(arguments)
    configuration = resolve(given.run)
    stars = _stars(given.stars, configuration)
    photometry = {name: _magnitudes(path, configuration) for name, path in given.photometry}
    found = []
    for path in given.published:
        name = _direction(path, configuration)
        lengths = Lengths(configuration, name, given.lengths) if given.lengths else None
        found.append(
            read_fingerprint(path, given.readme, configuration, name, stars, photometry, lengths)
        )
    if given.json:
        print(json.dumps(found, indent=1, allow_nan=False))
    else:
        print("\n".join(line for one in found for line in table_of(one)))
    return 0


def table_of(fingerprint: dict) -> list[str]:
    """Lines for people: a question a line."""
    lines = ["", f"{fingerprint['table']}: what it says about how it was made"]
    lines.append(f"  {'setting':<23} {'estimate':<36} {'95%':<14} evidence")
    for setting, estimate, interval, evidence in summary_lines(fingerprint):
        lines.append(f"  {setting:<23} {estimate:<36} {interval:<14} {evidence}".rstrip())
    return lines


def _direction(path: Path, configuration: Configuration) -> str:
    """The direction whose catalogue is named like the file."""
    stem = path.name.partition(".")[0]
    known = [name for name, direction in configuration.directions.items() if direction.catalogue]
    if stem not in known:
        raise InputError(
            f"{path}: the file's name must be one of {', '.join(known)} (directions of run "
            f"{configuration.run}), with any suffix"
        )
    return stem


def _stars(given: list[tuple[str, Path]], configuration: Configuration) -> dict[str, Path]:
    folder = Path("results") / configuration.run / "sample"
    stars = {survey: folder / f"{survey}.parquet" for survey in configuration.surveys}
    for survey, path in given:
        if survey not in stars:
            raise InputError(f"--stars {survey}: the surveys are {', '.join(stars)}")
        stars[survey] = path
    return stars


def _magnitudes(path: Path, configuration: Configuration) -> pd.DataFrame:
    """Source id and the magnitudes that the surveys' colours are made of."""
    names = {
        column
        for survey in configuration.surveys.values()
        for feature in survey.features.values()
        for column in feature.difference or ()
    }
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a Parquet table ({error})") from None
    if lacking := names - set(table):
        raise InputError(f"{path}: no column {min(lacking)!r}; the first is the source id")
    return table[[table.columns[0], *sorted(names)]]


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals or not name or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE")
    return name, user_paths.resolve_input(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "./reproduce fingerprint",
        description=__doc__,
        epilog="example: ./reproduce fingerprint results/mini/sources/g2a.dat.gz --run mini",
    )
    parser.add_argument(
        "published",
        type=user_paths.resolve_input,
        nargs="+",
        help="g2a.dat, a2g.dat, or one of them",
    )
    parser.add_argument(
        "--readme", type=user_paths.resolve_input, help="describes them; else the configured layout"
    )
    parser.add_argument(
        "--run",
        required=True,
        type=user_paths.resolve_run,
        help="run whose stars, layout and candidate selections are used",
    )
    parser.add_argument(
        "--stars", type=_named, action="append", default=[], metavar="SURVEY=FILE",
        help="prepared stars of a survey, in place of the run's",
    )  # fmt: skip
    parser.add_argument(
        "--photometry", type=_named, action="append", default=[], metavar="RELEASE=FILE",
        help="another release's magnitudes, Parquet, to be held against the prepared ones",
    )  # fmt: skip
    parser.add_argument(
        "--lengths", type=int, nargs="+", metavar="EPOCHS",
        help="train replicates of these lengths, to tell how long the published training was",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="all figures, for scripts")
    return parser
