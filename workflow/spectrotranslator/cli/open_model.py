"""A trained direction, be it a run's folder or an exported file."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from spectrotranslator.config.setting import PLAIN
from spectrotranslator.errors import InputError
from spectrotranslator.translation.portable_model import read_model
from spectrotranslator.translation.trained_networks import Trained


def open_model(path: Path) -> Trained:
    """The networks in a direction's folder or in a file of ``./reproduce export``.

    Raises
    ------
    InputError
        There are none, or a file was damaged or changed.
    """
    return _exported(path) if path.is_file() else Trained(path)


def _exported(path: Path) -> Trained:
    manifest, members = read_model(path)
    names = [manifest.get("method"), manifest.get("direction")]
    if not all(isinstance(name, str) and re.fullmatch(PLAIN, name) for name in names):
        raise InputError(f"{path}: names no method or direction; export it again")
    unpacked = TemporaryDirectory(prefix="model-")
    folder = Path(unpacked.name)
    for name, content in members.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    try:
        trained = Trained(folder.joinpath("networks", *names))
    except InputError as error:
        raise InputError(str(error).replace(f"{folder.resolve()}", str(path))) from None
    trained.unpacked = unpacked  # the files stay as long as they may be read
    return trained
