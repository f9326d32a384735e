"""Which columns of matched pairs a training sample is made of."""

from collections.abc import Sequence

from spectrotranslator.config.configuration import Direction, NetworkKind


def network_columns(networks: Sequence[NetworkKind]) -> list[str]:
    """Inputs of the networks as ``from:NAME``, then their outputs as ``to:NAME``, each once."""
    inputs = [f"from:{name}" for network in networks for name in network.inputs]
    outputs = [f"to:{name}" for network in networks for name in network.outputs]
    return list(dict.fromkeys(inputs + outputs))


def needed_columns(direction: Direction, kind: str) -> list[str]:
    """Columns of values and errors that a pair must have for the sample of a network.

    They are those of the network and of those before it, so that its sample is part of theirs.
    """
    kinds = list(direction.networks)
    values = network_columns([direction.networks[k] for k in kinds[: kinds.index(kind) + 1]])
    return values + [f"{name}_error" for name in values]
