"""Rows of a catalogue may be those of the published file, by identifier and Gaia id."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from spectrotranslator.errors import InputError
from spectrotranslator.surveys.published_rows import is_published, published_rows

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"


@pytest.mark.parametrize(("name", "rows"), [("g2a", 697), ("a2g", None)])
def test_identifiers_of_the_published_file_are_read_by_its_layout(name, rows):
    found = published_rows(
        CONFIG / "skies" / "tiny" / f"{name}.dat.gz", CONFIG / "catalogues" / f"{name}.yaml"
    )
    assert rows is None or len(found) == rows
    assert (found["source_id"] > 0).all()
    assert found["identifier"].str.len().min() > 0
    assert is_published(found.iloc[::-1], found).all()


def test_as_many_rows_of_one_name_are_published_as_the_file_holds():
    ours = pd.DataFrame({"identifier": ["a", "a", "a", "b", "c"], "source_id": [1, 1, 1, 2, 3]})
    theirs = pd.DataFrame({"identifier": ["a", "a", "c"], "source_id": [1, 1, 4]})
    assert is_published(ours, theirs).tolist() == [True, True, False, False, False]


def test_numbers_and_padded_names_are_the_same_identifier():
    ours = pd.DataFrame({"identifier": [130101001201001, 5], "source_id": [7, 8]})
    theirs = pd.DataFrame({"identifier": ["130101001201001"], "source_id": [7]})
    assert is_published(ours, theirs).tolist() == [True, False]
    padded = pd.DataFrame({"identifier": ["2M1 "], "source_id": [7]})
    assert is_published(padded, theirs.assign(identifier="2M1")).tolist() == [True]


def test_a_blank_id_or_name_leaves_all_digits_of_the_others(tmp_path):
    layout = CONFIG / "catalogues" / "g2a.yaml"
    rows = gzip.decompress((CONFIG / "skies" / "tiny" / "g2a.dat.gz").read_bytes()).splitlines(True)
    path = tmp_path / "g2a.dat"
    path.write_bytes(b"".join(rows[:20]))
    whole = published_rows(path, layout)
    rows[5] = rows[5][:16] + b" " * 19 + rows[5][35:]
    rows[7] = b" " * 15 + rows[7][15:]
    path.write_bytes(b"".join(rows[:20]))
    found = published_rows(path, layout)
    assert found["source_id"].tolist() == whole["source_id"].where(whole.index != 5, 0).tolist()
    assert found["identifier"].tolist() == whole["identifier"].where(whole.index != 7, "").tolist()


def test_layout_without_an_identifier_is_refused(tmp_path):
    text = (CONFIG / "catalogues" / "g2a.yaml").read_text()
    layout = tmp_path / "layout.yaml"
    layout.write_text(text.replace("{identifier: source_id}", "{source: source_id}"))
    with pytest.raises(InputError, match=r"layout\.yaml"):
        published_rows(CONFIG / "skies" / "tiny" / "g2a.dat.gz", layout)
