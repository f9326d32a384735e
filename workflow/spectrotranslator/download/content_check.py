"""Whether a fetched file is whole and what its name says, as far as the file itself tells."""

import zlib
from pathlib import Path

from spectrotranslator.errors import InputError

from .fits_layout import BLOCK, table_layout

CHUNK = 1 << 20
PAGES = (b"<!doctype html", b"<html")


def content_fault(content: Path, name: str) -> str | None:
    """What is wrong with ``content``, which shall become the file ``name``; None: nothing seen.

    gzip is unpacked to its check sum, FITS is held against its header, nothing may be a web page.
    """
    with content.open("rb") as stream:
        start = stream.read(512)
    if start.lstrip().lower().startswith(PAGES):
        return "an HTML page came instead of the file"
    if not start:
        return "the file is empty"
    if name.endswith(".gz"):
        return _gzip_fault(content)
    if name.endswith(".fits"):
        return _fits_fault(content, name)
    return None


def _gzip_fault(content: Path) -> str | None:
    if content.open("rb").read(2) != b"\x1f\x8b":
        return "not gzip"
    unpack = zlib.decompressobj(wbits=31)
    with content.open("rb") as stream:
        while packed := stream.read(CHUNK):
            while packed:
                try:
                    unpack.decompress(packed)
                except zlib.error as error:
                    return f"damaged gzip ({error})"
                packed = unpack.unused_data
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
