"""What a look before a run found, and the table of it."""

from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["ok", "note", "fault"]


@dataclass(frozen=True)
class CheckResult:
    """One thing looked at: ``state`` fault means that the run would fail; ``advice`` what to do."""

    subject: str
    what: str
    state: State
    found: str
    advice: str = ""


def table(findings: list[CheckResult]) -> str:
    """The findings as text, the advice under those that need one."""
    width = max((len(finding.subject) for finding in findings), default=7)
    kind = max((len(finding.what) for finding in findings), default=4)
    lines = []
    for finding in findings:
        mark = {"ok": "ok   ", "note": "note ", "fault": "FAULT"}[finding.state]
        lines.append(f"{mark}  {finding.subject:<{width}}  {finding.what:<{kind}}  {finding.found}")
        if finding.advice:
            lines.append(f"{'':7}-> {finding.advice}")
    return "\n".join(lines)


def as_json(findings: list[CheckResult]) -> list[dict]:
    """For scripts."""
    return [asdict(finding) for finding in findings]
