"""What all pages share: templates that escape, one look, figures within the page."""

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup

from spectrotranslator.surveys.column_roles import label_columns

#: Names that labels go by in tables, to how people write them.
WRITTEN = {
    "teff": "Teff", "logg": "log g", "feh": "[Fe/H]", "mh": "[M/H]", "mgfe": "[Mg/Fe]",
    "alphafe": "[α/Fe]", "alpham": "[α/M]", "vhelio": "radial velocity", "rv": "radial velocity",
    "hrv": "radial velocity", "vrad": "radial velocity", "vlos": "radial velocity",
}  # fmt: skip


def environment(folder: Path, files_at: str = "..") -> jinja2.Environment:
    """Templates of ``folder``, everything escaped.

    ``files_at`` leads from the page to the folder in which the files lie that it links to.
    """
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["files_at"] = files_at
    found.filters["figure"] = lambda value: f"{value:.4g}"
    found.filters["brief"] = lambda value: f"{value:.3g}"
    found.filters["label"] = written_label
    found.filters["unit"] = written_unit
    return found


def written_label(name: str) -> str:
    """A label as people write it, such as ``log g`` for ``LOGG``; else its name.

    Parameters
    ----------
    name : str
        Name of a column that holds a label.

    Returns
    -------
    str
        The text for headings; columns of the catalogues keep their own names.
    """
    found = label_columns([name])
    return WRITTEN.get(found[0].word, name) if found else name


def written_unit(unit: str) -> str:
    """A unit as people write it: that of a decimal logarithm is dex."""
    return "dex" if unit.startswith("dex(") else unit


def look(folder: Path) -> dict[str, str]:
    """Our style and script, and the digests by which a page's own policy lets them work."""
    found = {}
    for name, file in (("style", "style.css"), ("script", "script.js")):
        text = (folder / file).read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        found |= {name: Markup(text), f"{name}_digest": f"sha256-{digest}"}
    return found


def embedded(path: Path, told: dict[str, str], top: bool) -> dict:
    """An SVG file as a figure of the page; ``told`` is its title and caption."""
    picture = base64.b64encode(path.read_bytes()).decode()
    return {
        "name": path.stem,
        "what": path.stem.partition("-")[0],
        "top": top,
        "title": told["title"],
        "caption": told["caption"],
        "image": f"data:image/svg+xml;base64,{picture}",
    }
