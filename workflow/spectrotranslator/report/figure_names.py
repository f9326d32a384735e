"""Which figures a run has, section by section; no figure is drawn that is not named here."""

from spectrotranslator.config.configuration import Configuration

SECTIONS = {
    "quality": "Translation quality",
    "calibration": "Translation quality",
    "spread": "Translation quality",
    "training": "Translation quality",
    "importance": "Importance of the inputs",
    "trust": "Where it can be trusted",
    "clusters": "Validation",
    "galaxy": "The Galaxy",
    "asymmetry": "The Galaxy",
    "grades": "Against the published catalogues",
    "diff": "Against the published catalogues",
    "sky": "Against the published catalogues",
    "flags": "Against the published catalogues",
    "flow": "Ledger",
    "rules": "Provenance",
}
RULES = "rules"
COMPARISON = ("grades", "diff", "flags")
OF_DIRECTION = ("calibration", "spread", "training", "importance")


def figure_names(configuration: Configuration) -> list[str]:
    """Stems of the figures of the stage ``draw``, in the page's order."""
    directions = list(configuration.directions)
    names = [f"quality-{m}-{d}" for d in directions for m in configuration.methods]
    names += [f"{what}-{d}" for what in OF_DIRECTION for d in directions]
    names += [f"trust-{m}-{d}" for d in directions for m in configuration.methods]
    names += [f"clusters-{m}-{d}" for m, d in with_clusters(configuration)]
    for what in ("galaxy", "asymmetry"):
        names += [f"{what}-{m}-{base}" for m, base in mapped(configuration)]
    names += [f"{what}-{d}" for what in COMPARISON for d in compared(configuration)]
    names += [f"sky-{d}" for d in on_the_sky(configuration)]
    return [*names, "flow"]


def section(name: str) -> str:
    """Heading under which a figure stands."""
    return SECTIONS[name.partition("-")[0]]


def with_clusters(configuration: Configuration) -> list[tuple[str, str]]:
    """Method and direction of the translations that are validated by clusters."""
    if configuration.validation is None or not configuration.validation.clusters:
        return []
    return [(m, d) for d in configuration.directions for m in configuration.methods]


def compared(configuration: Configuration) -> list[str]:
    """Directions held against a published catalogue."""
    if not configuration.sources.readme:
        return []
    return [name for name, direction in configuration.directions.items() if direction.published]


def on_the_sky(configuration: Configuration) -> list[str]:
    """Directions held against a published catalogue whose stars have places on the sky."""
    surveys, directions = configuration.surveys, configuration.directions
    return [d for d in compared(configuration) if surveys[directions[d].origin].position]


def mapped(configuration: Configuration) -> list[tuple[str, str]]:
    """Method and base of the homogenised catalogues whose stars have places in the Galaxy."""
    return [
        (method, direction.target)
        for direction in configuration.directions.values()
        for method in configuration.methods
        if all(
            configuration.surveys[side].position and configuration.surveys[side].distance
            for side in (direction.origin, direction.target)
        )
    ]
