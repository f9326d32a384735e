"""Chosen columns of a FITS table, read in row chunks without mapping the file."""

import difflib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.io import fits

from ..errors import InputError

CHUNK_BYTES = 64 << 20


def read_columns(path: str | Path, columns: Iterable[str], hdu: int = 1) -> pd.DataFrame:
    """The named columns of table ``hdu``, in native byte order; text stripped.

    Parameters
    ----------
    path
        FITS file; gzip is not supported.
    columns
        Names as in the file; each must hold one value a row.

    Returns
    -------
    One row a row of the file, in its order, floats and integers of the width they have there.

    Raises
    ------
    InputError
        Not FITS, no such table, cut short, or a column that is not there (its nearest relatives
        are named).
    """
    columns = list(dict.fromkeys(columns))
    dtype, start, rows = _layout(path, hdu)
    _all_there(path, columns, dtype.names)
    chunk = max(1, CHUNK_BYTES // dtype.itemsize)
    parts = []
    with Path(path).open("rb") as stream:
        stream.seek(start)
        for first in range(0, rows, chunk):
            wanted = min(chunk, rows - first)
            block = np.fromfile(stream, dtype=dtype, count=wanted)
            if len(block) < wanted:
                raise InputError(
                    f"{path}: cut short after row {first + len(block)} of {rows}; fetch it again"
                )
            parts.append({name: _native(block[name]) for name in columns})
    return pd.DataFrame(
        {name: np.concatenate([part[name] for part in parts]) for name in columns}
        if parts
        else {name: [] for name in columns}
    )


def _layout(path: str | Path, hdu: int) -> tuple[np.dtype, int, int]:
    try:
        with fits.open(path, memmap=False, lazy_load_hdus=True) as file:
            table = file[hdu]
            if not isinstance(table, fits.BinTableHDU):
                raise InputError(f"{path}: extension {hdu} is not a table")
            dtype = table.columns.dtype.newbyteorder(">")
            return dtype, table.fileinfo()["datLoc"], table.header["NAXIS2"]
    except IndexError:
        raise InputError(f"{path}: no extension {hdu}") from None
    except OSError as error:
        raise InputError(f"{path}: not a readable FITS file ({error})") from None


def _all_there(path: str | Path, columns: list[str], there: tuple[str, ...]) -> None:
    lacking = [name for name in columns if name not in there]
    if lacking:
        near = difflib.get_close_matches(lacking[0], there, n=3, cutoff=0.3)
        raise InputError(
            f"{path}: no column {lacking[0]!r}; the nearest there are {', '.join(near) or 'none'}"
        )


def _native(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "S":
        return np.char.strip(np.char.decode(values, "latin-1")).astype(object)
    return values.astype(values.dtype.newbyteorder("="))
