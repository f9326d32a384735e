"""The page of two compared catalogues stands alone, escapes all, and does not grow with them."""

import re

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table as AstropyTable

from cdstables.layout import ReadMe, layout_from_yaml
from cdstables.readme_text import format_readme
from spectrotranslator.cli import diff
from spectrotranslator.cli.diff import main

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert('&\"')</script>"


def catalogue(layout, rows: int, seed: int) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    columns = {}
    for column in layout.columns:
        if column.boolean:
            columns[column.label] = chance.random(rows) < (2 if column.width == 4 else 0.5)
        elif column.label == layout.columns[0].label:
            columns[column.label] = [HOSTILE, *(f"2M{number:08d}" for number in range(1, rows))]
        elif column.kind == "I":
            columns[column.label] = np.arange(rows)
        elif column.kind == "A":
            columns[column.label] = ['""'] * rows
        else:
            value = np.linspace(2, 8, rows) + chance.normal(0, 0.1, rows)
            value[0] = 4.0 + seed
            columns[column.label] = value
    return pd.DataFrame(columns)


@pytest.fixture
def compared(tmp_path, request, monkeypatch):
    """``./reproduce diff`` of two FITS tables with so many rows; the folder it wrote."""
    monkeypatch.chdir(request.config.rootpath)
    layout = layout_from_yaml("config/catalogues/a2g.yaml")
    readme = tmp_path / "ReadMe"
    readme.write_text(format_readme(ReadMe(title="t", designation="d", tables=(layout,))))

    def run(rows: int):
        sides = []
        for seed in (1, 2):
            path = tmp_path / str(seed) / "a2g.fits"
            path.parent.mkdir(exist_ok=True)
            table = AstropyTable.from_pandas(catalogue(layout, rows, seed))
            table.write(path, overwrite=True)
            sides.append(str(path))
        out = tmp_path / f"out {rows}"
        assert main([*sides, "--readme", str(readme), "--out", str(out)]) == 1
        return out

    return run


def test_page_and_figures_are_written_beside_the_numbers(compared):
    out = compared(60)
    assert {path.name for path in out.iterdir()} == {
        "diff.json", "rows.parquet", "unmatched.parquet", "index.html", "figures",
    }  # fmt: skip
    names = {path.stem for path in (out / "figures").iterdir()}
    assert names == {"grades-a2g", "diff-a2g", "flags-a2g"}


def test_hostile_identifiers_show_as_text_and_nothing_is_loaded(compared):
    page = (compared(60) / "index.html").read_text()
    assert "alert(" in page, "the worst star is shown"
    assert "<script>alert" not in page
    assert not re.findall(r'(?:src|href)="(?!data:|#|\./)', page)
    assert "default-src 'none'" in page


def test_page_does_not_grow_with_the_rows(compared):
    small, large = (len((compared(rows) / "index.html").read_bytes()) for rows in (200, 20_000))
    assert large < 1.5 * small


def test_a_comparison_that_ends_half_way_leaves_the_old_answer_whole(compared, monkeypatch):
    out = compared(60)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(diff, "write_page", broken)
    with pytest.raises(KeyboardInterrupt):
        compared(60)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in out.parent.glob(".out*")] == []
