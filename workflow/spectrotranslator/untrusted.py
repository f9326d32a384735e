"""Readers for files, texts and paths that may come from somebody else.

A received run, configuration, model, manifest or archive is data: reading it executes nothing,
leaves no folder, follows no link that was not asked for, and is bounded in time and memory.
Whatever is not as expected ends in an :class:`InputError` of one line.
"""

import gzip
import hashlib
import io
import json
import math
import os
import re
import stat
import tarfile
import xml.parsers.expat
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import yaml

from .errors import InputError

MOST_DIGITS = 20
LONGEST_NUMBER = 100
JSON_DEPTH = 100
YAML_BYTES = 1_000_000
YAML_DEPTH = 50
YAML_NODES = 100_000
LONGEST_PATH = 4_096


def printable(text: Any, limit: int = 200) -> str:
    r"""Text that is safe to show on a terminal.

    Parameters
    ----------
    text : object
        What is to be shown; anything but a ``str`` is converted with ``str`` first.
    limit : int
        Most characters of ``text`` that are shown; what follows is replaced by "...".

    Returns
    -------
    str
        One line: control characters, line ends, surrogates and characters that change the
        direction of writing are escaped as Python's ``repr`` does.

    Examples
    --------
    >>> printable("whole" + chr(27) + "[2K")
    'whole\\x1b[2K'
    """
    text = str(text)
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:limit])
    return shown + ("..." if len(text) > limit else "")


# Files


def read_bytes(path: str | Path, limit: int, *, links: bool = False) -> bytes:
    """The bytes of a regular file, bounded in size.

    Parameters
    ----------
    path : str or Path
        The file. A FIFO, device, socket or folder is refused and never waited for.
    limit : int
        Most bytes that the file may have.
    links : bool
        Whether ``path`` itself may be a symbolic link.

    Returns
    -------
    bytes
        The whole content.

    Raises
    ------
    InputError
        There is no such file, it may not be read, it is not a regular file, it is a link and links
        are not allowed, or it is larger than ``limit``.
    """
    shown = printable(path)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        _check_regular(shown, os.stat(path, follow_symlinks=links))  # noqa: PTH116
        descriptor = os.open(path, flags if links else flags | os.O_NOFOLLOW)
        with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123
            # Looked at once more: the name may have been given to another file in between.
            _check_regular(shown, os.fstat(descriptor))
            return _read_whole(shown, stream, limit)
    except FileNotFoundError:
        raise InputError(f"{shown}: no such file") from None
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror or error}") from None
    except ValueError:
        raise InputError(f"{shown}: not the name of a file") from None


def hash_regular(path: str | Path, limit: int) -> str:
    """SHA-256 of a regular file, which may be reached by a link, bounded in size.

    Parameters
    ----------
    path : str or Path
        The file. A FIFO, device, socket or folder is refused and never waited for.
    limit : int
        Most bytes that are read.

    Returns
    -------
    str
        The digest of at most ``limit + 1`` bytes, as hexadecimal text.

    Raises
    ------
    InputError
        It is not a regular file.
    OSError
        It is absent or may not be read.
    """
    shown, total, left = printable(path), hashlib.sha256(), limit + 1
    _check_regular(shown, os.stat(path))  # noqa: PTH116
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123
        _check_regular(shown, os.fstat(descriptor))
        while left and (block := stream.read(min(1 << 20, left))):
            total.update(block)
            left -= len(block)
    return total.hexdigest()


def _check_regular(shown: str, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise InputError(f"{shown}: a link, not a regular file")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{shown}: not a regular file")


def _read_whole(shown: str, stream: Any, limit: int) -> bytes:
    """All bytes of ``stream``, counted while they are read: a file may grow meanwhile."""
    content = bytearray()
    while block := stream.read(min(1 << 20, limit + 1 - len(content))):
        content += block
        if len(content) > limit:
            raise InputError(f"{shown}: larger than {limit} bytes")
    return bytes(content)


def read_text(path: str | Path, limit: int, *, links: bool = False) -> str:
    """The text of a regular UTF-8 file, bounded in size.

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
    str
        The text, with its line ends as they are.

    Raises
    ------
    InputError
        As for :func:`read_bytes`, or the file is not UTF-8; the byte is named.
    """
    content = read_bytes(path, limit, links=links)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f"{printable(path)}, line {line}"
        raise InputError(f"{where}: not UTF-8 text at byte {error.start}") from None


# JSON

_JSON_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*+(?:"|\\?\Z))
    |(?P<sign>[\[\]{}])
    |(?P<constant>NaN|-?Infinity)
    |(?P<number>-?[0-9][0-9.eE+-]*)""",
    re.VERBOSE | re.DOTALL,
)
_COLON = re.compile(r"[ \t\r\n]*:")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(text: str, where: str) -> Any:
    """The value that a JSON text holds, without what JSON readers disagree on.

    Parameters
    ----------
    text : str
        The JSON text.
    where : str
        The file's name, for errors.

    Returns
    -------
    object
        The value.

    Raises
    ------
    InputError
        It is not JSON, names a key twice, has a number that is not finite, an integer of more
        than 20 digits, half of a surrogate pair, or is nested deeper than 100 levels; the line
        and column are named.

    Examples
    --------
    >>> parse_json('{"epochs": 200}', "training.json")
    {'epochs': 200}
    """
    _check_json(text, printable(where))
    try:
        value = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        _refuse_json(text, printable(where), error.pos, f"not JSON ({error.msg})")
    except (UnicodeEncodeError, ValueError, RecursionError):
        raise InputError(f"{printable(where)}: not JSON in Unicode") from None
    return value


def _check_json(text: str, where: str) -> None:
    """Refuse, by their place, what the JSON reader itself would take or not survive."""
    opened: list[set[str] | None] = []
    for token in _JSON_TOKEN.finditer(text):
        piece, start = token.group(), token.start()
        if token.lastgroup == "sign":
            if piece in "[{":
                opened.append(set() if piece == "{" else None)
            elif opened:
                opened.pop()
            if len(opened) > JSON_DEPTH:
                _refuse_json(text, where, start, f"nested deeper than {JSON_DEPTH} levels")
        elif token.lastgroup == "constant":
            _refuse_json(text, where, start, f"{piece} is not a number of JSON")
        elif token.lastgroup == "number":
            if fault := _number_fault(piece):
                _refuse_json(text, where, start, fault)
        elif opened and opened[-1] is not None and _COLON.match(text, token.end()):
            key = _json_key(piece)
            if key in opened[-1]:
                _refuse_json(text, where, start, f"duplicate key '{printable(key)}'")
            opened[-1].add(key)


def _json_key(piece: str) -> str:
    try:
        return json.loads(piece)
    except ValueError:
        return piece


def _number_fault(piece: str) -> str:
    if piece.lstrip("-").isdigit():
        fault = len(piece.lstrip("-")) > MOST_DIGITS
        return f"an integer of more than {MOST_DIGITS} digits" if fault else ""
    if len(piece) > LONGEST_NUMBER:
        return f"a number of more than {LONGEST_NUMBER} characters"
    try:
        return "" if math.isfinite(float(piece)) else "a number that is not finite"
    except ValueError:
        return ""


def _refuse_json(text: str, where: str, position: int, reason: str) -> NoReturn:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    raise InputError(f"{where}, line {line}, column {column}: {reason}")


def read_json_object(path: str | Path, limit: int, *, links: bool = False) -> dict[str, Any]:
    """The object that a JSON file holds.

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
    dict
        The object.

    Raises
    ------
    InputError
        As for :func:`read_text` and :func:`parse_json`, or the file does not hold an object.
    """
    value = parse_json(read_text(path, limit, links=links), str(path))
    if not isinstance(value, dict):
        raise InputError(f"{printable(path)}: an object is expected")
    return value


# YAML

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


# Paths


def inside(folder: str | Path, name: Any, *, linked: Iterable[str | Path] = ()) -> Path:
    """The path of ``name``, which came from a file, inside ``folder``.

    Parameters
    ----------
    folder : str or Path
        The folder that must not be left.
    name : object
        The path, as the file has it.
    linked : iterable of str or Path
        Further folders into which a link inside ``folder`` may lead.

    Returns
    -------
    Path
        The path with all links resolved; nothing need be there.

    Raises
    ------
    InputError
        It is not text, is empty or absolute, has control characters, names the folder itself, or
        leads out of it, once links are resolved.

    Examples
    --------
    >>> inside("/tmp/run", "sources/../sources/ReadMe").name
    'ReadMe'
    """
    return _inside(folder, name, linked)[0]


def regular_inside(folder: str | Path, name: Any, *, linked: Iterable[str | Path] = ()) -> Path:
    """The path of ``name``, which came from a file: an existing regular file inside ``folder``.

    Parameters
    ----------
    folder : str or Path
        The folder that must not be left.
    name : object
        The path, as the file has it.
    linked : iterable of str or Path
        Further folders into which a link inside ``folder`` may lead.

    Returns
    -------
    Path
        The path with all links resolved.

    Raises
    ------
    InputError
        As for :func:`inside`, or there is no such file, it may not be looked at, or it is not
        a regular file.
    """
    path, shown = _inside(folder, name, linked)
    try:
        _check_regular(shown, path.lstat())
    except FileNotFoundError:
        raise InputError(f"{shown}: no such file") from None
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror or error}") from None
    return path


def _inside(folder: str | Path, name: Any, linked: Iterable[str | Path]) -> tuple[Path, str]:
    shown = f"'{printable(name)}'"
    if not isinstance(name, str) or not name:
        raise InputError(f"{shown}: not the name of a file")
    if len(name) > LONGEST_PATH or not name.isprintable():
        raise InputError(f"{shown}: too long for a path, or with control characters")
    if name.startswith("/"):
        raise InputError(f"{shown}: an absolute path; one inside {printable(folder)} is expected")
    try:
        root = os.path.realpath(folder)
        lexical = os.path.normpath(os.path.join(root, name))  # noqa: PTH118
        path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118
        roots = [root, *(os.path.realpath(other) for other in linked)]
    except (OSError, ValueError):
        raise InputError(f"{shown}: not the name of a file") from None
    if not _below(lexical, [root]) or not _below(path, roots):
        raise InputError(f"{shown}: leads out of {printable(folder)}")
    return Path(path), shown


def _below(path: str, roots: list[str]) -> bool:
    return any(path != root and os.path.commonpath([path, root]) == root for root in roots)


# Archives


@dataclass(frozen=True)
class TarLimits:
    """Bounds on a tar archive.

    Parameters
    ----------
    members : int
        Most members, folders included.
    member_bytes : int
        Most bytes of one member.
    total_bytes : int
        Most bytes of the whole archive, unpacked.
    """

    members: int = 10_000
    member_bytes: int = 50_000_000
    total_bytes: int = 200_000_000


def safe_tar_members(
    path: str | Path, limits: TarLimits | None = None
) -> Iterator[tuple[str, bytes]]:
    """The regular files of a tar archive, plain or gzipped; nothing is extracted.

    Parameters
    ----------
    path : str or Path
        The archive.
    limits : TarLimits, optional
        Its bounds.

    Yields
    ------
    tuple of str and bytes
        Name and content of each file, in the archive's order. Folders are left out.

    Raises
    ------
    InputError
        It is not a tar archive, breaks a bound, or has a member that is a link, device, sparse, of
        a duplicate name or leads out of the archive.
    """
    limits = limits or TarLimits()
    shown = printable(path)
    content = _unpacked(shown, read_bytes(path, limits.total_bytes), limits.total_bytes)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            yield from _members(shown, archive, limits)
            rest = content[archive.offset :]
    except (tarfile.TarError, ValueError, LookupError, ArithmeticError, OSError, RecursionError):
        raise InputError(f"{shown}: not a whole tar archive") from None
    # The reader takes a damaged header for the end; the end is two blocks of zeros.
    if len(rest) < 2 * tarfile.BLOCKSIZE or rest.strip(b"\0"):
        raise InputError(f"{shown}: not a whole tar archive")


def _unpacked(shown: str, content: bytes, limit: int) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            plain = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error):
        raise InputError(f"{shown}: its compression is damaged") from None
    if len(plain) > limit:
        raise InputError(f"{shown}: larger than {limit} bytes, unpacked")
    return plain


def _members(
    shown: str, archive: tarfile.TarFile, limits: TarLimits
) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    count = 0
    # Each member is looked at before the next: one of negative size would lead back to itself.
    while (member := archive.next()) is not None:
        count += 1
        if count > limits.members:
            raise InputError(f"{shown}: more than {limits.members} members")
        name = _member_name(shown, member.name, seen)
        if member.type == tarfile.DIRTYPE:
            continue
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            raise InputError(f"{shown}: member '{printable(name)}' is not a regular file")
        if not 0 <= member.size <= limits.member_bytes:
            raise InputError(f"{shown}: member '{printable(name)}' is too large")
        stream = archive.extractfile(member)
        content = b"" if stream is None else stream.read()
        if len(content) != member.size:
            raise InputError(f"{shown}: member '{printable(name)}' ends too early")
        yield name, content


def _member_name(shown: str, name: str, seen: set[str]) -> str:
    parts = name.removeprefix("./").split("/")
    plain = name.isprintable() and len(name) <= LONGEST_PATH
    if not plain or not name or any(part in ("", ".", "..") for part in parts):
        raise InputError(f"{shown}: member '{printable(name)}' does not stay in the archive")
    name = "/".join(parts)
    if name in seen:
        raise InputError(f"{shown}: duplicate member '{printable(name)}'")
    seen.add(name)
    return name


# VOTables

VOTABLE_DEPTH = 50


def check_votable(content: bytes, where: str) -> None:
    """Refuse a VOTable that would make its reader open another file or address.

    Parameters
    ----------
    content : bytes
        The document.
    where : str
        The file's name, for errors.

    Raises
    ------
    InputError
        It has a document type or entities, data in another place (``STREAM href``), too many
        levels, or is not XML.
    """
    where = printable(where)
    depth = 0

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > VOTABLE_DEPTH:
            raise InputError(f"{where}: nested deeper than {VOTABLE_DEPTH} levels")
        if name.rpartition(":")[2].upper() != "STREAM":
            return
        for key, value in attributes.items():
            if key.rpartition(":")[2].lower() == "href":
                shown = printable(value, 80)
                raise InputError(f"{where}: its data are elsewhere ({shown}), refused")

    def ended(name: str) -> None:
        nonlocal depth
        depth -= 1

    def declared(*_: Any) -> NoReturn:
        raise InputError(f"{where}: a document type or entities, refused")

    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = started, ended
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declared
    try:
        parser.Parse(content, True)
    except xml.parsers.expat.ExpatError as error:
        raise InputError(f"{where}: not XML ({printable(error)})") from None
    except (ValueError, LookupError):
        raise InputError(f"{where}: not XML of a known encoding") from None


# Weights

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
