"""Coverage and scatter of ``robust`` on real giants: Kepler labels translated to APOGEE's.

Run it with ``python benchmarks/real_giants.py PAIRS.csv [--splits 2] [--members 5]``. PAIRS.csv
holds Teff, log g and [Fe/H] of both surveys with errors (``teff_a``, ``e_teff_a``, ``teff_b``,
``e_teff_b``, ...), ``kic``, ``apogee_id`` and ``method_logg_a``. Stars are left out by fold, every
network is trained without them. It prints, for each label, the share of labels that the
predictive intervals hold (all stars, by the method of log g, by fifths of the input error) and the
standard deviation against the best baseline. Exits with 1 where a share of all stars lies outside
66 to 70% or 88 to 92%, or a group of 300 stars outside 60 to 76%.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

LABELS = ("teff", "logg", "feh")
UNITS = {"teff": "K", "logg": "dex(cm/s2)", "feh": "dex"}
FEWEST = 300


def configuration(pairs: Path, splits: int, members: int) -> dict:
    """Run configuration that translates base a to base b with ``robust``."""
    shared = {"path": str(pairs), "key": ["kic"]}
    surveys = {
        name: {
            **shared,
            "title": title,
            "identifier": identifier,
            "features": {
                f"{label}_{side}": {"unit": UNITS[label], "error": [f"e_{label}_{side}"]}
                for label in LABELS
            },
        }
        for name, title, identifier, side in (
            ("kepler", "Kepler", "kic", "a"),
            ("apogee", "APOGEE", "apogee_id", "b"),
        )
    }
    network = {side: [f"{label}_{end}" for label in LABELS] for side, end in
               (("inputs", "a"), ("outputs", "b"))}  # fmt: skip
    robust = yaml.safe_load(Path("config/paper.yaml").read_text())["methods"]["robust"]
    robust["ensemble"]["members"] = members
    return {
        "evidence": "real",
        "surveys": surveys,
        "match": "key",
        "split": {"validation": 0.2, "test": 0.0},
        "directions": {
            "a2b": {
                "from": "kepler",
                "to": "apogee",
                "networks": {"intrinsic": {**network, "correct": "first"}},
            }
        },
        "methods": {"robust": robust},
        "evaluation": {"folds": 5, "splits": splits},
        "comparison": {"method": "robust"},
    }


def shares(stars: pd.DataFrame, label: str) -> list[tuple[str, int, float, float]]:
    """Group, stars, and the shares of labels within the 16-84% and 5-95% predictive intervals."""
    truth = stars[f"{label}_b"]
    held = {
        (low, high): truth.between(
            stars[f"{label}_b_predictive_p{low}"], stars[f"{label}_b_predictive_p{high}"]
        )
        for low, high in ((16, 84), (5, 95))
    }
    fifth = pd.qcut(stars[f"e_{label}_a"].rank(method="first"), 5, labels=False)
    groups = {"all": pd.Series(True, index=stars.index)}
    groups |= {
        f"log g from {m}": stars["method_logg_a"] == m for m in stars["method_logg_a"].unique()
    }
    groups |= {f"input error, fifth {n + 1}": fifth == n for n in range(5)}
    return [
        (name, int(rows.sum()), held[16, 84][rows].mean(), held[5, 95][rows].mean())
        for name, rows in groups.items()
        if rows.sum() >= FEWEST
    ]


def main() -> int:
    """Evaluate, print, and say by the exit status whether all shares lie within the bars."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--members", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pairs = pd.read_csv(given.pairs, dtype={"kic": str})
        table, run = Path(folder) / "pairs.csv", Path(folder) / "real_giants.yaml"
        pairs.to_csv(table, index=False)
        run.write_text(yaml.safe_dump(configuration(table, given.splits, given.members)))
        target = "results/real_giants/evaluation/a2b.json"
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--quiet", "all"]
        subprocess.run([*command, "--config", f"run={run}", "--", target], check=True)
    evaluated = pd.read_parquet("results/real_giants/evaluation/robust/a2b.parquet")
    stars = evaluated.merge(pairs, left_on="key", right_on="kic", suffixes=("_ours", ""))
    within = True
    for label in LABELS:
        against = json.loads(Path(target).read_text())["labels"][f"{label}_b"]
        ratio = against["against_best_baseline"]["robust"]
        low, high = ratio["interval"]
        print(f"{label}: standard deviation over {against['best_baseline']}"
              f" {ratio['value']:.3f} ({low:.3f} to {high:.3f})")  # fmt: skip
        for name, count, narrow, wide in shares(stars, label):
            print(f"  {name:<24} {count:>5} stars  16-84% {narrow:.3f}  5-95% {wide:.3f}")
            if name == "all":
                within &= 0.66 <= narrow <= 0.70 and 0.88 <= wide <= 0.92
            else:
                within &= 0.60 <= narrow <= 0.76
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
