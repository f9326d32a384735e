"""How fast this machine trains and translates with the networks of a run, in a few seconds.

Real epochs and real blocks of the run's own networks are timed, untrained and on made-up stars: no
figure of the arithmetic has to be believed. As many copies run at once as the run would have jobs.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from spectrotranslator.config import Configuration, load
from spectrotranslator.config.configuration import Direction, Method
from spectrotranslator.errors import InputError

from .cost_table import flops

TIMING_S = 0.3
STARS = 2048
# A block is cut so that it takes a fraction of a second, and still fills the products.
BLOCK_FLOPS, FEWEST_ROWS = 2e10, 32
WRITTEN, ORDERED = 150_000, 1_000_000


@dataclass(frozen=True)
class Speed:
    """Seconds on one machine.

    ``epoch_star``: of a training epoch per training star, by ``METHOD/DIRECTION/KIND``; ``row``: of
    a catalogue row, by ``METHOD/DIRECTION``; ``work``: of a fixed piece of plain work, by which
    other costs are scaled.
    """

    device: str
    work: float
    epoch_star: dict[str, float]
    row: dict[str, float]


def measure(config: Path, copies: int) -> Speed:
    """Time ``copies`` processes at once; the slowest counts.

    Raises
    ------
    InputError
        A copy fails; its last line is repeated.
    """
    command = [sys.executable, "-m", "spectrotranslator.resources.machine_speed", str(config)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(copies)
    ]
    answers = [process.communicate() for process in running]
    for process, (_, said) in zip(running, answers, strict=True):
        if process.returncode:
            reason = next(reversed(said.strip().splitlines()), "no reason given")
            raise InputError(f"the speed of this machine could not be measured: {reason}")
    found = [json.loads(out) for out, _ in answers]
    return Speed(
        device=found[0]["device"],
        work=max(one["work"] for one in found),
        epoch_star=_slowest([one["epoch_star"] for one in found]),
        row=_slowest([one["row"] for one in found]),
    )


def _slowest(figures: list[dict[str, float]]) -> dict[str, float]:
    return {name: max(one[name] for one in figures) for name in figures[0]}


def plain_work() -> float:
    """Seconds of what the jobs without networks do, in small, the better of two.

    Numbers become text and numbers again and are looked up, a column is ordered, bytes are hashed.
    """
    values = np.random.default_rng(1).random(ORDERED)
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        words = [f"{number:.6f}" for number in values[:WRITTEN].tolist()]
        dict(zip(words, map(float, words), strict=True))
        ordered = values[np.argsort(values, kind="stable")]
        hashlib.sha256(ordered.tobytes()).hexdigest()
        taken.append(time.perf_counter() - start)
    return min(taken)


def here(configuration: Configuration) -> Speed:
    """Time the run's networks in this process."""
    import torch

    from spectrotranslator.network.device import choose

    torch.set_num_threads(configuration.compute.threads)
    device = choose(configuration.compute.device)
    epoch_star, row = {}, {}
    for name, method in configuration.methods.items():
        for direction, chosen in configuration.directions.items():
            for kind in chosen.networks:
                epoch_star[f"{name}/{direction}/{kind}"] = _training(method, chosen, kind, device)
            rows = int(BLOCK_FLOPS / flops(configuration, name, direction, 1))
            rows = min(max(rows, FEWEST_ROWS), method.montecarlo.block_rows)
            row[f"{name}/{direction}"] = _translation(method, chosen, device, rows)
    return Speed(device, plain_work(), epoch_star, row)


def _training(method: Method, direction: Direction, kind: str, device: str) -> float:
    """Seconds an epoch takes, a star."""
    import torch

    from spectrotranslator.network.training_loop import Stars, train

    shape = direction.networks[kind]
    stars = Stars(torch.randn(STARS, len(shape.inputs)), torch.randn(STARS, len(shape.outputs)))
    stars = stars.to(device)
    network = untrained(method, direction, kind).to(device)
    brief = {"learning_rates": method.training.learning_rates[:1], "epochs": 1}
    settings = method.training.model_copy(update=brief)
    return _repeated(lambda: train(network, stars, stars, settings), device) / STARS


def _translation(method: Method, direction: Direction, device: str, rows: int) -> float:
    """Seconds a catalogue row takes, of ``rows``: all networks, members and realisations."""
    from spectrotranslator.translation.montecarlo import translate_block

    parts = [network_part(method, direction, kind, device) for kind in direction.networks]
    stars = made_up_stars(direction, rows, method.montecarlo.masked.values())
    work = lambda: translate_block(stars, parts, method.ensemble, method.montecarlo)  # noqa: E731
    return _repeated(work, device) / len(stars)


def untrained(method: Method, direction: Direction, kind: str):
    """A network of the method's shape that takes its random weights as they are."""
    from spectrotranslator.network.translator import Translator

    shape = direction.networks[kind]
    network = Translator(len(shape.inputs), len(shape.outputs), shape.correct, method.network)
    network.mark_started()
    return network


def network_part(method: Method, direction: Direction, kind: str, device: str):
    """An untrained ensemble with maps of made-up training stars; speed hangs on neither."""
    from spectrotranslator.network.saved_model import Model, describe
    from spectrotranslator.network.scaling import Scaling
    from spectrotranslator.network.training_sample import Scalings
    from spectrotranslator.translation.ensemble_inference import Ensemble
    from spectrotranslator.translation.montecarlo import NetworkPart
    from spectrotranslator.translation.quality_flags import PairMaps

    shape = direction.networks[kind]
    sizes = {"input": len(shape.inputs), "output": len(shape.outputs)}
    scalings = Scalings(*(Scaling(np.zeros(n), np.ones(n)) for n in sizes.values()))
    facts = describe(shape, method.network, scalings)
    models = [
        Model(
            untrained(method, direction, kind).eval(),
            shape.inputs,
            shape.outputs,
            shape.correct,
            scalings.input,
            scalings.output,
            facts | {"member": member},
        )
        for member in range(method.ensemble.expected)
    ]
    training = np.random.default_rng(1).normal(size=(STARS, sizes["input"]))
    settings = method.montecarlo
    maps = [
        PairMaps.of(training[:, :n], settings.map_bins, settings.map_precision)
        for n in sizes.values()
    ]
    return NetworkPart(kind, Ensemble(models, device), *maps, shape.inputs, shape.outputs)


def made_up_stars(direction: Direction, rows: int, flags: Iterable[str] = ()) -> pd.DataFrame:
    """Stars with the direction's inputs and errors, all of order one, and ``flags`` that are 0."""
    chance = np.random.default_rng(2)
    table = {"row": np.arange(rows), "key": np.arange(rows).astype(str)}
    table |= dict.fromkeys(flags, np.zeros(rows, np.int64))
    for network in direction.networks.values():
        for name in network.inputs:
            table[name] = chance.normal(size=rows)
            table[f"{name}_error"] = np.full(rows, 0.1)
    return pd.DataFrame(table)


def _repeated(work: Callable[[], object], device: str) -> float:
    """Mean seconds of ``work``, after one round that does not count."""
    import torch

    def now() -> float:
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    work()
    start, rounds = now(), 0
    while not rounds or now() - start < TIMING_S:
        work()
        rounds += 1
    return (now() - start) / rounds


def main() -> None:
    """Print the speeds of this process as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("config", type=Path)
    print(json.dumps(vars(here(load(parser.parse_args().config)))))


if __name__ == "__main__":
    main()
