"""How often the fingerprint finds the settings that a simulated published catalogue hides.

    nice -n 10 python benchmarks/fingerprint.py [--cases 20] [--first 0] [--outside]

Every case is a small sky of its own and one catalogue published from it: realisations from 5 to
200, members from 5 to 30, one of three lengths of training and of three masks, and a selection
drawn from all the candidates of the configuration. With ``--outside`` the selection is none of
them, and the answer must say so. The number of training stars is told to within 40, as published.
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
from minisky.publish_sky import A2G, G2A, execute
from minisky.published_data import apply_cuts, match, read_surveys, with_velocities
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

LENGTHS = (4, 12, 36)
MASKS = {
    "none": set(),
    "sentinel": {"value of -9999"},
    "flagged": {"value of -9999", "flag"},
}
TRAINING = {"learning_rates": (3e-3, 1e-3, 1e-4), "batch": 256, "patience": 4}


def configuration() -> Configuration:
    """The configuration the fingerprint is given: candidates, and small networks."""
    run = resolve("mini")
    method = run.methods["as-published"]
    training = method.training.model_copy(
        update={**TRAINING, "learning_rates": list(TRAINING["learning_rates"])}
    )
    network = method.network.model_copy(update={"widths": [16, 32]})
    methods = {"as-published": method.model_copy(update={"training": training, "network": network})}
    return run.model_copy(update={"methods": methods})


def cuts(given: list[Cut]) -> tuple[CutSettings, ...]:
    """A selection's cuts as the simulated published side takes them."""
    return tuple(CutSettings(name="cut", expression=cut.cut) for cut in given)


def draw_selection(case: int, rng: np.random.Generator, within: bool) -> tuple[str, Selection]:
    """A selection of the widened set, or one outside of it, with its name."""
    candidates = configuration().candidate_selections
    name = str(rng.choice(list(candidates)))
    chosen = candidates[name]
    if within:
        return name, chosen
    signal, teff = rng.uniform(56, 80), rng.uniform(4200, 4500)
    beyond = [Cut(cut=f"snr_c3_iraf > {signal:.0f}", source="ours")]
    warm = [Cut(cut=f"TEFF > {teff:.0f}", source="ours")]
    return "none of these", chosen.with_option(Selection(cuts={"galah": beyond}, pairs=warm))


def draw_case(case: int, within: bool = True) -> tuple[SkySettings, dict]:
    """The sky of a case and the settings that its catalogue hides.

    Parameters
    ----------
    case : int
        Number of the case.
    within : bool
        Whether the selection is one of the candidates.
    """
    rng = np.random.default_rng([20240819, case])
    truth = {
        "direction": ("g2a", "a2g")[case % 2],
        "realisations": int(np.exp(rng.uniform(np.log(5), np.log(200.99)))),
        "members": int(rng.integers(5, 31)),
        "training_length": int(rng.choice(LENGTHS)),
        "masks": str(rng.choice(list(MASKS))),
    }
    truth["selection"], selection = draw_selection(case, rng, within)
    published = PublishedSettings(
        seed=1000 + case,
        members=truth["members"],
        realisations=truth["realisations"],
        widths=(16, 32),
        epochs=truth["training_length"],
        galah_sample=cuts(selection.cuts.get("galah", [])),
        apogee_sample=cuts(selection.cuts.get("apogee", [])),
        pair_sample=cuts(selection.pairs),
        velocity_sample=cuts(selection.networks.get("extrinsic", [])),
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
    names = ("galah", "vac", "apogee", "gaia", "truth", "clusters")
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
    catalogue, _ = execute(published, G2A if direction == "g2a" else A2G, sample, rows)
    lines = records(direction, rows[first].astype(str).tolist(), rows[source].tolist(), catalogue)
    write_gzip(folder / f"{direction}.dat.gz", lines)
    return paths


def published_counts(published: PublishedSettings, folder: Path) -> dict[str, tuple[int, int]]:
    """Training stars of each network, to within 40 as the authors' notebooks tell them."""
    sample = match(
        published, *read_surveys(*(folder / name for name in ("galah", "apogee", "gaia")))
    )
    counts = {"intrinsic": len(sample), "extrinsic": len(with_velocities(published, sample))}
    return {kind: ((n - 1) // 40 * 40 + 1, (n - 1) // 40 * 40 + 40) for kind, n in counts.items()}


def case_files(case: int, within: bool, folder: Path) -> float:
    """Make the catalogue of a case and its stars in ``folder``, unless they are there; seconds."""
    done = folder / "done"
    if done.exists():
        return float(done.read_text())
    started = time.monotonic()
    sky, truth = draw_case(case, within)
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


def ask(task: tuple[int, bool, Path]) -> dict:
    """One case: publish, read the fingerprint, hold it against what was hidden."""
    case, within, kept = task
    torch.set_num_threads(1)
    sky, truth = draw_case(case, within)
    direction = truth["direction"]
    run = configuration()
    folder = kept / f"case-{case}"
    made = case_files(case, within, folder)
    started = time.monotonic()
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in run.surveys}
    layout = layout_from_yaml(run.directions[direction].catalogue)
    columns = read_catalogue(folder / f"{direction}.dat.gz", layout).columns
    counts = {"published_counts": published_counts(sky.published, folder)}
    shape = run.directions[direction].model_copy(update=counts)
    question = Question(run, shape, tables)
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
    if name == "selection":
        return found | {"right": _names_selection(truth["selection"], answer)}
    if answer.undetermined:
        return found | {"right": None}
    if name == "masks":
        rules = {rule.split(" ")[0] if "!=" in rule else rule for rule in answer.estimate}
        flag = {"g2a": "flag_Mg_fe", "a2g": "MG_FE_FLAG"}[truth["direction"]]
        expected = {flag if rule == "flag" else rule for rule in MASKS[truth["masks"]]}
        extra = rules - {"no Gaia photometry", "value not finite"}
        return found | {"right": extra == expected}
    low, high = answer.interval
    return found | {"right": low <= truth[name] <= high}


def _names_selection(truth: str, answer) -> bool:
    """Whether the right selection stands first, or none is named where none is right."""
    if truth == "none of these":
        return bool(answer.undetermined) and "no candidate gives the flags" in answer.undetermined
    first = answer.evidence["ranking"][0]
    return truth in [first["selection"], *first["same_sample"]]


def cases(first: int, count: int, jobs: int, within: bool, kept: Path) -> int:
    """Run the cases; print each and the counts."""
    found = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for result in pool.map(ask, [(case, within, kept) for case in range(first, first + count)]):
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
    parser.add_argument("--outside", action="store_true", help="selections that no candidate is")
    parser.add_argument("--kept", type=Path, help="folder of the catalogues, made once")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = given.kept or Path(folder)
        return cases(given.first, given.cases, given.jobs, not given.outside, kept)


if __name__ == "__main__":
    sys.exit(main())
