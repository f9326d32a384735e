"""Look at the machine before a run: disk, memory, cores, and a GPU that really computes."""

import os
import shutil
from pathlib import Path

import psutil

from spectrotranslator.config import Configuration

from .check_result import CheckResult

BYTES_A_ROW = 6_000


def check_machine(run: Configuration, to_fetch: int, rows: int) -> list[CheckResult]:
    """Findings on disk (for ``to_fetch`` bytes and products of ``rows`` rows) and the rest."""
    return [*_disk(run, to_fetch, rows), _memory(run), _cores(run), _device(run)]


def _disk(run: Configuration, to_fetch: int, rows: int) -> list[CheckResult]:
    products = rows * BYTES_A_ROW
    downloads = Path(run.sources.folder) if run.sources.folder else Path("results")
    needs = {"results": products}
    needs[str(downloads)] = needs.get(str(downloads), 0) + to_fetch
    findings = []
    for place, needed in needs.items():
        free = shutil.disk_usage(_there(Path(place))).free
        found = f"{place}: {free / 1e9:.1f} GB free, about {needed / 1e9:.1f} GB needed"
        if free > needed:
            findings.append(CheckResult("machine", "disk", "ok", found))
        else:
            advice = "make room, or set sources.folder to a folder on a larger disk"
            findings.append(CheckResult("machine", "disk", "fault", found, advice))
    return findings


def _there(path: Path) -> Path:
    while not path.exists():
        path = path.absolute().parent
    return path


def _memory(run: Configuration) -> CheckResult:
    available, needed = psutil.virtual_memory().available / 1e6, run.compute.memory_mb
    found = f"{available:.0f} MB available, {needed} MB a job"
    if available >= needed:
        return CheckResult("machine", "memory", "ok", found)
    return CheckResult(
        "machine", "memory", "fault", found, "close programs or lower compute.memory_mb"
    )


def _cores(run: Configuration) -> CheckResult:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = f"{cores} may be used, {run.compute.threads} a training"
    state = "ok" if cores >= run.compute.threads else "note"
    return CheckResult("machine", "cores", state, found)


def _device(run: Configuration) -> CheckResult:
    wanted = run.compute.device
    if wanted == "cpu":
        return CheckResult("machine", "device", "ok", "cpu, as configured")
    import torch

    names = ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
    chosen = wanted if wanted != "auto" else next(iter(names), "cpu")
    if chosen == "cpu":
        note = "cpu: no GPU is seen; the networks train on the CPU"
        return CheckResult("machine", "device", "note", note)
    if chosen not in names:
        advice = "install its driver and the right torch, or set compute.device: auto"
        return CheckResult("machine", "device", "fault", f"no {chosen} is seen", advice)
    return _computes(torch, chosen)


def _computes(torch, device: str) -> CheckResult:
    """A product on the device held against the CPU's: a GPU that is seen may still not compute."""
    try:
        generator = torch.Generator().manual_seed(1)
        one = torch.randn(256, 256, generator=generator)
        there = (one.to(device) @ one.to(device)).cpu()
        name = torch.cuda.get_device_name() if device == "cuda" else device
        if torch.allclose(there, one @ one, rtol=1e-2, atol=1e-2):
            return CheckResult("machine", "device", "ok", f"{name} computes")
        reason = "its product is wrong"
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
    advice = "set compute.device: cpu, or mend the driver"
    return CheckResult("machine", "device", "fault", f"{device} does not compute: {reason}", advice)
