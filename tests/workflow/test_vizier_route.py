"""The surveys from their copies at VizieR, through the whole workflow."""

import json

import pandas as pd
import pyarrow.parquet as pq
import yaml

CUTS = {
    "galah": [{"cut": "snr_c3_iraf > 30", "source": "survey's advice"}],
    "apogee": [{"cut": "SNR > 70", "source": "ours"}],
}
RUN = {
    "extends": "config/runs/tiny.yaml",
    "sources": {"route": "vizier", "photometry": {"chunk": 500}},
    "selections": {"advice": None, "no_snr": None, "bright": None, "bare": {"cuts": CUTS}},
    "selection": "bare",
    "row_candidates": None,
    "directions": {"g2a": {"rows": [{"cut": "source_id > 0", "source": "ours"}]}},
}


def test_the_surveys_can_come_from_vizier_by_one_word(finished, bare):
    (bare.root / "copies.yaml").write_text(yaml.safe_dump(RUN))
    done = bare.reproduce("copies.yaml")
    assert done.returncode in (0, 1), done.stderr[-3000:]
    folder = bare.root / "results/copies"
    assert not list((folder / "sources").glob("*.fits"))
    receipt = json.loads((folder / "sources/receipts/galah.vizier.parquet.json").read_text())
    assert "J/MNRAS/506/150/stars" in json.dumps(receipt)
    own = pd.read_parquet(finished.root / "results/tiny/sample/galah.parquet")
    copy = pd.read_parquet(folder / "sample/galah.parquet")
    assert set(copy["key"]) == set(own["key"])
    assert pq.ParquetFile(folder / "catalogues/as-published/g2a.parquet").metadata.num_rows > 600
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["catalogues"]["g2a.dat"]["columns"]["GALAH"]["grade"] == "identical"
