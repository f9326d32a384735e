"""A trained network on disk: ``weights.safetensors`` and ``training.json`` beside it."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from spectrotranslator.config.configuration import NetworkKind, NetworkSettings
from spectrotranslator.errors import InputError
from spectrotranslator.files import atomic, read_json, sha256, write_json

from .device import instruction_set
from .scaling import Scaling
from .translator import Translator


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
        save_file(
            {name: value.cpu().contiguous() for name, value in network.state_dict().items()},
            temporary,
        )
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
    try:
        model = model_of(facts, load_file(weights))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{weights}: not the weights of this network ({reason})") from None
    _compare_machines(weights, facts)
    return model


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
    facts = read_json(path)
    needed = ("inputs", "outputs", "correct", "network", "input_scaling", "output_scaling")
    if not isinstance(facts, dict) or any(name not in facts for name in needed):
        raise InputError(f"{path}: not the description of a network; train it again")
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
    return Scaling(np.array(listed["mean"]), np.array(listed["std"]))


def tensor(values) -> torch.Tensor:
    """Float32 tensor of ``values``."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
