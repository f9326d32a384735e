"""Two runs of the workflow: the first job whose results differ, why, and what follows from it.

Exit status 0: no result differs; 1: some do; 2: could not look.
"""

from dataclasses import dataclass, field
from typing import Any

from spectrotranslator.config.configuration import BY_RUN
from spectrotranslator.config.loading import read
from spectrotranslator.step_interface import StepInterface

from .finished_run import Run

#: What holds times or addresses, or is drawn from data that is compared itself.
UNCOMPARED_STEPS = (
    "spectrotranslator.download.list_sources",
    "spectrotranslator.report.write_page",
    "spectrotranslator.provenance.write_crate",
)
UNCOMPARED_ROLES = ("receipt",)
UNCOMPARED_SUFFIXES = (".svg", ".pdf")
HARDWARE = ("architecture", "cpu", "instruction_sets", "system", "libc")


@dataclass(frozen=True)
class Cause:
    """What of one job differs: its kind and where."""

    kind: str
    what: list[str]


@dataclass(frozen=True)
class Comparison:
    """First diverging job with its causes, what follows, and what does not.

    ``alike`` are jobs that differ too and do not follow from another.
    """

    job: str | None
    alike: list[str]
    causes: list[Cause]
    differing: list[str]
    following: list[str]
    same: list[str]
    without_effect: list[Cause] = field(default_factory=list)
    grades: dict[str, dict] = field(default_factory=dict)


def compare(first: Run, second: Run) -> Comparison:
    """Compare the results of two runs job by job, in the order of their graph."""
    jobs = [*first.ordered(), *(job for job in second.ordered() if job not in first.records)]
    outputs = {job: (_outputs(first, job), _outputs(second, job)) for job in jobs}
    differing = [job for job in jobs if outputs[job][0] != outputs[job][1]]
    results = _results(first, jobs, outputs, differing)
    if not differing:
        return Comparison(None, [], [], [], [], results[1], _anywhere(first, second, jobs))
    roots = [job for job in differing if not _follows(first, second, job, differing)]
    job, *alike = roots or differing
    after = (first.follows({job, *alike}) | second.follows({job, *alike})) - {job, *alike}
    return Comparison(
        job=job,
        alike=alike,
        causes=causes(first, second, job),
        differing=results[0],
        following=[name for name in differing if name in after],
        same=results[1],
    )


def _outputs(run: Run, job: str) -> dict[str, str] | None:
    record = run.records.get(job)
    if record is None:
        return None
    if record["step"] in UNCOMPARED_STEPS:
        return {}
    return {
        _short(run, file["path"]): file["sha256"]
        for file in record["outputs"]
        if file["role"] not in UNCOMPARED_ROLES and not file["path"].endswith(UNCOMPARED_SUFFIXES)
    }


def _short(run: Run, path: str) -> str:
    return path.removeprefix(run.prefix)


def _results(run: Run, jobs, outputs, differing) -> tuple[list[str], list[str]]:
    """Files that differ and files that are the same."""
    different, same = set(), set()
    for job in jobs:
        one, other = (side or {} for side in outputs[job])
        for path in one.keys() | other.keys():
            (same if one.get(path) == other.get(path) else different).add(path)
    return sorted(different), sorted(same)


def _follows(first: Run, second: Run, job: str, differing: list[str]) -> bool:
    """Whether a job that differs reads what an earlier one that differs wrote otherwise."""
    for run, other in ((first, second), (second, first)):
        told = {_short(other, f["path"]): f["sha256"] for f in _inputs(other, job)}
        for file in _inputs(run, job):
            maker = run.makers.get(file["path"])
            if maker in differing and told.get(_short(run, file["path"])) != file["sha256"]:
                return True
    return False


def _inputs(run: Run, job: str) -> list[dict]:
    record = run.records.get(job)
    return [f for f in record["inputs"] if f["role"] != "config"] if record else []


def causes(first: Run, second: Run, job: str) -> list[Cause]:
    """What the two runs did otherwise in ``job``, likeliest first."""
    one, other = first.records.get(job), second.records.get(job)
    if one is None or other is None:
        missing = second if other is None else first
        changed = _settings(first, second, None)
        only = f"only {(first if other is None else second).name} has {job}, {missing.name} not"
        return [Cause("parameter", [only, *changed["parameter"]])]
    settings = _settings(first, second, job)
    here = {_short(first, f["path"]): f["sha256"] for f in _inputs(first, job)}
    there = {_short(second, f["path"]): f["sha256"] for f in _inputs(second, job)}
    inputs = [path for path in here | there if here.get(path) != there.get(path)]
    if one["step"].startswith("spectrotranslator.download.") and not settings["seed"]:
        inputs += [f"what the archive answered: {r['url']}" for r in one["fetched"]]
    found = {
        "input": inputs,
        "code": _changed(one["code"]["files"], other["code"]["files"]),
        "seed": settings["seed"],
        "threads": settings["threads"]
        + _changed(one["compute"]["threads"], other["compute"]["threads"]),
        "parameter": settings["parameter"] + _changed(one["parameters"], other["parameters"]),
        "hardware": _changed(*(_hardware(record) for record in (one, other))),
        "environment": _changed(*(_environment(record) for record in (one, other))),
    }
    listed = [Cause(kind, what) for kind, what in found.items() if what]
    return listed or _unexplained(_settings(first, second, job, every=True))


def _unexplained(settings: dict[str, list[str]]) -> list[Cause]:
    """Where nothing that the job is known to read differs: every setting that does, or nothing."""
    listed = [Cause(kind, what) for kind, what in settings.items() if what]
    return listed or [Cause("unexplained", ["same input, code, settings, environment, machine"])]


def _anywhere(first: Run, second: Run, jobs: list[str]) -> list[Cause]:
    """What differs between the runs though no result does."""
    found: dict[str, dict[str, None]] = {}
    for job in jobs:
        for cause in causes(first, second, job):
            if cause.kind not in ("unexplained", "input"):
                found.setdefault(cause.kind, {}).update(dict.fromkeys(cause.what))
    return [Cause(kind, list(what)) for kind, what in found.items()]


def _settings(
    first: Run, second: Run, job: str | None, every: bool = False
) -> dict[str, list[str]]:
    """Settings that differ between the configurations the job read in each run, by kind.

    Those alone that its step is known to read (``READERS``), or ``every`` one.
    """
    values = [_flat(_configuration(run, job)) for run in (first, second)]
    found: dict[str, list[str]] = {"seed": [], "threads": [], "parameter": []}
    for change in _changed(*values):
        name = change.partition(":")[0]
        if name in ("run", "description") or not (every or _concerns(first, job, name)):
            continue
        kind = {"seed": "seed", "threads": "threads"}.get(name.rpartition(".")[2], "parameter")
        found[kind].append(change)
    return found


def _concerns(first: Run, job: str | None, name: str) -> bool:
    """Whether the job's step reads the setting; a step that is not known may read any."""
    if job is None:
        return True
    try:
        return StepInterface.of(first.records[job]["step"]).reads(name)
    except (OSError, ValueError):
        return True


def _configuration(run: Run, job: str | None) -> dict:
    records = [run.records[job]] if job else run.records.values()
    told = [f["sha256"] for r in records for f in r["inputs"] if f["role"] == "config"]
    if not told:
        return {}
    path = run.folder / "provenance" / "configurations" / f"{told[-1]}.yaml"
    return read(path)


def _flat(value: Any, place: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {place: value}
    inner = (_flat(item, f"{place}.{key}".lstrip(".")) for key, item in value.items())
    return {key: item for part in inner for key, item in part.items()}


def _changed(one: dict, other: dict) -> list[str]:
    return [
        f"{name}: {_shown(one.get(name))} and {_shown(other.get(name))}"
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:12]}..."


def _hardware(record: dict) -> dict:
    machine = {name: record["machine"][name] for name in HARDWARE}
    chosen = {name: record["compute"][name] for name in ("accelerator", "precision")}
    torch = record["compute"]["torch"]
    if isinstance(torch, dict):
        chosen["cpu_capability"] = torch["cpu_capability"]
    return machine | chosen


def _environment(record: dict) -> dict:
    told = record["environment"]
    packages = dict(line.split("==", 1) for line in told["distributions"])
    return packages | {"python": told["python"]}


def grades(first: Run, second: Run, differing: list[str]) -> dict[str, dict]:
    """For every CDS table that differs: rows matched and how many columns are the same."""
    from cdstables.layout import layout_from_yaml
    from spectrotranslator.comparison.catalogue_diff import compare as diff
    from spectrotranslator.comparison.read_catalogues import read_catalogue
    from spectrotranslator.comparison.tolerances import read_tolerances

    found = {}
    settings = _configuration(first, None)
    tolerances = settings.get("comparison", {}).get("tolerances")
    if tolerances == BY_RUN:
        tolerances = f"{first.prefix}tolerances.json"
    for path in (path for path in differing if path.endswith(".dat")):
        places = [run.folder / path for run in (first, second)]
        direction = path.rpartition("/")[2].removesuffix(".dat")
        layout = settings["directions"].get(direction, {}).get("catalogue")
        if layout and all(place.is_file() for place in places):
            table = layout_from_yaml(first.place(layout))
            sides = (read_catalogue(place, table) for place in places)
            spread = first.place(tolerances) if tolerances else None
            known = read_tolerances(spread, direction) if spread and spread.is_file() else None
            found[path] = _summary(diff(*sides, known).summary)
    return found


def _summary(told: dict) -> dict:
    counts: dict[str, int] = {}
    for column in told["columns"].values():
        counts[column["grade"]] = counts.get(column["grade"], 0) + 1
    return {"grade": told["grade"], "columns": counts}


def tell(first: Run, second: Run, found: Comparison) -> str:
    """What a person reads."""
    names = f"{first.folder} and {second.folder}"
    if found.job is None:
        lines = [f"{names}: no difference, all {len(found.same)} compared files are the same"]
        lines += [
            f"without effect, {c.kind}: {'; '.join(c.what[:3])}" for c in found.without_effect
        ]
        return "\n".join(lines)
    lines = [f"{names}: they first differ in {found.job}"]
    for cause in found.causes:
        more = f" and {len(cause.what) - 4} more" if len(cause.what) > 4 else ""
        lines.append(f"cause, {cause.kind}: {'; '.join(cause.what[:4])}{more}")
    if found.alike:
        lines.append(f"so do {len(found.alike)} more jobs that do not follow: {_few(found.alike)}")
    follows = _few(found.following) or "nothing"
    lines.append(f"what follows from it ({len(found.following)} jobs): {follows}")
    lines.append(f"{len(found.differing)} files differ, {len(found.same)} are the same")
    for path, grade in found.grades.items():
        columns = ", ".join(f"{n} {name}" for name, n in grade["columns"].items())
        lines.append(f"{path}: {grade['grade']} ({columns} columns)")
    return "\n".join(lines)


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
