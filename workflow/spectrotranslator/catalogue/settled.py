"""Settings that wait for what the published catalogue says."""

from pathlib import Path

from ..configuration import Configuration
from ..configuration.model import FINGERPRINT, Method
from ..errors import InputError
from ..files import read_json


def settled(method: Method, fingerprint: Path | None) -> Method:
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


def settled_in(configuration: Configuration, name: str, fingerprint: Path | None) -> Configuration:
    """The configuration with one method settled."""
    method = settled(configuration.methods[name], fingerprint)
    return configuration.model_copy(update={"methods": {**configuration.methods, name: method}})
