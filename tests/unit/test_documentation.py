"""The documentation: every page in its navigation, every link resolved, every command known."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from spectrotranslator.cli import help_texts, main

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FRONT = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(\./reproduce[^`]*)`")
RUNS = {path.stem for path in (ROOT / "config/runs").glob("*.yaml")}


def prose(path: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """Names of a page's headings, as forges and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


def navigation(entries: list) -> Iterator[str]:
    """Pages that the navigation names."""
    for entry in entries:
        (value,) = entry.values()
        yield from [value] if isinstance(value, str) else navigation(value)


def test_the_navigation_holds_every_page_once():
    named = list(navigation(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert sorted(named) == [path.relative_to(DOCS).as_posix() for path in PAGES]


@pytest.mark.parametrize("page", [*FRONT, *PAGES], ids=lambda path: path.name)
def test_every_relative_link_and_anchor_resolves(page):
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name}: {target}"
        assert path.is_relative_to(DOCS) or page not in PAGES, f"{target} leaves the site"
        assert not anchor or anchor in anchors(path), f"{page.name}: {target}"


def test_every_document_that_code_names_exists():
    listed = subprocess.run(
        ["git", "grep", "-hoE", r"docs/[a-z_/]+\.md", "--", "workflow", "config", "profiles"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert listed
    assert [name for name in set(listed) if not (ROOT / name).is_file()] == []


def commands(page: Path) -> list[str]:
    """The calls of the front door that a page shows, without comments."""
    text = page.read_text()
    lines = [line for _, block in FENCE.findall(text) for line in block.splitlines()]
    shown = [line.partition("#")[0] for line in lines if line.startswith("./reproduce")]
    return [*shown, *INLINE.findall(FENCE.sub("", text))]


@pytest.mark.parametrize("page", [FRONT[0], DOCS / "tutorial.md", *sorted(DOCS.glob("howto/*.md"))])
def test_every_command_shown_is_a_verb_with_its_options(page):
    for command in commands(page):
        words = shlex.split(command.partition(" -- ")[0])[1:]
        verb, rest = (words or ["mini"])[0], words[1:]
        if verb in main.VERBS:
            stored = (ROOT / help_texts.FOLDER / f"{verb}.txt").read_text()
        else:
            known = verb in RUNS or verb.endswith(".yaml") or verb in ("RUN", "VERB")
            assert known or verb.startswith("-"), command
            stored = (ROOT / help_texts.FOLDER / "reproduce.txt").read_text()
        options = [word for word in [verb, *rest] if word.startswith("-")]
        if verb == "test":
            continue  # its options are those of pytest
        for option in options:
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", stored), command


def test_the_tutorial_and_the_readme_show_commands():
    assert len(commands(FRONT[0])) > 10
    assert len(commands(DOCS / "tutorial.md")) > 5


def test_the_site_is_built_without_a_warning(tmp_path):
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        tmp_path,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tutorial/index.html").is_file()
