"""Which columns are percentiles and systematic errors of one quantity, by their labels."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Labels of one quantity: percentile number to label, and the systematic error's label."""

    name: str
    percentiles: dict[int, str]
    systematic: str | None

    @property
    def centre(self) -> str:
        """Label of the median."""
        return self.percentiles[50]


def find_groups(labels: Sequence[str]) -> list[Group]:
    """Groups such as ``Teff5 Teff16 Teff50 Teff84 Teff95 e_Teff50``, in the labels' order."""
    names = [label[:-2] for label in labels if label.endswith("50") and not label.startswith("e_")]
    groups = []
    for name in names:
        numbers = {
            int(match[1]): label
            for label in labels
            if (match := re.fullmatch(re.escape(name) + r"(\d{1,2})", label))
        }
        systematic = f"e_{name}50"
        groups.append(Group(name, numbers, systematic if systematic in labels else None))
    return groups
