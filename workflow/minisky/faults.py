"""What an archive can do wrong, scripted by path and request number."""

import re
from dataclasses import dataclass

KINDS = {
    "drop": "closes the connection before the first byte",
    "reset": "resets the connection after `value` bytes of the body",
    "cut": "ends the body after `value` bytes, having announced the whole length",
    "cut-lengthless": "ends the body after `value` bytes, having announced no length",
    "status": "answers with status `value`, and Retry-After if given",
    "redirect": "redirects to `value`, a path of this archive or a whole address",
    "redirect-loop": "redirects to itself",
    "stall": "falls silent for `value` seconds after half of the body",
    "wrong-length": "announces `value` bytes more than there are",
    "changed": "serves other bytes of the same length under new validators",
    "ignore-range": "serves the whole file though a range was asked for",
    "wrong-bytes": "flips the byte at position `value`, validators unchanged",
    "html": "serves an HTML page with status 200",
    "tap-overflow": "returns at most `value` rows and says OVERFLOW",
    "tap-truncate": "returns at most `value` rows and says nothing",
    "tap-missing": "leaves out the first `value` rows",
    "tap-double": "returns the first `value` rows twice",
    "tap-error": "answers the query with a VOTable that says ERROR",
}


@dataclass(frozen=True)
class Fault:
    """One misbehaviour.

    Parameters
    ----------
    path
        Regular expression searched for in the request's path (without the query).
    kind
        One of ``KINDS``.
    value
        Bytes, seconds, rows, a status or an address, as the kind says.
    requests
        The 1-based numbers of the matching requests that are hit; empty: every one.
    retry_after
        Value of the Retry-After header of a ``status`` fault.
    method
        Hit only requests of this method, if given.
    """

    path: str
    kind: str
    value: int | float | str = 0
    requests: tuple[int, ...] = ()
    retry_after: str | None = None
    method: str | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind}: no such fault; there are {', '.join(KINDS)}")
        object.__setattr__(self, "requests", tuple(self.requests))

    def concerns(self, method: str, path: str) -> bool:
        """Whether a request is one that this fault counts."""
        return (self.method in (None, method)) and re.search(self.path, path) is not None
