"""A training broken off at any moment goes on where it was.

One file beside the weights holds all of it; it is written whole or not at all, is gone once the
weights are written, and is no result.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialised
from torch import Tensor

from spectrotranslator.files import atomic

_STATE = "state"


class Checkpoint:
    """The state of one training, written at most every ``seconds``.

    ``belongs_to`` is the digest of all that decides the training: a file left by another one is
    of no use and is passed over.
    """

    def __init__(self, path: Path, belongs_to: str, seconds: float):
        self.path, self.belongs_to, self.seconds = path, belongs_to, seconds
        self._written = time.monotonic()

    def offer(self, state: Callable[[], dict], tensors: Callable[[], dict[str, Tensor]]) -> None:
        """Write the state if the last time is long enough ago."""
        if time.monotonic() - self._written < self.seconds:
            return
        text = json.dumps({"belongs_to": self.belongs_to, **state()}).encode()
        content = {name: value.detach().cpu().contiguous() for name, value in tensors().items()}
        content[_STATE] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        with atomic(self.path) as temporary:
            temporary.write_bytes(serialised(content))
        self._written = time.monotonic()

    def read(self) -> tuple[dict, dict[str, Tensor]] | None:
        """State and tensors as left; None if there is nothing of this training."""
        if self.path.is_symlink() or not self.path.is_file():
            return None
        try:
            tensors = load_file(self.path)
            state = json.loads(bytes(tensors.pop(_STATE).tolist()))
            mine = state["belongs_to"] == self.belongs_to
        except (SafetensorError, KeyError, ValueError, TypeError, RecursionError, OSError):
            return None
        return (state, tensors) if mine else None

    def remove(self) -> None:
        """The training is whole: nothing to go on from."""
        self.path.unlink(missing_ok=True)
