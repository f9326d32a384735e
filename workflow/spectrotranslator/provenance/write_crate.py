"""The run as a Provenance Run Crate 0.5 on RO-Crate 1.1, from its records alone.

Profiles: https://w3id.org/ro/wfrun/provenance/0.5 and our own, ``profile/profile.ttl``.
"""

import shutil
import tarfile
from pathlib import Path

from spectrotranslator.config import Configuration, load
from spectrotranslator.files import atomic, read_json, write_text
from spectrotranslator.repository import ROOT
from spectrotranslator.source_code import SOURCE, source_files, source_name
from spectrotranslator.step import Step

from .canonical_json import text
from .crate_entities import Entities
from .finished_run import RESULTS
from .job_record import file_entry

VERIFIER = Path(__file__).with_name("verify.py")
README = Path(__file__).with_name("crate_readme.md")


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    configuration = load(arguments.config)
    records = {path.stem: read_json(path) for path in sorted(arguments.records)}
    copies = {
        arguments.verifier: VERIFIER,
        arguments.readme: README,
        arguments.snakefile: arguments.main,
    }
    for copy, source in copies.items():
        with atomic(copy) as temporary:
            shutil.copyfile(source, temporary)
    write_code(records, arguments.workflow, arguments.code)
    extra = [*sorted(arguments.records), *copies, arguments.code]
    made = crate(configuration, records, [file_entry(path) for path in extra])
    write_text(arguments.crate, text(made))
    write_text(arguments.beside, text(made))


def crate(configuration: Configuration, records: dict[str, dict], extra: list[dict]) -> dict:
    """The crate's JSON-LD. ``extra``: files that no job wrote and that belong to it."""
    entities = Entities(configuration, records)
    folder = f"{RESULTS}/{configuration.run}/provenance"
    entities.add_workflow(next(file for file in extra if file["path"] == f"{folder}/Snakefile"))
    for file in extra:
        if file["path"] != f"{folder}/Snakefile":
            entities.add_file(file)
    for job, record in records.items():
        entities.add_job(job, record)
    return entities.finish()


def write_code(records: dict[str, dict], workflow: list[Path], path: Path) -> None:
    """All code and configuration the run was made of, as a tar archive without times or owners."""
    names = {name for record in records.values() for name in record["code"]["files"]}
    for module in ("provenance.write_crate", "provenance.write_manifest"):
        names |= set(map(source_name, source_files(f"spectrotranslator.{module}")))
    files = {f"workflow/{name}": SOURCE / name for name in names}
    files |= {str(file): file for file in workflow if not file.is_absolute()}
    files |= {
        file["path"]: ROOT / file["path"]
        for record in records.values()
        for file in record["inputs"]
        if not file["path"].startswith((f"{RESULTS}/", "/"))
    }
    with (
        atomic(path) as temporary,
        tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, file in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = file.stat().st_size
            with file.open("rb") as stream:
                tar.addfile(info, stream)


step = Step(__doc__)
step.input("config", "resolved configuration")
step.input("main", "the workflow's Snakefile")
step.input("workflow", "Snakefiles, rules, configuration files and lock", many=True)
step.input("records", "records of the jobs", many=True)
step.output("crate", "ro-crate-metadata.json, in the crate's root")
step.output("beside", "the same beside the other files of the provenance")
step.output("verifier", "verify.py")
step.output("readme", "README.md of the crate")
step.output("snakefile", "the workflow's Snakefile, copied")
step.output("code", "code and configuration, tar")
step.setting("everything")
