"""Lines of a file as a matrix of bytes, in constant memory, plain or gzip, whole or in parts."""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .errors import InputError

BLOCK_BYTES = 16 << 20
_PIECE_CELLS = 1 << 20
_LONGEST_LINE = 64 << 20
_NEWLINE, _RETURN, _BLANK = 10, 13, 32


@dataclass(frozen=True)
class Block:
    """Some consecutive records.

    Attributes
    ----------
    first
        Number of the first record, counted from 0.
    cells : array of uint8, shape (records, width)
        The bytes, blank behind the end of a short record, cut behind ``width``.
    lengths : array of int, shape (records,)
        Bytes of each record before its newline (and before a carriage return).
    returns : array of bool, shape (records,)
        Whether a carriage return stood before the newline.
    ended
        Whether the last record had a newline.
    """

    first: int
    cells: np.ndarray
    lengths: np.ndarray
    returns: np.ndarray
    ended: bool = True

    def __len__(self) -> int:
        return len(self.cells)

    def head(self, count: int) -> "Block":
        """The first ``count`` records, fewer than there are."""
        pieces = (self.cells[:count], self.lengths[:count], self.returns[:count])
        return Block(self.first, *pieces)


def parts(path: str | Path) -> list[Path]:
    """The files that hold a table: itself, its gzip, or its numbered parts (``t.dat.00``, ...).

    Raises
    ------
    InputError
        None is there, or the parts are not numbered without a gap from 0.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    zipped = path.with_name(path.name + ".gz")
    if zipped.is_file():
        return [zipped]
    numbered = {}
    if path.parent.is_dir():
        pattern = re.compile(re.escape(path.name) + r"\.(\d{2,3})(?:\.gz)?")
        for entry in path.parent.iterdir():
            if found := pattern.fullmatch(entry.name):
                numbered[int(found[1])] = entry
    if not numbered:
        raise InputError(f"{path}: no such file")
    missing = sorted(set(range(max(numbered) + 1)) - set(numbered))
    if missing:
        raise InputError(f"{path}: part {missing[0]:02d} is missing among its numbered parts")
    return [numbered[number] for number in sorted(numbered)]


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading, through gzip where it begins as gzip does."""
    try:
        stream = path.open("rb")
        zipped = stream.peek(2)[:2] == b"\x1f\x8b"
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    return gzip.GzipFile(fileobj=stream) if zipped else stream


def read_all(path: Path) -> bytes:
    """All bytes of a file, through gzip where it begins as gzip does."""
    with closing(open_bytes(path)) as stream:
        try:
            return stream.read()
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path}: cannot be read to its end ({error})") from error


def blocks(
    path: str | Path,
    width: int,
    rows: int | None = None,
    skip: int = 0,
    most: int | None = None,
) -> Iterator[Block]:
    """The records of a table, block after block.

    Parameters
    ----------
    path
        A file, or the name that its numbered parts share.
    width
        Bytes of a record without its newline.
    rows
        Records of a block; about 16 MiB of them by default.
    skip
        Lines to leave out at the start of the first file (a header).
    most
        Records to give, where lines that are none follow them; all by default.
    """
    rows = rows or max(1, BLOCK_BYTES // (width + 1))
    first = 0
    for part in parts(path):
        with closing(open_bytes(part)) as stream:
            for lines, ended in _lines(stream, part, rows * (width + 1), skip):
                for block in _matrices(lines, width, rows, first, ended):
                    if most is not None and first + len(block) > most:
                        block = block.head(most - first)
                    if most is None or len(block):
                        yield block
                    first += len(block)
                    if most is not None and first >= most:
                        return
        skip = 0


def _lines(stream: BinaryIO, path: Path, size: int, skip: int) -> Iterator[tuple[bytes, bool]]:
    """Stretches of whole lines; the last may lack its newline, which the flag says."""
    try:
        for number in range(skip):
            if not stream.readline():
                raise InputError(f"{path}: ends within its header, at line {number + 1}")
        rest = b""
        while chunk := stream.read(size):
            cut = chunk.rfind(b"\n") + 1
            if cut:
                yield rest + chunk[:cut], True
                rest = chunk[cut:]
            else:
                rest += chunk
                if len(rest) > _LONGEST_LINE:
                    raise InputError(f"{path}: a line of over {_LONGEST_LINE} bytes; no table")
        if rest:
            yield rest + b"\n", False
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read to its end ({error})") from error


def _matrices(lines: bytes, width: int, rows: int, first: int, ended: bool) -> Iterator[Block]:
    cells = np.frombuffer(lines, dtype=np.uint8)
    count = int(np.count_nonzero(cells == _NEWLINE))
    if count * (width + 1) == len(cells):
        grid = cells.reshape(count, width + 1)
        if (grid[:, -1] == _NEWLINE).all() and not (grid[:, -2] == _RETURN).any():
            for start in range(0, count, rows):
                piece = grid[start : start + rows, :-1]
                lengths = np.full(len(piece), width)
                last = ended or start + rows < count
                yield Block(first + start, piece, lengths, np.zeros(len(piece), bool), last)
            return
    ends = np.flatnonzero(cells == _NEWLINE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    returns = (ends > starts) & (cells[ends - 1] == _RETURN)
    lengths = ends - starts - returns
    step = max(1, min(rows, _PIECE_CELLS // width))
    for start in range(0, count, step):
        stop = min(start + step, count)
        piece = _padded(cells, starts[start:stop], lengths[start:stop], width)
        last = ended or stop < count
        yield Block(first + start, piece, lengths[start:stop], returns[start:stop], last)


def _padded(cells: np.ndarray, starts: np.ndarray, lengths: np.ndarray, width: int) -> np.ndarray:
    offsets = np.arange(width)
    index = np.minimum(starts[:, None] + offsets, len(cells) - 1)
    return np.where(offsets < lengths[:, None], cells[index], np.uint8(_BLANK))
