"""Trust on first use: what a file was when it was first fetched, for this and other machines.

The lock file is JSON, a line of facts a source; who publishes it lets others check that they got
the same files.
"""

from datetime import UTC, datetime
from pathlib import Path

from spectrotranslator.errors import InputError
from spectrotranslator.files import read_json, write_json
from spectrotranslator.shared_files import waited_lock

from .download import Receipt
from .registry import Source


def check_lock(lock: Path, source: Source, receipt: Receipt) -> None:
    """Note what was fetched, or hold it against what was fetched first.

    A source with a registered checksum needs no note: the download was held against that.

    Raises
    ------
    InputError
        The file is another one than at first; what changed is said.
    """
    if source.sha256:
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with waited_lock(lock.with_name(f".{lock.name}.guard"), f"to read {lock}"):
        known = _known(lock)
        if source.name in known:
            _refuse_changed(lock, source, receipt, known[source.name])
            return
        known[source.name] = {
            "file": source.file,
            "url": receipt.url,
            "bytes": receipt.bytes,
            "sha256": receipt.sha256,
            "modified": receipt.validators.get("Last-Modified", ""),
            "first_fetched": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_json(lock, dict(sorted(known.items())))


def _known(lock: Path) -> dict:
    """What the lock file trusts, by the name of the source.

    Raises
    ------
    InputError
        The file is damaged.
    """
    if not lock.is_file():
        return {}
    known = read_json(lock)
    entries = known.values() if isinstance(known, dict) else [None]
    if not all(isinstance(entry, dict) and "sha256" in entry for entry in entries):
        raise InputError(f"{lock}: damaged; restore it, or delete it to trust what comes next")
    return known


def _refuse_changed(lock: Path, source: Source, receipt: Receipt, before: dict) -> None:
    if receipt.sha256 == before["sha256"]:
        return
    now = {
        "bytes": receipt.bytes,
        "modified": receipt.validators.get("Last-Modified", ""),
        "url": receipt.url,
        "sha256": receipt.sha256,
    }
    changes = [
        f"{key} was {before.get(key)}, is {value}"
        for key, value in now.items()
        if value != before.get(key) and value != ""
    ]
    raise InputError(
        f"{source.file} is not the file first fetched on {before.get('first_fetched', '?')}: "
        f"{'; '.join(changes)}; if the new one is right, take {source.name!r} out of {lock}"
    )
