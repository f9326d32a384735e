"""How the loopback archive answers one request."""

import re
import socket
import struct
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from .faults import Fault

if TYPE_CHECKING:
    from .mock_archive import Archive

BLOCK = 1 << 18
OTHER_BYTES = bytes(byte ^ 1 for byte in range(256))
PAGE = b"<!DOCTYPE html>\n<html><title>Maintenance</title><body>Back soon.</body></html>\n"


@dataclass
class Exchange:
    """One request and what was sent for it: ``sent`` counts the bytes of the body."""

    method: str
    path: str
    range: str | None
    status: int = 0
    sent: int = 0


def make_handler(archive: "Archive") -> type[BaseHTTPRequestHandler]:
    """A handler class bound to ``archive``."""
    return type("Handler", (_Handler,), {"archive": archive})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "minisky"
    archive: "Archive"

    def log_message(self, *_arguments) -> None:
        """Keep quiet: ``Archive.exchanges`` is the log."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.exchange = Exchange(self.command, path, self.headers.get("Range"))
        self.archive.exchanges.append(self.exchange)
        length = int(self.headers.get("Content-Length") or 0)
        self.content = self.rfile.read(length) if length else b""
        fault = self.archive.fault_for(self.command, path, tap=False)
        try:
            if fault and self._refuse(fault):
                return
            if re.match(r"/tap(-\w+)?(/|$)", path):
                self._answer_tap(path, fault)
            else:
                self._answer_file(path, fault)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _refuse(self, fault: Fault) -> bool:
        """Answer a fault that never reaches the content; whether this was one."""
        if fault.kind == "drop":
            self.close_connection = True
        elif fault.kind == "status":
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            self.reply(int(fault.value), b"no\n", "text/plain", headers)
        elif fault.kind in ("redirect", "redirect-loop"):
            target = self.path if fault.kind == "redirect-loop" else str(fault.value)
            self.reply(302, b"", "text/plain", {"Location": target})
        elif fault.kind == "html":
            self.reply(200, PAGE, "text/html")
        else:
            return False
        return True

    def reply(self, status: int, body: bytes, kind: str, headers: dict | None = None) -> None:
        """Send a whole small answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._send(body)
        self.exchange.status = status

    def _answer_tap(self, path: str, fault: Fault | None) -> None:
        from .tap import answer_tap

        tap_fault = self.archive.fault_for(self.command, path, tap=True)
        status, body, kind, headers = answer_tap(
            self.archive, self.command, self.path, self.headers.get("Content-Type", ""),
            self.content, tap_fault,
        )  # fmt: skip
        if fault:
            self._send_faulty(status, body, kind, fault)
        else:
            self.reply(status, body, kind, headers)

    def _send_faulty(self, status: int, body: bytes, kind: str, fault: Fault) -> None:
        self.exchange.status = status
        self._head(status, len(body), kind, {}, fault)
        self._body(lambda start, count: body[start : start + count], 0, len(body), fault)

    def _answer_file(self, path: str, fault: Fault | None) -> None:
        file = self.archive.find(path)
        if file is None:
            self.reply(404, b"not found\n", "text/plain")
            return
        state = file.stat()
        changed = fault is not None and fault.kind == "changed"
        modified = formatdate(state.st_mtime + 86400 * changed, usegmt=True)
        headers = {
            "Last-Modified": modified,
            "ETag": f'"{state.st_size:x}-{state.st_mtime_ns:x}{"-changed" * changed}"',
            "Accept-Ranges": "bytes",
        }
        if self.headers.get("If-None-Match") == headers["ETag"]:
            self.exchange.status = 304
            self.send_response(304)
            self.send_header("ETag", headers["ETag"])
            self.end_headers()
            return
        ignore = fault is not None and fault.kind == "ignore-range"
        span = None if ignore else self._range(state.st_size, headers)
        if span == (0, 0):
            self.reply(416, b"", "text/plain", {"Content-Range": f"bytes */{state.st_size}"})
            return
        start, stop = span or (0, state.st_size)
        if span:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{state.st_size}"
        self.exchange.status = 206 if span else 200
        kind = "application/gzip" if path.endswith(".gz") else "application/octet-stream"
        self._head(self.exchange.status, stop - start, kind, headers, fault)
        if self.command != "HEAD":
            with file.open("rb") as stream:
                self._body(_reader(stream, state.st_size, fault), start, stop, fault)

    def _range(self, size: int, headers: dict[str, str]) -> tuple[int, int] | None:
        """Bytes asked for; None: all; (0, 0): none that there are."""
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        condition = self.headers.get("If-Range")
        if not asked or (
            condition and condition not in (headers["ETag"], headers["Last-Modified"])
        ):
            return None
        first, last = asked.groups()
        if not first:
            return (max(size - int(last), 0), size) if last and int(last) else (0, 0)
        if int(first) >= size:
            return (0, 0)
        return int(first), min(int(last) + 1, size) if last else size

    def _head(
        self, status: int, length: int, kind: str, headers: dict[str, str], fault: Fault | None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        if fault and fault.kind == "cut-lengthless":
            self.send_header("Connection", "close")
        else:
            extra = int(fault.value) if fault and fault.kind == "wrong-length" else 0
            self.send_header("Content-Length", str(length + extra))
        self.end_headers()

    def _body(self, read, start: int, stop: int, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        end = stop
        if kind in ("cut", "cut-lengthless", "reset"):
            end = min(stop, start + int(fault.value))
        pause = start + (stop - start) // 2 if kind == "stall" else None
        while start < end:
            count = min(BLOCK, end - start)
            if pause is not None and start < pause:
                count = min(count, pause - start)
            self._send(read(start, count))
            start += count
            if start == pause:
                self.archive.closing.wait(float(fault.value))
        if kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        if kind in ("cut", "cut-lengthless", "reset", "wrong-length"):
            self.close_connection = True

    def _send(self, data: bytes) -> None:
        # counted first: a client that has the bytes must find them counted
        self.exchange.sent += len(data)
        self.wfile.write(data)


def _reader(stream, size: int, fault: Fault | None):
    """A function (start, count) -> bytes of the file, altered where the fault wants it."""
    kind = fault.kind if fault else ""

    def read(start: int, count: int) -> bytes:
        stream.seek(start)
        data = stream.read(count)
        if kind == "changed":
            return data.translate(OTHER_BYTES)
        at = int(fault.value) % size if kind == "wrong-bytes" else -1
        if start <= at < start + count:
            data = data[: at - start] + bytes([data[at - start] ^ 0xFF]) + data[at - start + 1 :]
        return data

    return read
