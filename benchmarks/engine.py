"""How near the Monte Carlo engine comes to the speed of its matrix products.

Run it with ``PYTHONPATH=workflow python benchmarks/engine.py``. In one run, round by round, it
times whole blocks of the engine (draws, all members and realisations, trimming, percentiles,
flags, comments) and ``torch.mm`` of the same shapes with nothing between, and prints the sustained
FLOP/s of both, their ratio, and the hours both published catalogues would take. ``--device cuda``
does the same on a GPU.
"""

import argparse
import statistics
import time

import numpy as np
import pandas as pd
import torch

from spectrotranslator.catalogue.ensemble import Ensemble
from spectrotranslator.catalogue.montecarlo import NetworkPart, translate_block
from spectrotranslator.catalogue.support import PairMaps
from spectrotranslator.configuration.model import (
    EnsembleSettings,
    MonteCarloSettings,
    NetworkKind,
    NetworkSettings,
)
from spectrotranslator.network.model import Model, describe
from spectrotranslator.network.scaling import Scaling
from spectrotranslator.network.translator import NormalisedLinear, Translator

INPUTS = ["teff", "logg", "fe_h", "Mg_fe", "BP-G", "G-RP", "rv_galah"]
KINDS = {
    "intrinsic": NetworkKind(
        inputs=INPUTS[:6], outputs=["TEFF", "LOGG", "M_H", "MG_FE"], correct="first"
    ),
    "extrinsic": NetworkKind(inputs=INPUTS, outputs=["VHELIO_AVG"], correct="last"),
}
PUBLISHED_ROWS = 588_464 + 675_857
BAR = {"cpu": 0.7, "cuda": 0.5}


def part(kind: str, shape: NetworkKind, members: int, device: str) -> NetworkPart:
    """Untrained members of the paper's network; speed does not hang on the weights."""
    settings = NetworkSettings()
    models = []
    for member in range(members):
        torch.manual_seed(member)
        network = Translator(len(shape.inputs), len(shape.outputs), shape.correct, settings).eval()
        for layer in network.modules():
            if isinstance(layer, NormalisedLinear):
                layer.started = True
        scalings = {
            side: Scaling(np.zeros(n), np.ones(n))
            for side, n in (("input", len(shape.inputs)), ("output", len(shape.outputs)))
        }
        facts = describe(shape, settings, scalings) | {"member": member}
        models.append(
            Model(network, shape.inputs, shape.outputs, shape.correct, *scalings.values(), facts)
        )
    training = np.random.default_rng(1).normal(size=(2000, len(shape.inputs)))
    return NetworkPart(
        kind,
        Ensemble(models, device),
        PairMaps.of(training, 30),
        PairMaps.of(training[:, : len(shape.outputs)], 30),
        shape.inputs,
        shape.outputs,
    )


def stars(rows: int) -> pd.DataFrame:
    """Stars with values and errors of order one."""
    rng = np.random.default_rng(2)
    table = {"row": np.arange(rows), "key": np.arange(rows).astype(str)}
    for name in INPUTS:
        table[name] = rng.normal(size=rows)
        table[f"{name}_error"] = np.full(rows, 0.1)
    return pd.DataFrame(table)


def bare(products: list[tuple[int, int]], rows: int, members: int, device: str) -> float:
    """Seconds of the same products alone."""
    pairs = [
        (torch.ones(rows, i, device=device), torch.ones(i, o, device=device)) for i, o in products
    ]
    out = [torch.empty(rows, o, device=device) for _, o in products]
    return timed(lambda: [[torch.mm(*p, out=o) for p, o in zip(pairs, out, strict=True)]
                          for _ in range(members)], device)  # fmt: skip


def timed(work, device: str) -> float:
    """Seconds of ``work``, the device's queue emptied."""
    start = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--realisations", type=int, default=10)
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    settings = MonteCarloSettings(realisations=given.realisations, block_rows=given.rows)
    ensemble = EnsembleSettings(members=given.members)
    parts = [part(kind, shape, given.members, given.device) for kind, shape in KINDS.items()]
    products = [pair for one in parts for pair in one.ensemble.shapes]
    flops = 2 * sum(i * o for i, o in products) * given.members * given.rows * given.realisations
    table = stars(given.rows)
    whole, alone = [], []
    for _ in range(given.rounds + 1):
        whole.append(timed(lambda: translate_block(table, parts, ensemble, settings), given.device))
        alone.append(bare(products, given.rows * given.realisations, given.members, given.device))
    whole, alone = whole[1:], alone[1:]
    ratios = [b / a for a, b in zip(whole, alone, strict=True)]
    print(f"{given.members} members, {given.realisations} realisations, blocks of {given.rows}")
    print(f"device {given.device}, {given.threads} threads, torch {torch.__version__}")
    print(f"engine        {flops / statistics.median(whole) / 1e9:8.1f} GFLOP/s")
    print(f"torch.mm      {flops / statistics.median(alone) / 1e9:8.1f} GFLOP/s")
    print(
        f"engine / mm   {statistics.median(ratios):8.2f}   from {min(ratios):.2f} to"
        f" {max(ratios):.2f}, bar {BAR[given.device]}"
    )
    hours = statistics.median(whole) / given.rows * PUBLISHED_ROWS / 3600
    print(f"both catalogues, {PUBLISHED_ROWS} rows: {hours:.2f} hours on this one process")


if __name__ == "__main__":
    main()
