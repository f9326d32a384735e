"""The jobs of a run with their time, memory and disk, before anything runs."""

import argparse
import heapq
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import networkx as nx
from pydantic import ValidationError

from spectrotranslator import user_paths
from spectrotranslator.config import Configuration, dump, resolve
from spectrotranslator.config.configuration import FINGERPRINT
from spectrotranslator.config.loading import find, require_tables
from spectrotranslator.config.method_settings import changed_method
from spectrotranslator.download.registry import read_registry
from spectrotranslator.errors import InputError
from spectrotranslator.graph.calibration_jobs import members_of_part, pair_parts, pool_parts
from spectrotranslator.graph.member_batches import batch_sizes, step_of_rule
from spectrotranslator.resources.cost_table import (
    Cost,
    Costs,
    cross_validation_seconds,
    file_bytes,
    flops,
    on_gpu,
    shapley_seconds,
    survey_rows,
    training_seconds,
)
from spectrotranslator.resources.machine_speed import Speed, measure
from spectrotranslator.resources.resource_requests import FARTHEST

TIMED_HERE = {
    "train_members", "translate_shard", "cross_validate", "assess_ensemble",
    "train_pool", "apply_choice", "compare_replicates",
}  # fmt: skip
# Whose time the network decides, where the archives are real.
FETCHES = ("fetch_file", "fetch_vizier", "fetch_photometry")
SUBMISSIONS = 100
SHARD_S = 1200
PROFILE = "profiles/slurm"
JOB_LINE = re.compile(r"^(\w+)\s+(\d+)\s*$")
GROUP_LINE = re.compile(r"^\[.*\] Group job (\w+) ")
LONE_LINE = re.compile(r"^(?:local)?rule (\w+):$")
LOCAL_LINE = re.compile(r"^localrule (\w+):$")
GRAPH_NODE = re.compile(r"^\s*(id\d+)\[(\w+)\]")
GRAPH_EDGE = re.compile(r"^\s*(id\d+) --> (id\d+)")
TARGET_RULES = ("all", "reproduce")
FILE_LINE = re.compile(r"^    wildcards: file=(.+)$")


@dataclass(frozen=True)
class Line:
    """All jobs of one rule: how many, what one costs at most, and the seconds of each.

    A job that shares its work among ``processes`` takes so much less than its ``seconds``. Time
    that is not ``timed`` counts as nothing, and so does the disk of the ``unsized`` files; of a
    file to fetch ``disk_bytes`` is the mean.
    """

    rule: str
    jobs: int
    seconds: list[float]
    memory_mb: float
    disk_bytes: float
    measured: bool = True
    processes: int = 1
    timed: bool = True
    unsized: int = 0

    @property
    def pieces(self) -> list[float]:
        """Seconds of all that can be done side by side."""
        return [one / self.processes for one in self.seconds for _ in range(self.processes)]


def main(arguments: list[str]) -> int:
    """``./reproduce plan RUN [--members N] [--realisations N] [--gpu GFLOPS] [--json]``."""
    given = _parse(arguments)
    configuration = _changed(resolve(given.run), given)
    require_tables(configuration)
    here = len(os.sched_getaffinity(0))
    cores = given.cores or here
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / f"{configuration.run}.yaml"
        dump(configuration, config)
        # What a changed run has still to do, its own file cannot tell.
        changed = given.members is not None or given.realisations is not None
        dry = dry_run(str(config) if changed else given.run)
        jobs = remaining_jobs(dry)
        if not jobs and not given.json:
            print(f"Run {configuration.run} is complete: nothing is left to do.")
            return 0
        at_once = max(1, cores // configuration.compute.threads)
        # Copies beyond the cores that are here would share one, which they do nowhere else.
        speed = measure(config, max(1, min(cores, here) // configuration.compute.threads))
    costs = Costs.read()
    layers, local = rule_layers(given.run), local_rules(dry)
    lines = predict(configuration, jobs, speed, costs, layers, files_to_fetch(dry))
    told = {
        "run": configuration.run,
        "cores": cores,
        "device": speed.device,
        "rows": sum(_rows(configuration).values()),
        "rows_measured": min((costs.reach(line.rule) for line in lines), default=costs.largest),
        "rules": [
            vars(line) | {"seconds": sum(line.seconds) if line.timed else None} for line in lines
        ],
        "machine": {"seconds": schedule(lines, layers, at_once)},
        "slurm": _slurm(lines, layers, local, configuration, queue_waits(dry)),
        "shards": suggested_shards(configuration, lines, at_once),
        "disk_bytes": sum(line.disk_bytes * line.jobs for line in lines),
    }
    if given.gpu:
        told["gpu"] = {
            "gflops": given.gpu,
            "translation_seconds": on_gpu(_all_flops(configuration), given.gpu),
        }
    print(json.dumps(told, indent=1) if given.json else _text(told, lines, configuration))
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "./reproduce plan",
        description=__doc__,
        epilog="example: ./reproduce plan full --members 10 --realisations 100 --gpu 50000",
    )
    parser.add_argument(
        "run", type=user_paths.resolve_run, help="name of a run in config/runs, or its file"
    )
    parser.add_argument("--members", type=int, help="as if every ensemble had so many")
    parser.add_argument("--realisations", type=int, help="as if every catalogue had so many")
    parser.add_argument("--cores", type=int, help="of this machine; all it offers")
    parser.add_argument("--gpu", type=float, metavar="GFLOPS", help="single precision of a GPU")
    parser.add_argument("--json", action="store_true", help="for scripts")
    return parser.parse_args(arguments)


def _changed(configuration: Configuration, given: argparse.Namespace) -> Configuration:
    """The configuration with the members and realisations that were asked for.

    Raises
    ------
    InputError
        A method cannot have so many, or it is not known how many realisations it has.
    """
    value = configuration.model_dump(by_alias=True)
    for name, method in value["methods"].items():
        if given.members is not None:
            method["ensemble"]["members"] = given.members
        for setting, assumed in (("missing", "not finite"), ("masked", {})):
            if method["montecarlo"][setting] == FINGERPRINT:
                method["montecarlo"][setting] = assumed  # costs nothing either way
        if given.realisations is not None:
            method["montecarlo"]["realisations"] = given.realisations
        elif method["montecarlo"]["realisations"] == FINGERPRINT:
            if fallback := method["montecarlo"]["realisations_fallback"]:
                method["montecarlo"]["realisations"] = fallback
                continue
            raise InputError(
                f"methods.{name}.montecarlo.realisations is fingerprint: how many that is will be "
                "known when the published catalogue is there; plan with --realisations N"
            )
    try:
        return Configuration.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place, reason = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        raise InputError(f"--members or --realisations: {place}: {reason}") from None


def dry_run(run: str) -> list[str]:
    """The lines in which Snakemake says what a call would run now, as on a cluster.

    Raises
    ------
    InputError
        Snakemake cannot make a plan; its last line is repeated.
    """
    find(run)
    return _snakemake(run, "-n", "--profile", PROFILE)


def rule_layers(run: str) -> list[list[str]]:
    """Rules in layers: those of one layer need only what earlier layers make.

    Raises
    ------
    InputError
        Snakemake cannot make a graph; its last line is repeated.
    """
    lines = _snakemake(run, "--rulegraph", "mermaid-js")
    nodes = map(GRAPH_NODE.match, lines)
    names = {found[1]: step_of_rule(found[2]) for found in nodes if found}
    graph = nx.DiGraph()
    graph.add_nodes_from(names.values())
    edges = [found.groups() for found in map(GRAPH_EDGE.match, lines) if found]
    graph.add_edges_from((names[a], names[b]) for a, b in edges)
    graph.remove_nodes_from(TARGET_RULES)
    return [sorted(layer) for layer in nx.topological_generations(graph)]


def local_rules(dry: list[str]) -> set[str]:
    """Rules whose jobs run where the workflow is called, from a dry run."""
    return {found[1] for found in map(LOCAL_LINE.match, dry) if found}


def _snakemake(run: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "snakemake", *arguments, "--config", f"run={run}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
        raise InputError(f"run {run}: Snakemake makes no plan ({reason})")
    return (done.stdout + done.stderr).splitlines()


def remaining_jobs(dry: list[str]) -> dict[str, int]:
    """Rule to the number of its jobs, from the table of a dry run."""
    # The table is printed twice.
    by_rule = {line[1]: int(line[2]) for line in map(JOB_LINE.match, dry) if line}
    found: Counter[str] = Counter()
    for rule, number in by_rule.items():
        found[step_of_rule(rule)] += number
    return {rule: n for rule, n in found.items() if rule not in ("total", *TARGET_RULES)}


def files_to_fetch(dry: list[str]) -> list[str]:
    """Names of the files that the jobs of ``fetch_file`` bring, from a dry run."""
    found, rule = [], None
    for line in dry:
        lone, file = LONE_LINE.match(line), FILE_LINE.match(line)
        rule = lone[1] if lone else rule
        if file and rule == "fetch_file":
            found.append(file[1])
    return found


def queue_waits(dry: list[str]) -> dict[str, int]:
    """Group or rule to how often the queue is waited in for it; jobs of a group wait together."""
    groups = Counter(line[1] for line in map(GROUP_LINE.match, dry) if line)
    lone = Counter(step_of_rule(line[1]) for line in map(LONE_LINE.match, dry) if line)
    elsewhere = local_rules(dry) | set(TARGET_RULES)
    return dict(groups + Counter({n: k for n, k in lone.items() if n not in elsewhere}))


def predict(
    configuration: Configuration,
    jobs: dict[str, int],
    speed: Speed,
    costs: Costs,
    layers: list[list[str]],
    files: Iterable[str] = (),
) -> list[Line]:
    """One line a rule, in the order of ``layers``; ``files`` are those still to fetch."""
    rows = _rows(configuration)
    total = sum(rows.values())
    known = [rule for layer in layers for rule in layer]
    order = sorted(jobs, key=lambda rule: known.index(rule) if rule in known else len(known))
    lines = []
    for rule in order:
        cost = costs.of(rule, total, speed)
        measured = cost is not None
        cost = cost or Cost(0.0, configuration.compute.memory_mb, 0.0)
        seconds = [cost.seconds] * jobs[rule]
        if rule in TIMED_HERE:
            own = _network_seconds(configuration, speed, rule, rows)
            share = jobs[rule] / len(own)
            # Beside what is timed here, a job costs what loading the networks costs.
            loading = costs.of("assess_ensemble", total, speed) or cost
            seconds = [loading.seconds + s for s in own][: jobs[rule]] if share <= 1 else seconds
        line = Line(rule, jobs[rule], seconds, cost.memory_mb, cost.disk_bytes, measured)
        if rule == "cross_validate" and configuration.compute.device != "cuda":
            members = [method.ensemble.expected for method in configuration.methods.values()]
            line = replace(line, processes=min(configuration.compute.processes, *members))
        if rule in FETCHES and not configuration.sky:
            line = _over_the_network(line, configuration, files)
        lines.append(line)
    return lines


def _over_the_network(line: Line, configuration: Configuration, files: Iterable[str]) -> Line:
    """The line with what is known of real archives: the table of costs was made beside ours."""
    line = replace(line, seconds=[0.0] * line.jobs, timed=False)
    if line.rule != "fetch_file":
        return line
    sizes = file_bytes(files, read_registry(configuration.sources.registry).values())
    known = [size for size in sizes.values() if size is not None]
    return replace(line, disk_bytes=sum(known) / line.jobs, unsized=line.jobs - len(known))


def _network_seconds(configuration, speed: Speed, rule: str, rows: dict[str, int]) -> list[float]:
    """Seconds of the networks' work in every job of ``rule``, the longest first."""
    if rule in ("train_pool", "apply_choice", "compare_replicates"):
        found = _calibration_seconds(configuration, speed, rule, rows)
        return sorted(found, reverse=True)
    found = []
    for method in configuration.methods:
        for name, direction in configuration.directions.items():
            names = (configuration, speed, method, name)
            if rule == "translate_shard":
                shards = configuration.compute.shards
                here = rows[direction.origin] / shards
                found += [here * speed.row[f"{method}/{name}"]] * shards
            elif rule == "cross_validate":
                found.append(cross_validation_seconds(*names))
            elif rule == "assess_ensemble":
                found += [shapley_seconds(*names, kind) for kind in direction.networks]
            else:
                for kind in direction.networks:
                    one = training_seconds(configuration, speed, f"{method}/{name}/{kind}")
                    # On a GPU together they take less; how much, the GPU decides.
                    found += [one * size for size in batch_sizes(configuration, method)]
    return sorted(found, reverse=True)


def _calibration_seconds(configuration, speed: Speed, rule: str, rows: dict) -> list[float]:
    """The same of the jobs that make a run's own tolerances."""
    comparison = configuration.comparison
    method = comparison.method
    found = []
    for name, direction in configuration.directions.items():
        if not direction.published:
            continue
        replicate = min(rows[direction.origin], comparison.calibration_rows)
        replicate *= speed.row[f"{method}/{name}"]
        if rule == "compare_replicates":
            ends = (part.split("-to-") for part in pair_parts(configuration))
            found += [2 * replicate * (int(last) - int(first) + 1) for first, last in ends]
        elif rule == "train_pool":
            for kind in direction.networks:
                one = training_seconds(configuration, speed, f"{method}/{name}/{kind}")
                found += [one * members_of_part(configuration) for _ in pool_parts(configuration)]
        else:
            found += [
                replicate + _training_of_choice(configuration, speed, choice, name)
                for choice in comparison.choices
            ]
    return found


def _training_of_choice(configuration, speed: Speed, choice: str, name: str) -> float:
    """Seconds in which the job of one alternative trains its networks."""
    comparison, method = configuration.comparison, configuration.comparison.method
    ensemble = configuration.methods[method].ensemble
    if not comparison.trains(choice, ensemble.trained):
        return 0.0
    changed = changed_method(configuration.methods[method], comparison.choices[choice])
    methods = {**configuration.methods, method: changed}
    chosen = configuration.model_copy(update={"methods": methods})
    members = changed.ensemble.expected
    processes = min(configuration.compute.processes, members)
    kinds = configuration.directions[name].networks
    one = sum(training_seconds(chosen, speed, f"{method}/{name}/{kind}") for kind in kinds)
    return one * ceil(members / processes)


def schedule(lines: list[Line], layers: list[list[str]], at_once: int) -> float:
    """Seconds until all is done with ``at_once`` jobs at a time, layer after layer."""
    by_rule = {line.rule: line for line in lines}
    total = 0.0
    for layer in layers:
        seconds = [s for rule in layer if rule in by_rule for s in by_rule[rule].pieces]
        total += _makespan(seconds, at_once)
    return total


def _makespan(seconds: list[float], at_once: int) -> float:
    """When the last of jobs ends that are given, longest first, to whoever is free."""
    free = [0.0] * max(1, min(at_once, len(seconds)))
    for one in sorted(seconds, reverse=True):
        heapq.heapreplace(free, free[0] + one)
    return max(free)


def _slurm(
    lines: list[Line],
    layers: list[list[str]],
    local: set[str],
    configuration: Configuration,
    waits: dict[str, int],
) -> dict:
    submitted = [line for line in lines if line.rule not in local]
    hours = sum(sum(line.seconds) for line in submitted) * configuration.compute.threads / 3600
    return {
        "jobs": sum(line.jobs for line in submitted),
        "submitted": sum(waits.values()),
        "waits": waits,
        "local": sum(line.jobs for line in lines if line.rule in local),
        "core_hours": hours,
        "widest": max((line.jobs for line in submitted), default=0),
        "longest_job_seconds": max((max(line.pieces) for line in submitted), default=0.0),
        "seconds": schedule(lines, layers, SUBMISSIONS),
    }


def suggested_shards(configuration: Configuration, lines: list[Line], at_once: int) -> int:
    """Shards a catalogue that make jobs of at most 20 minutes and keep every core busy."""
    line = next((line for line in lines if line.rule == "translate_shard"), None)
    if line is None:
        return configuration.compute.shards
    whole = max(line.seconds) * configuration.compute.shards
    return max(at_once, ceil(whole / SHARD_S))


def _rows(configuration: Configuration) -> dict[str, int]:
    registry = read_registry(configuration.sources.registry)
    return survey_rows(configuration, {name: source.rows for name, source in registry.items()})


def _all_flops(configuration: Configuration) -> float:
    rows = _rows(configuration)
    return sum(
        flops(configuration, method, name, rows[direction.origin])
        for method in configuration.methods
        for name, direction in configuration.directions.items()
    )


def _text(told: dict, lines: list[Line], configuration: Configuration) -> str:
    rows = [
        f"Plan of {told['run']}: what is left to do, on this machine ({told['cores']} cores,"
        f" {told['device']})",
        "",
        f"  {'rule':<20} {'jobs':>5} {'longest':>9} {'together':>10} {'memory':>9} {'disk':>9}",
    ]
    for line in lines:
        longest, together = max(line.pieces), sum(line.seconds)
        times = (_time(longest), _time(together)) if line.timed else ("-", "-")
        rows.append(
            f"  {line.rule:<20} {line.jobs:>5} {times[0]:>9} {times[1]:>10}"
            f" {line.memory_mb:>6.0f} MB {line.disk_bytes * line.jobs / 1e6:>6.0f} MB{_note(line)}"
        )
    slurm = told["slurm"]
    rows += [
        "",
        f"This machine (profiles/default): {_time(told['machine']['seconds'])},"
        f" {told['disk_bytes'] / 1e9:.1f} GB of disk",
        f"Slurm (profiles/slurm):          {_time(slurm['seconds'])} with {SUBMISSIONS} jobs at a"
        f" time of this machine's speed, {slurm['core_hours']:.2f} core-hours",
        f"  its queue: {slurm['jobs']} jobs in {slurm['submitted']} submissions (at most"
        f" {slurm['widest']} jobs side by side, the longest"
        f" {_time(slurm['longest_job_seconds'])}), {slurm['local']} more where you call",
        *_not_counted(lines),
        f"Shards: {configuration.compute.shards} a catalogue are set,"
        f" {told['shards']} would make jobs of at most {SHARD_S // 60} minutes",
    ]
    if "gpu" in told:
        gpu = told["gpu"]
        rows.append(
            f"GPU of {gpu['gflops']:.0f} GFLOP/s:        all translation in"
            f" {_time(gpu['translation_seconds'])}, half of its speed reached"
        )
    if told["rows"] > FARTHEST * told["rows_measured"]:
        rows.append(
            f"Costs were not all measured for more than {told['rows_measured']} rows, this run has"
            f" {told['rows']}: beside training and translation the times are extrapolated."
        )
    epochs = {m.training.epochs for m in configuration.methods.values()}
    rows.append(f"Trainings are counted whole ({max(epochs)} epochs); most stop earlier.")
    return "\n".join(rows)


def _note(line: Line) -> str:
    """What a reader must know of the line's numbers."""
    notes = []
    if not line.measured:
        counted = "memory is a guess" if line.rule in TIMED_HERE else "counted as nothing"
        notes.append(f"never measured: {counted}")
    if not line.timed:
        notes.append("time not known: the network")
    if line.unsized:
        notes.append(f"{_files(line.unsized)} of unknown size")
    return f"  {'; '.join(notes)}" if notes else ""


def _not_counted(lines: list[Line]) -> list[str]:
    """A line on what the totals lack, if they lack something."""
    parts = ["the time of what is fetched"] if not all(line.timed for line in lines) else []
    unsized = sum(line.unsized for line in lines)
    parts += [f"{_files(unsized)} of unknown size"] if unsized else []
    return [f"Not counted above: {', '.join(parts)}"] if parts else []


def _files(count: int) -> str:
    return f"{count} file{'s' if count > 1 else ''}"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.2f} h"
