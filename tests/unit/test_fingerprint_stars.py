"""What is given as a survey's prepared stars is read, or refused in a line."""

from pathlib import Path

import pandas as pd
import pytest

from spectrotranslator.config import resolve
from spectrotranslator.errors import InputError
from spectrotranslator.fingerprint.read_fingerprint import columns_of, read_stars

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def needed() -> dict[str, list[str]]:
    return columns_of(resolve("mini", ROOT).directions["g2a"])


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n"])
def test_a_file_that_is_no_parquet_is_refused(tmp_path, needed, content):
    path = tmp_path / "galah.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"galah\.parquet: not a Parquet table of stars"):
        read_stars(path, needed["galah"])


def test_a_file_that_is_not_there_is_refused(tmp_path, needed):
    with pytest.raises(InputError, match="no such table of stars; make the run"):
        read_stars(tmp_path / "galah.parquet", needed["galah"])


def test_a_table_of_other_columns_is_refused_and_one_with_all_is_read(tmp_path, needed):
    path = tmp_path / "stars.parquet"
    for columns in needed.values():
        table = pd.DataFrame({name: [1.0] for name in columns})
        table.to_parquet(path)
        assert list(read_stars(path, columns)) == list(table)
        table.drop(columns=columns[-1]).to_parquet(path)
        with pytest.raises(InputError, match=f"stars.parquet: no column '{columns[-1]}'"):
            read_stars(path, columns)
