"""Does a second replicate come nearer with the fingerprint's settings than with our defaults?

Run ``benchmarks/fingerprint.py --kept FOLDER`` first, then
``python benchmarks/second_replicate.py FOLDER``. For every case kept there it
executes the method twice, with what the fingerprint said and with the defaults in its place, and
grades both against the published catalogue. The tolerances come from replicates with the
fingerprint's settings, members drawn in pairs out of a pool of two ensembles. It prints how many
columns deviate; what the fingerprint left undetermined stays as the defaults have it. Exits with 1
where the defaults come as near or nearer.
"""

import argparse
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import torch
from fingerprint import configuration, drop_inputs
from verdicts import grades, tolerances

from cdstables.layout import layout_from_yaml
from spectrotranslator.comparison.grades import DEVIATES
from spectrotranslator.comparison.read_catalogues import read_catalogue
from spectrotranslator.config import Configuration
from spectrotranslator.sample.crossmatch import select_training
from spectrotranslator.sample.split import split
from spectrotranslator.tolerance.member_pool import draw_pairs
from spectrotranslator.tolerance.replicates import run_replicate

PAIRS = 6
METHOD = "as-published"
FLAGGED = {"flag_Mg_fe": "Mg_fe", "flag_fe_h": "fe_h", "MG_FE_FLAG": "MG_FE"}


def told(run: Configuration, answers: dict) -> tuple[Configuration, str]:
    """The configuration with all that the fingerprint determined, and the selection it names."""
    found = {name: a["estimate"] for name, a in answers.items() if not a["undetermined"]}
    method = run.methods[METHOD]
    masks = found.get("masks", [])
    flags = [rule.removesuffix(" != 0") for rule in masks if rule.endswith(" != 0")]
    sections = {
        "ensemble": {"members": found.get("members")},
        "training": {"epochs": found.get("training_length")},
        "montecarlo": {
            "realisations": found.get("realisations"),
            "missing": "sentinels too" if "value of -9999" in masks else None,
            "masked": {FLAGGED[flag]: flag for flag in flags if flag in FLAGGED} or None,
        },
    }
    for section, values in sections.items():
        known = {name: value for name, value in values.items() if value is not None}
        changed = getattr(method, section).model_copy(update=known)
        method = method.model_copy(update={section: changed})
    changed = run.model_copy(update={"methods": run.methods | {METHOD: method}})
    return changed, found.get("selection", run.selection)


def lay_samples(run: Configuration, name: str, selection: str, kept: Path, folder: Path) -> None:
    """What ``execute`` reads: stars and training samples of one selection, under ``folder``."""
    direction = run.directions[name]
    tables = {survey: pd.read_parquet(kept / f"{survey}.parquet") for survey in run.surveys}
    chosen = run.candidate_selections[selection]
    (folder / "sample").mkdir(parents=True)
    for kind in direction.networks:
        sample = select_training(run, direction, kind, tables, chosen, [])
        sample["part"] = split(sample, run.split)
        sample.to_parquet(folder / "sample" / f"{name}-{kind}.parquet")
    tables[direction.origin].to_parquet(folder / "sample" / f"{direction.origin}.parquet")


def one_case(kept: Path) -> dict:
    """Columns that deviate with the fingerprint's settings, and with the defaults."""
    torch.set_num_threads(1)
    _, truth = drop_inputs(int(kept.name.removeprefix("case-")))
    name = truth["direction"]
    run = configuration()
    run = run.model_copy(update={"directions": {name: run.directions[name]}})
    table = layout_from_yaml(run.directions[name].catalogue)
    published = read_catalogue(kept / f"{name}.dat.gz", table).columns
    found, selection = told(run, json.loads((kept / "answers.json").read_text()))
    deviating = {}
    with tempfile.TemporaryDirectory() as place:
        ours, theirs = Path(place) / "defaults", Path(place) / "fingerprint"
        lay_samples(run, name, run.selection, kept, ours)
        lay_samples(run, name, selection, kept, theirs)
        members = found.methods[METHOD].ensemble.members
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as workers:
            pairs = draw_pairs(found, theirs, 2 * members, PAIRS, workers)
        allowed = tolerances([(a[name], b[name]) for a, b in pairs], PAIRS, table)
        for what, settings, folder in (("fingerprint", found, theirs), ("defaults", run, ours)):
            second = run_replicate(settings, 1, folder)[name]
            graded = grades(published, second, table, allowed)
            deviating[what] = sum(grade == DEVIATES for grade in graded.values())
    return {"case": kept.name, "truth": truth, "deviating": deviating, "columns": len(graded)}


def main() -> int:
    """Every case; how often the fingerprint's settings come nearer."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("kept", type=Path)
    given = parser.parse_args()
    nearer = []
    for answers in sorted(given.kept.glob("case-*/answers.json")):
        found = one_case(answers.parent)
        print(json.dumps(found), flush=True)
        nearer.append(found["deviating"]["fingerprint"] < found["deviating"]["defaults"])
    print(f"nearer with the fingerprint's settings in {sum(nearer)} of {len(nearer)} cases")
    return 0 if nearer and all(nearer) else 1


if __name__ == "__main__":
    sys.exit(main())
