"""Every file of a whole run, derived from the rules that make them."""

import re
from collections.abc import Iterable, Iterator
from itertools import product

#: A wildcard of a path pattern, with its constraint if it has one: ``{direction,g2a|a2g}``.
WILDCARD = re.compile(r"\{(\w+)(?:,([^{}]*(?:\{[^{}]*\}[^{}]*)*))?\}")
#: Rules that make no result of a run, but only name results.
TARGET_RULES = ("all", "reproduce")


def files_of(rule: object, domains: Iterable[list[dict[str, str]]]) -> list[str]:
    """Outputs, log and benchmark of every job of ``rule``.

    Parameters
    ----------
    rule : snakemake.rules.Rule
    domains : iterable of list of dict
        Independent groups of wildcards, each with all combinations of values that a run has.
    """
    patterns = [*rule.output, *rule.log, *([rule.benchmark] if rule.benchmark else [])]
    return list(dict.fromkeys(path for p in patterns for path in expand_pattern(str(p), domains)))


def expand_pattern(pattern: str, domains: Iterable[list[dict[str, str]]]) -> Iterator[str]:
    """Paths of ``pattern`` for all combinations of values that its constraints allow."""
    constraints = dict(WILDCARD.findall(pattern))
    plain = WILDCARD.sub(r"{\1}", pattern)
    used = [_values(domain, constraints) for domain in domains]
    if set(constraints) - {name for values in used for pairs in values for name, _ in pairs}:
        return  # a wildcard without values: the run has no such jobs
    for combination in product(*used):
        values = dict(pair for part in combination for pair in part)
        if all(re.fullmatch(limit, values[n]) for n, limit in constraints.items() if limit):
            yield plain.format(**values)


def _values(domain: list[dict[str, str]], names: Iterable[str]) -> list[tuple]:
    """Different combinations of the values of ``names`` in one domain."""
    found = (tuple((k, v) for k, v in values.items() if k in names) for values in domain)
    return list(dict.fromkeys(found)) or [()]


def files_of_rules(rules: Iterable[object], domains: list, skip: Iterable[str] = ()) -> list[str]:
    """Files of all ``rules`` but target rules and those named in ``skip``."""
    left_out = {*TARGET_RULES, *skip}
    return [path for rule in rules if rule.name not in left_out for path in files_of(rule, domains)]
