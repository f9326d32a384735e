"""Where a job ran: interpreter and distributions, machine, threads, accelerator, precision."""

import os
import platform
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from spectrotranslator.files import digest, sha256

WITHHOLD_HOST = "SPECTROTRANSLATOR_WITHHOLD_HOST"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
INSTRUCTION_SETS = (
    "sse", "ssse3", "avx", "fma", "f16c", "bmi", "amx", "sha_ni", "vnni",
    "asimd", "neon", "sve", "fphp", "bf16", "i8mm",
)  # fmt: skip


@cache
def environment() -> dict:
    """Installed distributions and their digest, and Python."""
    installed = sorted(set(_distributions()))
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "distributions": installed,
        "digest": digest(installed),
    }


def _distributions() -> Iterator[str]:
    """``name==version`` by the names of their folders: reading their metadata takes 0.1 s a job."""
    for place in dict.fromkeys(filter(None, sys.path)):
        for folder in Path(place).glob("*.dist-info"):
            name, _, version = folder.name.removesuffix(".dist-info").partition("-")
            yield f"{re.sub('[-_.]+', '-', name).lower()}=={version}"


def machine() -> dict:
    """What the job ran on; the host's name stays out where the environment asks for it."""
    cpu = _cpu()
    return {
        "system": platform.system(),
        "distribution": _distribution(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "architecture": platform.machine(),
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "instruction_sets": [
            flag
            for flag in sorted((cpu.get("flags") or cpu.get("Features") or "").split())
            if flag.startswith(INSTRUCTION_SETS)
        ],
        "cores": os.cpu_count(),
        "cores_allowed": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_mb": _memory_mb(),
        "host": "withheld" if os.environ.get(WITHHOLD_HOST) else platform.node(),
        **_container(),
    }


def _container() -> dict:
    """Digest of the Apptainer image the job runs in; nothing outside one."""
    image = os.environ.get("APPTAINER_CONTAINER")
    if image is None:
        return {}
    path = Path(image)
    return {"container": sha256(path) if path.is_file() else f"not to be seen from within: {image}"}


def compute() -> dict:
    """Threads, accelerator and precision switches as the job left them; ``none`` if unused."""
    threads = {name: os.environ[name] for name in THREADS if name in os.environ}
    torch = sys.modules.get("torch")
    if torch is None:
        return {"threads": threads, "torch": "none", "accelerator": "none", "precision": "none"}
    return {
        "threads": threads
        | {"torch": torch.get_num_threads(), "torch_interop": torch.get_num_interop_threads()},
        "torch": {
            "version": torch.__version__,
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        },
        "accelerator": _accelerator(torch),
        "precision": {
            "default": str(torch.get_default_dtype()).removeprefix("torch."),
            "matmul": torch.get_float32_matmul_precision(),
            "matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
            "cudnn_tf32": torch.backends.cudnn.allow_tf32,
            "cudnn_deterministic": torch.backends.cudnn.deterministic,
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        },
    }


def _accelerator(torch) -> dict | str:
    if torch.cuda.is_available():
        return {
            "kind": "cuda",
            "devices": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
            "capability": [
                ".".join(map(str, torch.cuda.get_device_capability(i)))
                for i in range(torch.cuda.device_count())
            ],
            "driver": _driver(),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "used": torch.cuda.is_initialized() and torch.cuda.max_memory_allocated() > 0,
        }
    if torch.backends.mps.is_available():
        return {"kind": "mps", "macos": platform.mac_ver()[0]}
    return "none"


def _driver() -> str:
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        return "unknown"
    words = text.splitlines()[0].split()
    return next((word for word in words if word[0].isdigit() and "." in word), "unknown")


def _cpu() -> dict[str, str]:
    """The first processor's lines of ``/proc/cpuinfo``; none elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return platform.version()


def _memory_mb() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (ValueError, OSError):
        return 0
