"""Where one row of a catalogue came from, and the row computed again from what it names."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from astropy.io import fits

from cdstables.layout import Column, Table, layout_from_yaml
from cdstables.writing import encode
from spectrotranslator.config import load
from spectrotranslator.config.resolve_from_fingerprint import resolve_method
from spectrotranslator.errors import InputError
from spectrotranslator.sample.cuts import apply_cuts
from spectrotranslator.surveys.table_files import read_table_file, to_frame
from spectrotranslator.translation.catalogue_columns import (
    comment_style,
    diagnostic_columns,
    layout_columns,
)
from spectrotranslator.translation.load_networks import network_parts, of_kinds
from spectrotranslator.translation.montecarlo import (
    NetworkPart,
    measurements,
    perturbations,
    translate_block,
    trimmed,
)
from spectrotranslator.untrusted import hash_regular

from .finished_run import Run


@dataclass
class Catalogue:
    """One catalogue of a run with what is needed to compute any of its rows again."""

    run: Run
    method: str
    direction: str

    def __post_init__(self):
        wanted = {"method": self.method, "direction": self.direction}
        self.records = [
            record
            for record in self.run.records.values()
            if record["step"] == "spectrotranslator.translation.translate_shard"
            and wanted.items() <= record["parameters"].items()
        ]
        if not self.records:
            raise InputError(f"run {self.run.name} has no {self.method}/{self.direction}")
        told = next(f["sha256"] for f in self.records[0]["inputs"] if f["role"] == "config")
        kept = f"{self.run.prefix}provenance/configurations/{told}.yaml"
        fingerprint = next(iter(self._inputs("fingerprint")), None)
        configuration = load(unchanged_file(self.run, kept, told))
        self.configuration = resolve_method(configuration, self.method, fingerprint)
        self.settings = self.configuration.methods[self.method]
        self.shape = self.configuration.directions[self.direction]
        self.survey = self.configuration.surveys[self.shape.origin]
        self.folder = self.run.folder / "catalogues" / self.method
        self.parquet = self.folder / f"{self.direction}.parquet"
        self._centres: dict[tuple[int, str], np.ndarray] = {}

    @cached_property
    def layout(self) -> Table | None:
        """Layout of the catalogue; none where there is no CDS table."""
        path = self.shape.catalogue
        return layout_from_yaml(_regular(self.run.place(path))) if path else None

    @cached_property
    def stars(self) -> pd.DataFrame:
        """Stars of the catalogue, in its order."""
        (path,) = self._inputs("stars")
        kept, _ = apply_cuts(pd.read_parquet(path), self.shape.rows, self.survey.bits)
        return kept.reset_index(drop=True)

    def _inputs(self, role: str) -> list[Path]:
        files = self.records[0]["inputs"]
        return [
            unchanged_file(self.run, f["path"], f["sha256"]) for f in files if f["role"] == role
        ]

    @cached_property
    def parts(self) -> list[NetworkPart]:
        """The networks that translated the catalogue, with their maps and intervals."""
        torch.set_num_threads(self.configuration.compute.threads)
        weights = self._inputs("weights")
        of_kind = {
            kind: [path for path in weights if path.parent.parent.name == kind]
            for kind in self.shape.networks
        }
        samples, calibrations = self._inputs("samples"), of_kinds(self._inputs("calibrations"))
        return network_parts(
            self.configuration, self.method, self.direction, samples, of_kind, calibrations
        )

    def find(self, row_or_id: str) -> list[int]:
        """Places (from 0) of the rows meant: an identifier of either kind, or a line from 1.

        Raises
        ------
        InputError
            No row has that identifier and there is no such line.
        """
        stars = self.stars
        found = stars["identifier"].astype(str) == row_or_id
        if "source_id" in stars:
            found |= stars["source_id"].astype(str) == row_or_id
        found |= stars["key"].astype(str) == row_or_id
        places = np.flatnonzero(found).tolist()
        if not places and row_or_id.isdigit() and 1 <= int(row_or_id) <= len(stars):
            places = [int(row_or_id) - 1]
        if not places:
            raise InputError(
                f"{self.direction}: no row {row_or_id!r}: give an identifier, a Gaia source id "
                f"or a line from 1 to {len(stars)}"
            )
        return places

    def bounds(self, place: int) -> slice:
        """The block that row ``place`` was computed in."""
        size = self.settings.montecarlo.block_rows
        first = place // size * size
        return slice(first, min(first + size, len(self.stars)))

    def block(self, place: int) -> pd.DataFrame:
        """The block of row ``place`` computed again."""
        with np.errstate(over="ignore", invalid="ignore"):
            return translate_block(
                self._stars_of(place), self.parts, self.settings.ensemble, self.settings.montecarlo
            )

    def _stars_of(self, place: int) -> pd.DataFrame:
        return self.stars.iloc[self.bounds(place)].reset_index(drop=True)

    def written(self, rows: slice) -> pd.DataFrame:
        """Rows of the catalogue as it lies there.

        Raises
        ------
        InputError
            It is gone or damaged.
        """
        batches, first = [], 0
        try:
            file = pq.ParquetFile(_there(self.parquet))
        except pa.ArrowInvalid as error:
            raise InputError(f"{self.parquet}: damaged ({error}); make the run again") from None
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if first < rows.stop and first + count > rows.start:
                table = file.read_row_group(group)
                start = max(rows.start - first, 0)
                batches.append(table.slice(start, min(rows.stop - first, count) - start))
            first += count
        return pa.concat_tables(batches).to_pandas()

    def shaped(self, block: pd.DataFrame) -> pd.DataFrame:
        """A computed block in the catalogue's columns."""
        if self.layout is None:
            return block
        style = comment_style(_regular(self.run.place(self.shape.catalogue)))
        columns = layout_columns(block, self.layout, style)
        return pd.concat([columns, diagnostic_columns(block)], axis=1)

    def line(self, row: pd.DataFrame) -> bytes:
        """One row as the line of the CDS table, computed again."""
        labels = [column.label for column in self.layout.columns]
        return encode(pa.Table.from_pandas(row[labels], preserve_index=False), self.layout)

    def written_line(self, place: int) -> bytes:
        """The same line as it lies in the file."""
        width = self.layout.lrecl + 1
        with _there(self.folder / f"{self.direction}.dat").open("rb") as stream:
            stream.seek(place * width)
            return stream.read(width)

    def realisations(self, place: int, output: str) -> np.ndarray:
        """Trimmed mean of the members in every realisation of one output, the first unperturbed."""
        part = next(part for part in self.parts if output in part.ensemble.outputs)
        rows = self.bounds(place)
        if (rows.start, part.kind) not in self._centres:
            self._centres[rows.start, part.kind] = self._centre(place, part)
        centre = self._centres[rows.start, part.kind]
        return centre[place - rows.start, :, part.ensemble.outputs.index(output)]

    def _centre(self, place: int, part: NetworkPart) -> np.ndarray:
        """Shape (rows of the block, realisations, outputs)."""
        names = list(dict.fromkeys(name for part in self.parts for name in part.ensemble.inputs))
        block, settings = self._stars_of(place), self.settings.montecarlo
        values, errors = measurements(block, names, settings)
        noise = perturbations(block, names, errors, settings, self.parts, part.kind)
        chosen = [names.index(name) for name in part.ensemble.inputs]
        with np.errstate(over="ignore", invalid="ignore"):
            perturbed = values[:, None, chosen] + noise[:, :, chosen]
            rows, times, features = perturbed.shape
            members = part.ensemble.predict(perturbed.reshape(rows * times, features))
            shaped = members.reshape(-1, rows, times, len(part.output_names))
            return trimmed(shaped, self.settings.ensemble.trim)[0]

    def cells(self, place: int, row: pd.Series) -> Iterator[dict]:
        """For every network and side: how many pairs were looked at, and those that failed."""
        star = self.stars.iloc[[place]]
        for part in self.parts:
            settings = self.settings.montecarlo
            values, _ = measurements(star, part.ensemble.inputs, settings)
            made = [self.realisations(place, name) for name in part.ensemble.outputs]
            medians = [(r[0] if part.intervals else np.median(r))[None] for r in made]
            sides = (
                ("input", part.input_maps, values, part.ensemble.inputs),
                ("output", part.output_maps, np.stack(medians, axis=1), part.ensemble.outputs),
            )
            for side, maps, found, names in sides:
                pairs = list(combinations(range(len(names)), 2))
                outside = maps.outside(found)[0]
                yield {
                    "network": part.kind,
                    "side": side,
                    "good": bool(row[f"{side}_{part.kind}"]),
                    "pairs": len(pairs),
                    "failed": [
                        {
                            "pair": [names[i], names[j]],
                            "values": [_number(found[0, i]), _number(found[0, j])],
                            "cell": [
                                _cell(maps.edges[i], found[0, i]),
                                _cell(maps.edges[j], found[0, j]),
                            ],
                        }
                        for (i, j), bad in zip(pairs, outside, strict=True)
                        if bad
                    ],
                }

    def training(self, place: int) -> dict[str, dict | None]:
        """For every network: the row of its sample that is this star, and its part; none if not."""
        key = str(self.stars["key"].iloc[place])
        found = {}
        for kind, path in zip(self.shape.networks, self._inputs("samples"), strict=True):
            table = pq.read_table(path, columns=["from:key", "part"])
            here = pc.index(table["from:key"].cast(pa.string()), key).as_py()
            name = path.relative_to(self.run.folder).as_posix()
            found[kind] = (
                None
                if here < 0
                else {"file": name, "row": here, "part": table["part"][here].as_py()}
            )
        return found

    def sources(self, place: int) -> list[dict]:
        """The star's row in every file of its survey and in Gaia's answer.

        Raises
        ------
        InputError
            The record of reading the survey is gone or damaged.
        """
        files = survey_files(self.run, self.shape.origin)
        star = self.stars.iloc[place]
        rows = [self._row_in(file, star) for file in files]
        gaia = self.run.folder / "sources" / "gaia.parquet"
        if gaia.is_file() and "source_id" in star:
            table = pq.read_table(gaia)
            here = pc.index(table.column(0), pa.scalar(int(star["source_id"]))).as_py()
            rows.append({"file": gaia, "row": here if here >= 0 else None})
            if here >= 0:
                rows[-1]["values"] = table.slice(here, 1).to_pylist()[0]
        return [row | {"file": _shown(self.run, row["file"])} for row in rows]

    def _row_in(self, path: Path, star: pd.Series) -> dict:
        """The star's row in one file of its survey; a user's table may name rows by number."""
        named = self.survey.key and self.survey.repeated_keys == "refuse"
        if self.survey.path and not named:
            return {"file": path, "row": int(star["row"])}
        return _row_of(path, self.survey.key, str(star["key"]).split("|"))

    def published(self, place: int, column: Column) -> str | None:
        """Text of one field of the same row of the published table; none if it is not there.

        Of rows that share an identifier, the one that comes as late among them as ours.
        """
        if self.shape.published is None:
            return None
        path = self.run.place(f"{self.run.prefix}sources/{self.shape.published}.dat.gz")
        if not path.is_file():
            return None
        first = self.layout.columns[0]
        name = str(self.stars["identifier"].iloc[place])
        earlier = (self.stars["identifier"].iloc[:place].astype(str) == name).sum()
        wanted = name.encode()
        with gzip.open(path) as stream:
            for line in stream:
                if wanted in line and line[first.start - 1 : first.end].strip() == wanted:
                    if not earlier:
                        return line[column.start - 1 : column.end].decode().strip()
                    earlier -= 1
        return None


def survey_files(run: Run, survey: str) -> list[Path]:
    """Files that a survey was read from.

    Raises
    ------
    InputError
        The record of reading the survey is gone or damaged.
    """
    job = f"read_survey-{survey}"
    read = run.records.get(job)
    if read is None:
        record = run.folder / "provenance" / "jobs" / f"{job}.json"
        raise InputError(f"{record} is gone or damaged; make the run again")
    return [run.place(file["path"]) for file in read["inputs"] if file["role"] == "files"]


def rows_of_star(run: Run, files: list[Path], names: list[str], key: str) -> list[dict]:
    """Where every one of ``files`` holds the row of ``key``, values joined by ``|``."""
    rows = [_row_of(file, names, key.split("|")) for file in files]
    return [row | {"file": _shown(run, row["file"])} for row in rows]


def _shown(run: Run, file: Path | str) -> str:
    """A file as it is told: relative to the run's folder where it lies there."""
    path = Path(file)
    inside = path.is_relative_to(run.folder)
    return path.relative_to(run.folder).as_posix() if inside else str(file)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _cell(edges: np.ndarray, value: float) -> int | None:
    """Cell of the map along one axis; none if outside or not finite."""
    index = int(np.digitize(value, edges)) - 1 if np.isfinite(value) else -1
    return index if 0 <= index < len(edges) - 1 else None


def _there(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path} is gone; make the run again")
    return path


def _regular(path: Path) -> Path:
    """A file that may be read at once: a FIFO or a device is refused."""
    hash_regular(path, 0)
    return path


def unchanged_file(run: Run, path: str, told: str) -> Path:
    """Where a recorded file lies, held against its digest before it is used.

    Raises
    ------
    InputError
        It is gone, cannot be read or is not what the job read.
    """
    place = _there(run.place(path))
    if hash_regular(place, place.stat().st_size) != told:
        raise InputError(f"{place}: not what the job read, so not used; see ./reproduce audit")
    return place


def _row_of(path: Path, names: list[str], key: list[str]) -> dict:
    """Where a survey's file holds the row with this key, or in ``reason`` why that is not known."""
    if not path.is_file():
        return {"file": path, "row": None, "reason": "the file is gone"}
    if path.suffix == ".fits":
        return _row_of_fits(path, names, key)
    try:
        row = _row_of_table(path, dict(zip(names, key, strict=True)))
    except InputError as error:
        return {"file": path, "row": None, "reason": str(error).removeprefix(f"{path}: ")}
    return {"file": path, "row": row}


def _row_of_table(path: Path, key: dict[str, str]) -> int | None:
    """Row of a table whose columns hold this key, as far as it has them."""
    whole = read_table_file(path)
    table = to_frame(path, whole, [name for name in whole.colnames if name in key])
    found = np.full(len(table), len(table.columns) > 0)
    for name in table:
        found &= (table[name].astype(str) == key[name]).to_numpy(bool)
    return int(found.argmax()) if found.any() else None


def _row_of_fits(path: Path, names: list[str], key: list[str]) -> dict:
    """Row, bytes and their digest of the row with this key in a FITS table."""
    with fits.open(path, memmap=True) as hdus:
        hdu = next(hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU))
        mine = [(n, k) for n, k in zip(names, key, strict=True) if n in hdu.columns.names]
        found = np.ones(len(hdu.data), bool)
        for name, value in mine:
            column = hdu.data[name]
            found &= column == (int(value) if column.dtype.kind in "iu" else value)
        rows = np.flatnonzero(found)
        if not mine or not len(rows):
            return {"file": path, "row": None}
        width, start = hdu.header["NAXIS1"], hdu.fileinfo()["datLoc"]
    offset = start + int(rows[0]) * width
    with path.open("rb") as stream:
        stream.seek(offset)
        content = stream.read(width)
    return {
        "file": path,
        "row": int(rows[0]),
        "offset": offset,
        "bytes": width,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def differing(computed: pd.DataFrame, written: pd.DataFrame) -> dict[str, int]:
    """Columns whose bytes differ, and in how many rows; text is compared as text."""
    found = {}
    for name in written:
        one, other = computed[name].to_numpy(), written[name].to_numpy()
        if one.dtype.kind in "fiub" and one.dtype == other.dtype:
            size = one.dtype.itemsize
            pair = [
                np.ascontiguousarray(side).view(np.uint8).reshape(-1, size) for side in (one, other)
            ]
            differs = (pair[0] != pair[1]).any(axis=1)
        else:
            differs = one.astype(str) != other.astype(str)
        if differs.any():
            found[name] = int(differs.sum())
    return found
