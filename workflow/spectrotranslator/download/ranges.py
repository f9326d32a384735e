"""A remote file looked at by byte ranges: its size, its beginning, and how fast it comes."""

import io
import re
import time
from dataclasses import dataclass

from .content_check import is_page
from .http import RetryPolicy, TransferError, answer, count

WINDOW = 1 << 16


@dataclass(frozen=True)
class RemoteHead:
    """The first bytes of a remote file; ``size`` None: not told; ``rate`` in bytes a second."""

    size: int | None
    start: bytes
    ranges: bool
    rate: float


def read_head(url: str, retry: RetryPolicy, most: int = WINDOW) -> RemoteHead:
    """Read the first ``most`` bytes, no more, though the server may ignore the range.

    Raises
    ------
    TransferError
        Not reachable, refused, or a web page comes in place of the file.
    """
    started = time.monotonic()
    with answer(url, retry, {"Range": f"bytes=0-{most - 1}"}) as response:
        start = b""
        while len(start) < most and (block := response.raw.read1(most - len(start))):
            start += block
            if time.monotonic() - started > retry.stall_s + retry.connect_s:
                raise TransferError(f"stalled: {len(start)} bytes came in {retry.stall_s:g} s")
        seconds = max(time.monotonic() - started, 1e-3)
        if "html" in response.headers.get("Content-Type", "").lower() or is_page(start):
            raise TransferError("an HTML page comes instead of the file", final=True)
        size = _size(response.headers, response.status_code)
        return RemoteHead(size, start, response.status_code == 206, len(start) / seconds)


def _size(headers, status: int) -> int | None:
    if status == 206:
        total = re.search(r"/([0-9]{1,15})$", headers.get("Content-Range", ""))
        return int(total[1]) if total else None
    return count(headers.get("Content-Length")) if status == 200 else None


class RangeStream(io.RawIOBase):
    """A remote file as a binary stream that seeks and reads; windows once read are kept."""

    def __init__(self, url: str, retry: RetryPolicy, first: bytes = b""):
        self.url, self.retry = url, retry
        self.position = 0
        self.kept = {0: first[:WINDOW]} if len(first) >= WINDOW else {}
        self.fetched = 0

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        """Only from the start."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("seek from the start only")
        self.position = position
        return position

    def read(self, count: int = -1) -> bytes:
        """The next ``count`` bytes; fewer at the end of the file."""
        data = b""
        while len(data) < count:
            number, offset = divmod(self.position, WINDOW)
            part = self._window(number)[offset : offset + count - len(data)]
            if not part:
                break
            data += part
            self.position += len(part)
        return data

    def _window(self, number: int) -> bytes:
        if number not in self.kept:
            first = number * WINDOW
            asked = {"Range": f"bytes={first}-{first + WINDOW - 1}"}
            with answer(self.url, self.retry, asked) as response:
                if response.status_code == 200 and first:
                    raise TransferError("the archive does not serve ranges", final=True)
                body = b"" if response.status_code == 416 else response.raw.read(WINDOW)
            self.kept[number] = body
            self.fetched += len(body)
        return self.kept[number]
