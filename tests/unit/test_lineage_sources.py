"""What ``why`` says of the files a row came from, and of files and records that are gone."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from astropy.table import Table

from spectrotranslator.config import resolve
from spectrotranslator.config.loading import text
from spectrotranslator.errors import InputError
from spectrotranslator.provenance.cell_origin import tell
from spectrotranslator.provenance.finished_run import Run
from spectrotranslator.provenance.lineage import Catalogue, _row_of

ROOT = Path(__file__).resolve().parents[2]
KEY, NAMES = ["2M01", "130101001201001"], ["apogee_id", "sobject_id"]


@pytest.fixture
def table() -> pd.DataFrame:
    ids = [130101001201000, 130101001201001, 130101001201001]
    return pd.DataFrame({"teff": 1.0, "sobject_id": ids, "apogee_id": ["2M01", "2M00", "2M01"]})


@pytest.fixture
def catalogue(tmp_path, monkeypatch) -> Catalogue:
    """A catalogue of a run of which no more is left than its configuration and one record."""
    monkeypatch.chdir(ROOT)
    settings = text(resolve("mini")).encode()
    said = hashlib.sha256(settings).hexdigest()
    kept = tmp_path / "provenance" / "configurations" / f"{said}.yaml"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(settings)
    inputs = [
        {"role": "config", "path": "results/mini/config.yaml", "sha256": said},
        {"role": "stars", "path": "results/mini/sample/galah.parquet", "sha256": ""},
    ]
    names = {"method": "as-published", "direction": "g2a"}
    record = {
        "step": "spectrotranslator.translation.translate_shard",
        "parameters": names,
        "inputs": inputs,
    }
    run = Run(tmp_path, ROOT, {"run": "mini"}, {"translate": record})
    return Catalogue(run, **names)


def test_the_row_is_found_in_every_kind_of_table(table, tmp_path):
    table.to_csv(tmp_path / "own.csv", index=False)
    table.to_parquet(tmp_path / "own.parquet", index=False)
    Table.from_pandas(table).write(tmp_path / "own.ecsv")
    Table.from_pandas(table).write(tmp_path / "own.vot", format="votable")
    for name in ("own.csv", "own.parquet", "own.ecsv", "own.vot"):
        assert _row_of(tmp_path / name, NAMES, KEY) == {"file": tmp_path / name, "row": 2}
        assert _row_of(tmp_path / name, NAMES, ["2M02", KEY[1]])["row"] is None
        assert _row_of(tmp_path / name, ["other"], ["2M01"])["row"] is None


def test_the_row_is_found_by_the_part_of_the_key_that_a_file_has(table, tmp_path):
    table.drop(columns="apogee_id").to_parquet(tmp_path / "own.parquet", index=False)
    assert _row_of(tmp_path / "own.parquet", NAMES, KEY)["row"] == 1


def test_the_row_is_found_beside_a_blank_id(tmp_path):
    lines = ["id,teff", ",4000", "130101001201001,5000", "130101001201002,6000"]
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n")
    assert _row_of(tmp_path / "own.csv", ["id"], ["130101001201002"])["row"] == 2


def test_what_was_not_looked_up_is_not_said_to_lack_the_star(table, tmp_path):
    (tmp_path / "own.txt").write_text("what is this\n")
    sources = [_row_of(tmp_path / name, NAMES, KEY) for name in ("own.txt", "gone.fits")]
    told = tell(
        {
            "catalogue": "as-published/g2a", "line": 1, "key": "2M01", "evidence": "real",
            "others": [], "sources": sources, "training": {}, "flags": [], "value": {},
            "block": {"first": 1, "last": 2, "columns": 3}, "agrees": True,
        }
    )  # fmt: skip
    assert "own.txt: the suffix" in told
    assert "gone.fits: the file is gone" in told
    assert "no row of this star" not in told


def test_a_lost_catalogue_record_or_table_of_stars_is_named(catalogue):
    with pytest.raises(InputError, match=r"g2a\.parquet is gone"):
        catalogue.written(slice(0, 1))
    with pytest.raises(InputError, match=r"g2a\.dat is gone"):
        catalogue.written_line(0)
    with pytest.raises(InputError, match=r"read_survey-galah\.json is gone or damaged"):
        catalogue.sources(0)
    with pytest.raises(InputError, match=r"sample/galah\.parquet is gone"):
        _ = catalogue.stars


def test_a_damaged_catalogue_is_named(catalogue):
    catalogue.parquet.parent.mkdir(parents=True)
    catalogue.parquet.write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"g2a\.parquet: damaged .*make the run again"):
        catalogue.written(slice(0, 1))
