"""A user's own stars through a run's trained networks."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.io.votable.ucd import check_ucd
from astropy.table import Table

MODEL = "results/tiny/networks/as-published/g2a"
INPUTS = ["teff", "logg", "fe_h", "Mg_fe", "BP-G", "G-RP", "rv_galah"]


def survey_stars(clone) -> pd.DataFrame:
    """Stars of the run's catalogue, in its order, with the survey's own key."""
    stars = pd.read_parquet(clone.root / "results/tiny/sample/galah.parquet")
    stars = stars[stars["source_id"] > 0].head(128).reset_index(drop=True)
    return stars.assign(sobject_id=stars["key"].astype("int64"))


def columns(stars: pd.DataFrame) -> list[str]:
    return ["sobject_id", *INPUTS, *(f"{name}_error" for name in INPUTS)]


@pytest.fixture(scope="module")
def read_only(finished, tmp_path_factory):
    """The finished clone, and a folder for tables of one's own."""
    return finished, tmp_path_factory.mktemp("own tables")


@pytest.mark.parametrize("suffix", ["csv", "fits", "vot", "ecsv", "parquet"])
def test_the_survey_s_own_stars_come_out_as_in_the_catalogue(read_only, suffix):
    clone, folder = read_only
    stars = survey_stars(clone)
    path, out = folder / f"mine.{suffix}", folder / f"translated.stars.{suffix}"
    if suffix == "parquet":
        stars[columns(stars)].to_parquet(path)
    else:
        Table.from_pandas(stars[columns(stars)]).write(path, **formats(suffix))
    done = clone.verb("translate", MODEL, str(path), str(out))
    assert done.returncode == 0, done.stderr
    assert "128 stars translated" in done.stdout
    found = pd.read_parquet(out) if suffix == "parquet" else Table.read(out, **formats(suffix))
    made = pd.read_parquet(
        clone.root / "results/tiny/catalogues/as-published/parts/g2a-1-of-2.parquet"
    ).iloc[:128]
    for name in ("TEFF_p50", "VHELIO_AVG_p5", "MG_FE_systematic"):
        assert np.allclose(np.asarray(found[name]), made[name], rtol=1e-6, atol=1e-6)
    for name in ("input_intrinsic", "output_extrinsic", "missing_extrinsic"):
        assert np.asarray(found[name]).astype(str).tolist() == made[name].astype(str).tolist()
    if suffix in ("fits", "ecsv", "vot"):
        assert found["TEFF_p50"].unit == "K"


def formats(suffix: str) -> dict[str, str]:
    kinds = {"csv": "ascii.csv", "vot": "votable", "ecsv": "ascii.ecsv", "fits": "fits"}
    return {"format": kinds[suffix]}


def test_without_errors_the_percentiles_are_those_of_residuals(read_only):
    clone, folder = read_only
    stars = survey_stars(clone).head(20)
    stars[["sobject_id", *INPUTS]].to_csv(folder / "exact.csv", index=False)
    done = clone.verb("translate", MODEL, str(folder / "exact.csv"), str(folder / "e.fits"))
    assert done.stderr.count("residuals of stars left out") == 1
    found = Table.read(folder / "e.fits")
    assert np.all(np.asarray(found["TEFF_p95"]) - np.asarray(found["TEFF_p5"]) > 50)
    header = fits.getheader(folder / "e.fits", 1)
    assert "residuals of stars left out" in "".join(header["COMMENT"])


def test_a_table_of_other_names_units_and_holes_is_translated_by_the_help(read_only):
    """Nothing is used but what ``--help`` and ``--inputs`` say."""
    clone, folder = read_only
    with pytest.raises(SystemExit) as ended:
        clone.verb("translate", "--help")
    assert ended.value.code == 0
    wanted = json.loads(clone.verb("translate", MODEL, "--inputs", "--json").stdout)["inputs"]
    stars = survey_stars(clone).dropna(subset=INPUTS)
    stars = stars[(stars[INPUTS] > -9999).all(axis=1)].head(50).reset_index(drop=True)
    table = pd.DataFrame({"Star": [f"s{row}" for row in range(50)]})
    for number, one in enumerate(wanted):
        table[f"c{number}"] = stars[one["name"]]
        table[f"e{number}"] = stars[one["error"]]
    table[["c0", "e0"]] /= 1000
    table["remarks"] = "mine"
    table.loc[[3, 4], "c1"] = np.nan
    table.loc[5, "c2"] = -999
    table.to_csv(folder / "mine.csv", index=False)
    names = ",".join(f"{one['name']}=c{n},{one['error']}=e{n}" for n, one in enumerate(wanted))
    out = folder / "first_try.vot"
    given = ["--map", names, "--unit", "teff=kK", "--id", "Star"]
    done = clone.verb("translate", MODEL, str(folder / "mine.csv"), str(out), *given)
    assert done.returncode == 0, done.stderr
    assert "3 lack an input (logg 2, fe_h 1)" in done.stdout
    assert "c2: -999 in 1 row, taken as missing" in done.stderr
    found = Table.read(out)
    assert found.colnames[: len(table.columns)] == list(table.columns)
    assert [bool(m) for m in found["missing_intrinsic"][:7]] == [0, 0, 0, 1, 1, 1, 0]
    assert "logg_GALAH missing" in found["comment"][3]
    assert "logg_GALAH_" not in found["comment"][3].replace("Output", "")
    assert np.abs(np.median(found["TEFF_p50"] - 1000 * table["c0"])) < 200
    for name in found.colnames[len(table.columns) :]:
        assert found[name].description, name
        assert check_ucd(found[name].meta["ucd"], check_controlled_vocabulary=True), name
    assert str(found["LOGG_p50"].unit) == "dex(cm / s2)"


def refused(clone, *arguments, out) -> str:
    done = clone.verb("translate", *map(str, arguments), str(out))
    assert done.returncode == 2, done.stdout
    assert not out.exists()
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    return line


def test_what_does_not_fit_is_refused_in_one_line(read_only):
    clone, folder = read_only
    stars = survey_stars(clone).head(20)
    out = folder / "refused.csv"
    stars[INPUTS].drop(columns="logg").to_csv(folder / "short.csv")
    assert "no column 'logg'" in refused(clone, MODEL, folder / "short.csv", out=out)
    stars[INPUTS].assign(teff="hot").to_csv(folder / "text.csv")
    assert "'teff' does not hold numbers" in refused(clone, MODEL, folder / "text.csv", out=out)
    table = Table.from_pandas(stars[INPUTS])
    table["rv_galah"].unit = "kg"
    table.write(folder / "unit.fits")
    assert "'rv_galah' is in kg" in refused(clone, MODEL, folder / "unit.fits", out=out)
    (folder / "cut.fits").write_bytes((folder / "unit.fits").read_bytes()[:3000])
    assert "cut short" in refused(clone, MODEL, folder / "cut.fits", out=out)
    assert "no such file" in refused(clone, MODEL, folder / "none.csv", out=out)
    assert "not the networks" in refused(clone, "results/tiny", folder / "short.csv", out=out)


def test_weights_that_are_not_the_trained_ones_are_refused(clone, tmp_path):
    stars = survey_stars(clone).head(5)
    stars[INPUTS].to_csv(tmp_path / "mine.csv")
    member = clone.root / MODEL / "intrinsic/member-1"
    weights, description = member / "weights.safetensors", member / "training.json"
    kept = weights.read_bytes()
    out = tmp_path / "out.csv"
    weights.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    assert "changed since" in refused(clone, MODEL, tmp_path / "mine.csv", out=out)
    weights.write_bytes(kept[:-100])
    assert "changed since" in refused(clone, MODEL, tmp_path / "mine.csv", out=out)
    weights.write_bytes(kept)
    facts = json.loads(description.read_text())
    description.write_text(json.dumps({"inputs": facts["inputs"]}))
    line = refused(clone, MODEL, tmp_path / "mine.csv", out=out)
    assert "changed since the run was made" in line
    shutil.rmtree(member)
    assert "no such file" in refused(clone, MODEL, tmp_path / "mine.csv", out=out)


def test_paths_are_seen_from_the_folder_one_calls_from(read_only, tmp_path):
    clone, _ = read_only
    survey_stars(clone)[["sobject_id", *INPUTS]].head(3).to_csv(tmp_path / "mine.csv", index=False)
    command = [clone.root / "reproduce", "translate", MODEL, "mine.csv", "out.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "out.csv")) == 3
    assert not (clone.root / "out.csv").exists()


def test_the_table_of_stars_itself_is_not_written_over(read_only):
    clone, folder = read_only
    own, link = folder / "own.csv", folder / "link.csv"
    survey_stars(clone)[["sobject_id", *INPUTS]].head(3).to_csv(own, index=False)
    before = own.read_bytes()
    link.symlink_to(own)
    for out in (own, link):
        done = clone.verb("translate", MODEL, str(own), str(out))
        assert done.returncode == 2
        assert "the table of stars itself" in done.stderr
    assert own.read_bytes() == before


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.pop("units"),
        lambda facts: facts.pop("weights_sha256"),
        lambda facts: facts["network"].update(widths="x"),
    ],
)
def test_a_damaged_description_is_refused(clone, tmp_path, recorded, change):
    path = clone.root / MODEL / "intrinsic/member-0/training.json"
    facts = json.loads(path.read_text())
    change(facts)
    path.write_text(json.dumps(facts))
    if not recorded:
        shutil.rmtree(clone.root / "results/tiny/provenance")
    table = tmp_path / "mine.csv"
    survey_stars(clone)[["sobject_id", *INPUTS]].head(3).to_csv(table, index=False)
    told = refused(clone, MODEL, table, out=tmp_path / "out.csv")
    assert "description" in told or "training.json" in told
    assert recorded == ("changed since the run was made" in told)


def test_another_scaling_than_the_recorded_one_is_refused(clone, tmp_path):
    path = clone.root / MODEL / "intrinsic/member-0/training.json"
    facts = json.loads(path.read_text())
    facts["input_scaling"]["mean"][0] += 100
    path.write_text(json.dumps(facts))
    table = tmp_path / "mine.csv"
    survey_stars(clone)[["sobject_id", *INPUTS]].head(3).to_csv(table, index=False)
    told = refused(clone, MODEL, table, out=tmp_path / "out.csv")
    assert "changed since the run was made" in told
