"""A third translation by configuration alone: a user's own table of matched stars."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from astropy.io import fits

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
    assert_percentiles_from_residuals(folder)
    audit = bare.reproduce("audit", "own")
    assert audit.returncode == 0, audit.stdout
    verifier = folder / "provenance/verify.py"
    verified = subprocess.run([sys.executable, "-B", verifier], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout


def assert_percentiles_from_residuals(folder) -> None:
    """Inputs have no errors: widths follow the residuals, and header and page say so."""
    stars = pd.read_parquet(folder / "catalogues/as-published/galah_to_apogee.parquet")
    assert (stars["teff_a_p84"] - stars["teff_a_p16"] > 50).all()
    judged = json.loads((folder / "evaluation/galah_to_apogee.json").read_text())
    for label in judged["labels"].values():
        (held,) = label["intervals"].values()
        assert 0.5 < held["coverage"]["16-84"]["label"] < 0.85
    header = fits.getheader(folder / "catalogues/as-published/galah_to_apogee.fits", 1)
    told = {header[f"TTYPE{n}"]: header[f"TCOMM{n}"] for n in range(1, header["TFIELDS"] + 1)}
    assert "residuals of stars left out" in told["teff_a_p16"]
    page = (folder / "report/index.html").read_text()
    assert "residuals of stars left out" in page
    assert "What is unknown" not in page
    assert "published catalogue" not in page


def two_tables(folder) -> None:
    """A pair of CSV files with Gaia ids; 60 of 340 stars of the second one are there twice."""
    random = np.random.default_rng(3)
    count = 340
    truth = {"teff": random.uniform(4500, 6500, count), "logg": random.uniform(1, 4.5, count)}
    ids = {"source_id": 2 * 10**18 + 1000 * np.arange(count) + 7}
    first = pd.DataFrame(ids | {name: values.round(3) for name, values in truth.items()})
    second = first.assign(
        teff=truth["teff"] + 40 + random.normal(0, 30, count), teff_err=30.0, snr=50.0
    )
    second["logg"] += random.normal(0, 0.05, count)
    second = pd.concat([second, second.head(60).assign(snr=20.0, teff=1.0)])
    first.to_csv(folder / "first.csv", index=False)
    second.sample(frac=1, random_state=1).to_csv(folder / "second.csv", index=False)


def test_two_tables_become_a_trained_translation_with_nothing_edited(bare):
    two_tables(bare.root)
    done = bare.verb("new", "pair", "--tables", "first.csv", "second.csv")
    assert done.returncode == 0, done.stderr
    assert "repeated in 60 rows" in done.stdout
    seen = bare.verb("preflight", "pair.yaml")
    assert seen.returncode == 0, seen.stdout
    done = bare.reproduce("pair.yaml")
    assert done.returncode == 0, done.stderr
    folder = bare.root / "results/pair"
    (quality,) = json.loads((folder / "figures/facts.json").read_text())["quality"].values()
    (teff, _) = quality["figures"]
    assert abs(teff["mean_after"]) < 15
    stars = pd.read_parquet(folder / "catalogues/robust/first_to_second.parquet")
    assert len(stars) == 340
    assert (stars["teff_predictive_p84"] - stars["teff_predictive_p16"] > 20).all()
    model = folder / "networks/robust/first_to_second"
    done = bare.reproduce("translate", str(model), "first.csv", "out.fits")
    assert done.returncode == 0, done.stderr
    assert "no errors of teff, logg" in done.stderr
    audit = bare.reproduce("audit", "pair")
    assert audit.returncode == 0, audit.stdout
