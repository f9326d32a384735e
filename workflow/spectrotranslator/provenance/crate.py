"""The run as a Provenance Run Crate 0.5 on RO-Crate 1.1, from its records alone.

Profiles: https://w3id.org/ro/wfrun/provenance/0.5 and our own, ``profile/profile.ttl``.
"""

import shutil
import tarfile
from pathlib import Path

from ..configuration import Configuration, load
from ..files import atomic, read_json, write_text
from ..stage import Stage
from .canonical import text
from .code import PACKAGE, source_files
from .entities import Entities
from .record import file_entry
from .repository import ROOT
from .run import RESULTS

VERIFIER = Path(__file__).with_name("verify.py")
README = Path(__file__).with_name("crate_readme.md")


def main(arguments) -> None:
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
    for module in ("provenance.crate", "provenance.manifest"):
        names |= {file.relative_to(PACKAGE).as_posix() for file in source_files(module)}
    files = {f"workflow/{PACKAGE.name}/{name}": PACKAGE / name for name in names}
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


stage = Stage(__doc__)
stage.input("config", "resolved configuration")
stage.input("main", "the workflow's Snakefile")
stage.input("workflow", "Snakefiles, rules, configuration files and lock", many=True)
stage.input("records", "records of the jobs", many=True)
stage.output("crate", "ro-crate-metadata.json")
stage.output("verifier", "verify.py")
stage.output("readme", "README.md of the crate")
stage.output("snakefile", "the workflow's Snakefile, copied")
stage.output("code", "code and configuration, tar")

if __name__ == "__main__":
    stage.run(main)
