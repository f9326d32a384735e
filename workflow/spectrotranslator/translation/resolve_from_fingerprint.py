"""Settings that wait for what the published catalogue says."""

from pathlib import Path

from spectrotranslator.config import Configuration
from spectrotranslator.config.configuration import FINGERPRINT, Method
from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json

MOST_REALISATIONS = 100_000


def resolve_realisations(method: Method, fingerprint: Path | None) -> Method:
    """``method`` with the number of realisations that the fingerprint gives, where it asks for it.

    Raises
    ------
    InputError
        The fingerprint is not given, or leaves the number undetermined.
    """
    if method.montecarlo.realisations != FINGERPRINT:
        return method
    if fingerprint is None:
        raise InputError("montecarlo.realisations is fingerprint, but none is given")
    try:
        answer = read_json(fingerprint)["answers"]["realisations"]
        undetermined, estimate = answer["undetermined"], answer["estimate"]
    except (KeyError, TypeError):
        raise InputError(f"{fingerprint}: no fingerprint; make it again") from None
    if undetermined:
        raise InputError(
            f"{fingerprint}: the number of realisations is undetermined "
            f"({undetermined}); set montecarlo.realisations to a number"
        )
    if type(estimate) is not int or not 1 <= estimate <= MOST_REALISATIONS:
        raise InputError(f"{fingerprint}: {estimate!r} is no number of realisations")
    montecarlo = method.montecarlo.model_copy(update={"realisations": estimate})
    return method.model_copy(update={"montecarlo": montecarlo})


def resolve_method(
    configuration: Configuration, name: str, fingerprint: Path | None
) -> Configuration:
    """The configuration with one method settled."""
    method = resolve_realisations(configuration.methods[name], fingerprint)
    return configuration.model_copy(update={"methods": {**configuration.methods, name: method}})
