"""Settings that wait for what the published catalogue says."""

from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json

from .configuration import FINGERPRINT, Configuration, Method

REALISATIONS, MEMBERS = "montecarlo.realisations", "ensemble.members"
MISSING, MASKED = "montecarlo.missing", "montecarlo.masked"
MOST_REALISATIONS = 100_000
#: Setting to the question of the fingerprint that answers it.
QUESTIONS = {
    MEMBERS: "members",
    REALISATIONS: "realisations",
    MISSING: "masks",
    MASKED: "masks",
}
_TREATED_BY_DEFAULT = {MISSING: "not finite", MASKED: {}}
_VALID = {
    MISSING: TypeAdapter(Literal["not finite", "sentinels too"]),
    MASKED: TypeAdapter(dict[str, str]),
}
LENGTH = (
    "as configured, and not taken from the published catalogue, which tells the length of training "
    "only against trainings of known length (./reproduce fingerprint --lengths)"
)


def resolve_settings(method: Method, fingerprint: Path | None) -> Method:
    """``method`` with every setting that is ``fingerprint`` as the fingerprint gives it.

    Where it leaves a number undetermined the setting's fallback is taken; inputs are then treated
    as the engine does by default.

    Parameters
    ----------
    method : Method
        A method of the configuration.
    fingerprint : Path or None
        What one published catalogue says; none is needed where no setting asks for it.

    Returns
    -------
    Method
        The method, no setting of it ``fingerprint``.

    Raises
    ------
    InputError
        The fingerprint is not given or is none, or leaves a number undetermined and there is no
        fallback.
    """
    changed: dict[str, dict[str, object]] = {}
    for setting in method.waiting:
        section, _, key = setting.partition(".")
        changed.setdefault(section, {})[key] = _resolved(setting, method, fingerprint)
    sections = {
        name: getattr(method, name).model_copy(update=values) for name, values in changed.items()
    }
    return method.model_copy(update=sections)


def resolve_method(
    configuration: Configuration, name: str, fingerprint: Path | None
) -> Configuration:
    """The configuration with one method settled."""
    method = resolve_settings(configuration.methods[name], fingerprint)
    return configuration.model_copy(update={"methods": {**configuration.methods, name: method}})


def resolve_selection(configuration: Configuration, fingerprint: Path | None) -> Configuration:
    """The configuration with the selection that the fingerprint gives, where it asks for it.

    Where several cannot be told apart it is ``selection_fallback`` if that is one of them, and
    else the first of them; where no candidate is compatible it is ``selection_fallback``.

    Raises
    ------
    InputError
        The fingerprint is not given, names no candidate, or leaves the selection undetermined
        and there is no fallback.
    """
    if configuration.selection != FINGERPRINT:
        return configuration
    answer = _answer(fingerprint, "selection", "selection")
    fallback = configuration.selection_fallback
    compatible = compatible_selections(answer)
    if answer["undetermined"] and compatible and fallback not in compatible:
        fallback = compatible[0]
    name = _estimate(answer, fallback, fingerprint, "selection")
    if not isinstance(name, str) or name not in configuration.candidate_selections:
        raise InputError(f"{fingerprint}: {name!r} is no candidate selection; make it again")
    return configuration.model_copy(update={"selection": name})


def compatible_selections(answer: dict) -> list[str]:
    """Candidate selections that the fingerprint's answer on the selection cannot tell apart."""
    if not answer["undetermined"]:
        return [answer["estimate"]]
    return answer["evidence"].get("compatible", [])


def compatible_selections_of(fingerprint: Path) -> list[str]:
    """The same, of a fingerprint's file.

    Raises
    ------
    InputError
        It is no fingerprint.
    """
    return compatible_selections(_answer(fingerprint, "selection", "selection"))


def determined_settings(method: Method, fingerprint: Path | None) -> list[str]:
    """Settings of ``method`` that are ``fingerprint`` and that the fingerprint gives."""
    return [
        setting
        for setting in method.waiting
        if not _answer(fingerprint, QUESTIONS[setting], setting)["undetermined"]
    ]


def adopted_settings(configuration: Configuration, fingerprint: Path) -> list[dict]:
    """What the compared method takes from the fingerprint of one published catalogue.

    Returns
    -------
    list of dict
        For each setting that is ``fingerprint``: ``setting``, ``value``, ``interval`` (95%, or the
        choices left), ``undetermined`` (why the fallback was taken, or none) and ``sentence``.
        Where there is any, the length of training follows, which cannot be taken.
    """
    found = []
    if configuration.selection == FINGERPRINT:
        answer = _answer(fingerprint, "selection", "selection")
        chosen = resolve_selection(configuration, fingerprint).selection
        found.append(_adopted("selection", chosen, answer))
    method = configuration.methods[configuration.comparison.method]
    for setting in method.waiting:
        answer = _answer(fingerprint, QUESTIONS[setting], setting)
        found.append(_adopted(setting, _resolved(setting, method, fingerprint), answer))
    if found:
        epochs = method.training.epochs
        sentence = f"training.epochs is {epochs}, {LENGTH}"
        found.append(
            {
                "setting": "training.epochs",
                "value": epochs,
                "interval": None,
                "undetermined": LENGTH,
                "sentence": sentence,
            }
        )
    return found


def _resolved(setting: str, method: Method, fingerprint: Path | None) -> object:
    answer = _answer(fingerprint, QUESTIONS[setting], setting)
    if setting == REALISATIONS:
        fallback = method.montecarlo.realisations_fallback
        return _number(answer, fallback, MOST_REALISATIONS, fingerprint, setting)
    if setting == MEMBERS:
        ensemble = method.ensemble
        number = _number(answer, ensemble.members_fallback, None, fingerprint, setting)
        fewest = 2 * ensemble.trim + 3 if ensemble.trim else 1
        return min(max(number, fewest), ensemble.most_members)
    if answer["undetermined"]:
        return _TREATED_BY_DEFAULT[setting]
    try:
        return _VALID[setting].validate_python(answer["evidence"]["settings"][setting])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{fingerprint}: no treatment of missing inputs; make it again") from None


def _answer(fingerprint: Path | None, name: str, setting: str) -> dict:
    if fingerprint is None:
        raise InputError(f"{setting} is fingerprint, but none is given")
    try:
        answer = read_json(fingerprint)["answers"][name]
        return {key: answer[key] for key in ("estimate", "interval", "undetermined", "evidence")}
    except (KeyError, TypeError):
        raise InputError(f"{fingerprint}: no fingerprint; make it again") from None


def _number(
    answer: dict, fallback: int | None, most: int | None, fingerprint: Path | None, setting: str
) -> int:
    estimate = _estimate(answer, fallback, fingerprint, setting)
    if type(estimate) is not int or estimate < 1 or (most and estimate > most):
        name = setting.partition(".")[2]
        raise InputError(f"{fingerprint}: {estimate!r} is no number of {name}")
    return estimate


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
    return {
        "setting": setting,
        "value": value,
        "interval": answer["interval"],
        "undetermined": answer["undetermined"],
        "sentence": f"{setting} is {_shown(value)}, {_why(setting, value, answer)}",
    }


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} by {flag}" for name, flag in value.items()) or "nothing"
    return str(value)


def _why(setting: str, value: object, answer: dict) -> str:
    if setting == "selection" and answer["undetermined"] and compatible_selections(answer):
        count = len(compatible_selections(answer))
        return f"one of {count} that the published catalogue does not tell apart"
    if answer["undetermined"]:
        why = answer["undetermined"]
        return f"the fallback, since the published catalogue does not tell: {why}"
    told = "as the published catalogue tells"
    evidence = answer["evidence"]
    if setting == "selection":
        first = evidence["ranking"][0]
        return f"{told}, contradicted by {first['contradicted_by']} of {evidence['stars']} stars"
    if QUESTIONS[setting] == "masks":
        return f"{told}, in the flags of all {evidence['rows']} stars"
    if value != answer["estimate"]:
        return (
            f"the nearest that can be, where the published catalogue tells {answer['estimate']} "
            "(ensemble.most_members are trained)"
        )
    low, high = answer["interval"]
    return f"{told}, between {low} and {high} with 95%"
