"""How fast two catalogues of the published size are compared, beside datacompy and STILTS.

Run it with ``python benchmarks/diff.py``. It writes both sides of both
catalogues (588,464 rows of g2a, 675,857 of a2g, every number differing a little, 1 row in 1,000
missing on either side), compares both catalogues at once as ``./reproduce diff`` does, one process
each, and prints wall clock, processor time and peak memory of the two together; then, for the same
g2a columns, the time of ``stilts tmatch2`` on the same two text files converted to FITS, and with
``--datacompy PYTHON`` that of datacompy in an interpreter that has it (its releases so far refuse
the pandas of our lock) on the same two tables in memory, and whether it finds the same orphans,
matches and largest differences. ``--rows`` takes fewer rows.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from cdstables.layout import ReadMe, layout_from_yaml
from cdstables.readme import format_readme
from cdstables.writing import TableWriter

ROOT = Path(__file__).resolve().parents[1]
ROWS = {"g2a": 588_464, "a2g": 675_857}
CHUNK = 50_000
BAR_S, BAR_MB = 40, 3000


def written(folder: Path, name: str, rows: int) -> None:
    """Both sides of one catalogue and their ReadMe."""
    layout = layout_from_yaml(ROOT / "config" / "catalogues" / f"{name}.yaml")
    readme = ReadMe(title="benchmark", designation="benchmark", tables=(layout,))
    (folder / f"{name}.ReadMe").write_text(format_readme(readme))
    sides = {side: TableWriter(folder / f"{name}.{side}.dat", layout) for side in ("p", "r")}
    for number, side in enumerate(sides):
        with sides[side] as writer:
            for first in range(0, rows, CHUNK):
                count = min(CHUNK, rows - first)
                batch = chunk(layout, first, count)
                if number:
                    noise = np.random.default_rng(first + 1)
                    for column in layout.columns:
                        if column.kind in "FE":
                            batch[column.label] += 0.01 * noise.normal(size=count)
                lost = np.arange(first, first + count) % 1000 == number
                writer.write(pa.Table.from_pandas(batch[~lost], preserve_index=False))


def chunk(layout, first: int, count: int) -> pd.DataFrame:
    """Rows of one catalogue: identifiers in order, numbers of the right size, few reasons."""
    chance = np.random.default_rng(first)
    columns = {}
    for place, column in enumerate(layout.columns):
        if place < 2:
            ids = np.arange(first, first + count) + (10**14 if column.width == 15 else 10**18)
            columns[column.label] = ids if column.kind == "I" else ids.astype(str)
        elif column.boolean:
            truth = chance.random(count) < (2 if column.width == 4 else 0.8)
            columns[column.label] = truth
        elif column.kind == "A":
            texts = np.array(['""', '"| Input teff_GALAH_logg_GALAH outside training range|"'])
            columns[column.label] = texts[(chance.random(count) < 0.2).astype(int)]
        else:
            centre, width = (5000.0, 800.0) if column.unit == "K" else (0.0, 0.3)
            columns[column.label] = centre + width * chance.normal(size=count)
    return pd.DataFrame(columns)


def compare(folder: Path) -> None:
    """Both catalogues at once, each by the front door's verb."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    running = [
        subprocess.Popen(
            [
                sys.executable, "-c", MEASURED, str(folder / f"{name}.p.dat"),
                str(folder / f"{name}.r.dat"), "--readme", str(folder / f"{name}.ReadMe"),
                "--out", str(folder / name),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ROWS
    ]  # fmt: skip
    memory = [float(process.communicate()[0].split()[-1]) for process in running]
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"./reproduce diff, both catalogues: {wall:.1f} s, {cpu:.1f} s of processor,"
          f" {sum(memory):.0f} MB   (bars {BAR_S} s, {BAR_MB} MB)")  # fmt: skip


MEASURED = """
import resource, sys
from spectrotranslator.cli.diff import main
main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def converted(folder: Path, suffix: str) -> list[str]:
    """Both sides of g2a in another format."""
    paths = [str(folder / f"{side}.{suffix}") for side in ("p", "r")]
    for side, path in zip(("p", "r"), paths, strict=True):
        subprocess.run(
            [
                sys.executable, "-m", "spectrotranslator", "convert",
                str(folder / "g2a.ReadMe"), str(folder / f"g2a.{side}.dat"), path,
            ],
            capture_output=True,
            check=True,
        )  # fmt: skip
    return paths


def stilts(folder: Path) -> None:
    """The same identifiers matched by STILTS, and the differences of one column."""
    if not shutil.which("stilts"):
        print("stilts: not installed")
        return
    sides = converted(folder, "fits")
    start = time.perf_counter()
    subprocess.run(
        ["stilts", "tmatch2", "matcher=exact", f"in1={sides[0]}", f"in2={sides[1]}",
         "values1=GALAH", "values2=GALAH", "join=1or2", f"out={folder}/matched.fits"],
        check=True, capture_output=True,
    )  # fmt: skip
    print(f"stilts tmatch2 on FITS, g2a alone, no statistics: {time.perf_counter() - start:.1f} s")


def datacompy(folder: Path, python: Path) -> None:
    """The same two tables in memory compared by datacompy, and held against ours."""
    sides = converted(folder, "parquet")
    done = subprocess.run([python, "-c", PEER, *sides], capture_output=True, text=True, check=True)
    peer = json.loads(done.stdout.splitlines()[-1])
    print(f"datacompy in memory, g2a alone, text already read: {peer['seconds']:.1f} s,"
          f" {peer['memory_mb']:.0f} MB")  # fmt: skip
    ours = json.loads((folder / "g2a" / "diff.json").read_text())
    rows = {name: ours["rows"][name] for name in peer["rows"]}
    print(f"rows: datacompy {peer['rows']}, ours {rows}")
    largest = {
        label: abs(column["largest"] / peer["largest"][label.lower()] - 1)
        for label, column in ours["columns"].items()
        if peer["largest"].get(label.lower())
    }
    print(
        f"largest differences: {len(largest)} columns, apart by at most {max(largest.values()):.1e}"
    )


PEER = """
import json, resource, sys, time
import pandas as pd
from datacompy import PandasCompare
one, two = map(pd.read_parquet, sys.argv[1:])
start = time.perf_counter()
found = PandasCompare(one, two, join_columns="GALAH", abs_tol=1e-9, rel_tol=0)
found.report()
seconds = time.perf_counter() - start
rows = {"matched": len(found.intersect_rows), "only_published": len(found.df1_unq_rows),
        "only_regenerated": len(found.df2_unq_rows)}
largest = {c["column"]: float(c["max_diff"]) for c in found.column_stats if c["max_diff"]}
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "memory_mb": memory, "rows": rows, "largest": largest}))
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rows", type=float, default=1.0, help="share of the published rows")
    parser.add_argument("--folder", type=Path, help="where the files lie or go; else made and gone")
    parser.add_argument("--datacompy", type=Path, metavar="PYTHON", help="one that imports it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = given.folder or Path(made)
        folder.mkdir(exist_ok=True)
        for name, rows in ROWS.items():
            if not (folder / f"{name}.r.dat").exists():
                written(folder, name, int(rows * given.rows))
        compare(folder)
        stilts(folder)
        if given.datacompy:
            datacompy(folder, given.datacompy)


if __name__ == "__main__":
    main()
