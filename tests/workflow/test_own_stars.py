"""A third translation by configuration alone: a user's own table of matched stars."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml

REAL = Path(__file__).resolve().parents[3] / "shared/data/galah_dr4_x_apogee_dr17_466.csv"


def own(clone, **changes: str) -> str:
    """The example configuration, fewer members trained for less long; its path in the clone."""
    settings = yaml.safe_load((clone.root / "config/runs/stars.yaml").read_text())
    method = settings["methods"]["as-published"]
    method["training"]["epochs"] = 40
    method["ensemble"] = {"members": 3, "trim": 0}
    settings["evidence"] = "real" if changes else "simulated"
    for survey in settings["surveys"].values():
        survey |= changes
    (clone.root / "own.yaml").write_text(yaml.safe_dump(settings))
    return "own.yaml"


def test_the_example_s_stars_are_read_and_matched(bare):
    done = bare.reproduce(own(bare), "--", "--until", "crossmatch")
    assert done.returncode == 0, done.stderr
    pairs = pd.read_parquet(bare.root / "results/own/sample/galah_to_apogee-intrinsic.parquet")
    assert len(pairs) == 600


def test_a_table_of_ones_own_is_trained_translated_and_reported(bare):
    """466 real stars, where they are at hand; the simulated example elsewhere."""
    real = {"path": str(REAL)} if REAL.is_file() else {}
    done = bare.reproduce(own(bare, **real))
    assert done.returncode == 0, done.stderr
    folder = bare.root / "results/own"
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["grade"] == "not compared"
    manifest = json.loads((folder / "provenance/manifest.json").read_text())
    told = {verdict["evidence"], manifest["evidence"]}
    assert told == {"real" if real else "simulated"}
    (quality,) = json.loads((folder / "figures/facts.json").read_text())["quality"].values()
    assert "no network saw" in quality["stars"]
    figures = {line["label"]: line for line in quality["figures"]}
    assert set(figures) == {"teff_a", "logg_a", "fe_h_a"}
    for line in figures.values():
        assert line["std_after"] < 1.5 * line["std_before"]
    stars = pd.read_parquet(folder / "catalogues/as-published/galah_to_apogee.parquet")
    sample = pd.read_parquet(folder / "sample/galah_to_apogee-intrinsic.parquet")
    assert len(stars) == len(sample)
    assert [path.name for path in folder.rglob("*.dat")] == ["homogenised_apogee.dat"]
    assert "teff_a" in done.stdout
    audit = bare.reproduce("audit", "own")
    assert audit.returncode == 0, audit.stdout
    verifier = folder / "provenance/verify.py"
    verified = subprocess.run([sys.executable, "-B", verifier], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout
