"""Flags and comments of two catalogues."""

from collections.abc import Sequence

import numpy as np

WHOLE = " outside training range"


def flag_figures(published: np.ndarray, regenerated: np.ndarray) -> dict:
    """Confusion matrix, share that agrees, and Cohen's kappa of two boolean columns."""
    both = int((published & regenerated).sum())
    only_p = int((published & ~regenerated).sum())
    only_r = int((~published & regenerated).sum())
    neither = len(published) - both - only_p - only_r
    total = max(len(published), 1)
    agreement = (both + neither) / total
    share_p, share_r = (both + only_p) / total, (both + only_r) / total
    chance = share_p * share_r + (1 - share_p) * (1 - share_r)
    return {
        "matched": len(published),
        "true_true": both,
        "true_false": only_p,
        "false_true": only_r,
        "false_false": neither,
        "agreement": agreement,
        "kappa": 1.0 if chance == 1 else (agreement - chance) / (1 - chance),
    }


def parse_comment(text: str) -> tuple[frozenset[str], bool]:
    """The reasons a comment names in full, and whether it was cut."""
    text = text.strip().strip('"')
    cut = text.endswith("...")
    pieces = [piece.strip() for piece in text.removesuffix("...").split("|")]
    whole = {piece.removesuffix(WHOLE) for piece in pieces if piece.endswith(WHOLE)}
    return frozenset(whole), cut


def comment_figures(published: Sequence[str], regenerated: Sequence[str]) -> dict:
    """How often two comment columns name the same reasons, what was cut off taken into account.

    A reason that one side names and the other does not counts only if the other was not cut.
    """
    same = np.array([a == b for a, b in zip(published, regenerated, strict=True)], dtype=bool)
    cache: dict[str, tuple[frozenset[str], bool]] = {}
    counts = {"Input": 0, "Output": 0}
    differing: dict[str, int] = {}
    rows = 0
    for a, b in zip(np.asarray(published)[~same], np.asarray(regenerated)[~same], strict=True):
        left, right = (cache.setdefault(text, parse_comment(text)) for text in (a, b))
        reasons = _difference(left, right)
        rows += bool(reasons)
        for side in counts:
            counts[side] += any(reason.startswith(side) for reason in reasons)
        for reason in reasons:
            differing[reason] = differing.get(reason, 0) + 1
    return {
        "matched": len(same),
        "same_text": int(same.sum()),
        "other_reasons": rows,
        "other_input_reasons": counts["Input"],
        "other_output_reasons": counts["Output"],
        "reasons": dict(sorted(differing.items(), key=lambda item: (-item[1], item[0]))),
    }


def _difference(left, right) -> frozenset[str]:
    """Reasons one side names and the other would show, had it them: what is cut shows nothing."""
    (a, a_cut), (b, b_cut) = left, right
    only_a = frozenset() if b_cut else a - b
    only_b = frozenset() if a_cut else b - a
    return only_a | only_b
