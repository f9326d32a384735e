"""Tables without a ReadMe are compared by a key."""

import json

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

from spectrotranslator.cli import diff
from spectrotranslator.errors import InputError

STARS = 40


def stars() -> Table:
    chance = np.random.default_rng(1)
    table = Table(
        {
            "teff": chance.normal(5000, 100, STARS),
            "star": [f"s{n}" for n in range(STARS)],
            "good": chance.random(STARS) > 0.5,
            "visits": MaskedColumn(np.arange(STARS), mask=np.arange(STARS) == 3),
            "id": 2**60 + np.arange(STARS),
        }
    )
    table["teff"].unit = "K"
    return table


def found(tmp_path, one, other, key="star") -> dict:
    words = [tmp_path / one, tmp_path / other, "--key", key, "--out", tmp_path / "out", "--json"]
    diff.main(list(map(str, words)))
    return json.loads((tmp_path / "out/diff.json").read_text())


def write(table: Table, path) -> None:
    if path.suffix == ".parquet":  # astropy's own writer forgets what is masked
        table.to_pandas().to_parquet(path)
    else:
        kinds = {".vot": "votable", ".ecsv": "ascii.ecsv"}
        table.write(path, format=kinds.get(path.suffix))


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "fits", "parquet", "vot"])
@pytest.mark.parametrize("key", ["star", "id"])
def test_a_table_is_itself_in_every_format_and_order(tmp_path, suffix, key):
    stars().write(tmp_path / "a.fits")
    write(stars()[::-1], tmp_path / f"b.{suffix}")
    columns = found(tmp_path, "a.fits", f"b.{suffix}", key)["columns"]
    assert {name: c["grade"] for name, c in columns.items()} == dict.fromkeys(columns, "identical")
    assert set(columns) == set(stars().colnames)


def test_every_difference_is_counted_and_measured(tmp_path):
    one, other = stars(), stars()
    other["teff"][:30] += 2.0
    other["id"][7] += 1
    other["good"][5] = not other["good"][5]
    other.remove_column("visits")
    one.write(tmp_path / "a.fits")
    write(other[:-1], tmp_path / "b.parquet")
    told = found(tmp_path, "a.fits", "b.parquet")
    columns = told["columns"]
    assert (columns["teff"]["differing"], columns["teff"]["bias"]) == (30, pytest.approx(2.0))
    assert columns["teff"]["unit"] == "K"
    assert columns["id"]["differing"] == columns["good"]["differing"] == 1
    assert columns["visits"]["grade"] == "missing"
    assert told["rows"]["only_published"] == 1


def test_what_cannot_be_compared_is_refused_in_a_line(tmp_path):
    stars().write(tmp_path / "a.fits")
    table = stars()
    table["teff"].unit = "km"
    table.write(tmp_path / "b.fits")
    with pytest.raises(InputError, match=r"b\.fits, column teff: in km, in K in .*a\.fits"):
        found(tmp_path, "a.fits", "b.fits")
    with pytest.raises(InputError, match=r"a\.fits: no column 'name'"):
        found(tmp_path, "a.fits", "b.fits", "name")
    with pytest.raises(InputError, match=r"a\.fits, row 4: no visits"):
        found(tmp_path, "a.fits", "b.fits", "visits")


def test_an_unsigned_number_on_one_side_alone_differs(tmp_path):
    for name, mask in (("a.parquet", [0, 1, 1]), ("b.parquet", [0, 0, 1])):
        bits = MaskedColumn(np.full(3, 7, np.uint16), mask=mask)
        Table({"star": ["a", "b", "c"], "bits": bits}).to_pandas().to_parquet(tmp_path / name)
    told = found(tmp_path, "a.parquet", "b.parquet")["columns"]["bits"]
    assert (told["grade"], told["differing"]) == ("deviates", 1)
