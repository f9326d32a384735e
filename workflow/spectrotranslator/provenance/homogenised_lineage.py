"""Where a row of a homogenised catalogue came from, and the row made again from what it names."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from spectrotranslator.config import load
from spectrotranslator.config.resolve_from_fingerprint import resolve_selection
from spectrotranslator.errors import InputError
from spectrotranslator.translation.homogenise import has_whole_width, homogenise, translated_rows

from .finished_run import Run
from .lineage import rows_of_star, survey_files, unchanged_file

PREFIX = "homogenised_"
STEP = "spectrotranslator.translation.homogenise"


@dataclass
class HomogenisedCatalogue:
    """The homogenised catalogue of one method on one base, with what it was made of."""

    run: Run
    method: str
    base: str

    def __post_init__(self):
        name = f"homogenise-{self.method}-{self.base}"
        record = self.run.records.get(name)
        if record is None or record["step"] != STEP:
            raise InputError(f"run {self.run.name} has no {self.method}/{PREFIX}{self.base}")
        self.record = record
        told = next(f["sha256"] for f in record["inputs"] if f["role"] == "config")
        kept = f"{self.run.prefix}provenance/configurations/{told}.yaml"
        fingerprint = next(iter(self._inputs("fingerprint")), None)
        configuration = load(unchanged_file(self.run, kept, told))
        self.configuration = resolve_selection(configuration, fingerprint)
        self.direction = self.configuration.directions[record["parameters"]["direction"]]
        self.path = self.run.folder / "catalogues" / self.method / f"{PREFIX}{self.base}.parquet"

    @cached_property
    def written(self) -> pa.Table:
        """The catalogue as it lies there."""
        if not self.path.is_file():
            raise InputError(f"{self.path} is gone; make the run again")
        try:
            return pq.read_table(self.path)
        except pa.ArrowInvalid as error:
            raise InputError(f"{self.path}: damaged ({error}); make the run again") from None

    def _inputs(self, role: str) -> list[Path]:
        files = [file for file in self.record["inputs"] if file["role"] == role]
        return [unchanged_file(self.run, file["path"], file["sha256"]) for file in files]

    def find(self, row_or_id: str) -> int:
        """Place (from 0) of a star: by an identifier of it, or by its line from 1.

        Raises
        ------
        InputError
            No star has that identifier and there is no such line.
        """
        direction = self.direction
        names = [self.names_star, f"{direction.origin}_identifier"]
        for name in [*names, f"{direction.target}_identifier"]:
            texts = np.array(self.written[name].to_pylist(), object).astype(str)
            if (found := np.flatnonzero(texts == row_or_id)).size:
                return int(found[0])
        count = len(self.written)
        if row_or_id.isdigit() and 1 <= int(row_or_id) <= count:
            return int(row_or_id) - 1
        raise InputError(
            f"{PREFIX}{self.base}: no row {row_or_id!r}: give an identifier, a Gaia source id or a "
            f"line from 1 to {count}"
        )

    def again(self, place: int) -> pa.Table:
        """One row made again from the surveys' stars and the translated rows."""
        origin, target = (
            self._of_star(pd.read_parquet(*self._inputs(side)), side, place)
            for side in ("origin", "target")
        )
        translated = translated_rows(self.direction, self._inputs("parts"))
        direction = self.record["parameters"]["direction"]
        made = homogenise(
            self.configuration,
            self.direction,
            origin,
            target,
            translated[translated["row"].isin(origin["row"])],
            has_whole_width(self.configuration, self.method, direction),
        )
        for name in self.written.schema.names:
            if name not in made:
                made[name] = None
        schema = self.written.schema
        return pa.Table.from_pandas(made[schema.names], schema, preserve_index=False)

    @property
    def names_star(self) -> str:
        """The column that names a star."""
        on = self.configuration.match
        return "star" if on == "position" else on

    def _of_star(self, table: pd.DataFrame, side: str, place: int) -> pd.DataFrame:
        """The rows of one survey that are of a star of the catalogue."""
        if self.configuration.match == "position":
            survey = getattr(self.direction, side)
            return table[table["row"] == self.written[f"{survey}_row"][place].as_py()]
        star = self.written[self.names_star][place].as_py()
        return table[table[self.names_star] == star]

    def sources(self, place: int) -> dict[str, list[dict]]:
        """Survey to the star's row in each of its files."""
        found = {}
        for side in ("origin", "target"):
            survey = getattr(self.direction, side)
            row = self.written[f"{survey}_row"][place].as_py()
            if row is None:
                continue
            stars = pd.read_parquet(*self._inputs(side), columns=["row", "key"])
            key = str(stars.loc[stars["row"] == row, "key"].iloc[0])
            names = self.configuration.surveys[survey].key
            found[survey] = rows_of_star(self.run, survey_files(self.run, survey), names, key)
        return found


def explain_homogenised(
    run: Run, method: str, base: str, row_or_id: str, column: str | None
) -> dict[str, Any]:
    """Everything known of a row of a homogenised catalogue, or of one of its columns.

    Raises
    ------
    InputError
        There is no such catalogue, row or column, or a file or record that is needed is gone.
    """
    made = HomogenisedCatalogue(run, method, base)
    names = made.written.schema.names
    if column is not None and column not in names:
        raise InputError(f"{PREFIX}{base}: no column {column!r}; there are {', '.join(names)}")
    place = made.find(row_or_id)
    there, again = made.written.slice(place, 1), made.again(place)
    values = there.to_pylist()[0]
    differing = [name for name in names if there[name].to_pylist() != again[name].to_pylist()]
    return {
        "run": run.name,
        "evidence": run.manifest["evidence"],
        "catalogue": f"{method}/{PREFIX}{base}",
        "line": place + 1,
        "star": values[made.names_star],
        "values_of": values["origin"],
        "measured": values["measured"],
        "translated_in": f"{method}/{made.record['parameters']['direction']}",
        "sources": made.sources(place),
        "value": values if column is None else {column: values[column]},
        "columns": len(names),
        "differing": differing,
        "agrees": not differing,
    }


def tell_homogenised(found: dict[str, Any]) -> str:
    """What a person reads."""
    lines = [
        f"{found['catalogue']}, line {found['line']}: star {found['star']} "
        f"({found['evidence']} data)"
    ]
    for survey, rows in found["sources"].items():
        for row in rows:
            told = "no row of this star" if row["row"] is None else f"row {row['row'] + 1}"
            lines.append(f"  {survey}: {row['file']}, {row.get('reason', told)}")
    how = "measured" if found["measured"] else f"translated, see why {found['translated_in']}"
    lines.append(f"  the values are those of {found['values_of']}: {how}")
    if len(found["value"]) == 1:
        ((name, value),) = found["value"].items()
        lines.append(f"  {name} = {value}")
    if found["agrees"]:
        lines.append(f"made again: the same values in all {found['columns']} columns")
    else:
        lines.append(f"made again: values differ in {', '.join(found['differing'][:5])}")
    return "\n".join(lines)
