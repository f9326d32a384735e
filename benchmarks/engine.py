"""How near the Monte Carlo engine comes to the speed of its matrix products.

Run it with ``python benchmarks/engine.py``. In one run, round by round, it
times blocks of the engine one after another (draws, all members and realisations, trimming,
percentiles, flags, comments) and ``torch.mm`` of the same shapes with nothing between, and prints
the sustained FLOP/s of both, their ratio, and the hours both published catalogues would take.
``--device cuda`` does the same on a GPU.
"""

import argparse
import statistics
import time

import torch

from spectrotranslator.config import resolve
from spectrotranslator.resources.machine_speed import made_up_stars, network_part
from spectrotranslator.translation.montecarlo import translate

PUBLISHED_ROWS = 588_464 + 675_857
BAR = {"cpu": 0.7, "cuda": 0.5}


def bare(products: list[tuple[int, int]], rows: int, members: int, device: str) -> float:
    """Seconds of the same products alone."""
    pairs = [
        (torch.ones(rows, i, device=device), torch.ones(i, o, device=device)) for i, o in products
    ]
    outputs = [torch.empty(rows, o, device=device) for _, o in products]

    def multiply() -> None:
        for _ in range(members):
            for pair, out in zip(pairs, outputs, strict=True):
                torch.mm(*pair, out=out)

    return timed(multiply, device)


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
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    configuration = resolve("full")
    method, direction = configuration.methods["as-published"], configuration.directions["g2a"]
    ensemble = method.ensemble.model_copy(update={"members": given.members})
    method = method.model_copy(update={"ensemble": ensemble})
    settings = method.montecarlo.model_copy(
        update={"realisations": given.realisations, "block_rows": given.rows}
    )
    parts = [network_part(method, direction, kind, given.device) for kind in direction.networks]
    products = [pair for part in parts for pair in part.ensemble.shapes]
    blocks = [made_up_stars(direction, given.rows)] * given.blocks
    passes = given.rows * given.realisations
    flops = 2 * sum(i * o for i, o in products) * given.members * passes * given.blocks
    whole, alone = [], []
    for _ in range(given.rounds + 1):
        work = lambda: list(translate(blocks, parts, method.ensemble, settings))  # noqa: E731
        whole.append(timed(work, given.device))
        alone.append(given.blocks * bare(products, passes, given.members, given.device))
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
    hours = statistics.median(whole) / (given.rows * given.blocks) * PUBLISHED_ROWS / 3600
    print(f"both catalogues, {PUBLISHED_ROWS} rows: {hours:.2f} hours on this one process")


if __name__ == "__main__":
    main()
