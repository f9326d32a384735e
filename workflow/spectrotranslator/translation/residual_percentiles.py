"""Percentiles that come from residuals of stars left out, where no input has an error."""

from spectrotranslator.config.configuration import Configuration

FROM_RESIDUALS = (
    "those of a new measurement, from residuals of stars left out of the training, as no input has "
    "an error"
)


def kinds_from_residuals(configuration: Configuration, method: str, direction: str) -> list[str]:
    """Networks of a method whose percentiles are those of residuals, as no input has an error."""
    chosen = configuration.directions[direction]
    if configuration.methods[method].montecarlo.intervals != "realisations":
        return []
    survey = configuration.surveys[chosen.origin]
    return [k for k, network in chosen.networks.items() if not survey.states_errors(network.inputs)]
