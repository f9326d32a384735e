"""A fingerprint in words: a line a question."""

NAMES = {
    "masks": "treated as missing",
    "selection": "selection",
    "map_precision": "type of the maps' values",
    "edges": "extremes of the inputs",
    "realisations": "realisations",
    "members": "members",
    "training_length": "epochs of training",
    "release": "magnitudes",
}


def summary_lines(fingerprint: dict) -> list[tuple[str, str, str, str]]:
    """Setting, estimate, 95% interval and evidence, or why there is no estimate."""
    lines = []
    for name, answer in fingerprint["answers"].items():
        if answer["undetermined"]:
            lines.append((NAMES[name], "undetermined", "", answer["undetermined"]))
        else:
            evidence = _evidence(name, answer["evidence"])
            lines.append((NAMES[name], *_estimate(name, answer), evidence))
    return lines


def _estimate(name: str, answer: dict) -> tuple[str, str]:
    estimate, interval = answer["estimate"], answer["interval"]
    if name == "edges":
        first = next(iter(estimate.values()))
        return ", ".join(f"{k} {_to(v)}" for k, v in list(first.items())[:1]) + ", ...", ""
    if name == "masks":
        return ", ".join(estimate), ""
    if name in ("selection", "release", "map_precision"):
        return str(estimate), ""
    return str(estimate), f"{interval[0]} to {interval[1]}"


def _to(extremes: list) -> str:
    low, high = extremes
    return " to ".join("?" if one is None else f"{one:.6g}" for one in (low, high))


def _evidence(name: str, evidence: dict) -> str:
    if name == "selection":
        first = evidence["ranking"][0]
        others = [line for line in evidence["ranking"] if line["selection"] != first["selection"]]
        rest = f", the next by {others[0]['contradicted_by']}" if others else ""
        return f"contradicted by {first['contradicted_by']} of {evidence['stars']} stars{rest}"
    if name == "masks":
        return f"{evidence['disagreeing']} of {evidence['rows']} stars disagree"
    if name == "edges":
        kinds = evidence.values()
        against = sum(c["stars_against"] for kind in kinds for c in kind["cells"].values())
        return f"{against} stars against the cells; --json shows all"
    if name == "realisations":
        lattice = "with" if evidence["lattice"] and evidence["lattice"]["scaling"] else "without"
        stars = max(evidence["stars"].values())
        return f"percentiles of {stars} stars, {lattice} their lattice"
    if name == "members":
        return "step of the lattice of the last digits"
    if name == "training_length":
        return "replicates of known length"
    return f"contradicted by {evidence['contradicted_by']}"
