"""Does one call find the hidden choices behind a published catalogue, and judge fairly?

    nice -n 10 python benchmarks/blind.py [--inside 10] [--outside 5] [--first 0] [--keep]

Every case is a small sky of its own whose published catalogue was made with choices drawn from a
seed: a selection out of the candidates, 5 to 20 members, 5 to 100 realisations, masks, and one of
three lengths of training. The run configuration leaves all of them to the published catalogue, has
one length of training, and names the other two as ``comparison.choices``; tolerances are the run's
own. The front door is called once, and nothing is edited. Within reach the verdict must be
``equivalent`` or ``consistent``; the cases out of reach have a selection that is none of the
candidates, more members than are trained, or another length of training, and the verdict must be
``deviates`` and name the obstacle. The published side shares no code with the engine that is
judged; the engine does not read the section ``sky`` of its configuration.

Prints a line a case and exits with 1 where a bar is missed: all cases within reach, and all out of
reach but one of five.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from math import floor
from pathlib import Path

import numpy as np
import yaml
from fingerprint import LENGTHS, MASKS, TRAINING, cuts, draw_selection, published_counts

from minisky.settings import PublishedSettings, SkySettings
from minisky.simulate_sky import simulate

CONFIGURED_LENGTH = 12
MOST_MEMBERS, POOL = 20, 40
SEED = 20240901
#: What is out of reach, in turn, and a word that the verdict must name it by.
OBSTACLES = {
    "selection": "the selection is not known (no candidate gives the flags",
    "members": "ensemble.members",
    "length": "training.epochs",
}
GOOD = ("identical", "equivalent", "consistent")


def draw(case: int, obstacle: str | None) -> tuple[SkySettings, dict]:
    """The sky of a case and the choices that its published catalogue hides.

    Parameters
    ----------
    case : int
        Number of the case.
    obstacle : str or None
        Which of ``OBSTACLES`` is out of reach.
    """
    rng = np.random.default_rng([SEED, case])
    truth = {
        "direction": ("g2a", "a2g")[case % 2],
        "realisations": int(np.exp(rng.uniform(np.log(5), np.log(100.99)))),
        "members": int(rng.integers(5, MOST_MEMBERS + 1)),
        "epochs": int(rng.choice(LENGTHS)),
        "masks": str(rng.choice(list(MASKS))),
    }
    truth["selection"], selection = draw_selection(case, rng, obstacle != "selection")
    if obstacle == "members":
        truth["members"] = int(rng.integers(MOST_MEMBERS + 6, MOST_MEMBERS + 20))
    if obstacle == "length":
        truth["epochs"] = 1
    published = PublishedSettings(
        seed=3000 + case,
        members=truth["members"],
        realisations=truth["realisations"],
        widths=(16, 32),
        epochs=truth["epochs"],
        galah_sample=cuts(selection.cuts.get("galah", [])),
        apogee_sample=cuts(selection.cuts.get("apogee", [])),
        pair_sample=cuts(selection.pairs),
        velocity_sample=cuts(selection.networks.get("extrinsic", [])),
        masks=truth["masks"],
        **TRAINING,
    )
    sky = SkySettings(
        name=f"blind {case}",
        seed=500 + case,
        n_galah=2600,
        n_apogee=2900,
        n_common=int(rng.integers(1500, 1900)),
        published=published,
    )
    return sky, truth


def counts_of(sky: SkySettings) -> dict[str, tuple[int, int]]:
    """Training stars of each network, to within 40 as the authors' notebooks tell them."""
    names = ("galah", "vac", "apogee", "gaia", "truth", "clusters")
    with tempfile.TemporaryDirectory() as folder:
        simulate(sky, **{name: Path(folder) / name for name in names})
        return published_counts(sky.published, Path(folder))


def configuration(sky: SkySettings, direction: str) -> dict:
    """The run's configuration, which leaves every hidden choice to the published catalogue."""
    counts = {kind: list(ends) for kind, ends in counts_of(sky).items()}
    other = {"g2a": "a2g", "a2g": "g2a"}[direction]
    lengths = {f"epochs{n}": {"training.epochs": n} for n in LENGTHS if n != CONFIGURED_LENGTH}
    training = {**TRAINING, "learning_rates": list(TRAINING["learning_rates"])}
    return {
        "extends": str(Path("config/paper.yaml").absolute()),
        "sky": sky.model_dump(mode="json", exclude_none=True),
        "selection": "fingerprint",
        "selection_fallback": "advice",
        "directions": {
            direction: {
                "rows": [{"cut": "published", "source": "readme"}],
                "published_counts": counts,
            },
            other: None,
        },
        "methods": {
            "robust": None,
            "as-published": {
                "network": {"widths": [16, 32]},
                "training": training | {"epochs": CONFIGURED_LENGTH},
                "ensemble": {
                    "members": "fingerprint",
                    "members_fallback": 10,
                    "most_members": MOST_MEMBERS,
                },
                "montecarlo": {
                    "realisations": "fingerprint",
                    "realisations_fallback": 10,
                    "missing": "fingerprint",
                    "masked": "fingerprint",
                },
            },
        },
        "importance": {"stars": 10, "background": 10},
        "comparison": {"tolerances": "run", "pool": POOL, "choices": lengths},
    }


def judge(case: int, obstacle: str | None, keep: bool) -> dict:
    """One case: publish, call the front door once, hold the verdict against the truth."""
    sky, truth = draw(case, obstacle)
    name = f"blind-{case}"
    folder = Path("results") / name
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / f"{name}.yaml"
        run.write_text(yaml.safe_dump(configuration(sky, truth["direction"])))
        started = time.monotonic()
        call = [sys.executable, "-I", "-m", "spectrotranslator", str(run)]
        done = subprocess.run(call, capture_output=True, text=True)
        seconds = time.monotonic() - started
    if done.returncode not in (0, 1) or not (folder / "verdict.json").is_file():
        return {"case": case, "right": False, "truth": truth, "failed": done.stderr[-2000:]}
    verdict = json.loads((folder / "verdict.json").read_text())
    ((_, catalogue),) = verdict["catalogues"].items()
    ((_, adopted),) = verdict["adopted"].items()
    told = catalogue["causes"] + [line["sentence"] for line in adopted]
    if obstacle is None:
        right = verdict["grade"] in GOOD
    else:
        named = any(OBSTACLES[obstacle] in line for line in catalogue["causes"])
        right = verdict["grade"] not in GOOD and named
    grades = [column["grade"] for column in catalogue["columns"].values()]
    if not keep:
        shutil.rmtree(folder)
    return {
        "case": case,
        "obstacle": obstacle,
        "right": right,
        "grade": verdict["grade"],
        "seconds": round(seconds),
        "truth": truth,
        "adopted": {line["setting"]: line["value"] for line in adopted},
        "columns": {grade: grades.count(grade) for grade in sorted(set(grades))},
        "told": told,
    }


def main() -> int:
    """Run the cases; print each and the counts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--inside", type=int, default=10, help="cases within reach")
    parser.add_argument("--outside", type=int, default=5, help="cases out of reach")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--keep", action="store_true", help="leave the runs' folders")
    given = parser.parse_args()
    names = list(OBSTACLES)
    tasks = [(given.first + n, None) for n in range(given.inside)]
    outside = range(given.first, given.first + given.outside)
    tasks += [(1000 + n, names[n % len(names)]) for n in outside]
    right = {True: 0, False: 0}
    for case, obstacle in tasks:
        found = judge(case, obstacle, given.keep)
        print(json.dumps(found), flush=True)
        right[obstacle is None] += found["right"]
    print(f"within reach: {right[True]} of {given.inside} equivalent or consistent")
    print(f"out of reach: {right[False]} of {given.outside} with the obstacle named")
    good = right[True] == given.inside and right[False] >= floor(0.8 * given.outside)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
