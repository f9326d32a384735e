"""One file over HTTP: resumed by range, hashed while it streams, whole or absent."""

import errno
import hashlib
import io
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from spectrotranslator.errors import InputError
from spectrotranslator.shared_files import is_own, open_new, open_own
from spectrotranslator.untrusted import parse_json, printable, read_text

from .content_check import content_fault
from .http import SLOWEST_BYTES, USUAL, RetryPolicy, TransferError, answer, count
from .progress import Progress
from .registry import Source, without_userinfo

CHUNK = 1 << 20
NOTE_BYTES = 10_000
PROGRESS_BYTES = 1 << 20
PAGE_TYPES = ("text/html", "application/xhtml")
#: The most that comes of a file whose size nobody tells.
MOST_BYTES = 100_000_000_000


@dataclass(frozen=True)
class Receipt:
    """What was fetched, for the record."""

    url: str
    final_url: str
    bytes: int
    sha256: str
    validators: dict[str, str]


@dataclass
class _Part:
    """A transfer on its way: the bytes so far, and which file of which server they belong to."""

    path: Path

    @property
    def note(self) -> Path:
        return self.path.with_suffix(".json")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if is_own(self.path) else 0

    def resumable(self) -> dict:
        """Validator and size promised, if the server can be asked to go on; else empty."""
        if not (self.size and self.note.is_file()):
            return {}
        try:
            mine = all(is_own(path) for path in (self.path, self.note))
            state = parse_json(read_text(self.note, NOTE_BYTES), "the note") if mine else None
        except (InputError, OSError):
            return {}
        if not isinstance(state, dict) or type(state.get("total")) not in (int, type(None)):
            return {}
        validator = state.get("validator")
        usable = isinstance(validator, str) and validator and validator.isprintable()
        return state if usable else {}

    def begin(self, response: requests.Response, total: int | None) -> None:
        """Note what comes now.

        The bytes of before go first: should the process be killed between the two, they must not
        stand beside the note of another file.
        """
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
        with open_new(self.note) as stream:
            stream.write(json.dumps({"validator": _validator(response), "total": total}).encode())

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def download(
    source: Source,
    path: Path,
    retry: RetryPolicy = USUAL,
    accept: Callable[[Receipt], None] = lambda receipt: None,
) -> Receipt:
    """Fetch ``source`` to ``path`` from the first of its addresses that gives it.

    A broken transfer is taken up where it stopped, by this call or the next, if the server still
    has the same file. Where one address fails the next is asked; when all failed they are asked
    again after a growing wait, as often as ``retry`` allows without anything new coming.

    Parameters
    ----------
    accept
        Called with the receipt before the file takes its name; may refuse with ``InputError``.

    Raises
    ------
    InputError
        No address gave the file (every reason is named), or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {url: _part_of(url, path) for url in source.urls}
    try:
        receipt, part = _from_any(source, parts, path, retry)
        try:
            accept(receipt)
        except InputError:
            part.forget()
            raise
        part.path.replace(path)
    except OSError as error:
        raise InputError(_disk_trouble(error, path, parts)) from None
    for part in parts.values():
        part.forget()
    return receipt


def _part_of(url: str, path: Path) -> _Part:
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    return _Part(path.with_name(f".{path.name}.{mark}.download"))


def _disk_trouble(error: OSError, path: Path, parts: dict[str, _Part]) -> str:
    kept = max(part.size for part in parts.values())
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"{path}: the disk is full; {kept / 1e6:.1f} MB are kept: make room and call again, "
            "it goes on from there"
        )
    return f"{error.filename or path}: {error.strerror or error}"


def _from_any(
    source: Source, parts: dict[str, _Part], path: Path, retry: RetryPolicy
) -> tuple[Receipt, _Part]:
    alive, reasons = list(parts), {}
    best = {url: part.size for url, part in parts.items()}
    attempt = 0
    while alive and attempt < retry.attempts:
        wishes, moved = [], False
        for url in list(alive):
            try:
                return _transfer(source, url, parts[url], path, retry), parts[url]
            except TransferError as error:
                reasons[url] = str(error)
                wishes.append(error.wish)
                if error.final:
                    alive.remove(url)
            gained = parts[url].size - best[url]
            moved |= gained >= min(PROGRESS_BYTES, (source.bytes or PROGRESS_BYTES) // 100 + 1)
            best[url] = max(best[url], parts[url].size)
        attempt = 0 if moved else attempt + 1
        if alive and attempt < retry.attempts:
            shortest = None if None in wishes else min(wishes)
            time.sleep(retry.wait(max(attempt - 1, 0), shortest))
    told = "; ".join(f"{url}: {reason}" for url, reason in reasons.items())
    raise InputError(f"{source.file} could not be fetched: {told or 'no address is registered'}")


def _transfer(source: Source, url: str, part: _Part, path: Path, retry: RetryPolicy) -> Receipt:
    state = part.resumable()
    have = part.size if state else 0
    headers = {"Range": f"bytes={have}-", "If-Range": state["validator"]} if have else {}
    with answer(url, retry, headers) as response:
        if response.status_code == 416:
            expected, total = _whole_already(response, part, have, state), hashlib.sha256()
            _hash_file(part.path, total)
        else:
            _refuse_strange(response, source)
            offset = _offset(response, part, have, state)
            expected = _expected_size(source, response, state)
            _enough_disk(path, expected - offset if expected else 0)
            if not offset:
                part.begin(response, expected)
            total = _append(response, part.path, offset, expected, source.file, retry)
        final_url, validators = without_userinfo(response.url), _validators(response)
    if expected is None:
        expected = _size_by_head(url, retry)
    _refuse_wrong(source, part, expected, total.hexdigest())
    return Receipt(url, final_url, part.size, total.hexdigest(), validators)


def _refuse_strange(response: requests.Response, source: Source) -> None:
    kind = response.headers.get("Content-Type", "").lower()
    if any(page in kind for page in PAGE_TYPES):
        raise TransferError("an HTML page came instead of the file", final=True)
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity" and not source.file.endswith(".gz"):
        raise TransferError(
            f"sent as {printable(encoding, 40)} though the plain file was asked for", final=True
        )


def _offset(response: requests.Response, part: _Part, have: int, state: dict) -> int:
    """Where the body begins in the file; a server may give all though it was asked for the rest."""
    if response.status_code == 200:
        return 0
    span = re.match(r"bytes ([0-9]{1,15})-", response.headers.get("Content-Range", ""))
    if not span or int(span[1]) != have:
        part.forget()
        raise TransferError("another range came than the one asked for")
    noted, total = state.get("total"), _total(response)
    if not _same_file(response, state) or (noted and total and total != noted):
        part.forget()
        raise TransferError("the file has changed since its first part came")
    return have


def _same_file(response: requests.Response, state: dict) -> bool:
    """Whether the validator that is remembered holds; a server may also not repeat it."""
    known = state.get("validator", "")
    name = "ETag" if known.startswith('"') else "Last-Modified"
    return not known or response.headers.get(name, known) == known


def _total(response: requests.Response) -> int | None:
    """Size of the whole file, as a partial answer tells it."""
    found = re.fullmatch(r"bytes [0-9*-]+/([0-9]{1,15})", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _whole_already(response: requests.Response, part: _Part, have: int, state: dict) -> int:
    """The size of a file of which nothing is left to fetch."""
    if _total(response) == have and _same_file(response, state):
        return have
    part.forget()
    raise TransferError("the file is another or shorter than what came of it before")


def _expected_size(source: Source, response: requests.Response, state: dict) -> int | None:
    """Size of the whole file. The length of a range says nothing of it: a server may cap ranges."""
    if response.status_code == 206:
        size = _total(response) or state.get("total") or source.bytes
    else:
        length = count(response.headers.get("Content-Length"))
        size = source.bytes if length is None else length
    if source.bytes is not None and size != source.bytes:
        raise TransferError(f"{size} bytes offered, {source.bytes} registered", final=True)
    return size


def _size_by_head(url: str, retry: RetryPolicy) -> int | None:
    try:
        with answer(url, retry, method="HEAD") as response:
            return count(response.headers.get("Content-Length"))
    except TransferError:
        return None


def _enough_disk(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise InputError(
            f"{path}: {needed / 1e6:.1f} MB still to fetch, {free / 1e6:.1f} MB free on that "
            "disk; make room, or set sources.folder to a folder on a larger one"
        )


def _validators(response: requests.Response) -> dict[str, str]:
    names = ("ETag", "Last-Modified")
    told = {name: response.headers[name] for name in names if name in response.headers}
    return {name: value for name, value in told.items() if value.isprintable() and len(value) < 200}


def _validator(response: requests.Response) -> str:
    """What If-Range may hold: a strong ETag, or the date of the last change."""
    found = _validators(response)
    tag = found.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else found.get("Last-Modified", "")


def _append(
    response: requests.Response,
    place: Path,
    offset: int,
    expected: int | None,
    name: str,
    retry: RetryPolicy,
):
    """Write the body behind the first ``offset`` bytes; SHA-256 of all of it."""
    total = hashlib.sha256()
    if offset:
        _hash_file(place, total)
    progress = Progress(name, offset, expected)
    left = (MOST_BYTES if expected is None else expected) - offset
    with open_own(place) if offset else open_new(place) as stream:
        stream.seek(offset)
        stream.truncate()
        since, window = time.monotonic(), 0
        while block := response.raw.read1(CHUNK):
            left -= len(block)
            if left < 0:
                raise TransferError(
                    f"more than the {MOST_BYTES if expected is None else expected} bytes expected"
                )
            _write_all(stream, block)
            total.update(block)
            progress.add(len(block))
            window += len(block)
            if time.monotonic() - since > retry.stall_s:
                if window < SLOWEST_BYTES:
                    raise TransferError(f"stalled: {window} bytes came in {retry.stall_s:g} s")
                since, window = time.monotonic(), 0
        os.fsync(stream.fileno())
    progress.end()
    return total


def _write_all(stream: io.RawIOBase, block: bytes) -> None:
    """A disk that is nearly full takes a part of a block and says so only by the count."""
    rest = memoryview(block)
    while rest:
        rest = rest[stream.write(rest) :]


def _hash_file(path: Path, total) -> None:
    with path.open("rb") as stream:
        while block := stream.read(CHUNK):
            total.update(block)


def _refuse_wrong(source: Source, part: _Part, expected: int | None, found: str) -> None:
    if expected is not None and part.size != expected:
        size = part.size
        if size > expected:
            part.forget()
        raise TransferError(f"{size} of {expected} bytes came")
    if source.sha256 and found != source.sha256:
        part.forget()
        raise TransferError(f"sha256 is {found}, registered is {source.sha256}", final=True)
    if fault := content_fault(part.path, source.file):
        part.forget()
        raise TransferError(fault)
