"""Text of somebody else's, made safe to show."""

from typing import Any


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
