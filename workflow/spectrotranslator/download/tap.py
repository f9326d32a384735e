"""Questions to a Table Access Protocol service: rows by their ids, uploaded a chunk at a time."""

import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from astropy.io import votable
from astropy.io.votable.tree import Info, Resource, TableElement, VOTableFile
from astropy.table import Table

from cdstables.votable_file import parse_document
from spectrotranslator.errors import InputError

from .http import RetryPolicy, TransferError, answer

UPLOAD = "ids"


@dataclass(frozen=True)
class Answer:
    """Rows of a query, and whether the service says that it left some out."""

    table: Table
    overflow: bool


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
    with answer(f"{url}/sync", retry, method="POST", fine=(200, 400), **content) as response:
        body = response.content
        packed = response.headers.get("Content-Encoding", "identity") != "identity"
        announced = "" if packed else response.headers.get("Content-Length", "")
    if announced.isdigit() and len(body) != int(announced):
        raise TransferError(f"{len(body)} of {announced} bytes of the answer came")
    return _parsed(body)


def _as_votable(ids: np.ndarray) -> bytes:
    stream = io.BytesIO()
    table = Table({"source_id": np.asarray(ids, dtype=np.int64)})
    votable.writeto(votable.from_table(table), stream, tabledata_format="binary2")
    return stream.getvalue()


def _parsed(body: bytes) -> Answer:
    if body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise TransferError("an HTML page came instead of a table")
    try:
        document = parse_document(body, "the answer")
    except InputError as error:
        told = str(error).replace("the answer: no VOTable", "the answer is no whole VOTable")
        raise TransferError(told) from None
    status = [info for info in _infos(document) if info.name == "QUERY_STATUS"]
    for info in status:
        if info.value == "ERROR":
            words = " ".join((info.content or "no reason given").split())
            raise TransferError(f"the service refuses: {words[:300]}")
    tables = list(document.iter_tables())
    if len(tables) != 1:
        raise TransferError(f"{len(tables)} tables came, not one")
    return Answer(_plain(tables[0]), any(info.value == "OVERFLOW" for info in status))


def _infos(document: VOTableFile) -> list[Info]:
    resources: list[Resource] = document.resources
    tables: list[TableElement] = list(document.iter_tables())
    return [info for part in (document, *resources, *tables) for info in part.infos]


def _plain(table: TableElement) -> Table:
    return table.to_table(use_names_over_ids=True)


def to_arrow(table: Table, names: list[str]) -> pa.Table:
    """The columns in their order under ``names``: the first int64, the others float64 or null.

    Raises
    ------
    TransferError
        Another number of columns came, or one is not a number.
    """
    if len(table.colnames) != len(names):
        raise TransferError(f"{len(table.colnames)} columns came, not {len(names)}")
    columns = []
    for place, column in enumerate(table.columns.values()):
        mask = np.ma.getmaskarray(np.ma.asarray(column))
        values = np.ma.getdata(np.ma.asarray(column))
        try:
            values = values.astype(np.float64 if place else np.int64)
        except (TypeError, ValueError):
            raise TransferError(f"column {column.name} does not hold numbers") from None
        columns.append(pa.array(values, mask=mask | (values != values)))
    return pa.table(columns, names=names)
