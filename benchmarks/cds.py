"""How fast tables of fixed-width text are read, written and checked, beside astropy.

Run it with ``python benchmarks/cds.py``. It prints seconds, megabytes per
second and ratios for 50,000 rows of the layout of g2a; with ``--full``, also the time and the
peak memory of streaming 588,464 rows (544 MB), each in a process of its own.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.io import ascii as astropy_ascii
from astropy.table import Table as AstropyTable

from cdstables.checking import check_file
from cdstables.layout import ReadMe, Table, layout_from_yaml
from cdstables.reading import iter_batches, read
from cdstables.readme import format_readme
from cdstables.writing import TableWriter, encode, write

LAYOUT = Path(__file__).parents[1] / "config" / "catalogues" / "g2a.yaml"
FULL_ROWS = 588_464
BARS = {"read": 10, "write": 50, "check": 100}


def sample(table: Table, rows: int, seed: int) -> pa.Table:
    """Rows like those of g2a: 33 doubles of full length, two identifiers, six flags, a comment."""
    rng = np.random.default_rng(seed)
    comments = np.array(['""', '"| Input teff_GALAH_logg_GALAH outside training range |"'])
    values: dict[str, object] = {}
    for column in table.columns:
        if column.boolean:
            values[column.label] = rng.random(rows) < (2 if column.width == 4 else 0.5)
        elif column.kind == "A":
            values[column.label] = comments[rng.integers(0, 2, rows)]
        elif column.kind == "I":
            values[column.label] = rng.integers(10**14, 9 * 10**14, rows)
        else:
            centre, spread = (5000.0, 800.0) if column.unit == "K" else (0.0, 1.0)
            values[column.label] = rng.normal(centre, spread, rows)
    return pa.table(values)


def best(work: Callable[[], object], times: int) -> float:
    """The shortest of several times, in seconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def beside_astropy(table: Table, rows: int, folder: Path) -> bool:
    """Print our times, astropy's and their ratios; return whether every bar is passed."""
    data = sample(table, rows, seed=1)
    path, readme = folder / "g2a.dat", folder / "ReadMe"
    readme.write_text(format_readme(ReadMe("Benchmark", (table,))))
    to_disk = best(lambda: write(path, table, data), 3)
    ours_write = best(lambda: encode(data, table), 5)
    ours_read = best(lambda: read(path, table), 5)
    ours_check = best(lambda: check_file(path, table), 5)
    size = path.stat().st_size / 1e6
    theirs_read = best(lambda: astropy_read(path, readme), 1)
    theirs_write = best(lambda: astropy_write(data), 1)
    results = [
        ("read", ours_read, theirs_read / ours_read, f"{theirs_read:.2f} s by astropy"),
        (
            "write",
            ours_write,
            theirs_write / ours_write,
            f"{theirs_write:.2f} s by astropy; both to memory",
        ),
        ("check", ours_check, size / ours_check, "MB/s"),
    ]
    print(f"{rows} rows of {table.name}, {size:.1f} MB")
    for name, seconds, figure, what in results:
        print(
            f"{name:6} {seconds:7.3f} s {size / seconds:7.0f} MB/s   "
            f"{figure:7.1f} (bar {BARS[name]}; {what})"
        )
    print(f"write  {to_disk:7.3f} s to a file, synced to the disk")
    return all(figure >= BARS[name] for name, _, figure, _ in results)


def astropy_read(path: Path, readme: Path) -> AstropyTable:
    """Astropy's reader of the same file."""
    return astropy_ascii.read(path, format="cds", readme=str(readme))


def astropy_write(data: pa.Table) -> None:
    """Astropy's writer of the same data; its booleans as text, since it fails on them."""
    columns = {}
    for name in data.column_names:
        values = data[name].to_numpy()
        texts = values.dtype.kind in "bO"
        columns[name] = np.array([str(value) for value in values]) if texts else values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        AstropyTable(columns).write(io.StringIO(), format="ascii.mrt")


def chunks(table: Table) -> Iterator[pa.Table]:
    """The rows of a whole catalogue, a chunk at a time."""
    size = 20_000
    for number, start in enumerate(range(0, FULL_ROWS, size)):
        yield sample(table, min(size, FULL_ROWS - start), seed=number)


def peak_memory() -> float:
    """Peak resident memory of this process in MB, as Linux counts it."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def stream(table: Table, action: str, path: Path) -> None:
    """Write, read or check a whole catalogue and print time and peak memory."""
    start = time.perf_counter()
    if action == "write":
        with TableWriter(path, table) as writer:
            for chunk in chunks(table):
                writer.write(chunk)
        rows = writer.records
    elif action == "read":
        rows = sum(batch.num_rows for batch in iter_batches(path, table))
    else:
        rows = check_file(path, table).records
    seconds = time.perf_counter() - start
    peak = peak_memory()
    size = path.stat().st_size / 1e6
    print(f"{action:6} {rows} rows, {size:.0f} MB in {seconds:.1f} s, peak {peak:.0f} MB of memory")


def main() -> int:
    """Run the benchmarks; 0 where every bar is passed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--full", action="store_true", help="also stream a whole catalogue")
    parser.add_argument("--stream", choices=["write", "read", "check"], help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    table = layout_from_yaml(LAYOUT)
    if arguments.stream:
        stream(table, arguments.stream, arguments.path)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        passed = beside_astropy(table, arguments.rows, Path(folder))
        if arguments.full:
            for action in ("write", "read", "check"):
                path = Path(folder) / "full.dat"
                command = [sys.executable, __file__, "--stream", action, "--path", str(path)]
                subprocess.run(command, check=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
