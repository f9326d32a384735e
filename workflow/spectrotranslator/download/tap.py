"""Questions to a Table Access Protocol service: rows by their ids, uploaded a chunk at a time."""

import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from astropy.io import votable
from astropy.io.votable.exceptions import W51
from astropy.io.votable.tree import Info, Resource, TableElement, VOTableFile
from astropy.table import Column, Table

from spectrotranslator.errors import InputError
from spectrotranslator.untrusted import check_votable, printable

from .content_check import is_json, is_page
from .http import RetryPolicy, TransferError, answer, read_body

UPLOAD = "ids"
ANSWER_BYTES = 500_000_000
LONGEST_WORDS = 300


@dataclass(frozen=True)
class Answer:
    """Rows of a query, and whether the service says that it left some out."""

    table: Table
    overflow: bool


def columns_query(table: str) -> str:
    """ADQL for the names of a table's columns; VizieR lists a table under its name in quotes."""
    names = f"""'{table}', '"{table}"'"""
    return f"SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name IN ({names})"


def ask(
    url: str,
    query: str,
    retry: RetryPolicy,
    ids: np.ndarray | None = None,
    rows: int | None = None,
) -> Answer:
    """The answer to one synchronous query, once.

    Parameters
    ----------
    url
        Base address of the service, as in the registry.
    ids
        int64 ids, uploaded as ``TAP_UPLOAD.ids`` with the one column ``source_id``.
    rows
        The most rows wanted (MAXREC).

    Raises
    ------
    TransferError
        No whole answer; a message of the service is handed on.
    """
    fields = {"REQUEST": "doQuery", "LANG": "ADQL", "FORMAT": "votable", "QUERY": query}
    if rows is not None:
        fields["MAXREC"] = str(rows)
    content: dict = {"data": fields}
    if ids is not None:
        fields["UPLOAD"] = f"{UPLOAD},param:{UPLOAD}"
        content["files"] = {UPLOAD: ("ids.xml", _as_votable(ids), "application/x-votable+xml")}
    with answer(
        f"{url}/sync", retry, method="POST", fine=(200, 400), words=service_words, **content
    ) as response:
        body = read_body(response, ANSWER_BYTES, retry)
        refused = response.status_code != 200
    if refused and (words := service_words(body)):
        raise TransferError(f"the service refuses: {words}")
    return _parsed(body)


def service_words(body: bytes) -> str:
    """What a service says in its refusal, a VOTable or plain text, in one line; may be empty."""
    if not body.lstrip().startswith(b"<"):
        return printable(" ".join(body.decode("utf-8", "replace").split()), LONGEST_WORDS)
    try:
        check_votable(body, "answer")
        document = votable.parse(io.BytesIO(body), verify="ignore")
    except Exception:
        return ""
    told = [i.content for i in _infos(document) if i.name == "QUERY_STATUS" and i.value == "ERROR"]
    return printable(" ".join((told[0] or "").split()), LONGEST_WORDS) if told else ""


def _as_votable(ids: np.ndarray) -> bytes:
    stream = io.BytesIO()
    table = Table({"source_id": np.asarray(ids, dtype=np.int64)})
    votable.writeto(votable.from_table(table), stream, tabledata_format="binary2")
    return stream.getvalue()


def _parsed(body: bytes) -> Answer:
    if is_page(body[:1000]):
        raise TransferError("an HTML page came instead of a table")
    if is_json(body[:1000]):
        raise TransferError(f"the service refuses: {service_words(body)}")
    try:
        check_votable(body, "answer")
        document = _read(body)
    except InputError as error:
        raise TransferError(f"the answer is no whole VOTable ({error})") from None
    except TransferError:
        raise
    except Exception as error:
        raise TransferError(
            f"the answer is no whole VOTable ({printable(' '.join(str(error).split()))})"
        ) from None
    status = [info for info in _infos(document) if info.name == "QUERY_STATUS"]
    for info in status:
        if info.value == "ERROR":
            words = " ".join((info.content or "no reason given").split())
            raise TransferError(f"the service refuses: {printable(words, LONGEST_WORDS)}")
    tables = list(document.iter_tables())
    if len(tables) != 1:
        raise TransferError(f"{len(tables)} tables came, not one")
    return Answer(_plain(tables[0]), any(info.value == "OVERFLOW" for info in status))


def _read(body: bytes) -> VOTableFile:
    """The document; a value that does not fit the type of its column is an error, not clipped."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        document = votable.parse(io.BytesIO(body), verify="warn")
    for warning in told:
        if isinstance(warning.message, W51):
            raise TransferError(f"a value does not fit its column ({printable(warning.message)})")
    return document


def _infos(document: VOTableFile) -> list[Info]:
    resources: list[Resource] = document.resources
    tables: list[TableElement] = list(document.iter_tables())
    return [info for part in (document, *resources, *tables) for info in part.infos]


def _plain(table: TableElement) -> Table:
    return table.to_table(use_names_over_ids=True)


def in_order(table: Table, asked: Sequence[str]) -> list[Column]:
    """The columns of an answer in the order they were asked for, found by name.

    Parameters
    ----------
    table : astropy.table.Table
        The answer.
    asked : sequence of str
        Names as the query has them; services may write other letters' case and signs.

    Returns
    -------
    list of astropy.table.Column
        One column a name.

    Raises
    ------
    TransferError
        Another number of columns came, or one does not bear a name that was asked for.
    """
    if len(table.colnames) != len(asked):
        raise TransferError(f"{len(table.colnames)} columns came, not {len(asked)}")
    found = {_folded(name): table[name] for name in table.colnames}
    lacking = [name for name in asked if _folded(name) not in found]
    if lacking or len(found) != len(asked):
        shown = ", ".join(printable(name, 60) for name in table.colnames)
        raise TransferError(f"no column {(lacking or asked)[0]!r} came, but {shown}")
    return [found[_folded(name)] for name in asked]


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.rpartition(".")[2].lower())


def to_arrow(table: Table, names: list[str], asked: Sequence[str] | None = None) -> pa.Table:
    """The columns in their order under ``names``: the first int64, the others float64 or null.

    Parameters
    ----------
    table : astropy.table.Table
        The answer.
    names : list of str
        Our names.
    asked : sequence of str, optional
        The names as the query has them; by default ours.

    Raises
    ------
    TransferError
        Other columns came, or one is not a number.
    """
    columns = []
    for place, column in enumerate(in_order(table, asked or names)):
        mask = np.ma.getmaskarray(np.ma.asarray(column))
        values = np.ma.getdata(np.ma.asarray(column))
        if values.ndim != 1 or values.dtype.kind not in ("fiu" if place else "iu"):
            raise TransferError(f"column {printable(column.name)} does not hold numbers")
        values = values.astype(np.float64 if place else np.int64)
        columns.append(pa.array(values, mask=mask | (values != values)))
    return pa.table(columns, names=names)
