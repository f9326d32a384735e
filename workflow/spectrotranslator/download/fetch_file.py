"""Fetch one registered file, with a receipt of where it came from.

A file that lies in the shared download folder already, as its receipt says, is linked and not
fetched again.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json, sha256, write_json
from spectrotranslator.shared_files import is_trusted, waited_lock
from spectrotranslator.step import Step

from .checksum_lock import check_lock
from .download import Receipt, download
from .http import RetryPolicy, parse_retry_policy
from .registry import Source, source


def main(arguments) -> None:
    """Run the step with its parsed ``arguments``."""
    entry = source(arguments.registry, arguments.name)
    retry = parse_retry_policy(arguments.retry)
    if not arguments.folder:
        fetch(entry, arguments.file, arguments.receipt, retry, arguments.lock)
        return
    place = arguments.folder / entry.file
    receipt = receipt_of(place)
    with _alone(place):
        if not _fetched_before(entry, place, receipt, arguments.lock):
            fetch(entry, place, receipt, retry, arguments.lock)
    _link(place, arguments.file)
    _link(receipt, arguments.receipt)


def fetch(entry: Source, place: Path, receipt: Path, retry: RetryPolicy, lock: Path | None) -> None:
    """Download ``entry`` to ``place`` and write its receipt; ``lock`` holds what is trusted."""

    def accept(fetched: Receipt) -> None:
        if lock:
            check_lock(lock, entry, fetched)

    fetched = download(entry, place, retry, accept)
    told = entry.unconfirmed
    differences = told.differences(fetched.bytes, fetched.sha256) if told else []
    for difference in differences:
        print(f"note: {entry.file}: {difference}; compare the provider's page", file=sys.stderr)
    write_json(receipt, about(entry) | asdict(fetched) | {"differs": differences})


def receipt_of(place: Path) -> Path:
    """Where the receipt of a file in the shared folder lies."""
    return place.with_name(f"{place.name}.receipt.json")


def about(entry: Source) -> dict:
    """What a receipt says of the source itself, and when it was fetched."""
    return {
        "name": entry.name,
        "file": entry.file,
        "retrieved": datetime.now(UTC).isoformat(timespec="seconds"),
        "dataset": entry.dataset,
        "release": entry.release,
        "licence": entry.licence,
        "redistribution": entry.redistribution,
        "citation": entry.citation,
        "doi": entry.doi,
    }


def _fetched_before(entry: Source, place: Path, receipt: Path, lock: Path | None) -> bool:
    """Whether the shared file is there, undamaged, from this source, as registered and trusted."""
    if not (place.is_file() and receipt.is_file()):
        return False
    if not (is_trusted(place) and is_trusted(receipt)):
        print(f"note: {place} belongs to another user, so it is fetched anew", file=sys.stderr)
        return False
    told = _receipt(receipt)
    if not told or told["url"] not in entry.urls or place.stat().st_size != told["bytes"]:
        return False
    if entry.bytes not in (None, told["bytes"]) or entry.sha256 not in (None, told["sha256"]):
        return False
    if sha256(place) != told["sha256"]:
        return False
    if lock:
        kept = {name: told[name] for name in Receipt.__dataclass_fields__}
        check_lock(lock, entry, Receipt(**kept))
    return True


def _receipt(path: Path) -> dict:
    """The receipt beside a shared file; empty where it is damaged and will be written anew."""
    try:
        told = read_json(path)
    except InputError:
        return {}
    names = Receipt.__dataclass_fields__
    return told if isinstance(told, dict) and names.keys() <= told.keys() else {}


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Let one run at a time fetch a shared file; the others then find it there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with waited_lock(place.with_name(f".{place.name}.lock"), f"to fetch {place}"):
        yield


def _link(place: Path, name: Path) -> None:
    name.parent.mkdir(parents=True, exist_ok=True)
    name.unlink(missing_ok=True)
    name.symlink_to(place.resolve())


step = Step(__doc__)
step.option("registry", "table of sources", required=True)
step.option("name", "name of the source in the registry", required=True)
step.option("folder", "shared download folder", type=Path)
step.option("lock", "where it is noted what a file was when first fetched", type=Path)
step.option("retry", "such as stall_s=60,attempts=6", default="")
step.output("file", "the file as fetched")
step.output("receipt", "where it came from, its size and digest")
