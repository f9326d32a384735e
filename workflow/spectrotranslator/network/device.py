"""Which device torch computes on."""

import os
import platform
import sys

import torch
from torch import nn

from spectrotranslator.config.configuration import Compute
from spectrotranslator.errors import InputError

PREFERENCE = ("cuda", "mps")


def instruction_set() -> str:
    """The instruction set of this machine's processor that torch computes with."""
    return torch.backends.cpu.get_cpu_capability()


def device_of(compute: Compute) -> str:
    """The device of a job, once its node is what the configuration asks for.

    Raises
    ------
    InputError
        Another instruction set than ``compute.instruction_set``, or as ``choose``.
    """
    wanted, found = compute.instruction_set, instruction_set()
    if wanted and wanted != found:
        raise InputError(
            f"compute.instruction_set: {wanted} is asked for and {platform.node()} has "
            f"{found}; keep jobs off such nodes (constraint in profiles/slurm) or set another"
        )
    return choose(compute.device)


def choose(wanted: str) -> str:
    """The device to use: ``wanted``, or for ``auto`` the first that proves it can train.

    A GPU that is there but was not given to a job of Slurm is another's.

    Raises
    ------
    InputError
        A device was asked for by name and cannot train.
    """
    if wanted == "cpu":
        return "cpu"
    if wanted != "auto":
        if reason := _fault(wanted):
            raise InputError(
                f"compute.device: {wanted} cannot train here ({reason}); use auto or cpu"
            )
        return wanted
    if "SLURM_JOB_ID" in os.environ and "CUDA_VISIBLE_DEVICES" not in os.environ:
        print("Slurm gave this job no GPU; the CPU is used", file=sys.stderr)
        return "cpu"
    faults = {device: _fault(device) for device in PREFERENCE}
    for device, fault in faults.items():
        if fault is None:
            return device
    reasons = "; ".join(f"{device}: {fault}" for device, fault in faults.items())
    print(f"No GPU proves itself ({reasons}); the CPU is used", file=sys.stderr)
    return "cpu"


def _fault(device: str) -> str | None:
    """Why one real training step fails on ``device``; None if it works."""
    try:
        layer = nn.Linear(64, 64).to(device)
        optimiser = torch.optim.Adam(layer.parameters())
        loss = layer(torch.ones(8, 64, device=device)).square().mean()
        loss.backward()
        optimiser.step()
        return None if torch.isfinite(loss).item() else "a training step gave no number"
    except (AssertionError, RuntimeError) as error:
        return str(error).splitlines()[0]
