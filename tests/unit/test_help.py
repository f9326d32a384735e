"""Help and version need no installation, and say what the parsers take."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from spectrotranslator.cli import help_texts, main

ROOT = Path(__file__).resolve().parents[2]
VERBS = ["reproduce", *main.VERBS]


@pytest.fixture(scope="module")
def uninstalled(tmp_path_factory) -> Path:
    """The front door and its texts alone: no Python package, no .venv."""
    root = tmp_path_factory.mktemp("uninstalled")
    for name in ("reproduce", "pyproject.toml"):
        shutil.copy2(ROOT / name, root / name)
    shutil.copytree(ROOT / help_texts.FOLDER, root / help_texts.FOLDER)
    return root


def answered(root: Path, *words: str) -> str:
    """What the front door prints where no Python is found."""
    done = subprocess.run(
        ["/bin/sh", root / "reproduce", *words], cwd="/", capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (root / ".venv").exists()
    return done.stdout


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return help_texts.help_texts()


@pytest.mark.parametrize("name", VERBS)
def test_stored_help_is_that_of_the_parser(texts, name):
    stored = (ROOT / help_texts.FOLDER / f"{name}.txt").read_text()
    advice = "run python -m spectrotranslator.cli.help_texts"
    assert stored == texts[name], advice
    assert max(map(len, stored.splitlines())) <= int(help_texts.COLUMNS)
    assert "example" in stored or name == "reproduce"


def test_no_help_is_stored_of_a_verb_that_is_gone():
    assert {path.stem for path in (ROOT / help_texts.FOLDER).iterdir()} == set(VERBS)


def test_the_page_of_commands_is_that_of_the_parsers(texts):
    assert (ROOT / help_texts.PAGE).read_text() == help_texts.page(texts)


@pytest.mark.parametrize(
    ("words", "name"),
    [("--help", "reproduce"), ("-h", "reproduce"), ("help", "reproduce"), ("plan --help", "plan"),
     ("plan mini -h", "plan"), ("mini --help", "reproduce"), ("../README --help", "reproduce")],
)  # fmt: skip
def test_help_answers_without_an_installation(uninstalled, words, name):
    expected = (ROOT / help_texts.FOLDER / f"{name}.txt").read_text()
    assert answered(uninstalled, *words.split()) == expected


def test_version_answers_without_an_installation(uninstalled):
    assert answered(uninstalled, "--version") == "spectrotranslator 0.1.0, commit unknown\n"
    assert re.fullmatch(
        r"spectrotranslator 0\.1\.0, commit [0-9a-f]{40}\n", answered_by_clone("--version")
    )


def answered_by_clone(*words: str) -> str:
    environment = os.environ | {"GIT_DIR": "/nowhere"}
    done = subprocess.run(
        [ROOT / "reproduce", *words], env=environment, capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.parametrize(
    ("word", "advice"),
    [("plann", "did you mean 'plan'?"), ("mnii", "did you mean 'mini'?"), ("zzz", "the runs are")],
)
def test_a_word_that_is_no_verb_and_no_run_names_the_nearest(capsys, word, advice):
    assert main.main([word]) == 2
    told = capsys.readouterr().err
    assert f"{word!r} is neither a verb nor a run" in told
    assert advice in told
    assert told.count("\n") == 1


def test_a_run_that_does_not_exist_names_the_nearest(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main.main(["plan", "rehersal"]) == 2
    assert "did you mean 'rehearsal'?" in capsys.readouterr().err


def test_fingerprint_asks_for_a_run(capsys):
    with pytest.raises(SystemExit) as end:
        main.main(["fingerprint", "g2a.dat"])
    assert end.value.code == 2
    assert "--run" in capsys.readouterr().err
