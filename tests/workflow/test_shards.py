"""A catalogue does not depend on how it was cut up."""

import hashlib
from pathlib import Path

import pytest

from spectrotranslator.translation import product_metadata
from workflow.conftest import translated_again

FOLDER = Path("results/tiny/catalogues/as-published")
FILES = ("g2a.parquet", "g2a.fits", "g2a.vot", "g2a.dat")


def digests(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}


@pytest.mark.parametrize("shards", [1, 4, 16])
def test_any_number_of_shards_gives_the_bytes_of_the_run(finished, tmp_path, monkeypatch, shards):
    monkeypatch.chdir(finished.root)
    # The finished run is a clone without a repository, this process is not.
    clone = {"commit": "none: not a git repository", "modified": "unknown"}
    monkeypatch.setattr(product_metadata, "repository", lambda: clone)
    translated_again(Path("results/tiny/config.yaml"), shards, tmp_path)
    assert digests(tmp_path) == digests(FOLDER)
