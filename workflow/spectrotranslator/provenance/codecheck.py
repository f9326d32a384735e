"""Draft a CODECHECK certificate of a run, and sign the run's manifest.

The bundle's form is that of https://codecheck.org.uk/spec/config/1.0. What only a person may say is
left open and named; nothing here claims that anybody checked anything.
"""

from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.untrusted import read_json_object

from .finished_run import Run
from .run_audit import Audit

PAPER = {
    "title": "SpectroTranslator: Deep-neural network algorithm for homogenising spectroscopic "
    "parameters",
    "reference": "https://doi.org/10.1051/0004-6361/202451427",
}
OPEN = "OPEN"
VERDICT_BYTES = 50_000_000
FOR_A_PERSON = {
    "codechecker": [{"name": OPEN, "ORCID": OPEN}],
    "certificate": OPEN,
    "check_time": OPEN,
    "repository": OPEN,
    "report": OPEN,
}


def codecheck(run: Run, verdict: dict) -> dict:
    """The content of ``codecheck.yml``; ``OPEN`` marks what only a person may fill in."""
    results = sorted(
        path
        for path in map(run.relative, run.makers)
        if path and path.startswith(("catalogues/", "figures/", "verdict.json"))
        if path.endswith((".dat", "ReadMe", ".pdf", ".json"))
    )
    last = max(run.records.values(), key=lambda record: record["ended"])
    return {
        "version": "https://codecheck.org.uk/spec/config/1.0/",
        "evidence": run.manifest["evidence"],
        "paper": PAPER | {"authors": [{"name": "G. F. Thomas, G. Battaglia and others"}]},
        "manifest": [{"file": path, "comment": _comment(verdict, path)} for path in results],
        "source": f"commit {last['code']['repository']['commit']}",
        "summary": f"{verdict['grade']} ({run.manifest['evidence']} data); see certificate.md",
        **FOR_A_PERSON,
    }


def _comment(verdict: dict, path: str) -> str:
    catalogue = verdict["catalogues"].get(Path(path).name)
    return f"regenerated, {catalogue['grade']}" if catalogue else "regenerated"


def page(run: Run, verdict: dict, audit: Audit) -> str:
    """The certificate for people, Markdown."""
    evidence = run.manifest["evidence"]
    warning = {
        "simulated": "The sky of this run is **simulated**: it shows that the workflow works, and "
        "nothing about the published catalogues.",
        "real": "The run read real stars: the archives' files, or a table of its user's.",
    }[evidence]
    lines = [
        f"# Draft of a reproduction certificate: run {run.name}",
        "",
        f"**evidence: {evidence}.** {warning}",
        "",
        f"Verdict: **{verdict['grade']}**. Paper: {PAPER['title']}, {PAPER['reference']}.",
        "",
        "| catalogue | column | grade | why |",
        "|---|---|---|---|",
    ]
    for name, catalogue in verdict["catalogues"].items():
        lines.append(f"| {name} | whole | {catalogue['grade']} | |")
        for label, column in catalogue["columns"].items():
            lines.append(f"| {name} | {label} | {column['grade']} | {column['reason']} |")
    damage = [f"- {fault.path}: {fault.what}" for fault in audit.damage]
    state = "whole" if not damage else f"{len(damage)} faults"
    lines += [
        "",
        f"Audit when this was drafted: {len(run.records)} jobs, {audit.files} files, {state}.",
        *damage,
        *(f"- note: {note}" for note in audit.notes),
        "",
        "## Evidence for the ACM badges",
        "",
        *(f"- {name}: {what}" for name, what in badges(run, verdict, damage).items()),
        "",
        "## Left open for a person",
        "",
        *(f"- `{name}` in codecheck.yml" for name in FOR_A_PERSON),
        "",
    ]
    return "\n".join(lines)


def read_verdict(run: Run) -> dict:
    """The verdict of the run, as far as the certificate reads it.

    Raises
    ------
    InputError
        It cannot be read, or is no verdict.
    """
    path = run.place(f"{run.prefix}verdict.json")
    verdict = read_json_object(path, VERDICT_BYTES)
    try:
        for catalogue in verdict["catalogues"].values():
            for column in [catalogue, *catalogue["columns"].values()]:
                str(column["grade"])
        str(verdict["grade"])
    except (KeyError, TypeError, AttributeError):
        raise InputError(f"{path}: not the verdict of a run; make the run again") from None
    return verdict


def badges(run: Run, verdict: dict, damage: list[str]) -> dict[str, str]:
    """What this run has to show for each badge; a person awards them."""
    whole = "the audit finds it whole" if not damage else "the audit finds damage: none"
    real = run.manifest["evidence"] == "real"
    return {
        "Artifacts Available": "the code is in provenance/code.tar; a public archive and its "
        "identifier are for a person to give",
        "Artifacts Evaluated, functional": f"{len(run.records)} jobs recorded; {whole}",
        "Results Reproduced": f"grade {verdict['grade']} on {run.manifest['evidence']} data"
        + ("" if real else ": no evidence about the published results"),
    }
