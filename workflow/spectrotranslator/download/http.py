"""How archives are asked: retry, waits, proxies, few connections to a host, clear reasons.

Proxies and certificates are taken from the environment, as ``requests`` documents.
"""

import hashlib
import os
import re
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from spectrotranslator.errors import InputError
from spectrotranslator.shared_files import lock_file, private_folder, try_lock
from spectrotranslator.untrusted import printable

from .registry import address, address_fault, without_userinfo

RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}
AGENT = "spectrotranslator-reproduction"
SLOWEST_BYTES = 1 << 10
LOST = (requests.RequestException, HTTPError)
#: What hostile headers, addresses and encodings end in, inside of the libraries.
ODD = (ValueError, LookupError, ArithmeticError, AttributeError, TypeError)
MOST_REDIRECTS = 10
WORDS_BYTES = 100_000
#: Longest number of bytes that a header may tell.
_COUNT = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class RetryPolicy:
    """How long archives are waited for, and how often they are asked again.

    Parameters
    ----------
    connect_s, stall_s
        Seconds without a connection, and without a byte, that end an attempt.
    attempts
        Attempts in a row that bring nothing new.
    wait_s, longest_wait_s
        The first wait between attempts, doubled each time; the longest one, also where the
        archive asks for one by ``Retry-After``.
    per_host
        Connections to one host at a time, over all processes of this user.
    """

    connect_s: float = 15.0
    stall_s: float = 60.0
    attempts: int = 6
    wait_s: float = 0.5
    longest_wait_s: float = 120.0
    per_host: int = 2

    def wait(self, attempt: int, wish: float | None = None) -> float:
        """Seconds to wait after attempt number ``attempt`` (from 0); ``wish`` is the archive's."""
        return min(self.wait_s * 2**attempt if wish is None else wish, self.longest_wait_s)


USUAL = RetryPolicy()


def parse_retry_policy(text: str) -> RetryPolicy:
    """From ``NAME=VALUE,...``; what is not named is as usual."""
    try:
        given = dict(pair.split("=", 1) for pair in filter(None, text.split(",")))
        types = {name: type(value) for name, value in asdict(USUAL).items()}
        return RetryPolicy(**{name: types[name](value) for name, value in given.items()})
    except (KeyError, ValueError) as error:
        raise InputError(f"retry {text!r}: not understood ({error})") from None


class TransferError(Exception):
    """One attempt failed: why, how long the archive wants us to wait, whether to try again."""

    def __init__(self, reason: str, wish: float | None = None, final: bool = False):
        super().__init__(reason)
        self.wish = wish
        self.final = final


def count(text: str | None) -> int | None:
    """The number of bytes that a header tells; none where it is no such number."""
    return int(text) if text and _COUNT.fullmatch(text.strip()) else None


class _Session(requests.Session):
    """Follows redirects to http and https only, and never from https to http."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        where = urljoin(resp.url, target)
        if fault := address_fault(where):
            raise TransferError(f"redirected: {fault}", final=True)
        if resp.url.startswith("https:") and not where.startswith("https:"):
            shown = printable(without_userinfo(where))
            raise TransferError(f"redirected from https to {shown}, which is refused", final=True)
        return target


def _asked(
    session: requests.Session, retry: "RetryPolicy", method: str, url: str, **content
) -> requests.Response:
    """The answer to a request, its headers whole in bounded time though they come in drops."""
    found: list[requests.Response | BaseException] = []

    def ask() -> None:
        try:
            found.append(session.request(method, url, stream=True, **content))
        except BaseException as error:
            found.append(error)

    # A thread: the library's own limit is on the silence between two bytes alone.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(2 * (retry.connect_s + retry.stall_s))
    if not found:
        raise TransferError(f"no whole headers within {2 * (retry.connect_s + retry.stall_s):g} s")
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def read_body(response: requests.Response, limit: int, retry: "RetryPolicy") -> bytes:
    """The whole body of an answer, unpacked, bounded in size and time.

    Raises
    ------
    TransferError
        It is larger, too slow, or its packing is damaged or not known.
    """
    body, since, window = bytearray(), time.monotonic(), 0
    while block := response.raw.read1(min(1 << 20, limit + 1 - len(body)), decode_content=False):
        body += block
        window += len(block)
        if len(body) > limit:
            raise TransferError(f"more than {limit} bytes came", final=True)
        if time.monotonic() - since > retry.stall_s:
            if window < SLOWEST_BYTES:
                raise TransferError(f"stalled: {window} bytes came in {retry.stall_s:g} s")
            since, window = time.monotonic(), 0
    told = count(response.headers.get("Content-Length"))
    if told is not None and len(body) != told:
        raise TransferError(f"{len(body)} of {told} bytes of the answer came")
    return _unpacked(bytes(body), response.headers.get("Content-Encoding", "identity"), limit)


def _unpacked(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding.strip().lower() in ("identity", ""):
        return body
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        raise TransferError(f"packed as {printable(encoding, 40)}, which was not asked for")
    unpack = zlib.decompressobj(wbits=47)
    try:
        plain = unpack.decompress(body, limit + 1)
    except zlib.error:
        raise TransferError("its packing is damaged") from None
    if len(plain) > limit:
        raise TransferError(f"more than {limit} bytes, unpacked", final=True)
    if not unpack.eof:
        raise TransferError("its packing is cut short")
    return plain


@contextmanager
def answer(
    url: str,
    retry: RetryPolicy,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    fine: Container[int] = (200, 206, 416),
    words: Callable[[bytes], str] | None = None,
    **content,
) -> Iterator[requests.Response]:
    """The open answer to one request, its status checked, its body not yet read.

    ``content`` is what ``requests`` sends along: ``data``, ``files``. ``words`` finds in the body
    of a refusal what the service says.

    Raises
    ------
    TransferError
        No answer, a status that is not ``fine``, or the transfer broke within the context.
    """
    timeout = (retry.connect_s, retry.stall_s)
    asked = {"Accept-Encoding": "identity", "User-Agent": AGENT} | (headers or {})
    if fault := address_fault(address(url)):
        raise TransferError(fault, final=True)
    with slot(url, retry.per_host), _Session() as session:
        session.max_redirects = MOST_REDIRECTS
        try:
            with _asked(
                session, retry, method, address(url), headers=asked, timeout=timeout, **content
            ) as response:
                _refuse_bad(response, fine, retry, words)
                yield response
        except requests.TooManyRedirects:
            raise TransferError("redirects without end", final=True) from None
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
            shown = printable(without_userinfo(str(error)))
            raise TransferError(f"not an address ({shown})", final=True) from None
        except LOST as error:
            raise TransferError(reason(error, retry)) from None
        except ODD as error:
            kind = type(error).__name__
            raise TransferError(f"an answer that is not understood ({kind})") from None


def reason(error: Exception, retry: RetryPolicy) -> str:
    """Why a request failed, in a few words."""
    text = str(error)
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {retry.connect_s:g} s"
    if "timed out" in text or isinstance(error, requests.Timeout):
        return f"stalled: nothing came for {retry.stall_s:g} s"
    for mark, words in (
        ("Connection refused", "connection refused"),
        ("Name or service not known", "the host's name is not known here"),
        ("name resolution", "the host's name is not known here"),
        ("NameResolution", "the host's name is not known here"),
        ("ProxyError", "the proxy refuses"),
        ("CERTIFICATE_VERIFY_FAILED", "its certificate does not hold"),
        ("Network is unreachable", "no network"),
    ):
        if mark in text:
            return words
    return "the connection broke"


def _refuse_bad(
    response: requests.Response,
    fine: Container[int],
    retry: RetryPolicy,
    words: Callable[[bytes], str] | None,
) -> None:
    status = response.status_code
    if status in fine and status not in RETRY_STATUS:
        return
    told = _words(response, retry, words) if words else ""
    said = f"status {status}: {told}" if told else f"status {status}"
    if status in RETRY_STATUS:
        raise TransferError(said, _retry_after(response))
    raise TransferError(said, final=True)


def _words(response: requests.Response, retry: RetryPolicy, words: Callable[[bytes], str]) -> str:
    """What the service says of its refusal; nothing where that cannot be read."""
    try:
        return words(read_body(response, WORDS_BYTES, retry))
    except (TransferError, *LOST, *ODD):
        return ""


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "").strip()
    if (seconds := count(value)) is not None:
        return float(seconds)
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0)
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return None


@contextmanager
def slot(url: str, per_host: int) -> Iterator[None]:
    """Hold one of the ``per_host`` connections to the host of ``url``; wait for a free one.

    Slots are locked files in the user's temporary folder: a killed process frees its own.
    """
    host = hashlib.sha256(urlsplit(address(url)).netloc.encode()).hexdigest()[:16]
    folder = private_folder(Path(tempfile.gettempdir()) / f"spectrotranslator-{os.getuid()}")
    while True:
        for number in range(per_host):
            with lock_file(folder / f"{host}-{number}.lock") as lock:
                if not try_lock(lock):
                    continue
                yield
                return
        time.sleep(0.1)
