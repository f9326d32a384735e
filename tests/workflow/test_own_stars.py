"""A third translation by configuration alone: a user's own table of matched stars."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

REAL = Path(__file__).resolve().parents[3] / "shared/data/galah_dr4_x_apogee_dr17_466.csv"


def translated(clone, table: Path | None):
    """Run the example configuration, on another table if one is given; its figures by label."""
    path = clone.root / "config/runs/stars.yaml"
    settings = yaml.safe_load(path.read_text())
    if table is not None:
        settings["evidence"] = "real"
        for survey in settings["surveys"].values():
            survey["path"] = str(table)
    settings["methods"]["as-published"]["training"]["epochs"] = 40
    path = clone.root / "own.yaml"
    path.write_text(yaml.safe_dump(settings))
    done = clone.reproduce("own.yaml")
    assert done.returncode == 0, done.stderr
    facts = json.loads((clone.root / "results/own/figures/facts.json").read_text())
    (quality,) = facts["quality"].values()
    return done, quality, {line["label"]: line for line in quality["figures"]}


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(None, id="simulated example"),
        pytest.param(
            REAL,
            id="466 real stars",
            marks=pytest.mark.skipif(not REAL.is_file(), reason="the real rows are not at hand"),
        ),
    ],
)
def test_a_table_of_ones_own_is_trained_translated_and_reported(bare, table):
    done, quality, figures = translated(bare, table)
    folder = bare.root / "results/own"
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["grade"] == "not compared"
    assert verdict["evidence"] == ("simulated" if table is None else "real")
    assert "no network saw" in quality["stars"]
    assert set(figures) == {"teff_a", "logg_a", "fe_h_a"}
    for line in figures.values():
        assert line["std_after"] < 1.5 * line["std_before"]
    stars = pd.read_parquet(folder / "catalogues/as-published/galah_to_apogee.parquet")
    sample = pd.read_parquet(folder / "sample/galah_to_apogee-intrinsic.parquet")
    assert len(stars) == len(sample)
    assert not list(folder.rglob("*.dat"))
    assert "teff_a" in done.stdout
