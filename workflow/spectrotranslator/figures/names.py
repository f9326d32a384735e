"""Which figures a run has; no figure is drawn that is not named here."""

from ..configuration.model import Configuration


def figure_names(configuration: Configuration) -> list[str]:
    """Stems of all figures of the run, in the page's order."""
    names = []
    for method in configuration.methods:
        for direction in configuration.directions:
            names += [
                f"{what}-{method}-{direction}" for what in ("quality", "importance", "training")
            ]
    names += [f"diff-{direction}" for direction in compared(configuration)]
    return names + [f"galaxy-{method}-{base}" for method, base in mapped(configuration)]


def compared(configuration: Configuration) -> list[str]:
    """Directions held against a published catalogue."""
    if not configuration.sources.readme:
        return []
    return [name for name, direction in configuration.directions.items() if direction.published]


def mapped(configuration: Configuration) -> list[tuple[str, str]]:
    """Method and base of the homogenised catalogues whose stars have places in the Galaxy."""
    return [
        (method, direction.target)
        for method in configuration.methods
        for direction in configuration.directions.values()
        if all(
            configuration.surveys[side].position and configuration.surveys[side].distance
            for side in (direction.origin, direction.target)
        )
    ]
