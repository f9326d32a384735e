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
    distances = {name: off(stars, published) for name, stars in part["candidates"].items()}
    return part | {
        "off": distances,
        "reproduced_by": [name for name, distance in distances.items() if distance == 0],
    }


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


def main(arguments) -> None:
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
        directions[name] = {
            "published": direction.published_counts,
            "rows": row_candidates(
                configuration, direction, pd.read_parquet(stars[direction.origin])
            ),
            "networks": {
                kind: _network(direction, kind, parts[f"{name}-{kind}"])
                for kind in direction.networks
            },
        }
    ledger = {"schema_version": 1, "directions": directions, "match": audits}
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
