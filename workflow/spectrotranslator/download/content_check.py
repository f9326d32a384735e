"""Whether a fetched file is whole and what its name says, as far as the file itself tells."""

import re
import zlib
from pathlib import Path

from spectrotranslator.errors import InputError

from .fits_layout import BLOCK, table_layout

CHUNK = 1 << 20
SHORTEST_RECORD, LONGEST_RECORD = 40, 100_000
MOST_UNPACKED = 200_000_000_000
PAGES = (b"<!doctype html", b"<html")


def content_fault(content: Path, name: str) -> str | None:
    """What is wrong with ``content``, which shall become the file ``name``; None: nothing seen.

    gzip is unpacked to its check sum, FITS is held against its header, nothing may be a web page.
    A table of the CDS may come plain under the name of its packed form: readers look at its bytes.
    """
    with content.open("rb") as stream:
        start = stream.read(512)
    if is_page(start):
        return "an HTML page came instead of the file"
    if is_json(start) and not name.endswith(".json"):
        return "a JSON message came instead of the file"
    if not start:
        return "the file is empty"
    if name.endswith(".gz"):
        plain = name.endswith(".dat.gz") and _holds_records(content)
        return None if plain else _gzip_fault(content)
    if name.endswith(".fits"):
        return _fits_fault(content, name)
    return None


def _holds_records(content: Path) -> bool:
    """Whether a file begins with two lines of ASCII of one length, as a table of the CDS does."""
    with content.open("rb") as stream:
        first, second = (stream.readline(LONGEST_RECORD) for _ in range(2))
    whole = first.endswith(b"\n") and len(first) == len(second) > SHORTEST_RECORD
    return whole and first.isascii() and not set(first) & set(range(9))


def is_page(start: bytes) -> bool:
    """Whether a file that begins with ``start`` is an HTML or XHTML page."""
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(b"<?xml"):
        start = start.partition(b"?>")[2].lstrip()
    while start.startswith(b"<!--"):
        start = start.partition(b"-->")[2].lstrip()
    return start.startswith(PAGES)


def is_json(start: bytes) -> bool:
    """Whether a file that begins with ``start`` is a JSON object, as services tell errors."""
    return re.match(rb'\s*(\{\s*"[^"]*"\s*:|\[\s*\{\s*")', start) is not None


def _gzip_fault(content: Path) -> str | None:
    with content.open("rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            return "not gzip"
    unpack, total = zlib.decompressobj(wbits=31), 0
    with content.open("rb") as stream:
        while packed := stream.read(CHUNK):
            while packed:
                try:
                    # In pieces: a bomb of a thousand to one is counted, never held.
                    total += len(unpack.decompress(packed, CHUNK))
                except zlib.error as error:
                    return f"damaged gzip ({error})"
                if total > MOST_UNPACKED:
                    return f"more than {MOST_UNPACKED} bytes, unpacked"
                packed = unpack.unconsumed_tail or unpack.unused_data
                if unpack.eof and packed.strip(b"\0"):
                    unpack = zlib.decompressobj(wbits=31)
                elif unpack.eof:
                    break
    return None if unpack.eof else "gzip cut short"


def _fits_fault(content: Path, name: str) -> str | None:
    try:
        with content.open("rb") as stream:
            layout = table_layout(stream, name)
    except InputError as error:
        return str(error).removeprefix(f"{name}: ")
    size, end = content.stat().st_size, layout.end
    if size < end:
        return f"FITS cut short: {size} bytes of {-(-end // BLOCK) * BLOCK}"
    return None
