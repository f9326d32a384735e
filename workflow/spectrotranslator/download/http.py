"""How archives are asked: retry, waits, proxies, few connections to a host, clear reasons.

Proxies and certificates are taken from the environment, as ``requests`` documents.
"""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from spectrotranslator.errors import InputError

from .registry import address

RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}
AGENT = "spectrotranslator-reproduction"
LOST = (requests.RequestException, HTTPError)


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


@contextmanager
def answer(
    url: str,
    retry: RetryPolicy,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    fine: Container[int] = (200, 206, 416),
    **content,
) -> Iterator[requests.Response]:
    """The open answer to one request, its status checked, its body not yet read.

    ``content`` is what ``requests`` sends along: ``data``, ``files``.

    Raises
    ------
    TransferError
        No answer, a status that is not ``fine``, or the transfer broke within the context.
    """
    timeout = (retry.connect_s, retry.stall_s)
    asked = {"Accept-Encoding": "identity", "User-Agent": AGENT} | (headers or {})
    with slot(url, retry.per_host):
        try:
            with requests.request(
                method, address(url), headers=asked, stream=True, timeout=timeout, **content
            ) as response:
                _refuse_bad(response, fine)
                yield response
        except requests.TooManyRedirects:
            raise TransferError("redirects without end", final=True) from None
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
            raise TransferError(f"not an address ({error})", final=True) from None
        except LOST as error:
            raise TransferError(reason(error, retry)) from None


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


def _refuse_bad(response: requests.Response, fine: Container[int]) -> None:
    status = response.status_code
    if status in RETRY_STATUS:
        raise TransferError(f"status {status}", _retry_after(response))
    if status not in fine:
        raise TransferError(f"status {status}", final=True)


def _retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0)
    except (TypeError, ValueError):
        return None


@contextmanager
def slot(url: str, per_host: int) -> Iterator[None]:
    """Hold one of the ``per_host`` connections to the host of ``url``; wait for a free one.

    Slots are locked files in the user's temporary folder: a killed process frees its own.
    """
    host = hashlib.sha256(urlsplit(address(url)).netloc.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"spectrotranslator-{os.getuid()}"
    folder.mkdir(exist_ok=True, mode=0o700)
    while True:
        for number in range(per_host):
            with (folder / f"{host}-{number}.lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield
                return
        time.sleep(0.1)
