"""The archive's Table Access Protocol: synchronous and asynchronous queries with uploads."""

import re
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape

import pandas as pd

from .adql import QueryError, run_query
from .faults import Fault
from .votable import read_votable, write_error, write_votable

if TYPE_CHECKING:
    from .mock_archive import Archive

VOTABLE = "application/x-votable+xml"
XML = "text/xml"
ROW_LIMIT = 2_000_000
Reply = tuple[int, bytes, str, dict[str, str]]
_UWS = 'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'


def answer_tap(
    archive: "Archive",
    method: str,
    url: str,
    content_type: str,
    content: bytes,
    fault: Fault | None,
) -> Reply:
    """Status, body, content type and headers of the answer to one TAP request."""
    parts = urlsplit(url)
    base = "/" + parts.path.strip("/").split("/")[0]
    resource = parts.path.removeprefix(base).strip("/")
    fields, files = _form(parts.query, content_type, content)
    if resource == "sync":
        return _query(archive, fields, files, fault)
    if resource == "async" and method == "POST":
        job = str(len(archive.jobs) + 1)
        archive.jobs[job] = {"fields": fields, "files": files, "phase": "PENDING", "reply": None}
        _set_phase(archive, job, fields, fault)
        return 303, b"", XML, {"Location": f"{archive.url}/tap/async/{job}"}
    if resource.startswith("async/"):
        return _job(archive, method, resource.split("/")[1:], fields, fault)
    if resource == "availability":
        return 200, _AVAILABILITY, XML, {}
    if resource == "capabilities":
        return 200, _CAPABILITIES.replace("BASE", f"{archive.url}/tap").encode(), XML, {}
    if resource == "tables":
        return 200, _tables(archive), XML, {}
    return 404, b"not found\n", "text/plain", {}


def _form(query: str, content_type: str, content: bytes) -> tuple[dict, dict[str, bytes]]:
    fields = {key.upper(): value for key, value in parse_qsl(query)}
    files: dict[str, bytes] = {}
    if content_type.startswith("multipart/form-data"):
        # a boundary may hold what only quotes allow, and clients send it bare
        quoted = re.sub(r'boundary=([^";]+)', r'boundary="\1"', content_type)
        head = f"Content-Type: {quoted}\r\n\r\n".encode()
        for part in BytesParser(policy=HTTP).parsebytes(head + content).iter_parts():
            name = part.get_param("name", header="Content-Disposition")
            payload = part.get_payload(decode=True)
            if part.get_filename() is None:
                fields[name.upper()] = payload.decode()
            else:
                files[name] = payload
    elif content:
        fields |= {key.upper(): value for key, value in parse_qsl(content.decode())}
    return fields, files


def _query(archive: "Archive", fields: dict, files: dict[str, bytes], fault: Fault | None) -> Reply:
    kind = fault.kind if fault else ""
    try:
        if kind == "tap-error":
            raise QueryError("the archive is tired")
        query = fields.get("QUERY", "")
        tables = archive.tables.named_in(query) | _uploads(fields.get("UPLOAD", ""), files)
        answer = run_query(query, tables)
    except (QueryError, KeyError, ValueError) as error:
        return 400, write_error(str(error)), VOTABLE, {}
    limit = int(fields.get("MAXREC", ROW_LIMIT))
    if kind in ("tap-overflow", "tap-truncate"):
        limit = min(limit, int(fault.value))
    overflow = len(answer) > limit and kind != "tap-truncate"
    answer = answer.head(limit)
    if kind == "tap-missing":
        answer = answer.iloc[int(fault.value) :]
    if kind == "tap-double":
        answer = pd.concat([answer.head(int(fault.value)), answer])
    return 200, write_votable(answer, overflow), VOTABLE, {}


def _uploads(parameter: str, files: dict[str, bytes]) -> dict[str, pd.DataFrame]:
    tables = {}
    for item in filter(None, parameter.split(";")):
        name, source = item.split(",", 1)
        if not source.startswith("param:") or source.removeprefix("param:") not in files:
            raise QueryError(f"upload {name}: no content for {source}")
        tables[f"TAP_UPLOAD.{name}"] = read_votable(files[source.removeprefix("param:")])
    return tables


def _set_phase(archive: "Archive", job: str, fields: dict, fault: Fault | None) -> None:
    state = archive.jobs[job]
    if fields.get("PHASE") == "RUN" and state["reply"] is None:
        state["reply"] = _query(archive, state["fields"], state["files"], fault)
        state["phase"] = "COMPLETED" if state["reply"][0] == 200 else "ERROR"
    elif fields.get("PHASE") == "ABORT":
        state["phase"] = "ABORTED"


def _job(
    archive: "Archive", method: str, path: list[str], fields: dict, fault: Fault | None
) -> Reply:
    job, *rest = path
    if job not in archive.jobs:
        return 404, b"no such job\n", "text/plain", {}
    here = f"{archive.url}/tap/async/{job}"
    state = archive.jobs[job]
    if method == "DELETE" or fields.get("ACTION") == "DELETE":
        del archive.jobs[job]
        return 200, b"", "text/plain", {}
    if method == "POST":
        _set_phase(archive, job, fields, fault)
        return 303, b"", XML, {"Location": here}
    if rest == ["phase"]:
        return 200, state["phase"].encode(), "text/plain", {}
    if rest and rest[0] in ("results", "error") and state["reply"]:
        return 200, state["reply"][1], VOTABLE, {}
    return 200, _describe(job, state, here), XML, {}


def _describe(job: str, state: dict, here: str) -> bytes:
    done = state["phase"] == "COMPLETED"
    result = f'<uws:result id="result" xlink:href="{here}/results/result"/>' if done else ""
    failed = state["phase"] == "ERROR"
    error = ""
    if failed:
        error = '<uws:errorSummary type="fatal" hasDetail="true"><uws:message>query failed'
        error += "</uws:message></uws:errorSummary>"
    return (
        f'<?xml version="1.0"?>\n<uws:job {_UWS} version="1.1"><uws:jobId>{job}</uws:jobId>'
        f"<uws:phase>{state['phase']}</uws:phase><uws:executionDuration>600</uws:executionDuration>"
        f"<uws:parameters/><uws:results>{result}</uws:results>{error}</uws:job>\n"
    ).encode()


def _tables(archive: "Archive") -> bytes:
    types = {"i": "BIGINT", "f": "DOUBLE", "b": "SMALLINT"}
    text = []
    for name, table in archive.tables.items():
        columns = "".join(
            f"<column><name>{escape(str(column))}</name><dataType xsi:type='vs:TAPType'>"
            f"{types.get(getattr(values.dtype, 'kind', 'O'), 'VARCHAR')}</dataType></column>"
            for column, values in table.items()
        )
        text.append(f"<table><name>{escape(name)}</name>{columns}</table>")
    return (
        '<?xml version="1.0"?>\n<vosi:tableset xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0"'
        ' xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><schema><name>default</name>'
        + "".join(text)
        + "</schema></vosi:tableset>\n"
    ).encode()


_AVAILABILITY = (
    b'<?xml version="1.0"?>\n<vosi:availability '
    b'xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">'
    b"<vosi:available>true</vosi:available></vosi:availability>\n"
)
_CAPABILITIES = """<?xml version="1.0"?>
<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0"
 xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">
<interface role="std" xsi:type="vs:ParamHTTP"><accessURL use="base">BASE</accessURL></interface>
<language><name>ADQL</name><version ivo-id="ivo://ivoa.net/std/ADQL#v2.0">2.0</version></language>
<outputFormat><mime>application/x-votable+xml</mime><alias>votable</alias></outputFormat>
<uploadMethod ivo-id="ivo://ivoa.net/std/TAPRegExt#upload-inline"/>
<outputLimit><default unit="row">2000000</default><hard unit="row">2000000</hard></outputLimit>
</capability>
</vosi:capabilities>
"""
