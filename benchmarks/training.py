"""Time of training one member of the paper's size against the bare matrix products of its passes.

``.venv/bin/python benchmarks/training.py [--epochs 3] [--rounds 3]
[--threads 1] [--device cpu] [--precision fp32]`` trains an intrinsic network on 10,944 made-up
stars in batches of 4096, with validation on 2736, and multiplies matrices of the same shapes with
nothing between: a product forward, two backward (none for the gradient of the inputs), one for
validation. It takes turns and prints the medians, and on a CPU fails above 2.5 times.
``--members 10`` also trains so many at once, their weights stacked, and prints how much faster that
is than one after another; on a GPU it fails below 5 times.
"""

import argparse
import statistics
import sys
import time

import torch

from spectrotranslator.config.method_settings import NetworkSettings, TrainingSettings
from spectrotranslator.network.stacked_training import train_stacked
from spectrotranslator.network.training_loop import Stars, train
from spectrotranslator.network.translator import NormalisedLinear, Translator

TRAINING, VALIDATION, BATCH, LIMIT = 10_944, 2_736, 4096, 2.5
TOGETHER = 5


def shapes(network: Translator) -> list[tuple[int, int]]:
    """Inputs and outputs of every linear layer, in order."""
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Linear | NormalisedLinear)]
    sizes = [(m.v if isinstance(m, NormalisedLinear) else m.weight).shape for m in layers]
    return [(int(inputs), int(outputs)) for outputs, inputs in sizes]


def made_up(stars: int, device: str) -> Stars:
    return Stars(torch.randn(stars, 6, device=device), torch.randn(stars, 4, device=device))


def now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def settings_of(given, epochs: int) -> TrainingSettings:
    return TrainingSettings(
        learning_rates=[1e-3],
        epochs=epochs,
        patience=epochs,
        batch=BATCH,
        precision=given.precision,
    )


def training_seconds(given, epochs: int) -> float:
    device = given.device
    network = Translator(6, 4, "first", NetworkSettings()).to(device)
    training, validation = made_up(TRAINING, device), made_up(VALIDATION, device)
    start = now(device)
    train(network, training, validation, settings_of(given, epochs))
    return now(device) - start


def together_seconds(given, epochs: int) -> float:
    members, device = given.members, given.device
    networks = [Translator(6, 4, "first", NetworkSettings()).to(device) for _ in range(members)]
    training = [made_up(TRAINING, device)] * members
    validation = [made_up(VALIDATION, device)] * members
    generators = [torch.Generator().manual_seed(number) for number in range(members)]
    start = now(device)
    train_stacked(networks, training, validation, settings_of(given, epochs), generators)
    return now(device) - start


def bare_seconds(epochs: int, layers: list[tuple[int, int]], device: str) -> float:
    batches = [BATCH, BATCH, TRAINING - 2 * BATCH]
    matrices = [
        (torch.randn(inputs, outputs, device=device), number > 0)
        for number, (inputs, outputs) in enumerate(layers)
    ]
    rows = {
        (count, width): torch.randn(count, width, device=device)
        for count in (*batches, VALIDATION)
        for width in {width for pair in layers for width in pair}
    }
    start = now(device)
    for _ in range(epochs):
        for count in batches:
            for weight, inner in matrices:
                x, gradient = rows[count, weight.shape[0]], rows[count, weight.shape[1]]
                torch.mm(x, weight)
                torch.mm(x.T, gradient)
                if inner:
                    torch.mm(gradient, weight.T)
        for weight, _ in matrices:
            torch.mm(rows[VALIDATION, weight.shape[0]], weight)
    return now(device) - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "tf32", "bf16"])
    parser.add_argument("--members", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    on_cpu = given.device == "cpu"
    layers = shapes(Translator(6, 4, "first", NetworkSettings()))
    training_seconds(given, 1)
    found = [
        (
            training_seconds(given, given.epochs),
            bare_seconds(given.epochs, layers, given.device),
        )
        for _ in range(given.rounds)
    ]
    trained, bare = (statistics.median(times) for times in zip(*found, strict=True))
    ratio = statistics.median(one / other for one, other in found)
    print(
        f"{given.device}, {given.precision}, {given.threads} thread(s), {given.epochs} epochs, "
        f"{given.rounds} rounds"
    )
    print(f"training one member:   {trained / given.epochs:.3f} s an epoch")
    print(f"bare matrix products:  {bare / given.epochs:.3f} s an epoch")
    print(f"ratio: {ratio:.2f}" + f" (at most {LIMIT})" * on_cpu)
    good = ratio <= LIMIT or not on_cpu
    if given.members:
        together_seconds(given, 1)
        together = statistics.median(
            together_seconds(given, given.epochs) for _ in range(given.rounds)
        )
        gain = given.members * trained / together
        print(
            f"{given.members} members at once: {together / given.epochs:.3f} s an epoch, "
            f"{gain:.2f} times as fast as one after another, "
            f"{together / bare / given.members:.2f} times all their bare products"
        )
        good = good and (gain >= TOGETHER or on_cpu)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
