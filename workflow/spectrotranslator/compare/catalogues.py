"""Compare one regenerated catalogue with the published one."""

from pathlib import Path

from ..cds.layout import ReadMe
from ..cds.readme import parse_readme
from ..configuration import load
from ..errors import InputError
from ..stage import Stage
from .diff import compare
from .tables import read_catalogue
from .text import layout_differences
from .tolerances import read_tolerances


def read_readme(path: Path) -> ReadMe:
    """Parse a ReadMe file; ``InputError`` names the line that cannot be read."""
    try:
        return parse_readme(path.read_text(encoding="utf-8", errors="replace"), str(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such ReadMe") from None


def main(arguments) -> None:
    configuration = load(arguments.config)
    theirs = read_readme(arguments.readme).table(arguments.published)
    ours = read_readme(arguments.own_readme).table(arguments.regenerated)
    path = configuration.comparison.tolerances
    difference = compare(
        read_catalogue(arguments.published, theirs),
        read_catalogue(arguments.regenerated, ours),
        theirs,
        read_tolerances(Path(path), arguments.direction) if path else None,
        layout_differences(theirs, ours),
    )
    difference.write(arguments.diff, arguments.rows, arguments.peculiar)


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.option("direction", "name of the direction", required=True)
stage.input("readme", "the published ReadMe")
stage.input("published", "the published table")
stage.input("own-readme", "the ReadMe of the regenerated table")
stage.input("regenerated", "the regenerated table")
stage.input("tolerances", "the tolerances that the configuration names", required=False)
stage.output("diff", "all figures and grades, JSON")
stage.output("rows", "one line a star, Parquet")
stage.output("peculiar", "rows without a partner, repeated or moved, Parquet")

if __name__ == "__main__":
    stage.run(main)
