"""One file over HTTP: resumed by range, checked while it streams, whole or absent."""

import hashlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from ..errors import InputError
from .registry import Source, address

CHUNK = 1 << 20
TIMEOUT_S = (15, 60)
ATTEMPTS = 6
LONGEST_WAIT_S = 120
RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Receipt:
    """What was fetched, for the record."""

    url: str
    final_url: str
    bytes: int
    sha256: str
    validators: dict[str, str]


class _Broken(Exception):
    """This attempt failed; ``wait`` is the server's own wish in seconds, if it had one."""

    def __init__(self, reason: str, wait: float | None = None, final: bool = False):
        super().__init__(reason)
        self.wait = wait
        self.final = final


def download(source: Source, path: Path) -> Receipt:
    """Fetch ``source`` to ``path`` from the first of its addresses that gives it.

    A broken transfer is taken up where it stopped, if the server still has the same file.

    Raises
    ------
    InputError
        No address gave the file; the last reason is named.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    for url in source.urls:
        try:
            return _persist(source, url, path)
        except _Broken as error:
            reasons.append(f"{url}: {error}")
    raise InputError(f"{source.file} could not be fetched: {'; '.join(reasons)}")


def _persist(source: Source, url: str, path: Path) -> Receipt:
    for attempt in range(ATTEMPTS):
        try:
            return _transfer(source, url, path)
        except _Broken as error:
            if error.final or attempt == ATTEMPTS - 1:
                raise
            wait = error.wait if error.wait is not None else 0.5 * 2**attempt
        time.sleep(min(wait, LONGEST_WAIT_S))
    raise AssertionError("unreachable")


def _transfer(source: Source, url: str, path: Path) -> Receipt:
    part = path.with_name(f".{path.name}.download")
    state = _state(part)
    headers = {"Accept-Encoding": "identity"}
    have = part.stat().st_size if state else 0
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": state["validator"]}
    try:
        with requests.get(
            address(url), headers=headers, stream=True, timeout=TIMEOUT_S
        ) as response:
            _refuse_bad(response)
            offset = have if response.status_code == 206 else 0
            expected = _expected_size(source, response, offset)
            _enough_disk(path, expected - offset if expected else 0)
            _remember(part, response)
            _append(response, part, offset)
            final_url, validators = response.url, _validators(response)
    except requests.TooManyRedirects:
        raise _Broken("redirects without end", final=True) from None
    except (requests.ConnectionError, requests.Timeout) as error:
        raise _Broken(f"connection lost ({type(error).__name__})") from None
    except requests.RequestException as error:
        raise _Broken(str(error), final=True) from None
    return _finish(source, url, final_url, validators, part, path, expected)


def _refuse_bad(response: requests.Response) -> None:
    status = response.status_code
    if status == 416:
        raise _Broken("the range asked for is gone")
    if status in RETRY_STATUS:
        raise _Broken(f"status {status}", _retry_after(response))
    if status not in (200, 206):
        raise _Broken(f"status {status}", final=True)
    if "text/html" in response.headers.get("Content-Type", ""):
        raise _Broken("an HTML page came instead of the file", final=True)


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


def _expected_size(source: Source, response: requests.Response, offset: int) -> int | None:
    length = response.headers.get("Content-Length")
    size = offset + int(length) if length and length.isdigit() else source.bytes
    if source.bytes is not None and size != source.bytes:
        raise _Broken(f"{size} bytes offered, {source.bytes} registered", final=True)
    return size


def _enough_disk(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise InputError(
            f"{path}: {needed / 1e6:.0f} MB still to fetch, {free / 1e6:.0f} MB free on that disk"
        )


def _validators(response: requests.Response) -> dict[str, str]:
    names = ("ETag", "Last-Modified")
    return {name: response.headers[name] for name in names if name in response.headers}


def _state(part: Path) -> dict[str, str] | None:
    note = part.with_suffix(".validator")
    if not (part.is_file() and note.is_file()):
        return None
    state = json.loads(note.read_text())
    return state if state["validator"] else None


def _remember(part: Path, response: requests.Response) -> None:
    found = _validators(response)
    validator = found.get("ETag") or found.get("Last-Modified") or ""
    part.with_suffix(".validator").write_text(json.dumps({"validator": validator}))


def _append(response: requests.Response, part: Path, offset: int) -> None:
    with part.open("r+b" if offset else "wb") as stream:
        stream.seek(offset)
        stream.truncate()
        for chunk in response.iter_content(CHUNK):
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())


def _finish(
    source: Source,
    url: str,
    final_url: str,
    validators: dict[str, str],
    part: Path,
    path: Path,
    expected: int | None,
) -> Receipt:
    size = part.stat().st_size
    if expected is not None and size != expected:
        if size > expected:
            part.unlink()
        raise _Broken(f"{size} of {expected} bytes came")
    with part.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if source.sha256 and found != source.sha256:
        part.unlink()
        raise _Broken(f"sha256 is {found}, registered is {source.sha256}", final=True)
    part.replace(path)
    part.with_suffix(".validator").unlink()
    return Receipt(url, final_url, size, found, validators)
