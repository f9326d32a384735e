"""What the run did, from the records of its jobs: the graph of rules, and what each rule cost."""

from collections import Counter

import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .figure_names import RULES
from .style import BLUE, GREY, Drawn

WIDTH, LAYER, BOX = 8.5, 0.62, 0.13


def edges(records: list[dict]) -> pd.DataFrame:
    """A line a pair of rules of which one reads what the other wrote: ``from``, ``to``, ``files``.

    A pair that a longer way joins too is left out, so that the graph can be read.
    """
    maker = {file["path"]: one["rule"] for one in records for file in one["outputs"]}
    pairs = Counter(
        (maker[file["path"]], one["rule"])
        for one in records
        for file in one["inputs"]
        if maker.get(file["path"], one["rule"]) != one["rule"]
    )
    direct = nx.transitive_reduction(nx.DiGraph(pairs.keys())).edges
    lines = [(a, b, pairs[a, b]) for a, b in sorted(direct)]
    return pd.DataFrame(lines, columns=["from", "to", "files"])


def layers(rules: list[str], table: pd.DataFrame) -> dict[str, int]:
    """How many steps each rule lies from the beginning, at most."""
    graph = nx.DiGraph(zip(table["from"], table["to"], strict=True))
    graph.add_nodes_from(rules)
    generations = enumerate(nx.topological_generations(graph))
    return {rule: number for number, some in generations for rule in sorted(some)}


def draw(records: list[dict]) -> Drawn:
    """The graph of rules from top to bottom, a box a rule with its number of jobs."""
    jobs = Counter(one["rule"] for one in records)
    table = edges(records)
    layer = layers(sorted(jobs), table)
    place = _places(layer, table)
    height = LAYER * (max(layer.values()) + 1)
    figure = Figure(figsize=(WIDTH, height + 0.2))
    axis = figure.add_axes((0, 0, 1, 1))
    for a, b in zip(table["from"], table["to"], strict=True):
        (x, y), (u, v) = place[a], place[b]
        axis.annotate(
            "",
            (u, v + BOX),
            (x, y - BOX),
            arrowprops={"arrowstyle": "-|>", "color": GREY, "shrinkA": 0, "shrinkB": 0, "lw": 0.8},
        )
    for rule, (x, y) in place.items():
        many = f" ×{jobs[rule]}" if jobs[rule] > 1 else ""
        axis.text(
            x, y, f"{rule}{many}", ha="center", va="center", fontsize=8.5, color="white",
            bbox={"boxstyle": "round,pad=0.3", "fc": BLUE, "ec": "none"},
        )  # fmt: skip
    axis.set_xlim(0, 1)
    axis.set_ylim(-height + LAYER / 2, LAYER / 2)
    axis.set_axis_off()
    return Drawn(
        RULES,
        "Graph of the rules",
        "Every rule of the run with its number of jobs, from the records of the jobs: an arrow "
        "leads from a rule to one that reads what it wrote. Follow the arrows backwards from a "
        "result to see all that it rests on.",
        figure,
        table,
    )


def _places(layer: dict[str, int], table: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Places of the boxes: a row a layer, in a row near the rules they read from."""
    place: dict[str, tuple[float, float]] = {}
    for row in range(max(layer.values()) + 1):
        rules = [rule for rule in layer if layer[rule] == row]
        before = {
            rule: [
                place[a][0] for a, b in zip(table["from"], table["to"], strict=True) if b == rule
            ]
            for rule in rules
        }
        rules.sort(key=lambda rule: (np.mean(before[rule]) if before[rule] else 0.5, rule))
        for number, rule in enumerate(rules):
            place[rule] = ((number + 0.5) / len(rules), -LAYER * row)
    return place


def costs(records: list[dict]) -> list[dict]:
    """A line a rule, in the order of the graph: jobs, processor seconds, peak memory."""
    rules = sorted({one["rule"] for one in records})
    layer = layers(rules, edges(records))
    lines = []
    for rule in sorted(rules, key=lambda name: (layer[name], name)):
        mine = [one for one in records if one["rule"] == rule]
        seconds = [one["cpu_seconds"] for one in mine]
        lines.append(
            {
                "rule": rule,
                "jobs": len(mine),
                "cpu_seconds": round(sum(seconds), 1),
                "longest_cpu_seconds": round(max(seconds), 1),
                "peak_memory_mb": round(max(one["peak_memory_mb"] for one in mine)),
            }
        )
    return lines


def account(records: list[dict]) -> dict:
    """When, where and with which code the run was made."""
    newest = max(records, key=lambda one: one["ended"])
    commits = sorted(
        {
            one["code"]["repository"]["commit"]
            + (" with changes" if one["code"]["repository"]["modified"] is True else "")
            for one in records
        }
    )
    accelerators = [one["compute"]["accelerator"] for one in records]
    devices = {n for one in accelerators if isinstance(one, dict) for n in _named(one)}
    machines = sorted(
        {
            f"{m['cpu']}, {m['cores_allowed']} of {m['cores']} cores, {m['memory_mb']} MB, "
            f"{m['distribution']}"
            for m in (one["machine"] for one in records)
        }
    )
    lines = costs(records)
    return {
        "schema_version": 1,
        "started": min(one["started"] for one in records),
        "ended": newest["ended"],
        "commits": commits,
        "machines": machines,
        "devices": sorted(devices) or ["processor"],
        "python": newest["environment"]["python"],
        "lock_sha256": newest["environment"]["lock"]["sha256"],
        "jobs": len(records),
        "cpu_seconds": round(sum(line["cpu_seconds"] for line in lines), 1),
        "costs": lines,
    }


def _named(accelerator: dict) -> list[str]:
    return accelerator.get("devices") or [accelerator["kind"]]
