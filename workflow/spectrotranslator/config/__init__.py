"""What a run is: the model of its configuration, and the files it is read from."""

from .configuration import Configuration
from .loading import dump, load, resolve

__all__ = ["Configuration", "dump", "load", "resolve"]
