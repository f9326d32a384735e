"""One ledger: rows in and out of every cut, beside the published counts.

Candidates for the selection, which is unknown, are counted, with how far each is off; the match on
Gaia ids is held against one on positions.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import Direction
from spectrotranslator.files import read_json, write_json
from spectrotranslator.step import Step
from spectrotranslator.surveys.copy_differences import differences
from spectrotranslator.surveys.read_survey import measured
from spectrotranslator.surveys.readers import read_vizier

from .cuts import apply_cuts
from .match_audit import audit

HALF_PERCENT = 0.005
LISTED = 20
PLACES = ["row", "key", "source_id", "ra", "dec", "epoch", "pmra", "pmdec", "snr"]


def off(count: int, published: tuple[int, int] | None) -> int | None:
    """How many rows ``count`` lies above (or, negative, below) what was published; 0: within."""
    if published is None:
        return None
    least, most = published
    return count - most if count > most else min(count - least, 0)


def row_candidates(
    configuration: Configuration, direction: Direction, stars: pd.DataFrame
) -> dict[str, dict]:
    """Rows of a catalogue by every named candidate, and how far off the published count."""
    published = direction.published_counts.get("rows")
    named = {"configured": direction.rows, **configuration.row_candidates.get(direction.origin, {})}
    bits = configuration.surveys[direction.origin].bits
    counts = {name: len(apply_cuts(stars, cuts, bits)[0]) for name, cuts in named.items()}
    return {name: {"rows": n, "off": off(n, published)} for name, n in counts.items()}


def _network(direction: Direction, kind: str, part: dict) -> dict:
    published = direction.published_counts.get(kind)
    candidates = part["candidates"]
    distances = {name: off(found["stars"], published) for name, found in candidates.items()}
    return part | {
        "off": distances,
        "reproduced_by": [name for name, distance in distances.items() if distance == 0],
    }


def rank_candidates(direction: Direction, networks: dict[str, dict]) -> list[dict]:
    """Candidate selections by how near they come to what was published, the nearest first.

    Parameters
    ----------
    direction : Direction
        The translation, with the published counts and differences.
    networks : dict of str to dict
        Network kind to its part of the ledger.

    Returns
    -------
    list of dict
        A line a candidate: ``selection``, ``stars`` and ``off`` by kind, ``chi_square`` of the
        labels' differences, ``distance`` and ``exact_orders``. ``distance`` is ``chi_square`` plus
        the square of each count's distance in half percents of the published count. A candidate
        that gives every published difference to the last digit stands first. Empty where neither
        counts nor differences were published.
    """
    lines = []
    for name in next(iter(networks.values()))["candidates"]:
        found = {kind: part["candidates"][name] for kind, part in networks.items()}
        offs = {kind: part["off"][name] for kind, part in networks.items()}
        told = [one for one in found.values() if "chi_square" in one]
        known = {kind: distance for kind, distance in offs.items() if distance is not None}
        if not told and not known:
            return []
        distance = sum(one["chi_square"] for one in told) + sum(
            (distance / (HALF_PERCENT * direction.published_counts[kind][1])) ** 2
            for kind, distance in known.items()
        )
        exact = [set(one["exact_orders"]) for one in told]
        lines.append(
            {
                "selection": name,
                "stars": {kind: one["stars"] for kind, one in found.items()},
                "off": offs,
                "chi_square": sum(one["chi_square"] for one in told) if told else None,
                "distance": distance,
                "exact_orders": sorted(set.intersection(*exact)) if exact else [],
            }
        )
    return sorted(lines, key=lambda line: (not line["exact_orders"], line["distance"]))


def copies(
    configuration: Configuration, rows: Sequence[Path], vizier: Sequence[Path]
) -> dict[str, dict]:
    """How the copies at VizieR differ from the surveys' own files, survey by survey."""
    names = [name for name, survey in configuration.surveys.items() if survey.vizier]
    found = {}
    for name, own, copy in zip(names, rows, vizier, strict=True):
        survey = configuration.surveys[name]
        copied = measured(survey, read_vizier(copy, survey))
        found[name] = differences(pd.read_parquet(own), copied.drop(columns="row"), ["key"])
    return found


def _places(path: Path) -> pd.DataFrame:
    there = pq.read_schema(path).names
    return pd.read_parquet(path, columns=[name for name in PLACES if name in there])


def _direction(
    configuration: Configuration, direction: Direction, stars: Path, parts: dict[str, dict]
) -> dict:
    networks = {kind: _network(direction, kind, part) for kind, part in parts.items()}
    return {
        "published": direction.published_counts,
        "rows": row_candidates(configuration, direction, pd.read_parquet(stars)),
        "ranking": rank_candidates(direction, networks)[:LISTED],
        "networks": networks,
    }


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    parts = {path.stem: read_json(path) for path in arguments.parts}
    stars = dict(zip(configuration.surveys, arguments.stars, strict=True))
    settings = configuration.crossmatch
    audits: dict[str, dict] = {}
    directions = {}
    for name, direction in configuration.directions.items():
        pair = [survey for survey in stars if survey in (direction.origin, direction.target)]
        both = " and ".join(pair)
        if both not in audits:
            tables = [_places(stars[survey]) for survey in pair]
            audits[both] = audit(*tables, settings.radius_arcsec, settings.repeats)
        of_kinds = {kind: parts[f"{name}-{kind}"] for kind in direction.networks}
        directions[name] = _direction(configuration, direction, stars[direction.origin], of_kinds)
    ledger = {"schema_version": 2, "directions": directions, "match": audits}
    if arguments.vizier:
        ledger["vizier"] = copies(configuration, arguments.rows, arguments.vizier)
    write_json(arguments.ledger, ledger)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.input("parts", "ledger of every network, named DIRECTION-KIND.json", many=True)
step.input("stars", "stars of every survey, in the configuration's order", many=True)
step.input("rows", "rows of the surveys with a copy at VizieR", many=True, required=False)
step.input("vizier", "those copies, in the same order", many=True, required=False)
step.output("ledger", "the ledger")
step.setting("directions")
step.setting("surveys")
step.setting("crossmatch")
step.setting("row_candidates")
