"""Where a row or a cell of a catalogue came from, and the same computed again.

Exit status 0: the bytes agree; 1: they do not; 2: could not look.
"""

from pathlib import Path
from typing import Any

import numpy as np

from spectrotranslator.errors import InputError

from .finished_run import Run
from .machine import compute

#: Steps that make catalogues: whether these are homogenised ones.
MAKERS = {
    "spectrotranslator.translation.translate_shard": False,
    "spectrotranslator.translation.homogenise": True,
}


def explain(run: Run, catalogue: str, row_or_id: str, column: str | None) -> dict[str, Any]:
    """Everything known of a row of ``[METHOD/]DIRECTION``, or of one of its columns.

    Raises
    ------
    InputError
        There is no such catalogue, row or column, or a file or record that is needed is gone.
    """
    from .homogenised_lineage import PREFIX, explain_homogenised
    from .lineage import Catalogue, differing

    method, direction = _names(run, catalogue)
    if direction.startswith(PREFIX):
        base = direction.removeprefix(PREFIX)
        return explain_homogenised(run, method, base, row_or_id, column)
    made = Catalogue(run, method, direction)
    places = made.find(row_or_id)
    place, rows = places[0], made.bounds(places[0])
    block = made.block(place)
    computed, written = made.shaped(block), made.written(rows)
    here = place - rows.start
    output, label = _output(made, column)
    if column is not None and column not in written:
        raise InputError(f"{direction}: no column {column!r}; there are {', '.join(written)}")
    found = {
        "run": run.name,
        "evidence": run.manifest["evidence"],
        "catalogue": f"{method}/{direction}",
        "line": place + 1,
        "others": [other + 1 for other in places[1:]],
        "key": str(made.stars["key"].iloc[place]),
        "sources": made.sources(place),
        "training": made.training(place),
        "flags": list(made.cells(place, block.iloc[here])),
        "block": {"first": rows.start + 1, "last": rows.stop, "columns": len(written.columns)},
        "differing": differing(computed, written),
        "value": {
            name: _plain(written[name].iloc[here])
            for name in ([column] if column else [c for c in written if "_member_" not in c])
        },
    }
    if output:
        members = [c for c in block if c.startswith(f"{output}_member_")]
        found["members"] = {c: _plain(block[c].iloc[here]) for c in members}
        found["realisations"] = [_plain(v) for v in made.realisations(place, output)]
    if made.layout is not None:
        line = made.written_line(place)
        found["line_agrees"] = line == made.line(computed.iloc[[here]])
        if label is not None:
            found["text"] = line[label.start - 1 : label.end].decode()
            found["published"] = made.published(place, label)
            found["difference"] = _difference(found["text"], found["published"])
    found["same_device"] = _same_device(made.records[0]["compute"], compute())
    found["agrees"] = not found["differing"] and found.get("line_agrees", True)
    return found


def _name_of(record: dict) -> str:
    """Name of the catalogue that a job had a part in."""
    if MAKERS[record["step"]]:
        return Path(record["outputs"][0]["path"]).stem
    return record["parameters"]["direction"]


def _names(run: Run, catalogue: str) -> tuple[str, str]:
    name = catalogue
    for suffix in (".dat", ".parquet", ".fits", ".vot"):
        name = name.removesuffix(suffix)
    parts = name.split("/")[-2:]
    if len(parts) == 2:
        return parts[0], parts[1]
    known = sorted(
        {
            (r["parameters"]["method"], _name_of(r))
            for r in run.records.values()
            if r["step"] in MAKERS
        },
        key=lambda pair: (pair[0] != "as-published", pair),
    )
    for method, direction in known:
        if direction == parts[0]:
            return method, direction
    listed = ", ".join("/".join(pair) for pair in known)
    raise InputError(f"run {run.name} has no catalogue {catalogue!r}; there are {listed}")


def _output(made, column: str | None):
    """The network's output behind a column, and the column's place in the CDS table."""
    if column is None or made.layout is None:
        return None, None
    label = next((c for c in made.layout.columns if c.label == column), None)
    return ((label.value or {}).get("label") if label else None), label


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _difference(ours: str, published: str | None) -> float | None:
    try:
        return float(ours) - float(published)
    except (TypeError, ValueError):
        return None


def _same_device(then: dict, now: dict) -> bool:
    return all(then[name] == now[name] for name in ("accelerator", "torch"))


def tell(found: dict[str, Any]) -> str:
    """What a person reads."""
    if "translated_in" in found:
        from .homogenised_lineage import tell_homogenised

        return tell_homogenised(found)
    lines = [
        f"{found['catalogue']}, line {found['line']}: {found['key']} ({found['evidence']} data)",
    ]
    if found["others"]:
        lines.append(f"  the same star also in lines {', '.join(map(str, found['others']))}")
    for source in found["sources"]:
        if source["row"] is None:
            lines.append(f"  from {source['file']}: {source.get('reason', 'no row of this star')}")
            continue
        where = f"  from {source['file']}, row {source['row'] + 1}"
        if "bytes" in source:
            where += f", {source['bytes']} bytes at {source['offset']}"
            where += f", sha256 {source['sha256'][:12]}"
        lines.append(where)
    for kind, member in found["training"].items():
        was = f"{member['part']}, row {member['row'] + 1} of {member['file']}" if member else "no"
        lines.append(f"  in the {kind} sample: {was}")
    for flag in found["flags"]:
        state = "inside" if flag["good"] else f"outside in {len(flag['failed'])}"
        lines.append(f"  {flag['network']} {flag['side']}s: {state} of {flag['pairs']} maps")
        for bad in flag["failed"]:
            cell = ", ".join("beyond" if c is None else str(c) for c in bad["cell"])
            lines.append(f"    {' and '.join(bad['pair'])}: cell ({cell}) has no training star")
    for name, value in found.get("members", {}).items():
        lines.append(f"  {name} {value}")
    if "realisations" in found:
        shown = " ".join("-" if v is None else f"{v:.6g}" for v in found["realisations"])
        lines.append(f"  realisations, the first unperturbed: {shown}")
    if len(found["value"]) == 1:
        ((name, value),) = found["value"].items()
        lines.append(f"  {name} = {value}")
    if "text" in found:
        lines.append(f"  in the table: {found['text'].strip()}")
        lines.append(f"  published:    {found['published'] or 'no such row'}")
        if found["difference"] is not None:
            lines.append(f"  difference:   {found['difference']:.6g}")
    block = found["block"]
    again = f"lines {block['first']} to {block['last']} computed again"
    if found["agrees"]:
        lines.append(f"{again}: the same bytes in all {block['columns']} columns")
    else:
        names = ", ".join(f"{name} ({n} rows)" for name, n in list(found["differing"].items())[:5])
        other = "" if found["same_device"] else " (another kind of device than then)"
        lines.append(f"{again}{other}: bytes differ in {names or 'the text of the line'}")
    return "\n".join(lines)
