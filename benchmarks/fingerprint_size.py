"""Time and memory of the fingerprint on tables of the published size.

    python benchmarks/fingerprint_size.py [--rows-share 1.0]

Makes both surveys' stars (588,464 and 675,857 rows, 20,000 in common) and both published tables as
CDS text from a plain linear translation, then runs the stage as the workflow does. Exits with 1
beyond 3 minutes for both or 3 GB, or where an answer is wrong.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from cdstables.layout import layout_from_yaml
from cdstables.writing import TableWriter
from spectrotranslator.config import dump, resolve
from spectrotranslator.fingerprint.catalogue_traces import groups_of
from spectrotranslator.fingerprint.questions import Question
from spectrotranslator.fingerprint.selection_ranking import Search
from spectrotranslator.translation.catalogue_columns import comment_style, comment_text
from spectrotranslator.translation.quality_flags import PairMaps, comments, reasons

ROWS = {"galah": 588_464, "apogee": 675_857}
COMMON, MEMBERS, REALISATIONS = 20_000, 7, 30
SECONDS, MEGABYTES = 180, 3000
CHUNK = 20_000


def stars(name: str, survey, rows: int, common: int) -> pd.DataFrame:
    """A survey's stars as the workflow prepares them; the first ``common`` are the other's too."""
    own = np.random.default_rng([1, len(name)])
    shared = np.random.default_rng(7).normal(size=(common, len(survey.features)))
    values = np.concatenate([shared, own.normal(size=(rows - common, len(survey.features)))])
    table = pd.DataFrame({"row": np.arange(rows)})
    table["key"] = np.arange(rows).astype(str)
    numbers = np.arange(rows) + (0 if name == "galah" else 10**9)
    table["identifier"] = numbers + 10**14 if name == "galah" else np.char.add(
        "2M", numbers.astype(str)
    )  # fmt: skip
    table["source_id"] = np.concatenate([np.arange(common), numbers[common:] + 10**9]) + 1
    for flag in survey.keep:
        table[flag] = np.where(own.random(rows) < 0.1, 8388608 + 16 + 1, 0)
    for column in (survey.snr, "snr"):
        table[column] = own.uniform(20, 200, rows)
    for place, feature in enumerate(survey.features):
        column = values[:, place] + 0.05 * own.normal(size=rows)
        column[own.random(rows) < 0.01] = np.nan
        table[feature] = column
        table[f"{feature}_error"] = own.uniform(0.02, 0.1, rows)
    return table


def publish(question: Question, name: str, path: Path) -> None:
    """Write the direction's catalogue of a linear translation with the first selection."""
    configuration, direction = question.configuration, question.direction
    search = Search(configuration, direction, question.tables)
    chosen = next(search.candidates(configuration.selections))
    scalings = chosen.scalings()
    layout = layout_from_yaml(direction.catalogue)
    style = comment_style(direction.catalogue)
    table = question.tables[direction.origin]
    groups = groups_of(configuration, direction)
    maps = {(g.side, g.kind): PairMaps.of(chosen.of(g.side, g.kind), 30) for g in groups}
    rng = np.random.default_rng(3)
    with TableWriter(path, layout) as writer:
        for first in range(0, len(table), CHUNK):
            block = table.iloc[first : first + CHUNK]
            filled = _translated(block, direction, scalings, rng)
            outside = {}
            for kind, network in direction.networks.items():
                inputs = block[network.inputs].to_numpy(np.float64)
                medians = np.stack([filled[o, "p50"] for o in network.outputs], axis=1)
                outside["Input", kind] = maps["Input", kind].outside(inputs)
                outside["Output", kind] = maps["Output", kind].outside(medians)
                filled["flag", f"missing_{kind}"] = ~np.isfinite(inputs).all(axis=1)
                for side in ("Input", "Output"):
                    good = ~outside[side, kind].any(axis=1)
                    filled["flag", f"{side.lower()}_{kind}"] = good
            texts = {g: reasons(g.side, g.names, outside[g.side, g.kind]) for g in groups}
            parts = [
                ["".join(pair) for pair in zip(*(texts[g] for g in groups if g.kind == kind),
                                               strict=True)]
                for kind in direction.networks
            ]  # fmt: skip
            filled["comment", "True"] = [comment_text(t, style) for t in comments(parts)]
            filled |= {
                ("identifier", value): block["source_id" if value == "source_id" else "identifier"]
                for value in ("source_id", "sobject_id", "APOGEE_ID")
            }
            columns = {c.label: filled[_what(c.value)] for c in layout.columns}
            frame = pd.DataFrame({label: np.asarray(v) for label, v in columns.items()})
            writer.write(pa.RecordBatch.from_pandas(frame, preserve_index=False))


def _what(value: dict) -> tuple[str, str]:
    if "label" in value:
        return value["label"], value["statistic"]
    name, given = next(iter(value.items()))
    return name, str(given)


def _translated(block, direction, scalings, rng) -> dict:
    """Percentiles and systematic errors: single precision, members, trimming, realisations."""
    filled = {}
    for network in direction.networks.values():
        for start, output in zip(network.inputs[network.corrected], network.outputs, strict=True):
            mean, std = scalings[output]
            x = np.nan_to_num(block[start].to_numpy(np.float64))
            noise = rng.normal(size=(REALISATIONS, len(x))) * block[f"{start}_error"].to_numpy()
            noise[0] = 0
            spread = 0.01 * rng.normal(size=(MEMBERS, 1, len(x)))
            single = ((x + noise)[None] + spread).astype(np.float32).astype(np.float64)
            kept = np.sort(single * std + mean, axis=0)[1:-1]
            filled[output, "systematic"] = kept[:, 0].std(axis=0)
            found = np.percentile(kept.mean(axis=0), (5, 16, 50, 84, 95), axis=0)
            filled |= {
                (output, f"p{p}"): v for p, v in zip((5, 16, 50, 84, 95), found, strict=True)
            }
    return filled


def main() -> int:
    """Make the tables, run the stage on both, print seconds and peak memory of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows-share", type=float, default=1.0)
    share = parser.parse_args().rows_share
    run = resolve("mini")
    good, total = True, 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dump(run, folder / "config.yaml")
        tables = {
            name: stars(name, survey, int(ROWS[name] * share), int(COMMON * share))
            for name, survey in run.surveys.items()
        }
        for survey, table in tables.items():
            table.to_parquet(folder / f"{survey}.parquet")
        for name, direction in run.directions.items():
            publish(Question(run, direction, tables), name, folder / f"{name}.dat")
        readme = Path("config/skies/mini/ReadMe")
        for name, direction in run.directions.items():
            seconds, megabytes = _stage(folder, name, direction, readme)
            answers = json.loads((folder / f"{name}.json").read_text())["answers"]
            found = {k: answers[k]["estimate"] for k in ("selection", "realisations", "members")}
            total += seconds
            print(f"{name}: {seconds:.1f} s, {megabytes:.0f} MB, {found}")
            good &= megabytes < MEGABYTES and found["members"] == MEMBERS
            low, high = answers["realisations"]["interval"] or (0, 0)
            good &= low <= REALISATIONS <= high
    print(f"both: {total:.1f} s (at most {SECONDS} s, {MEGABYTES} MB)")
    return 0 if good and total < SECONDS else 1


def _stage(folder: Path, name: str, direction, readme: Path) -> tuple[float, float]:
    command = [
        sys.executable, "-m", "spectrotranslator.run_step",
        "spectrotranslator.fingerprint.read_fingerprint",
        "--config", folder / "config.yaml", "--direction", name, "--readme", readme,
        "--published", folder / f"{name}.dat", "--origin", folder / f"{direction.origin}.parquet",
        "--target", folder / f"{direction.target}.parquet", "--fingerprint",
        folder / f"{name}.json",
    ]  # fmt: skip
    watcher = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", watcher, *map(str, command)],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return time.monotonic() - started, int(done.stdout.split()[-1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
