"""Read one survey's files: the columns the run needs, a row a measurement, in the file's order."""

import sys

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

from cdstables.layout import Table, layout_from_yaml
from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import Survey
from spectrotranslator.errors import InputError
from spectrotranslator.expressions import compile_cut
from spectrotranslator.files import atomic
from spectrotranslator.step import Step

from .exact_integers import id_texts, lossy
from .readers import READERS, columns_of, read_vizier


def measured(survey: Survey, rows: pd.DataFrame) -> pd.DataFrame:
    """Name the rows: ``row`` (from 0), ``key`` (text), ``identifier``, ``source_id`` (0: none).

    A row without a part of its key is called by its survey and row, so that it has no partner in
    another survey. Identifiers among which some are missing are text.

    Raises
    ------
    InputError
        Rows share a key, and the survey does not say which of them is read; or ids have lost
        digits.
    """
    key = _keys(survey, rows)
    doubled = key[key.duplicated()]
    if len(doubled) and survey.repeated_keys == "refuse":
        raise InputError(
            f"{survey.title}: {len(doubled)} rows share a key of {' + '.join(survey.key)}, "
            f"such as {doubled.iloc[0]!r}; add a column to the survey's key, or set "
            "repeated_keys: best row"
        )
    table = _named(survey, rows, key)
    return table if not len(doubled) else _best_rows(table, survey.snr)


def _best_rows(table: pd.DataFrame, snr: str | None) -> pd.DataFrame:
    """Of rows that share a key the one of the highest S/N, the first where it is not known."""
    if snr:
        order = table[snr].sort_values(ascending=False, kind="stable", na_position="last").index
        best = table.loc[order].drop_duplicates("key").sort_values("row")
        return best.reset_index(drop=True)
    return table.drop_duplicates("key").reset_index(drop=True)


def _named(survey: Survey, rows: pd.DataFrame, key: pd.Series) -> pd.DataFrame:
    identifier = rows[survey.identifier] if survey.identifier else key
    if identifier.isna().any():
        identifier = id_texts(identifier, survey.title)
    names = pd.DataFrame({"row": range(len(rows)), "key": key, "identifier": identifier})
    if survey.source_id:
        ids = rows[survey.source_id].fillna(0)
        if is_float_dtype(ids) and lossy(ids):
            raise InputError(
                f"{survey.title}: the ids {survey.source_id} are floating-point numbers beyond "
                "2**53 and have lost digits; write them as integers"
            )
        names["source_id"] = ids.where(ids > 0, 0).astype("int64")
    others = [name for name in rows if name not in names]
    return pd.concat([names, rows[others].apply(_plain)], axis=1)


def _keys(survey: Survey, rows: pd.DataFrame) -> pd.Series:
    number = pd.Series(np.arange(len(rows)).astype(str), index=rows.index)
    if not survey.key:
        return number
    parts = [id_texts(rows[column], survey.title) for column in survey.key]
    lacking = np.any([part == "" for part in parts], axis=0)
    key = parts[0].str.cat(parts[1:], sep="|") if len(parts) > 1 else parts[0]
    return key.mask(lacking, f"{survey.title} row " + number)


def _plain(values: pd.Series) -> pd.Series:
    """Small integers and truth values with gaps as float64 with NaN, for they are no ids."""
    nullable = isinstance(values.dtype, ExtensionDtype) and values.hasnans
    if nullable and is_bool_dtype(values):
        return values.astype(np.float64)
    if nullable and is_integer_dtype(values) and not lossy(values):
        return values.astype(np.float64)
    return values


#: The cut that keeps the rows of the published file.
PUBLISHED = "published"


def require_ids_that_fit(table: pd.DataFrame, title: str, layout: Table) -> None:
    """Refuse ids that are longer than their field in a catalogue.

    Raises
    ------
    InputError
        One is; it is named with its row (from 1).
    """
    for column in layout.columns:
        name = (column.value or {}).get("identifier")
        name = "source_id" if name == "source_id" else name and "identifier"
        if name not in table:
            continue
        texts = table[name].astype(str)
        longer = np.flatnonzero(texts.str.len() > column.width)
        if len(longer):
            raise InputError(
                f"{title}, row {table['row'].iloc[longer[0]] + 1}: {texts.iloc[longer[0]]!r} is "
                f"longer than its field {column.label} in {layout.name}, {column.width} characters "
                f"({len(longer)} such rows); shorten it or widen the field"
            )


def catalogue_rows(configuration: Configuration, name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Rows that a catalogue made of the survey ``name`` may hold.

    Cuts on what is not known yet, such as colours, are taken as passed; rows of a published file
    are left out, as they fit it.
    """
    kept = np.zeros(len(table), bool)
    for direction in configuration.directions.values():
        if direction.origin == name and all(cut.cut != PUBLISHED for cut in direction.rows):
            passing = np.ones(len(table), bool)
            for cut in direction.rows:
                expression = compile_cut(cut.cut, configuration.surveys[name].bits)
                if expression.columns <= set(table):
                    passing &= expression.evaluate(table)
            kept |= passing
    return table[kept]


def gaps_among_distances(survey: Survey, rows: pd.DataFrame) -> list[str]:
    """A line for every distance column in which values are not positive, such as -9999."""
    columns = [name for name in (survey.distance, *(survey.distance_interval or ())) if name]
    counts = {name: int((rows[name] <= 0).sum()) for name in columns}
    return [
        f"{survey.title}: {name} is not positive in {count} rows, such as "
        f"{rows[name][rows[name] <= 0].iloc[0]:g}: taken as missing"
        for name, count in counts.items()
        if count
    ]


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    survey = configuration.surveys[arguments.survey]
    if configuration.sources.route == "vizier" and survey.vizier:
        rows = read_vizier(arguments.files[0], survey)
    else:
        rows = READERS[survey.reader](arguments.files, columns_of(survey))
    table = measured(survey, rows)
    for layout in arguments.layouts:
        held = catalogue_rows(configuration, arguments.survey, table)
        require_ids_that_fit(held, survey.title, layout_from_yaml(layout))
    for line in gaps_among_distances(survey, rows):
        print(f"warning: {line}", file=sys.stderr)
    with atomic(arguments.rows) as temporary:
        table.to_parquet(temporary, index=False)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("survey", "name of the survey", required=True)
step.input("files", "the survey's files, in the order of the configuration", many=True)
step.input("layouts", "layouts of the catalogues made of it", many=True, required=False)
step.output("rows", "its rows, Parquet")
step.setting("surveys.{survey}")
step.setting("sources.route")
step.setting("directions.*.rows")
