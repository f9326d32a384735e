"""Read one survey's files: the columns the run needs, a row a measurement, in the file's order."""

import pandas as pd
from pandas.api.types import is_float_dtype

from spectrotranslator.config import load
from spectrotranslator.config.configuration import Survey
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic
from spectrotranslator.step import Step

from .exact_integers import lossy
from .readers import READERS, columns_of, read_vizier


def measured(survey: Survey, rows: pd.DataFrame) -> pd.DataFrame:
    """Name the rows: ``row`` (from 0), ``key`` (text), ``identifier``, ``source_id`` (0: none)."""
    key = rows[survey.key[0]].astype(str)
    for column in survey.key[1:]:
        key = key + "|" + rows[column].astype(str)
    doubled = key[key.duplicated()]
    if len(doubled):
        raise InputError(
            f"{survey.title}: {len(doubled)} rows share a key of {' + '.join(survey.key)}, "
            f"such as {doubled.iloc[0]!r}; add a column to the survey's key"
        )
    names = pd.DataFrame(
        {"row": range(len(rows)), "key": key, "identifier": rows[survey.identifier]}
    )
    if survey.source_id:
        ids = rows[survey.source_id].fillna(0)
        if is_float_dtype(ids) and lossy(ids):
            raise InputError(
                f"{survey.title}: the ids {survey.source_id} are floating-point numbers beyond "
                "2**53 and have lost digits; write them as integers"
            )
        names["source_id"] = ids.where(ids > 0, 0).astype("int64")
    overlap = [name for name in rows if name in names]
    return pd.concat([names, rows.drop(columns=overlap)], axis=1)


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
