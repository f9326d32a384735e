"""A clone in a folder with braces, which Snakemake takes for wildcards."""

import pytest

from spectrotranslator.cli import run
from spectrotranslator.errors import InputError
from spectrotranslator.graph.run_files import RunFiles


@pytest.mark.parametrize("name", ["a{x}b", "{", "b}"])
def test_braces_in_the_clone_s_path_are_refused_in_one_line(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    with pytest.raises(InputError, match="rename or move the folder") as refused:
        RunFiles("tiny")
    assert "\n" not in str(refused.value)
    with pytest.raises(InputError, match="rename or move the folder"):
        run.main(["tiny"])
