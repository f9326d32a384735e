"""How often the fingerprint finds the settings that a simulated published catalogue hides.

    nice -n 10 python benchmarks/fingerprint.py [--cases 20] [--first 0]

Every case is a small sky of its own and one catalogue published from it: realisations from 5 to
200, members from 5 to 30, one of three lengths of training, of five selections and of three masks.
Prints each case and how often the truth lies in the interval. Exits with 1 where a bar of the
project is missed. With ``--kept FOLDER`` catalogues and answers stay there, for
``second_replicate.py``.
"""

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cdstables.layout import layout_from_yaml
from minisky.publish_sky import A2G, G2A
from minisky.published_data import apply_cuts, match, read_surveys
from minisky.published_text import records, write_gzip
from minisky.settings import CutSettings, PublishedSettings, SkySettings
from minisky.simulate_sky import simulate
from spectrotranslator.comparison.read_catalogues import read_catalogue
from spectrotranslator.config import Configuration, resolve
from spectrotranslator.config.configuration import Cut, Selection
from spectrotranslator.files import write_json
from spectrotranslator.fingerprint.questions import Question, fingerprint
from spectrotranslator.fingerprint.training_length import Lengths
from spectrotranslator.surveys.prepare_stars import stars
from spectrotranslator.surveys.read_survey import measured
from spectrotranslator.surveys.readers import READERS, columns_of
from spectrotranslator.tolerance.replicates import run_replicate

LENGTHS = (4, 12, 36)
CLEAN_GALAH = ("flag_sp == 0", "flag_fe_h == 0", "flag_Mg_fe == 0")
CLEAN_APOGEE = ("(ASPCAPFLAG // 8388608) % 2 == 0", "(EXTRATARG // 16) % 2 == 0")
SELECTIONS = {
    "advice": ((*CLEAN_GALAH, "snr_c3_iraf > 30"), (*CLEAN_APOGEE, "STARFLAG == 0", "SNR > 70")),
    "no_snr": (CLEAN_GALAH, CLEAN_APOGEE),
    "bright": ((*CLEAN_GALAH, "snr_c3_iraf > 50"), (*CLEAN_APOGEE, "SNR > 100")),
    "near_advice": (
        (*CLEAN_GALAH, "snr_c3_iraf > 32"),
        (*CLEAN_APOGEE, "STARFLAG == 0", "SNR > 70"),
    ),
    "loose": (("flag_sp == 0",), ("(ASPCAPFLAG // 8388608) % 2 == 0", "SNR > 50")),
}
MASKS = {
    "none": set(),
    "sentinel": {"value of -9999"},
    "flagged": {"value of -9999", "flag"},
}
TRAINING = {"learning_rates": (3e-3, 1e-3, 1e-4), "batch": 256, "patience": 4}


def configuration() -> Configuration:
    """The configuration the fingerprint is given: candidates, and small networks."""
    run = resolve("mini")
    selections = {
        name: Selection(
            cuts={
                survey: [Cut(cut=cut, source="ours") for cut in cuts]
                for survey, cuts in zip(("galah", "apogee"), both, strict=True)
            }
        )
        for name, both in SELECTIONS.items()
    }
    method = run.methods["as-published"]
    training = method.training.model_copy(
        update={**TRAINING, "learning_rates": list(TRAINING["learning_rates"])}
    )
    network = method.network.model_copy(update={"widths": [16, 32]})
    methods = {"as-published": method.model_copy(update={"training": training, "network": network})}
    return run.model_copy(update={"selections": selections, "methods": methods})


def drop_inputs(case: int) -> tuple[SkySettings, dict]:
    """The sky of a case and the settings that its catalogue hides."""
    rng = np.random.default_rng([20240819, case])
    truth = {
        "direction": ("g2a", "a2g")[case % 2],
        "realisations": int(np.exp(rng.uniform(np.log(5), np.log(200.99)))),
        "members": int(rng.integers(5, 31)),
        "training_length": int(rng.choice(LENGTHS)),
        "selection": str(rng.choice(list(SELECTIONS))),
        "masks": str(rng.choice(list(MASKS))),
    }
    galah, apogee = SELECTIONS[truth["selection"]]
    published = PublishedSettings(
        seed=1000 + case,
        members=truth["members"],
        realisations=truth["realisations"],
        widths=(16, 32),
        epochs=truth["training_length"],
        galah_sample=tuple(CutSettings(name="cut", expression=cut) for cut in galah),
        apogee_sample=tuple(CutSettings(name="cut", expression=cut) for cut in apogee),
        masks=truth["masks"],
        **TRAINING,
    )
    sky = SkySettings(
        name=f"case {case}",
        seed=100 + case,
        n_galah=2600,
        n_apogee=2900,
        n_common=int(rng.integers(1500, 1900)),
        published=published,
    )
    return sky, truth


def publish(settings: SkySettings, direction: str, folder: Path) -> dict[str, Path]:
    """Write the survey files and one catalogue; paths of the former."""
    names = ("galah", "vac", "apogee", "gaia", "truth")
    paths = {name: folder / name for name in names}
    simulate(settings, **paths)
    galah, apogee = read_surveys(paths["galah"], paths["apogee"], paths["gaia"])
    published = settings.published
    sample = match(published, galah, apogee)
    rows, first, source = (
        (apply_cuts(galah, published.galah_rows), "sobject_id", "dr3_source_id")
        if direction == "g2a"
        else (apply_cuts(apogee, published.apogee_rows), "APOGEE_ID", "GAIAEDR3_SOURCE_ID")
    )
    catalogue, _ = run_replicate(published, G2A if direction == "g2a" else A2G, sample, rows)
    lines = records(direction, rows[first].astype(str).tolist(), rows[source].tolist(), catalogue)
    write_gzip(folder / f"{direction}.dat.gz", lines)
    return paths


def case_files(case: int, folder: Path) -> float:
    """Make the catalogue of a case and its stars in ``folder``, unless they are there; seconds."""
    done = folder / "done"
    if done.exists():
        return float(done.read_text())
    started = time.monotonic()
    sky, truth = drop_inputs(case)
    run = configuration()
    folder.mkdir(parents=True, exist_ok=True)
    paths = publish(sky, truth["direction"], folder)
    photometry = pd.read_parquet(paths["gaia"], columns=run.sources.photometry.columns)
    files = {"galah": [paths["galah"], paths["vac"]], "apogee": [paths["apogee"]]}
    for name, survey in run.surveys.items():
        rows = measured(survey, READERS[name](files[name], columns_of(survey)))
        stars(survey, rows, photometry).to_parquet(folder / f"{name}.parquet")
    seconds = time.monotonic() - started
    done.write_text(str(seconds))
    return seconds


def ask(task: tuple[int, Path]) -> dict:
    """One case: publish, read the fingerprint, hold it against what was hidden."""
    case, kept = task
    torch.set_num_threads(1)
    _, truth = drop_inputs(case)
    direction = truth["direction"]
    run = configuration()
    folder = kept / f"case-{case}"
    made = case_files(case, folder)
    started = time.monotonic()
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in run.surveys}
    layout = layout_from_yaml(run.directions[direction].catalogue)
    columns = read_catalogue(folder / f"{direction}.dat.gz", layout).columns
    question = Question(run, run.directions[direction], tables)
    answers = fingerprint(columns, layout, question, replicates=Lengths(run, direction, LENGTHS))
    write_json(folder / "answers.json", {n: answer.as_dict() for n, answer in answers.items()})
    figures = {
        name: {"truth": truth[name], **_held(truth, name, answers[name])}
        for name in ("masks", "selection", "realisations", "members", "training_length")
    }
    return {
        "case": case,
        "direction": direction,
        "made_s": round(made, 1),
        "read_s": round(time.monotonic() - started, 1),
        "answers": figures,
    }


def _held(truth: dict, name: str, answer) -> dict:
    found = {"estimate": answer.estimate, "interval": answer.interval}
    found["undetermined"] = answer.undetermined
    if answer.undetermined:
        return found | {"right": None}
    if name == "masks":
        rules = {rule.split(" ")[0] if "!=" in rule else rule for rule in answer.estimate}
        flag = {"g2a": "flag_Mg_fe", "a2g": "MG_FE_FLAG"}[truth["direction"]]
        expected = {flag if rule == "flag" else rule for rule in MASKS[truth["masks"]]}
        extra = rules - {"no Gaia photometry", "value not finite"}
        return found | {"right": extra == expected}
    if name == "selection":
        return found | {"right": answer.estimate == truth["selection"]}
    low, high = answer.interval
    return found | {"right": low <= truth[name] <= high}


def cases(first: int, count: int, jobs: int, kept: Path) -> int:
    """Run the cases; print each and the counts."""
    found = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for result in pool.map(ask, [(case, kept) for case in range(first, first + count)]):
            found.append(result)
            print(json.dumps(result), flush=True)
    good = True
    for name in found[0]["answers"]:
        right = [case["answers"][name]["right"] for case in found]
        yes, untold = right.count(True), right.count(None)
        wrong = right.count(False)
        needed = count if name == "masks" else int(np.ceil(0.9 * count))
        good &= yes >= needed
        print(f"{name:<16} right {yes:3d}  wrong {wrong:3d}  undetermined {untold:3d} of {count}")
    return 0 if good else 1


def main() -> int:
    """Run the cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kept", type=Path, help="folder of the catalogues, made once")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return cases(given.first, given.cases, given.jobs, given.kept or Path(folder))


if __name__ == "__main__":
    sys.exit(main())
