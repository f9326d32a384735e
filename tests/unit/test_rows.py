"""Rows are read and written piece by piece, and nothing depends on the pieces."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from spectrotranslator.config.configuration import Cut
from spectrotranslator.errors import InputError
from spectrotranslator.sample import survey_rows
from spectrotranslator.translation import shards

CUTS = [Cut(cut="value % 3 != 0", source="ours")]


@pytest.fixture
def stars(tmp_path, monkeypatch):
    monkeypatch.setattr(survey_rows, "ROWS_AT_ONCE", 7)
    table = pd.DataFrame({"value": np.arange(100), "name": [f"star {i}" for i in range(100)]})
    table.to_parquet(tmp_path / "stars.parquet", index=False)
    kept = table[table["value"] % 3 != 0].reset_index(drop=True)
    return tmp_path / "stars.parquet", kept


def test_the_rows_counted_are_those_a_cut_keeps(stars):
    path, kept = stars
    assert survey_rows.count_rows(path, CUTS) == len(kept)


@pytest.mark.parametrize("block", [1, 4, 10, 1000])
@pytest.mark.parametrize("wanted", [slice(0, 66), slice(8, 40), slice(40, 66)])
def test_blocks_hold_the_rows_asked_for_in_order_and_only_the_last_is_short(stars, wanted, block):
    path, kept = stars
    blocks = list(survey_rows.read_rows(path, CUTS, wanted, block))
    assert [len(b) for b in blocks[:-1]] == [block] * (len(blocks) - 1)
    found = pd.concat(blocks, ignore_index=True)
    pd.testing.assert_frame_equal(found, kept.iloc[wanted].reset_index(drop=True))


def test_no_row_is_one_empty_block(stars):
    path, kept = stars
    (block,) = survey_rows.read_rows(path, CUTS, slice(5, 5), 4)
    assert len(block) == 0
    assert list(block) == list(kept)


def test_a_cut_on_a_column_that_is_not_there_is_refused(stars):
    with pytest.raises(InputError, match="flag_sp"):
        survey_rows.count_rows(stars[0], [Cut(cut="flag_sp == 0", source="ours")])


@pytest.mark.parametrize("piece", [1, 3, 5, 40])
def test_row_groups_do_not_depend_on_the_pieces_that_came(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(shards, "GROUP_ROWS", 5)
    table = pd.DataFrame({"value": np.arange(23.0), "name": [f"star {i}" for i in range(23)]})
    whole, cut = tmp_path / "whole.parquet", tmp_path / "cut.parquet"
    assert shards.write_groups(whole, [table]) == 23
    shards.write_groups(cut, (table.iloc[i : i + piece] for i in range(0, 23, piece)))
    assert whole.read_bytes() == cut.read_bytes()
    groups = pq.ParquetFile(cut).metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [5, 5, 5, 5, 3]
    found = pd.concat(shards.read_parts([cut, cut]), ignore_index=True)
    assert found["value"].tolist() == [*range(23), *range(23)]
