"""Which inputs were treated as missing, from the two flags that say so, star by star.

Each rule is a condition on a star's own values. The flag of a network is true where one of the
rules in force holds, so the rules in force are those whose union is the published flag.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from spectrotranslator.surveys.derived_columns import SENTINEL, SENTINEL_RULE

from .answer import Answer, unknown

COLOUR, VALUE, ERROR = "no Gaia photometry", "value not finite", "error not finite"


def rules_of(
    stars: pd.DataFrame, features: Sequence[str], colours: Sequence[str], flags: Sequence[str]
) -> dict[str, np.ndarray]:
    """Rule to the rows it holds in, for one network's ``features``."""
    values = stars[list(features)].to_numpy(np.float64)
    errors = stars[[f"{name}_error" for name in features]].to_numpy(np.float64)
    finite = np.isfinite(values)
    colour = np.isin(features, colours)
    return {
        COLOUR: ~finite[:, colour].all(axis=1),
        VALUE: ~finite[:, ~colour].all(axis=1),
        SENTINEL_RULE: (finite & (values <= SENTINEL)).any(axis=1),
        ERROR: (finite & ~np.isfinite(errors)).any(axis=1),
        **{f"{flag} != 0": stars[flag].to_numpy() != 0 for flag in flags},
    }


def read_masks(
    missing: Mapping[str, np.ndarray], rules: Mapping[str, Mapping[str, np.ndarray]]
) -> Answer:
    """The rules in force.

    Parameters
    ----------
    missing
        Network to its published flag of a missing input.
    rules
        Network to its candidate rules, from ``rules_of``.
    """
    names = list(next(iter(rules.values())))
    weights = 1 << np.arange(len(names), dtype=np.int64)
    patterns, flagged = [], []
    for kind, column in missing.items():
        held = np.stack([rules[kind][name] for name in names], axis=1)
        patterns.append(held @ weights)
        flagged.append(np.asarray(column, bool))
    kinds, inverse = np.unique(np.concatenate(patterns), return_inverse=True)
    shown = np.concatenate(flagged)
    stars = np.bincount(inverse, minlength=len(kinds))
    true = np.bincount(inverse, shown, minlength=len(kinds)).astype(np.int64)
    wrong = _disagreements(kinds, true, stars, len(names))
    best = np.flatnonzero(wrong == wrong.min())
    certain = {name for k, name in enumerate(names) if (best >> k & 1).all()}
    possible = {name for k, name in enumerate(names) if (best >> k & 1).any()}
    evidence = {
        "rows": len(shown) // len(missing),
        "missing": {kind: int(np.sum(column)) for kind, column in missing.items()},
        "disagreeing": int(wrong.min()),
        "alone": _alone(names, kinds, true, stars),
        "untold": sorted(possible - certain),
    }
    if not shown.any() and not (kinds > 0).any():
        return unknown("no star lacks an input by any rule", **evidence)
    if sum(1 << k for k, name in enumerate(names) if name in certain) not in best:
        return unknown("several sets of rules give the same flags", **evidence)
    if wrong.min() > 0:
        return unknown(
            f"no set of rules gives the flags: the best disagrees in {wrong.min()} of "
            f"{len(shown)} flags",
            nearest=[name for name in names if name in certain],
            **evidence,
        )
    return Answer(
        estimate=[name for name in names if name in certain],
        interval=[name for name in names if name in possible],
        evidence=evidence,
    )


def _disagreements(kinds, true, stars, rules: int) -> np.ndarray:
    """Flags that each subset of the rules (a bit a rule) gets wrong."""
    subsets = np.arange(1 << rules, dtype=np.int64)
    wrong = np.zeros(len(subsets), np.int64)
    for pattern, flagged, total in zip(kinds, true, stars, strict=True):
        holds = (subsets & pattern) != 0
        wrong += np.where(holds, total - flagged, flagged)
    return wrong


def _alone(names: list[str], kinds, true, stars) -> dict[str, list[int]]:
    """By rule: flags where it alone holds, and how many of them are true."""
    found = {}
    for k, name in enumerate(names):
        only = np.flatnonzero(kinds == 1 << k)
        found[name] = [int(stars[only].sum()), int(true[only].sum())]
    return found


def as_missing(
    stars: pd.DataFrame, features: Sequence[str], rules: Sequence[str], masked: Mapping[str, str]
) -> np.ndarray:
    """Values of ``features``, shape (rows, features), NaN where ``rules`` make them missing.

    ``masked`` names the feature that each rule of a flag takes away; a rule not named there takes
    all of them.
    """
    values = stars[list(features)].to_numpy(np.float64)
    if SENTINEL_RULE in rules:
        values = np.where(values <= SENTINEL, np.nan, values)
    for rule in rules:
        if rule.endswith(" != 0"):
            flag = rule.removesuffix(" != 0")
            hit = stars[flag].to_numpy() != 0
            chosen = [
                place for place, name in enumerate(features) if masked.get(flag, name) == name
            ]
            values[np.ix_(hit, chosen)] = np.nan
    return values


def settings_of(rules: Sequence[str], masked: Mapping[str, str]) -> dict[str, object]:
    """The settings of a method that treat inputs as missing by ``rules``.

    ``masked`` names the feature that each flag takes away.
    """
    flags = [rule.removesuffix(" != 0") for rule in rules if rule.endswith(" != 0")]
    return {
        "montecarlo.missing": "sentinels too" if SENTINEL_RULE in rules else "not finite",
        "montecarlo.masked": {masked[flag]: flag for flag in flags if flag in masked},
    }


def flag_of(features: Sequence[str], flags: Sequence[str]) -> dict[str, str]:
    """Flag column to the feature whose name it holds: ``flag_Mg_fe`` and ``MG_FE_FLAG``."""
    return {
        flag: feature
        for flag in flags
        for feature in features
        if feature.lower() in flag.lower().replace("flag", "").strip("_")
    }
