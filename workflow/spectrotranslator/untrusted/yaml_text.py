"""YAML, bounded and without what surprises."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from spectrotranslator.errors import InputError

from .printable_text import printable

YAML_BYTES = 1_000_000
YAML_DEPTH = 50
YAML_NODES = 100_000
MOST_DIGITS = 20
LONGEST_NUMBER = 100


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"


def parse_yaml(text: str, where: str) -> Any:
    """The value that a YAML text holds, bounded and without what surprises.

    Anchors, aliases and merge keys work as usual. Dates stay texts.

    Parameters
    ----------
    text : str
        The YAML text, of at most 1 MB.
    where : str
        The file's name, for errors.

    Returns
    -------
    object
        The value: None, bool, int, float, str, list or dict with texts as keys.

    Raises
    ------
    InputError
        It is not YAML, or holds more than one document, a key twice, a key that is not text, a
        tag of its own, an integer of more than 20 digits, an alias of what contains it, more
        than 100,000 values with all aliases written out, or more than 50 levels; the line is
        named.

    Examples
    --------
    >>> parse_yaml("seeds: [1, 2]", "mini.yaml")
    {'seeds': [1, 2]}
    """
    where = printable(where)
    node = _yaml_node(text, where)
    loader = _Loader("")
    try:
        return None if node is None else _YamlReader(where, loader).value(node)
    finally:
        loader.dispose()


def yaml_line(text: str, location: Iterable[str | int], where: str) -> int | None:
    """The line on which a setting of a YAML text stands.

    Parameters
    ----------
    text : str
        The YAML text.
    location : iterable of str or int
        Keys and places in lists that lead to the setting.
    where : str
        The file's name, for errors.

    Returns
    -------
    int or None
        The line, counted from 1, of the deepest part of ``location`` that is there; None where
        not even the first is.

    Raises
    ------
    InputError
        The text is not YAML, or breaks a bound of :func:`parse_yaml`.
    """
    node = _yaml_node(text, printable(where))
    line = None
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == str(part)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            pairs = [(item, item) for item in node.value[part : part + 1]]
        else:
            break
        if not pairs:
            break
        line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
    return line


def _yaml_node(text: str, where: str) -> yaml.Node | None:
    """The tree of nodes of a YAML text that keeps all bounds; nothing is constructed from it."""
    try:
        if len(text.encode("utf-8")) > YAML_BYTES:
            raise InputError(f"{where}: larger than {YAML_BYTES} bytes")
        _check_yaml(text, where)
        return yaml.compose(text, Loader=_Loader)
    except UnicodeEncodeError:
        raise InputError(f"{where}: not Unicode text") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = f"{where}, line {mark.line + 1}" if mark else where
        raise InputError(f"{spot}: not YAML ({printable(error.problem)})") from None
    except yaml.YAMLError as error:
        reason = printable(" ".join(str(error).split()))
        raise InputError(f"{where}: not YAML ({reason})") from None


@dataclass
class _Size:
    """How many nodes and levels a part of a YAML text has, with all aliases written out."""

    anchor: str | None = None
    nodes: int = 1
    levels: int = 1

    def add(self, part: "_Size") -> None:
        self.nodes += part.nodes
        self.levels = max(self.levels, part.levels + 1)


def _check_yaml(text: str, where: str) -> None:
    """Refuse what is too deep or too large before anything walks the tree recursively."""
    opened: list[_Size] = []
    anchors: dict[str, _Size | None] = {}
    for event in yaml.parse(text, Loader=_Loader):
        part = None
        if isinstance(event, yaml.AliasEvent):
            part = _aliased(event, anchors, where)
        elif isinstance(event, yaml.ScalarEvent):
            part = anchors[event.anchor or ""] = _Size()
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append(_Size(event.anchor))
            anchors[event.anchor or ""] = None
        elif isinstance(event, yaml.CollectionEndEvent):
            part = opened.pop()
            anchors[part.anchor or ""] = part
        if part is not None and opened:
            opened[-1].add(part)
        _check_yaml_size(event, where, len(opened), part or _Size())


def _check_yaml_size(event: yaml.Event, where: str, opened: int, part: _Size) -> None:
    spot = f"{where}, line {event.start_mark.line + 1}"
    if opened > YAML_DEPTH or opened + part.levels > YAML_DEPTH + 1:
        raise InputError(f"{spot}: nested deeper than {YAML_DEPTH} levels")
    if part.nodes > YAML_NODES:
        raise InputError(f"{spot}: more than {YAML_NODES} values, aliases written out")


def _aliased(event: yaml.AliasEvent, anchors: dict[str, _Size | None], where: str) -> _Size:
    spot = f"{where}, line {event.start_mark.line + 1}"
    if event.anchor not in anchors:
        raise InputError(f"{spot}: no anchor '{printable(event.anchor)}' above")
    size = anchors[event.anchor]
    if size is None:
        raise InputError(f"{spot}: alias '{printable(event.anchor)}' contains itself")
    return size


class _YamlReader:
    """Makes plain values of the nodes of a checked YAML text."""

    def __init__(self, where: str, loader: Any):
        self.where = where
        self.scalars = {
            "null": lambda node: None,
            "bool": loader.construct_yaml_bool,
            "int": loader.construct_yaml_int,
            "float": loader.construct_yaml_float,
            "str": lambda node: node.value,
            "timestamp": lambda node: node.value,
            "value": lambda node: node.value,
        }

    def value(self, node: yaml.Node) -> Any:
        """The value of ``node`` and all below it."""
        tag = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and tag == "map":
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode) and tag == "seq":
            return [self.value(item) for item in node.value]
        if isinstance(node, yaml.ScalarNode) and tag in self.scalars:
            return self._scalar(node, tag)
        return self._refuse(node, f"unknown tag '{printable(node.tag)}'")

    def _scalar(self, node: yaml.ScalarNode, tag: str) -> Any:
        digits = sum(character.isalnum() for character in node.value)
        if tag == "int" and digits > MOST_DIGITS:
            self._refuse(node, f"an integer of more than {MOST_DIGITS} digits")
        if tag == "float" and len(node.value) > LONGEST_NUMBER:
            self._refuse(node, f"a number of more than {LONGEST_NUMBER} characters")
        try:
            return self.scalars[tag](node)
        except (ValueError, LookupError, ArithmeticError):
            shown = printable(node.value)
            self._refuse(node, f"'{shown}' is not of the type '{tag}'")

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                # As in YAML's merge type: of several mappings, the first that has a key counts.
                merged = {**self._merged(value), **merged}
                continue
            name = self._key(key)
            if name in own:
                self._refuse(key, f"duplicate key '{printable(name)}'")
            own[name] = self.value(value)
        return {**merged, **own}

    def _merged(self, node: yaml.Node) -> dict[str, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                self._refuse(part, "'<<' takes a mapping or a list of mappings")
            merged = {**self.value(part), **merged}
        return merged

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._refuse(node, "a key is a list or mapping; a text is expected")
        if node.tag not in (f"{_TAG}str", f"{_TAG}value"):
            shown = printable(node.value)
            self._refuse(node, f"key '{shown}' is not text; put it in quotes")
        # PyYAML takes 1e5 for text, YAML 1.2 for a number: readers disagree, so it is refused.
        if not node.style and re.fullmatch(r"[-+]?[0-9][0-9_.]*[eE][-+]?[0-9]+", node.value):
            self._refuse(node, f"key '{node.value}' may be read as a number; put it in quotes")
        return node.value

    def _refuse(self, node: yaml.Node, reason: str) -> NoReturn:
        raise InputError(f"{self.where}, line {node.start_mark.line + 1}: {reason}")
