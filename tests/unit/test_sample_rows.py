"""Rows of a survey of which no star is left."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spectrotranslator.config.configuration import Cut
from spectrotranslator.sample.survey_rows import count_rows, read_rows


@pytest.mark.parametrize("wanted", [slice(0, 0), slice(0, 5)])
def test_a_file_without_a_row_is_one_empty_block(tmp_path, wanted):
    path = tmp_path / "stars.parquet"
    with pq.ParquetWriter(path, pa.schema([("row", pa.int64()), ("flag", pa.int64())])):
        pass
    cuts = [Cut(cut="flag == 0", source="ours")]
    (block,) = read_rows(path, cuts, wanted, 10)
    assert len(block) == 0
    assert list(block) == ["row", "flag"]
    assert count_rows(path, cuts) == 0
