"""Adam as Keras computes it, without the compiler that torch's bookkeeping would load."""

import math
from inspect import unwrap

import numpy as np
import torch


class Adam(torch.optim.Adam):
    """``torch.optim.Adam`` with Keras's epsilon and step length.

    At a parameter's step t with moments m and v, Keras adds epsilon before the bias of v is
    corrected: the step is ``lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)``. torch adds it
    afterwards, so it is given ``epsilon / sqrt(1 - b2^t)``. Keras computes the factor before m in
    single precision, which shortens the first step by 6e-6 of itself; after 20 steps it shows.

    torch hides these methods from its compiler and imports all of that, two seconds of processor,
    when one is first called. Nothing here is compiled.
    """

    torch_step = torch.no_grad()(unwrap(torch.optim.Adam.step))
    add_param_group = unwrap(torch.optim.Adam.add_param_group)
    zero_grad = unwrap(torch.optim.Adam.zero_grad)

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.ages: dict[torch.Tensor, int] = {}

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        groups = self.param_groups
        self.param_groups = [part for group in groups for part in self._of_one_age(group)]
        self.torch_step()
        self.param_groups = groups

    def _of_one_age(self, group: dict) -> list[dict]:
        """The group in parts whose parameters have taken equally many steps, each its epsilon."""
        ages: dict[int, list[torch.Tensor]] = {}
        for one in group["params"]:
            if one.grad is not None:
                self.ages[one] = age = self._age(one) + 1
                ages.setdefault(age, []).append(one)
        return [
            group | _as_torch(group, age) | {"params": parameters}
            for age, parameters in ages.items()
        ]

    def _age(self, one: torch.Tensor) -> int:
        """Steps taken, counted here: to read them from a GPU makes it wait."""
        if one not in self.ages:
            self.ages[one] = int(self.state[one].get("step", 0))
        return self.ages[one]


def _as_torch(group: dict, age: int) -> dict[str, float]:
    """Learning rate and epsilon with which torch takes Keras's step number ``age``."""
    first, second = (1 - beta**age for beta in group["betas"])
    one, other = (np.float32(float(np.float32(beta)) ** age) for beta in group["betas"])
    whole = np.float32(1)
    length = np.float32(group["lr"]) * np.sqrt(whole - other) / (whole - one)
    root = math.sqrt(second)
    return {"lr": float(length) * first / root, "eps": group["eps"] / root}
