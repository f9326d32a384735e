"""Which members of an ensemble one job trains."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spectrotranslator.config import Configuration

RULE = "train_members"
_SUFFIX = re.compile(rf"^({RULE})_\d+_to_\d+$")


@dataclass(frozen=True)
class Batch:
    """Members ``first`` to ``last`` of the ensembles of ``methods``: one job an ensemble."""

    first: int
    last: int
    methods: tuple[str, ...]

    @property
    def members(self) -> range:
        """Numbers of the members."""
        return range(self.first, self.last + 1)

    @property
    def label(self) -> str:
        """Name of the batch in names of rules."""
        return f"{self.first}_to_{self.last}"


def batches(configuration: Configuration) -> list[Batch]:
    """All different batches of a run, with the methods that have them."""
    methods: dict[tuple[int, int], list[str]] = {}
    for method in configuration.methods:
        for first, last in _limits(configuration, method):
            methods.setdefault((first, last), []).append(method)
    return [Batch(*limits, tuple(names)) for limits, names in methods.items()]


def batch_sizes(configuration: Configuration, method: str) -> list[int]:
    """Members that each job of an ensemble of ``method`` trains."""
    return [last - first + 1 for first, last in _limits(configuration, method)]


def step_of_rule(rule: str) -> str:
    """Name of the step that ``rule`` runs: rules of several batches run one step."""
    return _SUFFIX.sub(r"\1", rule)


def _limits(configuration: Configuration, method: str) -> Iterator[tuple[int, int]]:
    """First and last member of every batch; on a GPU an ensemble is trained whole."""
    members = configuration.methods[method].ensemble.trained
    compute = configuration.compute
    size = members if compute.device == "cuda" else compute.members_per_job or members
    for first in range(0, members, size):
        yield first, min(first + size, members) - 1
