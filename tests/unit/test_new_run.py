"""``./reproduce new``: what it sees in tables, and what it refuses."""

import argparse

import numpy as np
import pandas as pd
import pytest

from spectrotranslator.cli import new, preflight
from spectrotranslator.cli.table_findings import FoundTable
from spectrotranslator.config.loading import resolve
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.column_roles import (
    label_columns,
    paired,
    position_columns,
    source_id_column,
    two_sides,
)

STARS = 80


def stars() -> pd.DataFrame:
    """True values of stars with Gaia ids and places."""
    random = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "source_id": 2 * 10**18 + 1000 * np.arange(STARS) + 7,
            "ra": random.uniform(10, 40, STARS),
            "dec": random.uniform(-20, 20, STARS),
            "teff": random.uniform(4500, 6500, STARS),
            "logg": random.uniform(1.0, 4.5, STARS),
        }
    )


def tables(folder, **renamed) -> list[str]:
    """Two CSV files of the same stars; ``renamed`` are columns of the second one."""
    first = stars().assign(e_teff=50.0)
    second = stars().assign(Teff=lambda t: t["teff"] + 30, teff_err=20.0).drop(columns="teff")
    second = pd.concat([second, second.head(7)]).assign(snr=np.arange(STARS + 7.0))
    first.to_csv(folder / "a.csv", index=False)
    second.rename(columns=renamed).to_csv(folder / "b.csv", index=False)
    return [str(folder / "a.csv"), str(folder / "b.csv")]


def made(folder, monkeypatch, *arguments):
    """The configuration that ``new`` writes in a folder, resolved."""
    monkeypatch.setenv("SPECTROTRANSLATOR_CALLED_FROM", str(folder))
    assert new.main(["own", *arguments]) == 0
    return resolve(str(folder / "own.yaml"))


def test_two_tables_are_matched_on_gaia_ids_and_repeats_are_told(tmp_path, monkeypatch, capsys):
    run = made(tmp_path, monkeypatch, "--tables", *tables(tmp_path))
    assert run.match == "source_id"
    a, b = run.surveys.values()
    assert (a.path, b.path) == tuple(str(tmp_path / name) for name in ("a.csv", "b.csv"))
    assert (a.key, b.key, b.snr) == (["source_id"], [], "snr")
    assert a.features["teff"].error == ["e_teff"]
    assert b.features["Teff"].unit == "K"
    assert list(run.methods) == ["robust"]
    (network,) = run.directions["a_to_b"].networks.values()
    assert (network.inputs, network.outputs) == (["teff", "logg"], ["Teff", "logg"])
    told = capsys.readouterr().out
    assert "source_id is repeated in 7 rows: the one of the highest snr" in told
    assert "80 stars are in both" in told
    assert "repeated in 7 rows" in (tmp_path / "own.yaml").read_text()


def test_without_gaia_ids_stars_are_matched_on_positions(tmp_path, monkeypatch):
    run = made(tmp_path, monkeypatch, "--tables", *tables(tmp_path, source_id="x"))
    assert run.match == "position"


def test_a_named_column_is_matched_and_its_best_row_is_read(tmp_path, monkeypatch):
    run = made(tmp_path, monkeypatch, "--tables", *tables(tmp_path), "--match", "source_id")
    assert run.match == "source_id"
    for name in ("a.csv", "b.csv"):
        table = pd.read_csv(tmp_path / name).rename(columns={"source_id": "star"})
        table.to_csv(tmp_path / name, index=False)
    (tmp_path / "own.yaml").unlink()
    given = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    run = made(tmp_path, monkeypatch, "--tables", *given, "--match", "star")
    assert (run.match, run.surveys["b"].key) == ("key", ["star"])
    assert run.surveys["b"].repeated_keys == "best row"


def test_a_matched_table_has_two_sides(tmp_path, monkeypatch):
    table = stars().rename(columns={"teff": "teff_a", "logg": "logg_a"})
    table = table.assign(teff_b=table["teff_a"] + 9, e_teff_b=5.0, logg_b=table["logg_a"])
    table.loc[3, "logg_b"] = -999
    table.to_csv(tmp_path / "m.csv", index=False)
    run = made(tmp_path, monkeypatch, "--table", str(tmp_path / "m.csv"))
    assert list(run.surveys) == ["a", "b"]
    (cut,) = run.selections[run.selection].cuts["b"]
    assert cut.cut == "`logg_b` != -999.0"


REFUSED = {
    "no label": ({"teff": "x", "logg": "y", "e_teff": "z"}, "no label that both surveys measured"),
    "no match": ({"source_id": "x", "ra": "y"}, "no Gaia source_id, id column or positions"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_seen_is_refused(tmp_path, monkeypatch, name):
    renamed, told = REFUSED[name]
    given = tables(tmp_path)
    pd.read_csv(given[0]).rename(columns=renamed).to_csv(given[0], index=False)
    monkeypatch.setenv("SPECTROTRANSLATOR_CALLED_FROM", str(tmp_path))
    with pytest.raises(InputError, match=told):
        new.main(["own", "--tables", *given])
    assert not (tmp_path / "own.yaml").exists()


def test_a_file_that_is_there_is_not_written_over(tmp_path, monkeypatch):
    (tmp_path / "own.yaml").write_text("mine")
    monkeypatch.setenv("SPECTROTRANSLATOR_CALLED_FROM", str(tmp_path))
    with pytest.raises(InputError, match="there already"):
        new.main(["own", "--tables", *tables(tmp_path)])
    with pytest.raises(InputError, match="no such file"):
        new.main(["other", "--table", str(tmp_path / "none.csv")])
    assert (tmp_path / "own.yaml").read_text() == "mine"


def test_preflight_finds_what_the_first_job_would_refuse(tmp_path, monkeypatch, capsys):
    made(tmp_path, monkeypatch, "--tables", *tables(tmp_path))
    path = tmp_path / "own.yaml"
    text = path.read_text()
    assert preflight.main([str(path)]) == 0
    for change, told in (
        (("Teff: {", "Teff: {column: Tefff, "), "no column 'Tefff'; the nearest there are Teff"),
        (("key: []", "key: [source_id]"), "7 rows share a key of source_id"),
    ):
        path.write_text(text.replace(*change))
        assert preflight.main([str(path)]) == 1
        assert told in capsys.readouterr().out
    (tmp_path / "b.csv").unlink()
    path.write_text(text)
    assert preflight.main([str(path)]) == 1
    assert "b.csv: no such file" in capsys.readouterr().out


HOSTILE = [
    "teff, b]: {evil: 1}",
    "teff\nmethods: {evil: {}}",
    "teff # x",
    "teff: x",
    "teff `) or evil",
    "*teff",
    "teff \u2028evil: 1",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_columns_and_files_stay_names(tmp_path, monkeypatch, name):
    first, second = tables(tmp_path)
    table = pd.read_csv(first).rename(columns={"teff": name})
    table.loc[0, name] = -999.0
    odd = tmp_path / "a: [b] # c.csv"
    table.to_csv(odd, index=False)
    run = made(tmp_path, monkeypatch, "--tables", str(odd), second)
    assert {tuple(one.features) for one in run.surveys.values()} <= {
        (name, "logg"), ("logg",), ("Teff", "logg")
    }  # fmt: skip
    assert list(run.methods) == ["robust"]
    assert [s.path for s in run.surveys.values()] == [str(odd), second]


def test_a_name_that_leads_elsewhere_is_refused():
    with pytest.raises(argparse.ArgumentTypeError, match="no plain name"):
        new._plain("../own")


def test_units_that_differ_or_nobody_knows_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SPECTROTRANSLATOR_CALLED_FROM", str(tmp_path))
    given = tables(tmp_path)
    pd.read_csv(given[0]).assign(teff=stars()["teff"] / 1000).to_csv(given[0], index=False)
    with pytest.raises(InputError, match=r"teff is in kK, but Teff of b\.csv in K; convert one"):
        new.main(["own", "--tables", *given])
    found = FoundTable.of(tmp_path / "a.csv")
    found.table["teff"].unit = "furlong"
    with pytest.raises(InputError, match="'furlong', a unit that is not known; write it as K"):
        found.column(found.labels[0])


def test_names_say_what_columns_hold():
    names = ["kic", "e_teff_a", "teff_a", "flag_teff_a", "M_H", "M_H_ERR", "teff_b_raw", "log_g"]
    found = {one.column: (one.label, one.side, one.error) for one in label_columns(names)}
    assert found == {
        "teff_a": ("teff", "a", "e_teff_a"),
        "M_H": ("feh", "", "M_H_ERR"),
        "teff_b_raw": ("teff", "b_raw", None),
        "log_g": ("logg", "", None),
    }
    assert source_id_column(["dr2_source_id", "dr3_source_id"]) == "dr3_source_id"
    assert position_columns(["RAJ2000", "DEJ2000"]) == ("RAJ2000", "DEJ2000")


def test_one_word_is_paired_before_another_of_the_same_label():
    first, second = label_columns(["fe_h"]), label_columns(["m_h", "m_h_err", "feh"])
    assert paired(first, second)["feh"][1].column == "feh"
    sides = two_sides(label_columns(["teff_1", "teff_2", "e_teff_2", "logg_1", "rv_3"]))
    assert [[one.column for one in side] for side in sides] == [["teff_1", "logg_1"], ["teff_2"]]
