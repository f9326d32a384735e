"""The authors' samples, drawn by hidden cuts: the ledger finds the cuts and every star."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table, vstack

from minisky.authors_samples import samples, write_sample
from minisky.settings import CutSettings, parse_sky
from minisky.simulate_sky import simulate
from spectrotranslator.config import Configuration, dump, resolve
from spectrotranslator.errors import InputError
from spectrotranslator.sample import crossmatch
from spectrotranslator.sample.authors_sample import compare
from spectrotranslator.surveys.prepare_stars import stars
from spectrotranslator.surveys.read_survey import measured
from spectrotranslator.surveys.readers import READERS, columns_of

ROOT = Path(__file__).resolve().parents[2]
FILES = ("galah.fits", "vac.fits", "apogee.fits", "gaia.parquet")


def drop_inputs(selection: str) -> dict[str, tuple[CutSettings, ...]]:
    """The cuts of one of our candidates, as the simulator's secret."""
    cuts = resolve("tiny", ROOT).selections[selection].cuts
    return {
        f"{survey}_sample": tuple(
            CutSettings(name=f"cut {i}", expression=cut.cut) for i, cut in enumerate(found)
        )
        for survey, found in cuts.items()
    }


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    """The tiny sky and both surveys' prepared stars."""
    folder = tmp_path_factory.mktemp("sky")
    run = resolve("tiny", ROOT)
    apart = [folder / "truth.parquet", folder / "clusters.csv"]
    simulate(parse_sky(run.sky), *(folder / name for name in FILES), *apart)
    gaia = pd.read_parquet(folder / "gaia.parquet")[run.sources.photometry.columns]
    for name, files in (("galah", ["galah.fits", "vac.fits"]), ("apogee", ["apogee.fits"])):
        survey = run.surveys[name]
        rows = READERS[survey.reader]([folder / file for file in files], columns_of(survey))
        stars(survey, measured(survey, rows), gaia).to_parquet(folder / f"{name}.parquet")
    return folder


def configured(**changes) -> Configuration:
    run = resolve("tiny", ROOT).model_dump(mode="json", by_alias=True, exclude_none=True)
    return Configuration.model_validate(run | changes)


def match(sky, tmp_path, kind="intrinsic", authors=None, **changes) -> tuple[pd.DataFrame, dict]:
    dump(configured(**changes), tmp_path / "config.yaml")
    out, ledger = tmp_path / "sample.parquet", tmp_path / "ledger.json"
    command = ["--config", str(tmp_path / "config.yaml"), "--direction", "g2a", "--kind", kind]
    command += ["--origin", str(sky / "galah.parquet"), "--target", str(sky / "apogee.parquet")]
    command += ["--authors", str(authors)] if authors else []
    command += ["--sample", str(out), "--ledger", str(ledger)]
    crossmatch.main(crossmatch.step.parser.parse_args(command))
    return pd.read_parquet(out), json.loads(ledger.read_text())


def theirs(sky, tmp_path, selection: str, kind="intrinsic") -> Path:
    settings = parse_sky(resolve("tiny", ROOT).sky).published.model_copy(
        update=drop_inputs(selection)
    )
    made = samples(settings, sky / "galah.fits", sky / "apogee.fits", sky / "gaia.parquet")
    path = tmp_path / f"Training_sample_{kind}.fits"
    write_sample(path, made[kind])
    return path


@pytest.mark.parametrize("selection", ["advice", "no_snr", "bright"])
@pytest.mark.parametrize("kind", ["intrinsic", "extrinsic"])
def test_hidden_cuts_are_named_and_the_comparison_is_exact(sky, tmp_path, selection, kind):
    _, ledger = match(sky, tmp_path, kind, theirs(sky, tmp_path, selection, kind))
    found = ledger["authors"]
    assert selection in found["same_as"]
    for name, counts in found["candidates"].items():
        if name not in found["same_as"]:
            assert counts["only_theirs"] + counts["only_ours"] > 0
    assert found["both"] + found["only_theirs"] == found["theirs"]
    assert found["both"] + found["only_ours"] == found["ours"]
    assert sum(found["dropped"]["by"].values()) == found["only_theirs"]
    assert "not found in the survey's file" not in found["dropped"]["by"]


def test_every_line_before_the_match_names_its_survey(sky, tmp_path):
    _, ledger = match(sky, tmp_path)
    assert ledger["catalogue_rows"]
    assert {line["survey"] for line in ledger["catalogue_rows"]} == {"galah"}
    single = [line for line in ledger["training"] if line["what"] == "one row a star"]
    assert [line["survey"] for line in single] == ["galah", "apogee"]


def test_cut_of_ours_that_drops_their_stars_is_named(sky, tmp_path):
    path = theirs(sky, tmp_path, "no_snr")
    _, ledger = match(sky, tmp_path, authors=path)
    dropped = ledger["authors"]["dropped"]["by"]
    assert {"galah: snr_c3_iraf > 30", "apogee: SNR > 70"} <= set(dropped)
    assert ledger["authors"]["only_theirs"] > 0


def test_training_on_their_sample_takes_their_values_and_order(sky, tmp_path):
    path = theirs(sky, tmp_path, "bright")
    sample, ledger = match(sky, tmp_path, authors=path, training_sample="authors")
    table = Table.read(path)
    assert ledger["sample"] == "authors"
    assert sample["from:teff"].tolist() == [float(v) for v in table["teff_GALAH"]]
    assert sample["to:MG_FE"].tolist() == [float(v) for v in table["MG_FE_APOGEE"]]
    assert sample["from:BP-G"].tolist() == table["BP-G"].tolist()
    ours, _ = match(sky, tmp_path, selection="bright")
    assert list(sample) == list(ours)
    assert sample["from:key"].tolist() == ours["from:key"].tolist()


def test_star_that_no_survey_has_is_counted_as_not_found(sky, tmp_path):
    path = theirs(sky, tmp_path, "advice")
    table = Table.read(path)
    table["TEFF_APOGEE"][3] += 1
    table.write(path, overwrite=True)
    _, ledger = match(sky, tmp_path, authors=path)
    assert ledger["authors"]["only_theirs"] == 1
    assert ledger["authors"]["other_row"] == 1
    assert ledger["authors"]["dropped"]["by"] == {"not found in the survey's file": 1}


def test_every_star_is_counted_though_those_not_found_share_an_empty_key(sky, tmp_path):
    found = {"from:key": ["a", "b", *[""] * 40], "to:key": ["A", "B", *[""] * 40]}
    counts = compare(pd.DataFrame(found), pd.DataFrame({"from:key": ["a"], "to:key": ["A"]}))
    assert (counts["theirs"], counts["both"], counts["only_theirs"]) == (42, 1, 41)
    path = theirs(sky, tmp_path, "advice")
    table = Table.read(path)
    table["TEFF_APOGEE"][:5] += 1
    table["teff_GALAH"][:5] += 1
    table.write(path, overwrite=True)
    _, ledger = match(sky, tmp_path, authors=path)
    assert ledger["authors"]["only_theirs"] == ledger["authors"]["only_ours"] == 5
    assert ledger["authors"]["dropped"]["by"] == {"not found in the survey's file": 5}


def test_a_star_that_they_hold_twice_is_counted_once_as_both(sky, tmp_path):
    path = theirs(sky, tmp_path, "advice")
    table = Table.read(path)
    vstack([table, table[:2]]).write(path, overwrite=True)
    _, ledger = match(sky, tmp_path, authors=path)
    assert (ledger["authors"]["only_theirs"], ledger["authors"]["only_ours"]) == (2, 0)
    assert ledger["authors"]["dropped"]["by"] == {"theirs holds it more than once": 2}


def test_their_file_without_a_column_is_refused_with_the_nearest(sky, tmp_path):
    path = theirs(sky, tmp_path, "advice")
    table = Table.read(path)
    table.rename_column("fe_h_GALAH", "FE_H_GALAH_2")
    table.write(path, overwrite=True)
    with pytest.raises(InputError, match=r"no column 'fe_h_GALAH'.*FE_H_GALAH_2"):
        match(sky, tmp_path, authors=path)


def test_their_sample_asked_for_but_not_at_hand_is_refused(sky, tmp_path):
    with pytest.raises(InputError, match=r"not at hand.*sources\.authors\.folder"):
        match(sky, tmp_path, training_sample="authors")


def test_simulated_samples_have_the_documented_columns_and_single_precision(sky, tmp_path):
    table = Table.read(theirs(sky, tmp_path, "advice"))
    assert {"teff_GALAH", "e_Mg_fe_GALAH", "BP-G_ERR", "VSCATTER_APOGEE"} <= set(table.colnames)
    assert table["teff_GALAH"].dtype == np.dtype(">f4")
    assert not {"sobject_id", "APOGEE_ID"} & set(table.colnames)
