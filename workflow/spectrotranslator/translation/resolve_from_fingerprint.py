"""Settings that wait for what the published catalogue says."""

from pathlib import Path

from spectrotranslator.config import Configuration
from spectrotranslator.config.configuration import FINGERPRINT, Method
from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json


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
    answer = read_json(fingerprint)["answers"]["realisations"]
    if answer["undetermined"]:
        raise InputError(
            f"{fingerprint}: the number of realisations is undetermined "
            f"({answer['undetermined']}); set montecarlo.realisations to a number"
        )
    montecarlo = method.montecarlo.model_copy(update={"realisations": answer["estimate"]})
    return method.model_copy(update={"montecarlo": montecarlo})


def resolve_method(
    configuration: Configuration, name: str, fingerprint: Path | None
) -> Configuration:
    """The configuration with one method settled."""
    method = resolve_realisations(configuration.methods[name], fingerprint)
    return configuration.model_copy(update={"methods": {**configuration.methods, name: method}})
