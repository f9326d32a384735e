"""Tables of the user that a translation is validated with: cluster members and benchmark stars."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from spectrotranslator.config import Configuration
from spectrotranslator.config.setting import label as plain_label
from spectrotranslator.errors import InputError
from spectrotranslator.surveys.table_files import read_table_file, to_frame

LARGEST_BYTES = 100_000_000
MOST_CLUSTERS = 200
IDENTIFIER = "source_id"


def all_labels(configuration: Configuration) -> list[str]:
    """Labels of all bases of a run, each once."""
    kinds = [one for d in configuration.directions.values() for one in d.networks.values()]
    return list(dict.fromkeys(label for kind in kinds for label in kind.outputs))


def read_members(path: Path) -> pd.DataFrame:
    """Members of clusters: ``cluster`` and ``source_id``, a row a star.

    Parameters
    ----------
    path : Path
        A table with these two columns; others are not read.

    Raises
    ------
    InputError
        A column is not there, a name or an identifier is none, a star stands twice, or the table is
        empty or too large.
    """
    table = to_frame(path, _read(path), ["cluster", IDENTIFIER])
    _check_identifiers(path, table)
    for row, name in enumerate(table["cluster"], 1):
        try:
            plain_label("" if pd.isna(name) else str(name))
        except ValueError as error:
            raise InputError(f"{path}, row {row}: cluster: {error}") from None
    table["cluster"] = table["cluster"].astype(str)
    count = table["cluster"].nunique()
    if count > MOST_CLUSTERS:
        raise InputError(f"{path}: {count} clusters, at most {MOST_CLUSTERS} are validated")
    return table


def read_benchmarks(path: Path, labels: Collection[str]) -> pd.DataFrame:
    """Benchmark stars: ``source_id``, and for each label its value and ``LABEL_error``.

    Parameters
    ----------
    path : Path
        A table with ``source_id`` and at least one of the labels with its error.
    labels : collection of str
        Labels that a run can compare, in any of its bases.

    Returns
    -------
    DataFrame
        A row a star; a value that is not known is NaN. Columns of other names are left out.

    Raises
    ------
    InputError
        No label is there, one has no error, a value is no number, an error is not positive, an
        identifier is none, a star stands twice, or the table is empty or too large.
    """
    found = _read(path)
    there = [name for name in labels if name in found.colnames]
    if not there:
        raise InputError(
            f"{path}: has no column of a label; give one of {', '.join(labels)}, with LABEL_error"
        )
    table = to_frame(path, found, [IDENTIFIER, *(n for x in there for n in (x, f"{x}_error"))])
    _check_identifiers(path, table)
    for name in table.columns.drop(IDENTIFIER):
        try:
            table[name] = table[name].astype("Float64").to_numpy(np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            raise InputError(f"{path}: column {name!r} holds a value that is no number") from None
    for name in there:
        known, error = np.isfinite(table[name]), table[f"{name}_error"]
        if len(bad := np.flatnonzero(known & ~(error > 0))):
            raise InputError(
                f"{path}, row {bad[0] + 1}: {name}_error is not positive; leave {name} empty or "
                "give its error"
            )
    return table


def _read(path: Path):
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if path.suffix.lower() == ".gz":
        raise InputError(f"{path}: a list of stars is read unpacked; unpack it")
    if size > LARGEST_BYTES:
        raise InputError(f"{path}: {size} bytes, more than {LARGEST_BYTES} of a list of stars")
    return read_table_file(path)


def _check_identifiers(path: Path, table: pd.DataFrame) -> None:
    if table.empty:
        raise InputError(f"{path}: holds no row")
    ids = table[IDENTIFIER]
    if ids.dtype.kind not in "iu" or ids.isna().any() or (ids <= 0).any() or (ids >= 2**63).any():
        raise InputError(f"{path}: column {IDENTIFIER!r} must hold a Gaia identifier in every row")
    twice = np.flatnonzero(ids.duplicated())
    if twice.size:
        star = ids[twice[0]]
        raise InputError(f"{path}, row {twice[0] + 1}: star {star} stands there twice; keep one")
    table[IDENTIFIER] = ids.astype("int64")
