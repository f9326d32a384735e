"""Is a true north-south asymmetry of the Galaxy recovered, and is none claimed where there is none?

``OMP_NUM_THREADS=1 .venv/bin/python benchmarks/asymmetry.py --skies 20`` makes
mini skies of different stars, systematics and footprint fields, with asymmetries up to 0.1 dex and
as many without one. On each it does what the run mini does: the surveys' tables, the crossmatch,
the training of the intrinsic ensemble of GALAH to APOGEE (the velocity's network, which has no
say in abundances, is left out), the translation of all of GALAH, both surveys on one base, and the
report's estimator. The truth is read for the judgement alone: the simulation's shift of each star
at its true place, through the same matching, as APOGEE without noise would show it. A line a sky:
whether the joint 95% band holds the truth in all bins and both elements, and which elements are
claimed.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from skies import survey_tables

from minisky.galaxy import asymmetry_shift
from minisky.settings import SkySettings
from minisky.sky import Sky, make_sky
from spectrotranslator.config import Configuration
from spectrotranslator.config.loading import resolve
from spectrotranslator.evaluation import asymmetry as estimator
from spectrotranslator.evaluation.homogenised_stars import compared
from spectrotranslator.evaluation.refit import cross_validated_translation, refit_network
from spectrotranslator.sample.crossmatch import select_training
from spectrotranslator.sample.cuts import apply_cuts
from spectrotranslator.sample.split import split, survey_rows
from spectrotranslator.translation.homogenise import homogenise

LABELS = ["M_H", "MG_FE"]
SHARE_OF_SHIFT = {"M_H": 1.0, "MG_FE": -0.5}
AMPLITUDES = (0.1, -0.1, 0.08, -0.08, 0.06)


def intrinsic_only(configuration: Configuration) -> Configuration:
    """The direction g2a with its intrinsic network alone."""
    direction = configuration.directions["g2a"]
    kinds = {"intrinsic": direction.networks["intrinsic"]}
    direction = direction.model_copy(update={"networks": kinds})
    return configuration.model_copy(update={"directions": {"g2a": direction}})


def on_one_base(
    configuration: Configuration, sky: Sky, method: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both surveys on APOGEE's base, a row a star, and the translated rows with their members."""
    direction = configuration.directions["g2a"]
    tables = survey_tables(configuration, sky)
    selection = configuration.chosen_selection
    sample = select_training(configuration, direction, "intrinsic", tables, selection, [])
    sample["part"] = split(sample, configuration.split)
    sides = (
        survey_rows(sample, tables["galah"], "from"),
        survey_rows(sample, tables["apogee"], "to"),
    )
    parts = {"intrinsic": refit_network(configuration, method, "g2a", "intrinsic", sample, *sides)}
    rows, _ = apply_cuts(tables["galah"], direction.rows)
    translated = cross_validated_translation(
        configuration, method, parts, rows.reset_index(drop=True)
    )
    whole = configuration.methods[method].montecarlo.intervals == "calibrated"
    table = homogenise(
        configuration, direction, tables["galah"], tables["apogee"], translated, whole
    )
    return table, translated


def true_shifts(sky: Sky, source_id: np.ndarray, amplitude: float) -> dict[str, np.ndarray]:
    """True shift (dex) of stars at their true places, shape (labels, stars): ``as made``, and ``on
    the base``, as APOGEE without noise would show it, whose scale depends on the abundances.
    """
    place = pd.Index(sky.gaia["source_id"]).get_indexer(source_id)
    star = {name: column[place] for name, column in sky.stars.items()}
    shift = asymmetry_shift(amplitude, star["r"], star["z"])
    made = np.stack([SHARE_OF_SHIFT[label] * shift for label in LABELS])
    without = star | {"fe_h": star["fe_h"] - made[0], "mg_fe": star["mg_fe"] - made[1]}
    scale = [sky.systematics.apogee(one)[:, 2:4].T for one in (star, without)]
    return {"as made": made, "on the base": made + scale[0] - scale[1]}


def made(
    configuration: Configuration, sky: Sky, method: str, folder: Path | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stars on one base and the translated rows of a sky.

    Kept in ``folder`` and taken from there the next time, so that the estimator can be looked at
    again without training.
    """
    name = f"{method}-{sky.settings.systematics.seed}"
    kept = folder and [folder / f"{name}-{what}.parquet" for what in ("stars", "rows")]
    if kept and all(path.is_file() for path in kept):
        return tuple(map(pd.read_parquet, kept))
    found = on_one_base(configuration, sky, method)
    for path, one in zip(kept or [], found, strict=False):
        one.to_parquet(path)
    return found


def one_sky(number: int, amplitude: float, method: str, draws: int, folder: Path | None) -> dict:
    """What the estimator finds on one sky, before and after translation, and the truth."""
    torch.set_num_threads(1)
    configuration = intrinsic_only(resolve("mini"))
    direction = configuration.directions["g2a"]
    settings = SkySettings(
        name="asymmetry",
        seed=1000 + number,
        n_galah=configuration.sky.n_galah,
        n_apogee=configuration.sky.n_apogee,
        n_common=configuration.sky.n_common,
        asymmetry=amplitude,
        systematics={"seed": number},
    )
    sky = make_sky(settings)
    table, translated = made(configuration, sky, method, folder)
    stars, chosen = compared(table, translated, direction, LABELS, "LOGG")
    result = estimator.asymmetry(stars, draws)
    shape = (len(LABELS), len(result.groups))
    place, gravity = stars.places.cylindrical(), np.digitize(stars.logg, estimator.LOGG_EDGES) - 1
    plain = estimator.Usual(np.zeros(shape), np.ones(shape))
    truth = {}
    for scale, shift in true_shifts(sky, table["source_id"].to_numpy(), amplitude).items():
        matched = estimator.difference(
            place, gravity, shift[:, chosen], np.ones(len(gravity)), plain
        )
        truth[scale] = matched.over(result.groups).difference
    judged = {when: _judged(result, when, truth) for when in estimator.WHEN}
    return {"sky": number, "amplitude": amplitude, **judged}


def _judged(result: estimator.Asymmetry, when: str, truth: dict[str, np.ndarray]) -> dict:
    table = result.table[result.table["when"] == when].reset_index(drop=True)
    holds = {
        scale: (table["low"] <= true.ravel()) & (table["high"] >= true.ravel())
        for scale, true in truth.items()
    }
    true = truth["on the base"].ravel()
    last = len(result.groups.T) - 1
    return {
        "held": {
            label: bool(holds["on the base"][table["label"] == label].all()) for label in LABELS
        },
        "as made": bool(holds["as made"].all()),
        "claimed": {label: result.claimed(when, label) for label in LABELS},
        "pulls": ((table["difference"] - true) / table["error"]).to_numpy(),
        "outer": [*table.loc[last, ["R", "difference", "error"]], true[last]],
    }


def told(found: dict) -> str:
    """One line of one sky."""
    parts = [f"sky {found['sky']:2d}  {found['amplitude']:+.2f} dex"]
    for when in ("before", "after"):
        one = found[when]
        held = " ".join(f"{n}:{'in' if one['held'][n] else 'OUT'}" for n in LABELS)
        r, found_there, error, true = one["outer"]
        claims = ",".join(n for n in LABELS if one["claimed"][n]) or "none"
        largest = np.abs(one["pulls"]).max()
        parts.append(
            f"{when}: {held}, claims {claims}, largest pull {largest:.1f}, [M/H] at R {r:.1f}: "
            f"{found_there:+.3f} ± {error:.3f}, true {true:+.3f}"
        )
    return " | ".join(parts)


def summary(found: list[dict]) -> list[str]:
    """How often the truth was held and an asymmetry claimed."""
    lines = []
    for name, chosen in (
        ("with an asymmetry", [f for f in found if f["amplitude"]]),
        ("without", [f for f in found if not f["amplitude"]]),
    ):
        for when in ("before", "after"):
            ones = [f[when] for f in chosen]
            held = sum(all(one["held"].values()) for one in ones)
            made_so = sum(one["as made"] for one in ones)
            claimed = sum(any(one["claimed"].values()) for one in ones)
            each = ", ".join(f"{n} {sum(one['claimed'][n] for one in ones)}" for n in LABELS)
            rms = np.sqrt(np.mean(np.concatenate([one["pulls"] for one in ones]) ** 2))
            lines.append(
                f"{name}, {when} translation: truth in the joint band in {held} of {len(ones)} "
                f"skies (of {made_so} as it was made), claimed in {claimed} "
                f"({each}), rms pull {rms:.2f}"
            )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skies", type=int, default=20, help="with an asymmetry, and without")
    parser.add_argument("--first", type=int, default=1, help="seed of the first sky")
    parser.add_argument("--method", default="as-published")
    parser.add_argument("--draws", type=int, default=estimator.DRAWS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the skies, made once")
    given = parser.parse_args()
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    seeds = range(given.first, given.first + given.skies)
    jobs = [(n, AMPLITUDES[n % len(AMPLITUDES)]) for n in seeds]
    jobs += [(n + 100, 0.0) for n in seeds]
    found = []
    with ProcessPoolExecutor(given.processes) as pool:
        waiting = [
            pool.submit(one_sky, *job, given.method, given.draws, given.keep) for job in jobs
        ]
        for one in waiting:
            found.append(one.result())
            print(told(found[-1]), flush=True)
    print(*summary(found), f"{time.monotonic() - started:.0f} s", sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
