"""Draft the reproduction certificate of a run, and sign the run's manifest."""

import argparse
import sys

import yaml

from spectrotranslator import user_paths
from spectrotranslator.errors import InputError
from spectrotranslator.files import write_text
from spectrotranslator.provenance.codecheck import FOR_A_PERSON, codecheck, page, read_verdict
from spectrotranslator.provenance.finished_run import read_run
from spectrotranslator.provenance.integrity import evidence
from spectrotranslator.provenance.run_audit import Audit
from spectrotranslator.provenance.signature import sign


def main(arguments: list[str]) -> int:
    """``./reproduce certificate RUN [--sign KEY]``."""
    parser = argparse.ArgumentParser(
        "./reproduce certificate",
        description="draft the reproduction certificate; sign the run's manifest",
        epilog="example: ./reproduce certificate mini --sign ~/.ssh/id_ed25519",
    )
    parser.add_argument(
        "run", type=user_paths.resolve_run, help="name of a finished run, or its folder"
    )
    parser.add_argument(
        "--sign", type=user_paths.resolve_input, metavar="KEY", help="private SSH key to sign with"
    )
    given = parser.parse_args(arguments)
    run = read_run(given.run)
    audit = Audit(run)
    audit.check()
    verdict = read_verdict(run)
    if run.manifest["evidence"] != evidence(run):
        raise InputError(f"{run.folder}: the data are {evidence(run)}, the manifest says otherwise")
    if given.sign and audit.damage:
        raise InputError(f"{run.folder}: damaged, so not signed; see ./reproduce audit {given.run}")
    if given.sign:
        print(f"Signed: {sign(run.folder, given.sign)}")
    folder = run.folder / "provenance"
    draft = codecheck(run, verdict)
    write_text(
        folder / "codecheck.yml",
        "---\n" + yaml.safe_dump(draft, sort_keys=False, allow_unicode=True, width=100),
    )
    write_text(folder / "certificate.md", page(run, verdict, audit))
    print(f"Drafted: {folder / 'codecheck.yml'} and {folder / 'certificate.md'}")
    print(
        f"evidence: {run.manifest['evidence']}; left open for a person: {', '.join(FOR_A_PERSON)}"
    )
    if audit.damage:
        print(f"The run is damaged: ./reproduce audit {given.run}", file=sys.stderr)
    return 1 if audit.damage else 0
