"""A page and figures of any two catalogues that were compared."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from spectrotranslator.files import read_json, write_text

from . import plot_differences
from .html_template import embedded, environment, look

TEMPLATES = Path(__file__).parent / "templates"
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
        environment(TEMPLATES, files_at=".")
        .get_template("diff.html")
        .render(
            diff=diff,
            published=sides[0].name,
            regenerated=sides[1].name,
            figures=figures,
            worst=[
                star | {"column": label}
                for label in plot_differences.medians(diff)
                for star in diff["columns"][label].get("worst", [])[:WORST]
            ],
            **look(TEMPLATES),
        )
    )
    write_text(page, text)
    return page


def _figures(name: str, diff: dict, rows: Path, regenerated: Callable[[str], np.ndarray]):
    yield plot_differences.draw_grades(name, diff)
    if plot_differences.medians(diff):
        yield plot_differences.draw(name, diff, rows, regenerated)
    if len(plot_differences.flags_table(diff)):
        yield plot_differences.draw_flags(name, diff)
