"""The corner of ADQL that a fetch needs: one table or two joined, and simple conditions."""

import re

import pandas as pd

_NAME = r'(?:"[^"]+"|\w+)'
_WORDS = r"(?:JOIN|INNER|WHERE|ORDER|ON|USING|LEFT)\b"
_TABLE = (
    rf"(?P<{{0}}>{_NAME}(?:\.{_NAME})?)"
    rf"(?:\s+(?:AS\s+)?(?!{_WORDS})(?P<{{0}}_as>{_NAME}))?"
)
_QUERY = re.compile(
    r"^\s*SELECT\s+(?:TOP\s+(?P<top>\d+)\s+)?(?P<what>.+?)\s+FROM\s+"
    + _TABLE.format("left")
    + r"(?:\s+(?:INNER\s+)?JOIN\s+"
    + _TABLE.format("right")
    + rf"\s+(?:ON\s+(?P<on>[^=]+=\s*{_NAME}(?:\.{_NAME})?)|USING\s*\(\s*(?P<using>{_NAME})\s*\)))?"
    + r"(?:\s+WHERE\s+(?P<where>.+?))?(?:\s+ORDER\s+BY\s+(?P<order>.+?))?\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(
    rf"^\(?\s*(?P<column>{_NAME}(?:\.{_NAME})?)\s*"
    r"(?:(?P<op>=|<=|>=|<|>)\s*(?P<value>'[^']*'|[-+\d.eE]+)"
    r"|BETWEEN\s+(?P<low>[-+\d.eE]+)\s+AND\s+(?P<high>[-+\d.eE]+)"
    r"|IN\s*\((?P<list>[^)]*)\))\s*\)?$",
    re.IGNORECASE,
)

_AGGREGATE = re.compile(
    r"(?P<what>COUNT|MIN|MAX)\s*\(\s*(?P<column>\*|[^)]+?)\s*\)(?:\s+AS\s+(?P<name>\w+))?",
    re.IGNORECASE,
)


class QueryError(ValueError):
    """The query is not one that this archive understands; the message says why."""


def run_query(query: str, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The answer to ``query`` over ``tables`` (names as in the query, without their quotes)."""
    parsed = _QUERY.match(query)
    if not parsed:
        raise QueryError(f"cannot parse: {query[:200]}")
    left = _table(parsed["left"], tables)
    if parsed["right"]:
        left = _join(left, _table(parsed["right"], tables), parsed)
    if parsed["where"]:
        left = _filtered(left, parsed["where"])
    if parsed["order"]:
        column = _column(left, parsed["order"].split()[0])
        left = left.sort_values(column, kind="stable")
    selected = _selected(left, parsed["what"])
    return selected.head(int(parsed["top"])) if parsed["top"] else selected


def _table(name: str, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    known = {key.lower(): table for key, table in tables.items()}
    plain = name.replace('"', "").lower()
    if plain not in known:
        raise QueryError(f"unknown table {name}")
    return known[plain]


def _column(table: pd.DataFrame, reference: str) -> str:
    name = re.split(r'\.(?=(?:[^"]*"[^"]*")*[^"]*$)', reference.strip())[-1].replace('"', "")
    for column in table.columns:
        if column.lower() == name.lower():
            return column
    raise QueryError(f"unknown column {reference.strip()}")


def _join(left: pd.DataFrame, right: pd.DataFrame, parsed: re.Match) -> pd.DataFrame:
    if parsed["using"]:
        first, second = _column(left, parsed["using"]), _column(right, parsed["using"])
    else:
        one, other = parsed["on"].split("=")
        aliases = {(parsed["right_as"] or parsed["right"]).replace('"', "").lower()}
        if one.strip().rsplit(".", 1)[0].replace('"', "").lower() in aliases:
            one, other = other, one
        first, second = _column(left, one), _column(right, other)
    doubled = [name for name in right.columns if name in left.columns and name != second]
    right = right.drop(columns=doubled)
    if first == second:
        return left.merge(right, on=first, how="inner")
    return left.merge(right, left_on=first, right_on=second, how="inner")


def _filtered(table: pd.DataFrame, where: str) -> pd.DataFrame:
    for text in re.split(r"\s+AND\s+(?![-+\d.eE]+(?:\s|\)|$))", where, flags=re.IGNORECASE):
        condition = _CONDITION.match(text.strip())
        if not condition:
            raise QueryError(f"cannot parse the condition {text[:100]}")
        values = table[_column(table, condition["column"])]
        table = table[_mask(values, condition)]
    return table


def _mask(values: pd.Series, condition: re.Match) -> pd.Series:
    if condition["list"] is not None:
        return values.isin([_literal(text) for text in condition["list"].split(",")])
    if condition["low"] is not None:
        return values.between(_literal(condition["low"]), _literal(condition["high"]))
    value = _literal(condition["value"])
    compare = {"=": "eq", "<": "lt", ">": "gt", "<=": "le", ">=": "ge"}[condition["op"]]
    return getattr(values, compare)(value)


def _literal(text: str) -> int | float | str:
    text = text.strip()
    if text.startswith("'"):
        return text.strip("'")
    try:
        return int(text)
    except ValueError:
        return float(text)


def _selected(table: pd.DataFrame, what: str) -> pd.DataFrame:
    items = [part.strip() for part in what.split(",")]
    totals = [_AGGREGATE.fullmatch(item) for item in items]
    if all(totals):
        return pd.DataFrame(dict(_aggregate(table, total) for total in totals))
    chosen = {}
    for item in items:
        if item == "*" or item.endswith(".*"):
            chosen |= {name: table[name] for name in table.columns}
            continue
        parts = re.split(r"\s+AS\s+", item, flags=re.IGNORECASE)
        column = _column(table, parts[0])
        chosen[parts[1].strip('"') if len(parts) > 1 else column] = table[column]
    return pd.DataFrame(chosen)


def _aggregate(table: pd.DataFrame, total: re.Match) -> tuple[str, list]:
    what = total["what"].lower()
    name = total["name"] or what
    if total["column"] == "*":
        return name, [len(table)]
    return name, [getattr(table[_column(table, total["column"])], what)()]
