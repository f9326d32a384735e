"""Flags and comments of two catalogues."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from cdstables.layout import Table

WHOLE = " outside training range"


@dataclass(frozen=True)
class Style:
    """How a comment is written: the quote around it, what ends a cut one, the longest text."""

    quote: str = '"'
    ellipsis: str = "..."
    longest: int | None = None

    @classmethod
    def of(cls, layout: Table) -> "Style":
        """As the layout says; where it says nothing, in double quotes and cut before dots."""
        if layout.comment is None:
            return cls()
        quote, ellipsis, cut = (layout.comment[name] for name in ("quote", "ellipsis", "cut"))
        widths = [c.width for c in layout.columns if (c.value or {}).get("comment")]
        return cls(quote, ellipsis, min([cut + len(ellipsis) + 2 * len(quote), *widths]))

    def bare(self, text: str) -> tuple[str, bool]:
        """A comment without quotes and ellipsis, and whether it was cut.

        One that is as long as any can be counts as cut: its end cannot tell.
        """
        text = text.strip()
        cut = self.longest is not None and len(text) >= self.longest
        if self.quote and text.startswith(self.quote):
            inside = text.removeprefix(self.quote)
            cut |= not inside.endswith(self.quote)
            text = inside.removesuffix(self.quote)
        if self.ellipsis and text.endswith(self.ellipsis):
            return text.removesuffix(self.ellipsis), True
        return text, cut


USUAL = Style()


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


def parse_comment(text: str, style: Style = USUAL) -> tuple[frozenset[str], bool]:
    """The reasons a comment names in full, and whether it was cut."""
    text, cut = style.bare(text)
    pieces = [piece.strip() for piece in text.split("|")]
    whole = {piece.removesuffix(WHOLE) for piece in pieces if piece.endswith(WHOLE)}
    return frozenset(whole), cut


def comment_figures(
    published: Sequence[str], regenerated: Sequence[str], style: Style = USUAL
) -> dict:
    """How often two comment columns name the same reasons, what was cut off taken into account.

    A reason that one side names and the other does not counts only if the other was not cut.
    """
    same = _same(published, regenerated)
    cache: dict[str, tuple[frozenset[str], bool]] = {}
    counts = {"Input": 0, "Output": 0}
    differing: dict[str, int] = {}
    rows = 0
    for a, b in zip(_chosen(published, ~same), _chosen(regenerated, ~same), strict=True):
        left, right = (cache.setdefault(text, parse_comment(text, style)) for text in (a, b))
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


def reasons_apart(
    published: Sequence[str], regenerated: Sequence[str], style: Style = USUAL
) -> pa.Array:
    """For each row the reasons that only one side names: ``-`` published, ``+`` regenerated."""
    differs = ~_same(published, regenerated)
    cache: dict[tuple[str, str], str] = {}
    words = [
        _in_words(a, b, style, cache)
        for a, b in zip(_chosen(published, differs), _chosen(regenerated, differs), strict=True)
    ]
    places = np.where(differs, np.cumsum(differs), 0)
    return pa.array(["", *words], pa.string()).take(pa.array(places))


def _same(published: Sequence[str], regenerated: Sequence[str]) -> np.ndarray:
    one, other = (pd.Series(side).reset_index(drop=True) for side in (published, regenerated))
    return (one == other).to_numpy(bool)


def _chosen(texts: Sequence[str], rows: np.ndarray) -> list[str]:
    return pd.Series(texts).reset_index(drop=True)[rows].tolist()


def _in_words(a: str, b: str, style: Style, cache: dict[tuple[str, str], str]) -> str:
    if (a, b) not in cache:
        left, right = parse_comment(a, style), parse_comment(b, style)
        apart = _difference(left, right)
        marked = [f"{'-' if reason in left[0] else '+'}{reason}" for reason in sorted(apart)]
        cache[a, b] = "; ".join(marked)
    return cache[a, b]


def _difference(left, right) -> frozenset[str]:
    """Reasons one side names and the other would show, had it them: what is cut shows nothing."""
    (a, a_cut), (b, b_cut) = left, right
    only_a = frozenset() if b_cut else a - b
    only_b = frozenset() if a_cut else b - a
    return only_a | only_b
