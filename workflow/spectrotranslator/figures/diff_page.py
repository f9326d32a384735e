"""A page and figures of any two catalogues that were compared."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..files import read_json, write_text
from . import differences
from .template import embedded, environment, look

TEMPLATES = Path(__file__).parent / "page"
WORST = 3


def write_page(
    folder: Path, sides: tuple[Path, Path], regenerated: Callable[[str], np.ndarray]
) -> Path:
    """Write ``index.html`` and ``figures/`` beside the ``diff.json`` and ``rows.parquet`` there.

    ``sides`` are the two catalogues' files, ``regenerated`` gives a column of the second, matched
    row by matched row. What is drawn does not grow with the number of differences.
    """
    diff = read_json(folder / "diff.json")
    name = diff["table"].split(".")[0]
    figures = []
    for drawn in _figures(name, diff, folder / "rows.parquet", regenerated):
        drawn.save(folder / "figures")
        path = folder / "figures" / f"{drawn.name}.svg"
        figures.append(embedded(path, {"title": drawn.title, "caption": drawn.caption}, False))
    page = folder / "index.html"
    text = (
        environment(TEMPLATES)
        .get_template("diff.html")
        .render(
            diff=diff,
            published=sides[0].name,
            regenerated=sides[1].name,
            figures=figures,
            worst=[
                star | {"column": label}
                for label in differences.medians(diff)
                for star in diff["columns"][label].get("worst", [])[:WORST]
            ],
            **look(TEMPLATES),
        )
    )
    write_text(page, text)
    return page


def _figures(name: str, diff: dict, rows: Path, regenerated: Callable[[str], np.ndarray]):
    yield differences.draw_grades(name, diff)
    if differences.medians(diff):
        yield differences.draw(name, diff, rows, regenerated)
    if len(differences.flags_table(diff)):
        yield differences.draw_flags(name, diff)
