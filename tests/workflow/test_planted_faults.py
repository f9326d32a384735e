"""Faults planted in our engine show in the comparison: the published side does not share them."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from cdstables.layout import layout_from_yaml
from cdstables.readme import load_readme
from cdstables.writing import TableWriter
from spectrotranslator.comparison.catalogue_diff import compare
from spectrotranslator.comparison.read_catalogues import read_catalogue
from spectrotranslator.comparison.tolerances import read_tolerances
from spectrotranslator.config import resolve
from spectrotranslator.sample.cuts import apply_cuts
from spectrotranslator.translation import catalogue_columns, montecarlo, quality_flags
from spectrotranslator.translation.load_networks import network_parts

LAYOUT = Path("config/catalogues/g2a.yaml")


@pytest.fixture(scope="module")
def networks(finished):
    """Configuration, stars and networks of the finished tiny run."""
    before = Path.cwd()
    os.chdir(finished.root)
    configuration = resolve("tiny")
    folder = Path("results/tiny")
    kinds = configuration.directions["g2a"].networks
    weights = {
        kind: sorted(folder.glob(f"networks/as-published/g2a/{kind}/member-*/weights.safetensors"))
        for kind in kinds
    }
    samples = [folder / f"sample/g2a-{kind}.parquet" for kind in kinds]
    parts = network_parts(configuration, "as-published", "g2a", samples, weights, {})
    stars, _ = apply_cuts(
        pd.read_parquet(folder / "sample/galah.parquet"), configuration.directions["g2a"].rows
    )
    yield configuration, stars, parts
    os.chdir(before)


def grades(networks, tmp_path, change=lambda table: table, **settings) -> dict[str, str]:
    """Grades of all columns of the catalogue that the engine, as it is now, would write.

    Columns that deviate by chance, where the catalogue does not, are equivalent here.
    """
    configuration, stars, parts = networks
    method = configuration.methods["as-published"]
    ensemble = method.ensemble.model_copy(
        update={k: v for k, v in settings.items() if k in ("trim",)}
    )
    montecarlo_settings = method.montecarlo.model_copy(
        update={k: v for k, v in settings.items() if k not in ("trim",)}
    )
    blocks = montecarlo.in_blocks(stars, montecarlo_settings.block_rows)
    blocks = montecarlo.translate(blocks, parts, ensemble, montecarlo_settings)
    translated = change(pd.concat(blocks, ignore_index=True))
    layout = layout_from_yaml(LAYOUT)
    table = catalogue_columns.layout_columns(
        translated, layout, catalogue_columns.comment_style(LAYOUT)
    )
    path = tmp_path / "g2a.dat"
    with TableWriter(path, layout) as writer:
        writer.write(pa.Table.from_pandas(table, preserve_index=False))
    published = Path("results/tiny/sources/g2a.dat.gz")
    theirs = load_readme(Path("results/tiny/sources/ReadMe")).table(published)
    difference = compare(
        read_catalogue(published, theirs),
        read_catalogue(path, layout),
        read_tolerances(Path("config/tolerances/tiny.json"), "g2a"),
    )
    summary = difference.summary
    return {"rows": summary["rows"]["grade"]} | {
        label: "equivalent" if label in summary["by_chance"] else column["grade"]
        for label, column in summary["columns"].items()
    }


def deviating(found: dict[str, str]) -> set[str]:
    return {label for label, grade in found.items() if grade == "deviates"}


def test_the_engine_as_it_is_deviates_nowhere(networks, tmp_path):
    assert not deviating(grades(networks, tmp_path))


def test_trimming_left_out_shows(networks, tmp_path):
    assert "e_[Fe/H]50" in deviating(grades(networks, tmp_path, trim=0))


def test_the_tenth_percentile_for_the_fifth_shows(networks, tmp_path, monkeypatch):
    real = np.percentile

    def wrong(values, q, **kw):
        return real(values, [10 if p == 5 else p for p in q] if np.ndim(q) else q, **kw)

    monkeypatch.setattr(montecarlo.np, "percentile", wrong)
    assert {"Teff5", "logg5", "[Fe/H]5"} <= deviating(grades(networks, tmp_path))


def test_swapped_percentile_columns_show(networks, tmp_path):
    swap = {"TEFF_p5": "TEFF_p95", "TEFF_p95": "TEFF_p5"}
    found = grades(networks, tmp_path, change=lambda table: table.rename(columns=swap))
    assert {"Teff5", "Teff95"} <= deviating(found)


def test_half_the_realisations_show(networks, tmp_path):
    assert {"[Fe/H]5", "[Fe/H]95"} <= deviating(grades(networks, tmp_path, realisations=5))


def test_maps_that_always_hold_their_extreme_stars_show(networks, tmp_path):
    configuration, stars, parts = networks
    closed = []
    for part in parts:
        edges = part.input_maps.edges.copy()
        hair = 1e-9 * np.ptp(edges, axis=1)
        edges[:, 0] -= hair
        edges[:, -1] += hair
        maps = quality_flags.PairMaps(edges, part.input_maps.cells)
        closed.append(montecarlo.NetworkPart(**{**vars(part), "input_maps": maps}))
    found = grades((configuration, stars, closed), tmp_path)
    assert {"QflagIi", "QflagIe"} <= deviating(found)


def test_a_map_with_one_cell_less_shows(networks, tmp_path, monkeypatch):
    configuration, stars, parts = networks
    coarse = []
    for part in parts:
        edges = np.linspace(part.input_maps.edges[:, 0], part.input_maps.edges[:, -1], 30, axis=1)
        cells = {pair: cell[:29, :29] for pair, cell in part.input_maps.cells.items()}
        coarse.append(
            montecarlo.NetworkPart(
                **{**vars(part), "input_maps": quality_flags.PairMaps(edges, cells)}
            )
        )
    assert "QflagIi" in deviating(grades((configuration, stars, coarse), tmp_path))


def test_a_sentinel_taken_as_missing_shows(networks, tmp_path):
    assert "Flagmii" in deviating(grades(networks, tmp_path, missing="sentinels too"))


def test_a_unit_off_shows(networks, tmp_path):
    def celsius(table):
        return table.assign(**{c: table[c] - 273.15 for c in table if c.startswith("TEFF_p")})

    assert "Teff50" in deviating(grades(networks, tmp_path, change=celsius))


def test_reasons_left_out_of_the_comment_show(networks, tmp_path, monkeypatch):
    real = montecarlo.reasons
    monkeypatch.setattr(
        montecarlo,
        "reasons",
        lambda side, names, outside: (
            real(side, names, outside) if side == "Output" else [""] * len(outside)
        ),
    )
    assert "Com" in deviating(grades(networks, tmp_path))


def test_another_wording_of_the_comment_shows(networks, tmp_path):
    def reworded(table):
        return table.assign(comment=table["comment"].str.replace("outside", "beyond"))

    assert "Com" in deviating(grades(networks, tmp_path, change=reworded))


def test_a_label_left_unperturbed_shows(networks, tmp_path):
    configuration, stars, parts = networks
    still = stars.assign(fe_h_error=0.0)
    assert {"[Fe/H]5", "[Fe/H]95"} <= deviating(grades((configuration, still, parts), tmp_path))


def test_a_moved_row_shows(networks, tmp_path):
    def moved(table):
        order = np.arange(len(table))
        order[[10, 11]] = order[[11, 10]]
        return table.iloc[order].reset_index(drop=True)

    assert "rows" in deviating(grades(networks, tmp_path, change=moved))


def test_a_lost_row_shows(networks, tmp_path):
    found = grades(networks, tmp_path, change=lambda table: table.drop(index=20))
    assert "rows" in deviating(found)
