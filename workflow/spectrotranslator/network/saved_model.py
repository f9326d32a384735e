"""A trained network on disk: ``weights.safetensors`` and ``training.json`` beside it."""

import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from pydantic import ValidationError
from safetensors.torch import save as serialised

from spectrotranslator.config.configuration import NetworkKind, NetworkSettings
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, sha256, write_json
from spectrotranslator.untrusted import printable, read_json_object, read_safetensors

from .device import instruction_set
from .scaling import Scaling
from .translator import Translator

WEIGHTS_BYTES = 4_000_000_000
FACTS_BYTES = 10_000_000
MOST_NAMES = 1_000


@dataclass(frozen=True)
class Model:
    """One member: the network and what is needed to use it on stars."""

    network: Translator
    inputs: list[str]
    outputs: list[str]
    correct: str
    input_scaling: Scaling
    output_scaling: Scaling
    facts: dict


def save(network: Translator, facts: dict, weights: Path, description: Path) -> None:
    """Write weights, and ``facts`` with the weights' digest."""
    with atomic(weights) as temporary:
        # The library's own writer makes files that only their owner may read.
        state = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
        temporary.write_bytes(serialised(state))
    write_json(description, {**facts, "weights_sha256": sha256(weights)})


def load_model(weights: Path, check_digest: bool = False) -> Model:
    """Read a member from its weights' path; its description lies beside.

    Inside the workflow a changed member is data: it is scored again and named in the verdict.
    Elsewhere ``check_digest`` refuses weights that are not the ones that were trained.

    Raises
    ------
    InputError
        A file is absent, cut short, changed, or does not fit its description.
    """
    facts = _facts(weights.with_name("training.json"))
    if not weights.is_file():
        raise InputError(f"{weights}: no such file; train it again")
    if check_digest and sha256(weights) != facts["weights_sha256"]:
        raise InputError(f"{weights}: changed since training.json was written; train it again")
    _refuse_too_wide(weights, facts)
    try:
        model = model_of(facts, _weights(weights))
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        reason = printable(str(error).splitlines()[0])
        raise InputError(f"{weights}: not the weights of this network ({reason})") from None
    _compare_machines(weights, facts)
    return model


def _weights(path: Path) -> dict[str, torch.Tensor]:
    """Finite float32 tensors of a file of weights.

    Raises
    ------
    InputError
        The file is no regular one, is damaged, or holds other numbers.
    """
    arrays = read_safetensors(path, WEIGHTS_BYTES, links=True)
    for name, array in arrays.items():
        if array.dtype != np.float32:
            raise InputError(
                f"{path}: tensor '{printable(name)}' is not of float32; train it again"
            )
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _refuse_too_wide(weights: Path, facts: dict) -> None:
    """Refuse a description of a network larger than its file of weights, before it is made."""
    try:
        widths = NetworkSettings.model_validate(facts["network"]).widths
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        path = weights.with_name("training.json")
        raise InputError(f"{path}: network: {printable(reason)}; train it again") from None
    needed = 4 * sum(narrow * wide for narrow, wide in pairwise(widths))
    if needed > weights.stat().st_size:
        raise InputError(f"{weights}: smaller than the network that training.json describes")


def model_of(facts: dict, weights: dict[str, torch.Tensor]) -> Model:
    """The member that ``facts``, a ``training.json``, describe, with its ``weights``.

    Raises
    ------
    RuntimeError
        They are not the weights of this network.
    """
    unit = facts.get("unit")
    network = Translator(
        len(facts["inputs"]),
        len(facts["outputs"]),
        facts["correct"],
        NetworkSettings.model_validate(facts["network"]),
        None if unit is None else tensor(unit),
    )
    network.load_state_dict(weights)
    network.mark_started()
    network.eval()
    return Model(
        network=network,
        inputs=facts["inputs"],
        outputs=facts["outputs"],
        correct=facts["correct"],
        input_scaling=_scaling(facts["input_scaling"]),
        output_scaling=_scaling(facts["output_scaling"]),
        facts=facts,
    )


def _compare_machines(weights: Path, facts: dict) -> None:
    """Say where this node's instruction set is not the recorded one of the training."""
    trained, here = facts.get("instruction_set"), instruction_set()
    if trained and trained != here:
        print(
            f"{weights}: trained with {trained}, used with {here}: another machine's last digits",
            file=sys.stderr,
        )


def _facts(path: Path) -> dict:
    """What a description must hold for its network to be used."""
    facts = read_json_object(path, FACTS_BYTES, links=True)
    needed = ("inputs", "outputs", "correct", "network", "input_scaling", "output_scaling")
    if any(name not in facts for name in needed):
        raise InputError(f"{path}: not the description of a network; train it again")
    for name in ("inputs", "outputs"):
        names = facts[name]
        if not isinstance(names, list) or not 0 < len(names) <= MOST_NAMES:
            raise InputError(f"{path}: {name} are no list of names; train it again")
    return facts


def describe(kind: NetworkKind, settings: NetworkSettings, scalings) -> dict:
    """The part of ``training.json`` that says how to use the network.

    ``scalings`` are the sample's: ``input``, ``output`` and the correction's ``unit``.
    """
    return {
        "schema_version": 1,
        "inputs": kind.inputs,
        "outputs": kind.outputs,
        "correct": kind.correct,
        "network": settings.model_dump(mode="json"),
        "input_scaling": _listed(scalings.input),
        "output_scaling": _listed(scalings.output),
        "unit": None if scalings.unit is None else scalings.unit.tolist(),
    }


def _listed(scaling: Scaling) -> dict[str, list[float]]:
    return {"mean": scaling.mean.tolist(), "std": scaling.std.tolist()}


def _scaling(listed: dict[str, list[float]]) -> Scaling:
    scaling = Scaling(*(np.array(listed[name], dtype=np.float64) for name in ("mean", "std")))
    if not (np.isfinite(scaling.mean).all() and (scaling.std > 0).all()):
        raise ValueError("a scaling that is not finite")
    return scaling


def tensor(values) -> torch.Tensor:
    """Float32 tensor of ``values``."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
