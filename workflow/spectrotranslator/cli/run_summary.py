"""The table a run ends with."""

from pathlib import Path


def summary(verdict: dict, facts: dict, folder: Path, seconds: float) -> str:
    """Grade and figures of every catalogue and column, where the page lies, the time."""
    lines = ["", *verdict["answer"]] if verdict["answer"] else []
    for name, settings in verdict["adopted"].items():
        lines += [f"{name}: {line['sentence']}" for line in settings]
    for name, catalogue in verdict["catalogues"].items():
        lines += likely_causes(name, catalogue["causes"])
    lines += [
        line for name, quality in facts["quality"].items() for line in _quality(name, quality)
    ]
    for name, catalogue in verdict["catalogues"].items():
        lines += catalogue_table(name, catalogue)
    lines += [f"bad member: {member}" for member in verdict["bad_members"]]
    lines += ["", *(f"Note: {note}" for note in verdict["notes"])] if verdict["notes"] else []
    lines += [
        "",
        f"Verdict: {verdict['grade']} ({verdict['evidence']} data, {verdict['method']} method)",
        f"Page:    {folder / 'report' / 'index.html'}",
        f"Time:    {_duration(seconds)}",
    ]
    return "\n".join(lines)


def catalogue_table(name: str, catalogue: dict) -> list[str]:
    """Lines of one comparison: a column a line."""
    rows = catalogue["rows"]
    return [
        "",
        f"{name}: {catalogue['grade']}, {rows['matched']} of {rows['published']} rows matched",
        *([f"  {catalogue['by_chance_means']}"] if catalogue["by_chance_means"] else []),
        f"  {'column':<12} {'grade':<11} {'median diff':>12} {'scatter':>10} {'unit':<8} why",
        *(_line(label, column) for label, column in catalogue["columns"].items()),
    ]


def likely_causes(name: str, causes: list[str]) -> list[str]:
    """Why a catalogue deviates, the best supported cause first."""
    if not causes:
        return []
    return ["", f"{name}: likely causes, the best supported first", *(f"  - {c}" for c in causes)]


def _quality(name: str, quality: dict) -> list[str]:
    lines = ["", f"{name}: residual on {quality['stars']}"]
    lines.append(f"  {'label':<12} {'before translation':>24} {'after':>24} unit")
    for line in quality["figures"]:
        both = [f"{line[f'mean_{w}']:.3g} ± {line[f'std_{w}']:.3g}" for w in ("before", "after")]
        lines.append(f"  {line['label']:<12} {both[0]:>24} {both[1]:>24} {line['unit']}".rstrip())
    return lines


def _line(label: str, column: dict) -> str:
    bias, scatter = (_figure(column.get(name)) for name in ("bias", "robust_scatter"))
    unit = column["unit"] if column["unit"] != "---" else ""
    why = column["reason"] if column["grade"] not in ("identical",) else ""
    return f"  {label:<12} {column['grade']:<11} {bias:>12} {scatter:>10} {unit:<8} {why}".rstrip()


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
