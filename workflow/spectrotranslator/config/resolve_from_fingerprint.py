"""Settings that wait for what the published catalogue says."""

from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json

from .configuration import FINGERPRINT, Configuration, Method

MOST_REALISATIONS = 100_000


def resolve_realisations(method: Method, fingerprint: Path | None) -> Method:
    """``method`` with the number of realisations that the fingerprint gives, where it asks for it.

    Where the fingerprint leaves it undetermined it is ``montecarlo.realisations_fallback``.

    Raises
    ------
    InputError
        The fingerprint is not given, or leaves the number undetermined and there is no fallback.
    """
    if method.montecarlo.realisations != FINGERPRINT:
        return method
    answer = _answer(fingerprint, "realisations", "montecarlo.realisations")
    fallback = method.montecarlo.realisations_fallback
    estimate = _estimate(answer, fallback, fingerprint, "montecarlo.realisations")
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


def resolve_selection(configuration: Configuration, fingerprint: Path | None) -> Configuration:
    """The configuration with the selection that the fingerprint gives, where it asks for it.

    Where the fingerprint leaves it undetermined it is ``selection_fallback``.

    Raises
    ------
    InputError
        The fingerprint is not given, names no candidate, or leaves the selection undetermined
        and there is no fallback.
    """
    if configuration.selection != FINGERPRINT:
        return configuration
    answer = _answer(fingerprint, "selection", "selection")
    name = _estimate(answer, configuration.selection_fallback, fingerprint, "selection")
    if not isinstance(name, str) or name not in configuration.candidate_selections:
        raise InputError(f"{fingerprint}: {name!r} is no candidate selection; make it again")
    return configuration.model_copy(update={"selection": name})


def adopted_settings(configuration: Configuration, fingerprint: Path) -> list[dict]:
    """What the compared method takes from the fingerprint of one published catalogue.

    Returns
    -------
    list of dict
        For each setting that is ``fingerprint``: ``setting``, ``value``, ``interval`` (95%, or the
        choices left), ``undetermined`` (why the fallback was taken, or none) and ``sentence``.
    """
    found = []
    if configuration.selection == FINGERPRINT:
        answer = _answer(fingerprint, "selection", "selection")
        chosen = resolve_selection(configuration, fingerprint).selection
        found.append(_adopted("selection", chosen, answer))
    method = configuration.methods[configuration.comparison.method]
    if method.montecarlo.realisations == FINGERPRINT:
        answer = _answer(fingerprint, "realisations", "montecarlo.realisations")
        number = resolve_realisations(method, fingerprint).montecarlo.realisations
        found.append(_adopted("montecarlo.realisations", number, answer))
    return found


def _answer(fingerprint: Path | None, name: str, setting: str) -> dict:
    if fingerprint is None:
        raise InputError(f"{setting} is fingerprint, but none is given")
    try:
        answer = read_json(fingerprint)["answers"][name]
        return {key: answer[key] for key in ("estimate", "interval", "undetermined", "evidence")}
    except (KeyError, TypeError):
        raise InputError(f"{fingerprint}: no fingerprint; make it again") from None


def _estimate(answer: dict, fallback: object, fingerprint: Path | None, setting: str) -> object:
    if not answer["undetermined"]:
        return answer["estimate"]
    if fallback is None:
        raise InputError(
            f"{fingerprint}: {setting} is undetermined ({answer['undetermined']}); set {setting}, "
            f"or {setting}_fallback"
        )
    return fallback


def _adopted(setting: str, value: object, answer: dict) -> dict:
    if answer["undetermined"]:
        why = f"the fallback, since the published catalogue does not tell: {answer['undetermined']}"
    elif setting == "selection":
        stars, first = answer["evidence"]["stars"], answer["evidence"]["ranking"][0]
        why = f"as the published catalogue tells, contradicted by {first['contradicted_by']} of "
        why += f"{stars} stars"
    else:
        low, high = answer["interval"]
        why = f"as the published catalogue tells, between {low} and {high} with 95%"
    return {
        "setting": setting,
        "value": value,
        "interval": answer["interval"],
        "undetermined": answer["undetermined"],
        "sentence": f"{setting} is {value}, {why}",
    }
