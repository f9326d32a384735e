"""The Python and the translations that README and tutorial show do run, on the tiny run."""

import re
from contextlib import chdir

import pytest

from workflow.conftest import ROOT

PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = ("README.md", "docs/tutorial.md", "docs/reference/python.md")


def on_tiny(text: str) -> str:
    """What is shown for `mini`, for the run and the method that the tests make."""
    text = text.replace("networks/robust", "networks/as-published")
    return text.replace("results/mini", "results/tiny").replace(" mini ", " tiny ")


def shown_commands(*verbs: str) -> list[list[str]]:
    lines = on_tiny((ROOT / "docs/tutorial.md").read_text()).splitlines()
    words = [line.partition("#")[0].split() for line in lines if line.startswith("./reproduce ")]
    return [rest for _, *rest in words if rest[0] in verbs]


@pytest.fixture(scope="module")
def after_the_tutorial(finished, tmp_path_factory):
    """A clone in which the tutorial's commands on a finished run were called."""
    clone = finished.copy(tmp_path_factory.mktemp("tutorial") / "clone")
    for words in shown_commands("list", "why", "translate"):
        done = clone.verb(*words)
        assert done.returncode == 0, done.stderr
    return clone


def test_the_tutorial_shows_commands_of_three_verbs():
    assert {words[0] for words in shown_commands("list", "why", "translate")} == {
        "list", "why", "translate",
    }  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_the_python_shown_runs(after_the_tutorial, name, capsys):
    blocks = PYTHON.findall((ROOT / name).read_text())
    assert blocks
    with chdir(after_the_tutorial.root):
        for block in blocks:
            exec(compile(on_tiny(block), name, "exec"), {})
    assert capsys.readouterr().out
    if name.endswith("tutorial.md"):
        assert (after_the_tutorial.root / "figure.png").stat().st_size > 5000
