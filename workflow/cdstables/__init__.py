"""Byte-by-byte tables of the CDS: describe, read, write, check, convert."""

from importlib import import_module

__all__ = ["check", "read", "write"]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module("cdstables.tables"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
