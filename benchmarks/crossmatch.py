"""Time and memory of reading both surveys at their real size and crossmatching them.

    python benchmarks/crossmatch.py [--sky FOLDER]

Simulates files of the real size and layout (588,571 and 733,901 rows, allStarLite with its 191
columns) unless FOLDER holds them, runs the stages as the workflow does, and holds the match on
ids against STILTS' tmatch2 where that is installed. Exits with 1 beyond 60 s, 2 GB, or where the
matches differ.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from minisky.settings import DefectSettings
from minisky.simulate_sky import simulate
from spectrotranslator.config import dump, resolve
from spectrotranslator.sample.match_rows import match

FILES = (
    "GALAH_DR3_main_allstar_v2.fits",
    "GALAH_DR3_VAC_GaiaEDR3_v2.fits",
    "allStarLite-dr17-synspec_rev1.fits",
    "gaia.parquet",
)
SECONDS, MEGABYTES = 60, 2000


def main() -> int:
    """Run the stages in turn; print seconds and peak memory of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sky", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sky = given.sky or Path(folder) / "sky"
        run = resolve("tiny")
        if not all((sky / name).is_file() for name in FILES):
            dirt = DefectSettings(no_gaia_id_galah=0.000182, no_gaia_id_apogee=0.0791)
            size = {"n_galah": 588571, "n_apogee": 733901, "n_common": 20300, "wide": True}
            settings = run.sky.model_copy(update={**size, "defects": dirt})
            simulate(
                settings,
                *(sky / name for name in FILES),
                sky / "truth.parquet",
                sky / "clusters.csv",
            )
        return _measure(run, sky, Path(folder))


def _measure(run, sky: Path, work: Path) -> int:
    dump(run, work / "config.yaml")
    columns = run.sources.photometry.columns
    magnitudes = pq.read_table(sky / FILES[3], columns=columns)
    pq.write_table(magnitudes, work / "gaia.parquet")
    survey_files = {"galah": FILES[:2], "apogee": FILES[2:3]}
    spent, total = {}, 0.0
    for survey, files in survey_files.items():
        spent[f"read {survey}"] = _stage(
            work, "surveys.measured", "--survey", survey, "--files", *(sky / f for f in files),
            "--rows", work / f"{survey}.rows.parquet",
        )  # fmt: skip
        spent[f"prepare {survey}"] = _stage(
            work, "surveys.stars", "--survey", survey, "--rows", work / f"{survey}.rows.parquet",
            "--photometry", work / "gaia.parquet", "--stars", work / f"{survey}.parquet",
        )  # fmt: skip
    spent["crossmatch"] = _stage(
        work, "sample.crossmatch", "--direction", "g2a", "--kind", "intrinsic",
        "--origin", work / "galah.parquet", "--target", work / "apogee.parquet",
        "--sample", work / "sample.parquet", "--ledger", work / "g2a-intrinsic.json",
    )  # fmt: skip
    total = sum(seconds for seconds, _ in spent.values())
    shutil.copyfile(work / "g2a-intrinsic.json", work / "g2a-extrinsic.json")
    spent["ledger"] = _stage(
        work, "sample.ledger", "--parts", work / "g2a-intrinsic.json", work / "g2a-extrinsic.json",
        "--stars", work / "galah.parquet", work / "apogee.parquet",
        "--ledger", work / "ledger.json",
    )  # fmt: skip
    for name, (seconds, megabytes) in spent.items():
        print(f"{name:<15} {seconds:6.1f} s  {megabytes:6.0f} MB")
    print(f"{'all but ledger':<15} {total:6.1f} s  (at most {SECONDS} s, {MEGABYTES} MB)")
    print("match:", json.dumps(_short(json.loads((work / "ledger.json").read_text())["match"])))
    same = _as_stilts(work)
    print(
        "STILTS tmatch2:", {True: "the same pairs", False: "OTHER pairs", None: "not there"}[same]
    )
    peak = max(megabytes for _, megabytes in spent.values())
    return 0 if total < SECONDS and peak < MEGABYTES and same is not False else 1


def _stage(work: Path, module: str, *arguments) -> tuple[float, float]:
    """Seconds and peak memory (MB) of one stage in a process of its own."""
    command = [sys.executable, "-m", "spectrotranslator.run_step", f"spectrotranslator.{module}"]
    command += ["--config", str(work / "config.yaml"), *map(str, arguments)]
    watcher = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", watcher, *command], check=True, capture_output=True, text=True
    )
    seconds = time.monotonic() - started
    return seconds, int(done.stdout.split()[-1]) / 1024


def _short(audits: dict) -> dict:
    return {
        pair: {key: value["count"] if isinstance(value, dict) and "count" in value else value
               for key, value in found.items()}
        for pair, found in audits.items()
    }  # fmt: skip


def _as_stilts(work: Path) -> bool | None:
    """Whether the pairs on ids are those of tmatch2, row for row."""
    if not shutil.which("stilts"):
        return None
    columns = ["row", "key", "source_id", "snr"]
    tables = [pd.read_parquet(work / f"{name}.parquet")[columns] for name in ("galah", "apogee")]
    pairs = match(*tables, "source_id", [])[["key_1", "key_2"]]
    for number, table in enumerate(tables, 1):
        best = table[table["source_id"] > 0].sort_values("snr", ascending=False, kind="stable")
        single = best.drop_duplicates("source_id")[["key", "source_id"]]
        single.to_csv(work / f"{number}.csv", index=False)
    subprocess.run(
        ["stilts", "-Xmx2g", "tmatch2", "matcher=exact", "values1=source_id", "values2=source_id",
         "find=best", "join=1and2", f"in1={work / '1.csv'}", f"in2={work / '2.csv'}",
         "ifmt1=csv", "ifmt2=csv", f"out={work / 'out.csv'}", "ofmt=csv"],
        check=True, capture_output=True,
    )  # fmt: skip
    theirs = pd.read_csv(work / "out.csv", dtype={"key_1": str, "key_2": str})
    theirs = theirs[["key_1", "key_2"]].sort_values("key_1", ignore_index=True)
    return theirs.astype(str).equals(pairs.astype(str).reset_index(drop=True))


if __name__ == "__main__":
    sys.exit(main())
