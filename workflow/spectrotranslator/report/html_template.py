"""What all pages share: templates that escape, one look, figures within the page."""

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup


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
    return found


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
