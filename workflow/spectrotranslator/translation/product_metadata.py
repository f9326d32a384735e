"""What every product says of itself: simulated or not, made by what, of what, on which terms."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from spectrotranslator import __version__
from spectrotranslator.config import Configuration
from spectrotranslator.config.configuration import FINGERPRINT
from spectrotranslator.download.registry import Source, read_registry
from spectrotranslator.files import digest
from spectrotranslator.repository import repository

PAPER = "2024A&A...690A..54T doi:10.1051/0004-6361/202451427"
LICENCE = "BSD-3-Clause for the results; cite the references; survey data: their own terms"
SIMULATED = "Simulated stars: nothing in this file was observed, and no star of it exists."
#: Sections of the configuration that decide what a product holds.
DECIDING = ("surveys", "match", "crossmatch", "split")


def product_metadata(
    configuration: Configuration, method: str, direction: str, registry: Path
) -> dict[str, str | bool]:
    """Keyword to value, the same in FITS, Parquet, VOTable and ReadMe.

    No clock, host or path is in it, so the same code and settings give the same bytes.

    Parameters
    ----------
    configuration : Configuration
        The resolved configuration of the run.
    method, direction : str
        Names of what made the product.
    registry : Path
        The table of sources.

    Returns
    -------
    dict
        ``SIMULATED`` (bool), ``RUN``, ``METHOD``, ``DIRECTION``, ``VERSION``, ``COMMIT``,
        ``CONFIG`` (digest of the settings that decide the product), ``INPUTS`` (with the year of
        publication of each), ``REF1`` ... (bibcode and DOI) and ``LICENCE``.

    Raises
    ------
    InputError
        The table of sources cannot be read.
    """
    sources = _sources(configuration, direction, read_registry(registry))
    references = dict.fromkeys([PAPER, *map(_reference, sources)])
    return {
        "SIMULATED": configuration.evidence == "simulated",
        "RUN": configuration.run,
        "METHOD": method,
        "DIRECTION": direction,
        "VERSION": __version__,
        "COMMIT": _commit(),
        "CONFIG": settings_digest(configuration, method, direction),
        "INPUTS": _inputs(configuration, direction, sources),
        **{f"REF{number}": text for number, text in enumerate(references, 1)},
        "LICENCE": LICENCE,
    }


def as_texts(metadata: Mapping[str, str | bool]) -> dict[str, str]:
    """The metadata as text, truth values as ``T`` and ``F``."""
    return {k: "FT"[v] if isinstance(v, bool) else v for k, v in metadata.items()}


def settings_digest(configuration: Configuration, method: str, direction: str) -> str:
    """SHA-256 of the settings that decide a product; names of the user's files are left out."""
    settings = configuration.model_dump(mode="json", by_alias=True)
    chosen = {name: settings[name] for name in DECIDING}
    chosen["selection"] = (
        FINGERPRINT
        if configuration.selection == FINGERPRINT
        else configuration.chosen_selection.model_dump(mode="json")
    )
    for survey in chosen["surveys"].values():
        del survey["path"]
    of_direction = {**settings["directions"][direction], "catalogue": None}
    return digest([chosen, of_direction, settings["methods"][method]])


def _commit() -> str:
    known = repository()
    return known["commit"] + (", modified" if known["modified"] is True else "")


def _sources(
    configuration: Configuration, direction: str, registry: dict[str, Source]
) -> list[Source]:
    """One source of every data set behind a direction."""
    chosen = configuration.directions[direction]
    fetched = configuration.sources.surveys
    names = [name for s in (chosen.origin, chosen.target) for name in fetched.get(s, [])]
    names += ["gaia"] if configuration.sources.photometry else []
    found = [registry[name] for name in names if name in registry]
    return list({(source.dataset, source.release): source for source in found}.values())


def _reference(source: Source) -> str:
    return f"{source.citation} doi:{source.doi}" if source.doi else source.citation


def _inputs(configuration: Configuration, direction: str, sources: list[Source]) -> str:
    told = [f"{s.dataset} {s.release} ({s.citation[:4]})" for s in sources]
    told += list(_own_tables(configuration, direction))
    layout = "simulated in the layout of " if configuration.sky else ""
    return layout + ", ".join(told)


def _own_tables(configuration: Configuration, direction: str) -> Iterator[str]:
    chosen = configuration.directions[direction]
    for survey in (chosen.origin, chosen.target):
        if configuration.surveys[survey].path:
            yield f"{configuration.surveys[survey].title} (a table of the user's own)"
