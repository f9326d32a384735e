"""Translate one spectroscopic survey onto another's base, and prove the catalogue that results."""

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["Translation", "__version__"]


def __getattr__(name: str) -> object:
    if name == "Translation":
        return import_module("spectrotranslator.python_api").Translation
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
