"""Write the help that ``./reproduce`` shows without an installation, and the page of all commands.

``python -m spectrotranslator.cli.help_texts`` writes `FOLDER` and `PAGE` from the parsers; a test
compares them.
"""

import io
import os
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

from spectrotranslator.files import write_text

from .main import VERBS, usage

FOLDER = Path("workflow/spectrotranslator/cli/help")
FRONT = "reproduce"
PAGE = Path("docs/reference/commands.md")
COLUMNS = "100"
INTRODUCTION = """# Commands

Every command of the front door, as its own `--help` prints it. Written by
`python -m spectrotranslator.cli.help_texts`.

## ./reproduce
"""


def help_texts() -> dict[str, str]:
    """Help of the front door and of every verb, 100 columns wide.

    Returns
    -------
    dict of str to str
        ``reproduce`` and the verbs, to what ``--help`` prints.
    """
    return {FRONT: usage() + "\n"} | {verb: _printed(module) for verb, (module, _) in VERBS.items()}


def _printed(module: str) -> str:
    said = io.StringIO()
    with patch.dict(os.environ, COLUMNS=COLUMNS), redirect_stdout(said):
        try:
            import_module(f"spectrotranslator.{module}").main(["--help"])
        except SystemExit as end:
            if end.code:
                raise
    return said.getvalue()


def page(texts: dict[str, str]) -> str:
    """The Markdown page of all commands.

    Parameters
    ----------
    texts : dict of str to str
        As `help_texts` gives them.

    Returns
    -------
    str
        The front door's help, then one section a verb.
    """
    sections = [INTRODUCTION + _block(texts[FRONT])]
    sections += [f"## {verb}\n{_block(texts[verb])}" for verb in VERBS]
    return "\n".join(sections)


def _block(text: str) -> str:
    return f"\n```text\n{text.strip()}\n```\n"


def main() -> None:
    """Write the texts and the page."""
    texts = help_texts()
    for name, text in texts.items():
        write_text(FOLDER / f"{name}.txt", text)
    write_text(PAGE, page(texts))


if __name__ == "__main__":
    main()
