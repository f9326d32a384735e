"""VOTables as a TAP service sends them, and as a client uploads them."""

from io import BytesIO
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd
from astropy.io.votable import parse_single_table

_DATATYPES = {"i": "long", "u": "long", "f": "double", "b": "boolean"}


def read_votable(content: bytes) -> pd.DataFrame:
    """The single table of a VOTable document."""
    return parse_single_table(BytesIO(content)).to_table(use_names_over_ids=True).to_pandas()


def write_votable(table: pd.DataFrame, overflow: bool = False) -> bytes:
    """A VOTable document with ``table`` as TABLEDATA; blank cells are nulls."""
    fields, cells = [], []
    for name in table.columns:
        values = table[name]
        kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else "O"
        if kind in _DATATYPES:
            datatype = f'datatype="{_DATATYPES[kind]}"'
        else:
            datatype = 'datatype="char" arraysize="*"'
        fields.append(f"<FIELD name={quoteattr(str(name))} {datatype}/>")
        cells.append([_cell(value) for value in values.tolist()])
    rows = "\n".join("<TR>" + "".join(row) + "</TR>" for row in zip(*cells, strict=True))
    after = '\n<INFO name="QUERY_STATUS" value="OVERFLOW"/>' if overflow else ""
    return _document(
        '<INFO name="QUERY_STATUS" value="OK"/>\n<TABLE>\n'
        + "\n".join(fields)
        + f"\n<DATA><TABLEDATA>\n{rows}\n</TABLEDATA></DATA>\n</TABLE>{after}"
    )


def write_error(message: str) -> bytes:
    """A VOTable document that says why a query failed."""
    return _document(f'<INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO>')


def _cell(value) -> str:
    if value is None or value != value:
        return "<TD/>"
    text = repr(value) if isinstance(value, float) else escape(str(value))
    return f"<TD>{text}</TD>"


def _document(content: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        f'<RESOURCE type="results">\n{content}\n</RESOURCE>\n</VOTABLE>\n'
    ).encode()
