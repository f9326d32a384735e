"""What a run is: the model of its configuration, and the files it is read from."""

from .load import dump, load, resolve
from .model import Configuration

__all__ = ["Configuration", "dump", "load", "resolve"]
