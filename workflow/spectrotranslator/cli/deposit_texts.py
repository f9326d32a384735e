"""The ReadMe and Zenodo's metadata of a deposited run."""

from dataclasses import dataclass

from spectrotranslator import __version__
from spectrotranslator.config import Configuration
from spectrotranslator.download.registry import Source
from spectrotranslator.files import read_yaml
from spectrotranslator.repository import ROOT
from spectrotranslator.translation.product_metadata import LICENCE, PAPER, SIMULATED

FOLDERS = {
    "catalogues": "catalogues by method as FITS, VOTable, Parquet and CDS table; a ReadMe in each "
    "folder describes every column",
    "models": "trained networks, one file a direction: ./reproduce translate and "
    "spectrotranslator.Translation.load take them; a model card is in each",
    "figures": "every figure as SVG and PDF, with its data",
    "report": "the report, one page",
    "evaluation": "residuals of every method on stars that it was not trained on",
    "sample": "how many stars each cut left",
    "provenance": "RO-Crate, manifest, records of all jobs, the code; the crate names also those "
    "files of the run that are not here, by their digests",
}
CHECK = "sha256sum -c SHA256SUMS"
PAPER_DOI = PAPER.partition("doi:")[2]


@dataclass(frozen=True)
class Held:
    """A file of a deposit: name within it, bytes, SHA-256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class LeftOut:
    """What a deposit does not hold: name, bytes, why, and where it is to be had."""

    name: str
    bytes: int | None
    why: str
    url: str


def title(configuration: Configuration) -> str:
    """Title of the deposit."""
    surveys = [survey.title for survey in configuration.surveys.values()]
    mark = "SIMULATED DATA: " if configuration.evidence == "simulated" else ""
    return f"{mark}{' and '.join(surveys)} on one scale, run {configuration.run}"


def readme(configuration: Configuration, held: list[Held], left_out: list[LeftOut]) -> str:
    """The ReadMe of a deposit."""
    total = sum(one.bytes for one in held)
    lines = [title(configuration), "=" * 80, ""]
    if configuration.evidence == "simulated":
        lines += [SIMULATED, ""]
    lines += [f"{len(held)} files, {total} bytes, besides this one. To check them: {CHECK}", ""]
    for folder, what in FOLDERS.items():
        size = sum(one.bytes for one in held if one.name.startswith(f"{folder}/"))
        if size:
            lines.append(f"{folder}/  {size} bytes: {what}")
    lines += ["", "Take the method robust for science where the run has it.", "", "Not here", ""]
    lines += [_left_out(one) for one in left_out]
    own = [s.title for s in configuration.surveys.values() if s.path]
    if own:
        lines.append(
            f"The tables of {', '.join(own)}, the user's own. Catalogues and models hold values of "
            "them: make sure that these may be passed on."
        )
    lines += ["", "Terms", "", LICENCE, "", "Files", ""]
    lines += [f"{one.bytes:>14}  {one.name}" for one in held]
    return "\n".join(lines) + "\n"


def _left_out(one: LeftOut) -> str:
    size = "" if one.bytes is None else f" ({one.bytes} bytes)"
    return f"{one.name}{size}: {one.why}{f'; {one.url}' if one.url else ''}"


def zenodo(configuration: Configuration, registry: dict[str, Source]) -> dict:
    """Content of ``.zenodo.json``.

    References
    ----------
    https://developers.zenodo.org, section "Deposit metadata".
    """
    authors = read_yaml(ROOT / "CITATION.cff")["authors"]
    names = [name for files in configuration.sources.surveys.values() for name in files]
    derived = dict.fromkeys(registry[name].doi for name in names if registry[name].doi)
    simulated = configuration.evidence == "simulated"
    told = f"<p>{SIMULATED}</p>" if simulated else ""
    related = [(PAPER_DOI, "cites")]
    related += [] if simulated else [(doi, "isDerivedFrom") for doi in derived]
    return {
        "title": title(configuration),
        "upload_type": "dataset",
        "description": f"{told}<p>Stars of several surveys on one scale, translated by ensembles "
        "of neural networks. ReadMe says what each file is.</p>",
        "creators": [{"name": _creator(author)} for author in authors],
        "access_right": "open",
        "license": "bsd-3-clause",
        "version": __version__,
        "keywords": ["stellar parameters", "spectroscopic surveys", configuration.evidence],
        "related_identifiers": [
            {"identifier": doi, "relation": relation, "scheme": "doi"} for doi, relation in related
        ],
        "notes": LICENCE,
    }


def _creator(author: dict) -> str:
    if "name" in author:
        return author["name"]
    return f"{author['family-names']}, {author['given-names']}"
