"""Fetch one registered file, with a receipt of where it came from.

A file that lies in the shared download folder already is linked, not fetched again.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from ..files import write_json
from ..stage import Stage
from .download import download
from .registry import source


def main(arguments) -> None:
    entry = source(arguments.registry, arguments.name)
    place = Path(arguments.folder) / entry.file if arguments.folder else arguments.file
    receipt_beside = place.with_name(f"{place.name}.receipt.json")
    if not (arguments.folder and place.is_file() and receipt_beside.is_file()):
        receipt = download(entry, place)
        fetched = {
            "name": entry.name,
            "file": entry.file,
            **asdict(receipt),
            "retrieved": datetime.now(UTC).isoformat(timespec="seconds"),
            "dataset": entry.dataset,
            "release": entry.release,
            "licence": entry.licence,
            "redistribution": entry.redistribution,
            "citation": entry.citation,
            "doi": entry.doi,
        }
        write_json(receipt_beside if arguments.folder else arguments.receipt, fetched)
    if arguments.folder:
        _link(place, arguments.file)
        _link(receipt_beside, arguments.receipt)


def _link(place: Path, name: Path) -> None:
    name.parent.mkdir(parents=True, exist_ok=True)
    name.unlink(missing_ok=True)
    name.symlink_to(place.resolve())


stage = Stage(__doc__)
stage.option("registry", "table of sources", required=True)
stage.option("name", "name of the source", required=True)
stage.option("folder", "shared download folder")
stage.output("file", "the file as fetched")
stage.output("receipt", "where it came from, its size and digest")

if __name__ == "__main__":
    stage.run(main)
