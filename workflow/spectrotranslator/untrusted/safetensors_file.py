"""Safetensors files, checked byte by byte."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from spectrotranslator.errors import InputError

from .json_text import parse_json
from .printable_text import printable
from .regular_files import read_bytes

_FLOATS = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
_HEADER_BYTES = 1_000_000


def read_safetensors(path: str | Path, limit: int, *, links: bool = False) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file, checked byte by byte.

    Parameters
    ----------
    path : str or Path
        The file.
    limit : int
        Most bytes that the file may have.
    links : bool
        Whether ``path`` itself may be a symbolic link.

    Returns
    -------
    dict of str to numpy.ndarray
        Name to tensor, float32 or float64, all values finite.

    Raises
    ------
    InputError
        As for :func:`read_bytes` and :func:`parse_json`; or a tensor is not of 32- or 64-bit
        floating-point numbers, is not finite, or the tensors overlap or do not fill the file.

    References
    ----------
    The format: https://huggingface.co/docs/safetensors, section "Format".
    """
    content = read_bytes(path, limit, links=links)
    shown = printable(path)
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= size <= min(len(content) - 8, _HEADER_BYTES):
        raise InputError(f"{shown}: the length of its header is wrong")
    try:
        header = content[8 : 8 + size].decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{shown}: not UTF-8 text at byte {8 + error.start}") from None
    entries = parse_json(header, f"{shown}, header")
    if not isinstance(entries, dict):
        raise InputError(f"{shown}: its header is not an object")
    _check_metadata(shown, entries.pop("__metadata__", {}))
    data = memoryview(content)[8 + size :]
    _check_filled(shown, [_extent(shown, name, entries[name]) for name in entries], len(data))
    return {name: _tensor(shown, name, entry, data) for name, entry in entries.items()}


def _check_metadata(shown: str, metadata: Any) -> None:
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise InputError(f"{shown}: its metadata is not text")


def _extent(shown: str, name: str, entry: Any) -> tuple[int, int]:
    """First byte and end of a tensor whose description is sound."""
    spot = f"{shown}, tensor '{printable(name)}'"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise InputError(f"{spot}: dtype, shape and data_offsets are expected")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _FLOATS:
        raise InputError(f"{spot}: type '{printable(dtype)}'; only F32 and F64 are read")
    if not _whole_numbers(shape) or len(shape) > 8:
        raise InputError(f"{spot}: its shape is not a list of sizes")
    if not _whole_numbers(offsets) or len(offsets) != 2:
        raise InputError(f"{spot}: its offsets are not a pair of numbers")
    if offsets[1] - offsets[0] != math.prod(shape) * _FLOATS[dtype].itemsize:
        raise InputError(f"{spot}: its shape and its offsets disagree")
    return offsets[0], offsets[1]


def _whole_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _check_filled(shown: str, extents: list[tuple[int, int]], size: int) -> None:
    end = 0
    for first, last in sorted(extents):
        if first != end:
            raise InputError(f"{shown}: its tensors overlap or leave a gap at byte {end}")
        end = last
    if end != size:
        raise InputError(f"{shown}: its tensors take {end} bytes, the file has {size}")


def _tensor(shown: str, name: str, entry: dict[str, Any], data: memoryview) -> np.ndarray:
    first, last = entry["data_offsets"]
    dtype = _FLOATS[entry["dtype"]]
    try:
        tensor = np.frombuffer(data[first:last], dtype).reshape(entry["shape"]).copy()
    except ValueError:
        # A size of 0 beside sizes that no array can have.
        raise InputError(f"{shown}, tensor '{printable(name)}': its shape is too large") from None
    if not np.isfinite(tensor).all():
        raise InputError(f"{shown}, tensor '{printable(name)}': a value is not finite")
    return tensor
