"""The answer to one question: an estimate with an interval and evidence, or why there is none."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a catalogue says about one setting.

    ``interval`` holds a number's lower and upper end (95%), or all choices that are not excluded.
    Where ``undetermined`` gives a reason there is no estimate.
    """

    estimate: Any = None
    interval: list | None = None
    evidence: dict = field(default_factory=dict)
    undetermined: str | None = None

    def as_dict(self) -> dict:
        """For JSON."""
        return {
            "estimate": self.estimate,
            "interval": self.interval,
            "undetermined": self.undetermined,
            "evidence": self.evidence,
        }


def unknown(reason: str, **evidence: Any) -> Answer:
    """No estimate, for ``reason``; ``evidence`` is what was looked at."""
    return Answer(undetermined=reason, evidence=evidence)
