"""VOTables that would open other files or addresses are refused."""

import xml.parsers.expat
from typing import Any, NoReturn

from spectrotranslator.errors import InputError

from .printable_text import printable

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
