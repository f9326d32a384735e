"""What a job of each rule costs: a fixed part and a part that grows with the surveys' rows.

The table is fitted to finished runs of several sizes by ``benchmarks/costs.py``. Where networks
work it serves for memory and disk alone: their time is measured on the machine that asks
(``speed``).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from minisky.settings import parse_sky
from spectrotranslator.config import Configuration
from spectrotranslator.download.registry import Source
from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json

if TYPE_CHECKING:
    from .machine_speed import Speed

TABLE = Path("config/costs.json")
TYPICAL_TRAINING_STARS = 13_680
FLOPS_SHARE_OF_GPU = 0.5


@dataclass(frozen=True)
class Cost:
    """One job: seconds of one core, megabytes of memory, bytes that stay on the disk."""

    seconds: float
    memory_mb: float
    disk_bytes: float


@dataclass(frozen=True)
class Costs:
    """What jobs of every rule cost, and ``rows``, the most rows that were measured.

    By rule ``(fixed, a row)`` of seconds, megabytes and bytes. ``work`` is the fixed piece of
    work's seconds where it was made, ``largest`` the most rows of a run that it rests on.
    """

    work: float
    rules: dict[str, dict[str, list[float]]]
    largest: int

    @classmethod
    def read(cls, path: Path = TABLE) -> "Costs":
        """From the file that ``benchmarks/costs.py`` wrote.

        Raises
        ------
        InputError
            It is not there or not such a file.
        """
        value = read_json(path)
        try:
            return cls(value["work_s"], value["rules"], max(value["rows"].values()))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(
                f"{path}: not a table of costs; make it with benchmarks/costs.py"
            ) from None

    def measured(self, rule: str, rows: int) -> Cost | None:
        """A job of ``rule`` in a run of ``rows`` survey rows, on the machine of the table.

        None if it was never measured.
        """
        found = self.rules.get(rule)
        if found is None:
            return None
        return Cost(
            *(found[name][0] + found[name][1] * rows for name in ("seconds", "memory_mb", "bytes"))
        )

    def reach(self, rule: str) -> int:
        """The most rows of a run in which ``rule`` was measured."""
        return int(self.rules.get(rule, {}).get("rows", [self.largest])[0])

    def of(self, rule: str, rows: int, speed: "Speed") -> Cost | None:
        """The same on a machine of ``speed``."""
        found = self.measured(rule, rows)
        return found and replace(found, seconds=found.seconds * speed.work / self.work)


def survey_rows(configuration: Configuration, registered: dict[str, int | None]) -> dict[str, int]:
    """Rows of every survey: as simulated, as registered, or of the user's own table.

    Parameters
    ----------
    registered
        Source to its rows, from the table of sources.
    """
    rows = {}
    for name, survey in configuration.surveys.items():
        if configuration.sky:
            sky = parse_sky(configuration.sky)
            sizes = {"galah": sky.n_galah, "apogee": sky.n_apogee}
            rows[name] = sizes.get(name, max(sizes.values()))
        elif survey.path:
            with Path(survey.path).open("rb") as stream:
                rows[name] = sum(1 for _ in stream)
        else:
            files = configuration.sources.surveys.get(name, [])
            rows[name] = next((registered[f] for f in files if registered.get(f)), 0)
    return rows


def file_bytes(files: Iterable[str], registered: Iterable[Source]) -> dict[str, float | None]:
    """Bytes of every one of ``files`` as the table of sources knows them; None: it does not.

    Where no exact number stands there, what the provider's page rounds to.
    """
    sizes = {source.file: source.likely_bytes for source in registered}
    return {file: sizes.get(file) for file in files}


def training_stars(configuration: Configuration) -> int:
    """Stars of a training sample, training and validation together: published, or likely."""
    counts = [
        d.published_counts["intrinsic"][1]
        for d in configuration.directions.values()
        if "intrinsic" in d.published_counts
    ]
    if counts:
        return max(counts)
    sky = configuration.sky
    common = parse_sky(sky).n_common if sky else TYPICAL_TRAINING_STARS
    return min(common, TYPICAL_TRAINING_STARS)


def training_seconds(configuration: Configuration, speed: "Speed", name: str) -> float:
    """Seconds of training one member of ``METHOD/DIRECTION/KIND``, if no phase stops early."""
    training = configuration.methods[name.split("/")[0]].training
    epochs = training.epochs + training.patience * (len(training.learning_rates) - 1)
    share = 1 - configuration.split.validation - configuration.split.test
    return epochs * training_stars(configuration) * share * speed.epoch_star[name]


def cross_validation_seconds(
    configuration: Configuration, speed: "Speed", method: str, direction: str
) -> float:
    """Seconds of training a method anew without the judged stars, and of translating them."""
    settings = configuration.evaluation
    kinds = configuration.directions[direction].networks
    one = sum(training_seconds(configuration, speed, f"{method}/{direction}/{k}") for k in kinds)
    members = configuration.methods[method].ensemble.expected
    judged = training_stars(configuration) / settings.folds
    training = one * members * (1 - 1 / settings.folds)
    return settings.splits * (training + judged * speed.row[f"{method}/{direction}"])


def shapley_seconds(
    configuration: Configuration, speed: "Speed", method: str, direction: str, kind: str
) -> float:
    """Seconds of all coalitions of one network's inputs, at the speed of a translation."""
    settings = configuration.methods[method]
    inputs = len(configuration.directions[direction].networks[kind].inputs)
    asked = configuration.importance
    rows = 2**inputs * asked.stars * asked.background * settings.ensemble.trained
    per_second = flops(configuration, method, direction, 1) / speed.row[f"{method}/{direction}"]
    return rows * network_flops(configuration, method, direction, kind) / per_second


def flops(configuration: Configuration, method: str, direction: str, rows: int) -> float:
    """Floating point operations of a translation: all networks, members, realisations, rows."""
    settings = configuration.methods[method]
    passes = settings.ensemble.expected * settings.montecarlo.realisations
    kinds = configuration.directions[direction].networks
    one = sum(network_flops(configuration, method, direction, kind) for kind in kinds)
    return float(rows) * passes * one


def network_flops(configuration: Configuration, method: str, direction: str, kind: str) -> int:
    """Floating point operations of one star through one network: two a weight."""
    network = configuration.directions[direction].networks[kind]
    widths = configuration.methods[method].network.widths
    return 2 * weights(widths, len(network.inputs), len(network.outputs))


def weights(widths: list[int], inputs: int, outputs: int) -> int:
    """Entries of all weight matrices of one network (biases and lengths apart)."""
    up = [a * b for a, b in pairwise(widths)]
    blocks = 2 * sum(2 * width**2 for width in widths[:-1]) + 2 * widths[-1] ** 2
    return widths[0] * (inputs + outputs) + 2 * sum(up) + blocks


def on_gpu(operations: float, gflops: float) -> float:
    """Seconds of ``operations`` on a GPU of ``gflops``, of which half is reached."""
    return operations / (FLOPS_SHARE_OF_GPU * gflops * 1e9)
