"""Translate one spectroscopic survey onto another's base, and prove the catalogue that results."""

__version__ = "0.1.0"
