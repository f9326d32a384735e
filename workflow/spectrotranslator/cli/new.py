"""Write a commented run configuration for a pair of tables, or for one matched table.

It looks at columns, units, keys, repeats, errors and outliers, and says in comments what it saw.
"""

import argparse
import re
from pathlib import Path

import pandas as pd

from spectrotranslator import user_paths
from spectrotranslator.config import Configuration
from spectrotranslator.config.configuration import Selection
from spectrotranslator.config.loading import RUNS, resolve, validate
from spectrotranslator.config.setting import plain
from spectrotranslator.errors import InputError
from spectrotranslator.files import write_text
from spectrotranslator.sample.crossmatch import FEWEST_STARS, matched, training_sample
from spectrotranslator.surveys.column_roles import LabelColumn, best_columns, paired, two_sides
from spectrotranslator.surveys.prepare_stars import stars
from spectrotranslator.surveys.read_survey import measured
from spectrotranslator.surveys.readers import columns_of, read_table
from spectrotranslator.untrusted import parse_yaml, printable

from .new_configuration import Draft, Side, configuration_text, written_path
from .table_findings import FoundTable, overlap

FAR = 10.0


def main(arguments: list[str]) -> int:
    """``./reproduce new NAME --tables A B``, ``./reproduce new NAME --table T``."""
    given = _parser().parse_args(arguments)
    out = user_paths.resolve_output(f"{given.name}.yaml")
    if out.exists():
        raise InputError(f"{out}: there already; give another name, or remove it")
    if (RUNS / f"{given.name}.yaml").is_file():
        raise InputError(f"{given.name} is a run of this repository; give another name")
    draft = (
        _of_one_table(FoundTable.of(given.table), out)
        if given.table
        else _of_two_tables(*map(FoundTable.of, given.tables), given.match, out)
    )
    text, said = _with_stars(given.name, draft, out)
    write_text(out, text)
    try:
        resolve(str(out))
    except InputError:
        out.unlink()
        raise
    print(f"{out}: {draft.sides[0].name} translated to the base of {draft.sides[1].name}")
    for line in [*(s for side in draft.sides for s in side.seen), draft.why_match, *said]:
        print(f"  {line}")
    print(f"next: ./reproduce preflight {out.name}, ./reproduce {out.name}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "./reproduce new",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"{__doc__}\nThe configuration is NAME.yaml in the folder you call from.",
        epilog="""examples:
  ./reproduce new my_pair --tables galah.csv apogee.fits
  ./reproduce new my_pair --tables a.csv b.csv --match position
  ./reproduce new giants --table matched.csv       with columns such as teff_a and teff_b""",
    )
    parser.add_argument("name", metavar="NAME", type=_plain, help="name of the run")
    tables = parser.add_mutually_exclusive_group(required=True)
    tables.add_argument(
        "--tables",
        nargs=2,
        metavar=("A", "B"),
        type=user_paths.resolve_input,
        help="A is translated to the base of B: FITS, CSV, Parquet, VOTable or ECSV",
    )
    tables.add_argument(
        "--table",
        metavar="T",
        type=user_paths.resolve_input,
        help="one table that holds both surveys' columns of each star",
    )
    parser.add_argument(
        "--match",
        metavar="WHAT",
        help="source_id, position, or a column that both tables have; by default the first of "
        "these that matches stars",
    )
    return parser


def _plain(text: str) -> str:
    try:
        return plain(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _of_two_tables(first: FoundTable, second: FoundTable, match: str | None, out: Path) -> Draft:
    pairs = paired(first.labels, second.labels)
    _require_pairs(pairs, first, second)
    chosen, why = _matching(first, second, match)
    names = _two_names(first.path, second.path)
    sides = tuple(
        _side(name, found, _columns(pairs, found, which), chosen, out)
        for which, (name, found) in enumerate(zip(names, (first, second), strict=True))
    )
    kind = chosen if chosen in ("source_id", "position") else "key"
    return _draft(sides, kind, why, pairs)


def _of_one_table(found: FoundTable, out: Path) -> Draft:
    sides = two_sides(found.labels)
    pairs = paired(*sides) if len(sides) == 2 else {}
    _require_pairs(pairs, found, found)
    names = [_survey_name(labels[0].side, number) for number, labels in enumerate(sides)]
    both = tuple(
        _side(name, found, _columns(pairs, found, which, labels), None, out)
        for which, (name, labels) in enumerate(zip(names, sides, strict=True))
    )
    return _draft(both, "key", "The rows of the table are matched already.", pairs)


def _draft(sides: tuple[Side, Side], match: str, why: str, pairs: dict) -> Draft:
    inputs = [one.column for one, _ in pairs.values()]
    inputs += [c.column for c in sides[0].columns.values() if c.column not in inputs]
    return Draft(sides, match, why, inputs, [two.column for _, two in pairs.values()])


def _require_pairs(pairs: dict, first: FoundTable, second: FoundTable) -> None:
    if not pairs:
        seen = ", ".join(dict.fromkeys([*first.names, *second.names][:20]))
        raise InputError(
            f"{first.path}: no label that both surveys measured is seen (temperature, log g, "
            f"[Fe/H], [Mg/Fe], velocity, such as teff_a and teff_b) among {seen}; rename columns"
        )


def _columns(
    pairs: dict[str, tuple[LabelColumn, LabelColumn]],
    found: FoundTable,
    which: int,
    labels: list[LabelColumn] | None = None,
) -> list[LabelColumn]:
    """The paired columns of one side, then those that only the first one has: further inputs."""
    own = {label: pair[which] for label, pair in pairs.items()}
    more = {} if which else best_columns(labels or found.labels)
    return list((own | {label: one for label, one in more.items() if label not in own}).values())


def _matching(first: FoundTable, second: FoundTable, wanted: str | None) -> tuple[str, str]:
    """What rows are matched on, and why."""
    both = [name for name in first.ids if name in second.ids]
    if wanted not in (None, "source_id", "position"):
        for found in (first, second):
            if wanted not in found.names:
                raise InputError(f"{found.path}: no column {wanted!r} to match on")
        both = [wanted]
    by_id = overlap(first, second, lambda found: found.source_id)
    if wanted == "source_id" and not by_id:
        raise InputError(f"{first.path} and {second.path} share no Gaia source_id")
    if wanted == "source_id" or (wanted is None and by_id >= FEWEST_STARS):
        return "source_id", f"{by_id} Gaia ids are in both tables."
    if wanted != "position":
        for name in both:
            count = overlap(first, second, lambda _, name=name: name)
            if wanted or count >= FEWEST_STARS:
                return name, f"{count} values of {name} are in both tables."
    if first.position and second.position:
        return "position", "Stars are matched on positions (within crossmatch.radius_arcsec)."
    raise InputError(
        f"{first.path} and {second.path}: no Gaia source_id, id column or positions that match; "
        "name a column that both have: --match COLUMN"
    )


def _side(
    name: str, found: FoundTable, labels: list[LabelColumn], match: str | None, out: Path
) -> Side:
    """One survey; ``match`` is what rows of two tables are matched on."""
    seen = [f"{printable(found.path.name)}: {len(found.table)} rows"]
    key, repeated = _key(found, match, seen)
    return Side(
        name=name,
        path=written_path(found.path, out),
        key=key,
        repeated_keys=repeated,
        identifier=next(iter(found.ids), None) or found.source_id,
        columns={one.label: found.column(one) for one in labels},
        seen=seen,
        source_id=found.source_id,
        position=found.position,
        snr=found.snr,
    )


def _key(found: FoundTable, match: str | None, seen: list[str]) -> tuple[list[str], str]:
    """Columns that name a row, and which of several rows is read."""
    best = f"the one of the highest {found.snr}" if found.snr else "the first one"
    if match not in (None, "source_id", "position"):
        repeats = found.repeats(match)
        if repeats:
            seen.append(f"{match} is repeated in {repeats} rows: {best} of a star is read")
        return [match], "best row" if repeats else "refuse"
    if found.source_id and (repeats := found.repeats(found.source_id)):
        seen.append(f"{found.source_id} is repeated in {repeats} rows: {best} of a star trains")
    names = [*found.ids, *([found.source_id] if found.source_id else [])]
    unique = [name for name in names if not found.repeats(name) and not found.blanks(name)]
    if unique:
        return unique[:1], "refuse"
    if found.source_id or match or not found.ids:
        seen.append("no column names each row once: the number of the row is the key")
        return [], "refuse"
    seen.append(f"{found.ids[0]} is repeated: {best} of a star is read")
    return found.ids[:1], "best row"


def _two_names(first: Path, second: Path) -> list[str]:
    names = [_survey_name(path.name.split(".")[0], n) for n, path in enumerate((first, second))]
    return names if names[0] != names[1] else [f"{names[0]}_1", f"{names[1]}_2"]


def _survey_name(text: str, number: int) -> str:
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
    try:
        return plain(name)
    except ValueError:
        return f"survey_{number + 1}"


def _with_stars(name: str, draft: Draft, out: Path) -> tuple[str, list[str]]:
    """The text for the stars that the first jobs would find, and what is seen in them."""
    settings = parse_yaml(configuration_text(name, draft, FEWEST_STARS, []), str(out))
    for side in draft.sides:
        path = Path(out.absolute().parent, side.path)
        settings["surveys"][side.name]["path"] = str(path)
    run = validate(settings, out, name)
    _require_equal_units(draft)
    ((_, direction),) = run.directions.items()
    tables = {key: _stars(run, key) for key in run.surveys}
    chosen = run.selections.get(run.selection or "", Selection(cuts={}))
    sample = training_sample(
        direction, "intrinsic", matched(run, direction, tables, chosen, []), []
    )
    if len(sample) < FEWEST_STARS:
        raise InputError(
            f"{len(sample)} stars are in both tables with all values and errors; at least "
            f"{FEWEST_STARS} are needed to train on"
        )
    seen = [f"{len(sample)} stars are in both, with all values and errors."]
    network = direction.networks["intrinsic"]
    for own, label in zip(network.inputs, network.outputs, strict=False):
        seen.append(_difference(sample, own, label))
    return configuration_text(name, draft, len(sample), seen), seen


def _stars(run: Configuration, name: str) -> pd.DataFrame:
    survey = run.surveys[name]
    return stars(
        survey, measured(survey, read_table([Path(survey.path)], columns_of(survey))), None
    )


def _require_equal_units(draft: Draft) -> None:
    first, second = draft.sides
    for label, two in second.columns.items():
        one = first.columns.get(label)
        if one and one.unit != two.unit:
            raise InputError(
                f"{first.path}: {one.column} is in {one.unit}, but {two.column} of {second.path} "
                f"in {two.unit}; convert one of them"
            )


def _difference(sample: pd.DataFrame, own: str, label: str) -> str:
    """Median, robust scatter and far-off stars of one label's difference."""
    difference = sample[f"from:{own}"] - sample[f"to:{label}"]
    middle = difference.median()
    scatter = 1.4826 * (difference - middle).abs().median()
    far = int(((difference - middle).abs() > FAR * scatter).sum()) if scatter else 0
    told = f"{own} - {label}: {middle:.3g} ± {scatter:.3g}"
    return f"{told}, {far} stars off by more than {FAR:g} times that." if far else f"{told}."
