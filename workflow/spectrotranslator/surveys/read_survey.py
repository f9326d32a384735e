"""Read one survey's files: the columns the run needs, a row a measurement, in the file's order."""

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

from spectrotranslator.config import load
from spectrotranslator.config.configuration import Survey
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic
from spectrotranslator.step import Step

from .exact_integers import id_texts, lossy
from .readers import READERS, columns_of, read_vizier


def measured(survey: Survey, rows: pd.DataFrame) -> pd.DataFrame:
    """Name the rows: ``row`` (from 0), ``key`` (text), ``identifier``, ``source_id`` (0: none).

    A row without a part of its key is called by its survey and row, so that it has no partner in
    another survey. Identifiers among which some are missing are text.
    """
    key = _keys(survey, rows)
    doubled = key[key.duplicated()]
    if len(doubled):
        raise InputError(
            f"{survey.title}: {len(doubled)} rows share a key of {' + '.join(survey.key)}, "
            f"such as {doubled.iloc[0]!r}; add a column to the survey's key"
        )
    identifier = rows[survey.identifier]
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
    parts = [id_texts(rows[column], survey.title) for column in survey.key]
    lacking = np.any([part == "" for part in parts], axis=0)
    key = parts[0].str.cat(parts[1:], sep="|") if len(parts) > 1 else parts[0]
    number = pd.Series(np.arange(len(rows)).astype(str), index=rows.index)
    return key.mask(lacking, f"{survey.title} row " + number)


def _plain(values: pd.Series) -> pd.Series:
    """Small integers and truth values with gaps as float64 with NaN, for they are no ids."""
    nullable = isinstance(values.dtype, ExtensionDtype) and values.hasnans
    if nullable and is_bool_dtype(values):
        return values.astype(np.float64)
    if nullable and is_integer_dtype(values) and not lossy(values):
        return values.astype(np.float64)
    return values


def main(arguments) -> None:
    configuration = load(arguments.config)
    survey = configuration.surveys[arguments.survey]
    if configuration.sources.route == "vizier" and survey.vizier:
        rows = read_vizier(arguments.files[0], survey)
    else:
        rows = READERS[survey.reader](arguments.files, columns_of(survey))
    with atomic(arguments.rows) as temporary:
        measured(survey, rows).to_parquet(temporary, index=False)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.option("survey", "name of the survey", required=True)
step.input("files", "the survey's files, in the order of the configuration", many=True)
step.output("rows", "its rows, Parquet")
step.setting("surveys.{survey}")
step.setting("sources.route")
