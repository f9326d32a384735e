"""Time and memory of the report at the published size.

``PYTHONPATH=workflow .venv/bin/python benchmarks/report.py --run mini`` takes a finished run,
repeats its tables with a little noise until they have the published rows (588,464 and 675,857
translated rows, at least 588,571 and 733,901 stars, 13,680 training stars), and runs the stages
``draw`` and ``page`` on them as the workflow does. It prints the seconds and the peak memory of
both.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

TRANSLATED = {"g2a": 588_464, "a2g": 675_857}
STARS = {"galah": 588_571, "apogee": 733_901}
TRAINING = 13_680
NOISE = 0.01
ROWS_APART = 10_000
# A shard of fewer rows than the others goes round more often: its stars have to be there.
MORE_TURNS = 6


def repeated(source: Path, place: Path, rows: int) -> None:
    """A table of ``rows`` rows: the source's again and again, numbers with a little noise.

    ``row`` and ``ORIGIN_row`` go on counting, and names of stars stay different.
    """
    table = pd.read_parquet(source)
    place.parent.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(1)
    spread = {n: table[n].std() for n in table if table[n].dtype.kind == "f"}
    writer, written, turn = None, 0, 0
    while written < rows:
        piece = table.iloc[: rows - written].copy()
        for name, width in spread.items():
            if not (name.startswith(("ra", "dec")) or name == "distance"):
                piece[name] += chance.normal(0, NOISE * (width or 0), len(piece))
        for name in (n for n in piece if n == "row" or n.endswith("_row")):
            piece[name] = piece[name] + turn * ROWS_APART
        for name in ("key", "from:key", "to:key"):
            if name in piece:
                piece[name] = piece[name].astype(str) + f"~{turn}"
        if "row_regenerated" in piece:
            piece["row_regenerated"] = np.arange(written, written + len(piece))
        batch = pa.Table.from_pandas(piece, preserve_index=False)
        writer = writer or pq.ParquetWriter(place, batch.schema)
        writer.write_table(batch.cast(writer.schema))
        written, turn = written + len(piece), turn + 1
    writer.close()


def rows_of(path: Path, old: Path) -> int | None:
    """How many rows a table of the run has at the published size; none: it stays as it is."""
    name, folder = path.stem, path.parent.name
    if path.suffix != ".parquet":
        return None
    if folder == "parts":
        direction, number, _, shards = name.split("-")
        whole, part = divmod(TRANSLATED[direction], int(shards))
        return whole + (part if int(number) == int(shards) else 0)
    if name.startswith("homogenised"):
        factor = sum(STARS.values()) / 13_000
        return round(factor * pq.read_metadata(old / path).num_rows)
    if name in STARS and folder == "sample":
        own = pq.read_metadata(old / path).num_rows
        return (-(-STARS[name] // own) + MORE_TURNS) * own
    if folder == "sample":
        return TRAINING
    if "evaluation" in path.parts:
        return TRAINING // 5
    return TRANSLATED.get(folder if name == "rows" else name)


def inputs_of(record: Path) -> list[str]:
    return [file["path"] for file in json.loads(record.read_text())["inputs"]]


def measured(command: list[str], root: Path) -> tuple[float, float]:
    """Seconds of the clock and peak megabytes of a command."""
    started = time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(root / "workflow")}
    with subprocess.Popen(command, cwd=root, env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[2]} failed")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="mini", help="a finished run to start from")
    parser.add_argument("--folder", type=Path, help="where the large tables go; a temporary one")
    given = parser.parse_args()
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as temporary:
        root = given.folder or Path(temporary)
        jobs = Path("results") / given.run / "provenance/jobs"
        for name in ("workflow", "config"):
            shutil.copytree(here / name, root / name, dirs_exist_ok=True)
        for path in dict.fromkeys(
            [p for job in ("draw", "page") for p in inputs_of(here / jobs / f"{job}.json")]
        ):
            rows = rows_of(Path(path), here)
            if rows is None:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(here / path, root / path)
            else:
                repeated(here / path, root / path, rows)
        total = 0.0
        for job in ("draw", "page"):
            command = json.loads((here / jobs / f"{job}.json").read_text())["command"]
            kept = command[: command.index("--record")]
            seconds, peak = measured([sys.executable, *kept[1:]], root)
            total += seconds
            print(f"{job}: {seconds:.0f} s, peak {peak:.0f} MB", flush=True)
        page = root / "results" / given.run / "report/index.html"
        print(f"together {total:.0f} s; the page has {page.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
